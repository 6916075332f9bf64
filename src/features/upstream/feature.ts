/** Signing in with an account one has elsewhere: OpenID Connect and OAuth 2.0 providers, a row each. https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth */
import { formFields } from '../../flow/interaction_page.ts'
import { buttonForm } from '../../html/account_parts.ts'
import { say } from '../../lib/say.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { avatar } from './avatar.ts'
import { callback } from './callback.ts'
import { connect, connectStep } from './connect_step.ts'
import { connections } from './connections.ts'
import { start, startPath } from './start.ts'
import { connectionsPath } from './failure.ts'
import { formTargetsOf } from './form_targets.ts'
import { upstreamCheck } from './health.ts'
import { Links, sealedTokens } from './links.ts'
import { connectionsOf } from './operator_view.ts'
import { markOf, providerButtons } from './pages.ts'
import { connectionsIn, endSessionsThrough, eraseConnections, mayRemove, removeConnection } from './remove.ts'
import { problems } from './problems.ts'
import { env, findUpstream, upstreamsOf } from './settings.ts'
import { trials } from './trials.ts'

export const upstream = defineFeature({
  name: 'upstream',
  env,
  problems,
  trials,
  when: (config) => upstreamsOf(config).length > 0,
  endpoints: [start, callback, connect, connections],
  operation: { upstreams: connectionsOf, healthChecks: [upstreamCheck], sealedRecords: [sealedTokens] },
  loginMethods: [
    {
      name: 'upstream',
      async view(call, context, { handle }) {
        const { action, csrf, interaction } = formFields(call, context, startPath.slice(1), handle)
        return providerButtons({
          buttons: upstreamsOf(context.config).map((each) =>
            buttonForm({
              icon: markOf(each),
              action,
              csrf,
              name: `upstream_${each.id}`,
              text: say('upstream.continue_with', { provider: each.label }),
              fields: { interaction, provider: each.id },
            }),
          ),
        })
      },
      formTargets: formTargetsOf,
    },
  ],
  loginSteps: [connectStep],
  signInMethods: connectionsIn,
  accountSections: [
    {
      name: 'connections',
      path: connectionsPath,
      title: 'connections.title',
      order: 50,
      icon: 'link',
    },
  ],
})

/** Always on: after the last provider is removed from the configuration, stored pictures are still served, and connections are still exported and erased. */
export const upstreamRecords = defineFeature({
  name: 'upstream_records',
  endpoints: [avatar],
  personData: [
    {
      name: 'connections',
      async read(context, sub) {
        const kept = await Links.listOfUser(context, sub)
        return kept.map(({ id, link: { provider, issuer, subject, shown, created_at, used_at } }) => ({
          id,
          provider,
          issuer,
          subject,
          shown,
          created_at: new Date(created_at).toISOString(),
          used_at: new Date(used_at).toISOString(),
        }))
      },
      erase: eraseConnections,
      async removeOne(context, user, { id, dryRun }) {
        const kept = (await Links.listOfUser(context, user.sub)).find((each) => each.id === id)
        if (!kept) return { outcome: 'absent' }
        const { provider } = kept.link
        const name = findUpstream(context.config, provider)?.label ?? provider
        if (dryRun)
          return { outcome: (await mayRemove(context, user, kept)) ? 'removed' : 'kept', name, sessions: 0 }
        if (!(await removeConnection(context, user, kept))) return { outcome: 'kept', name, sessions: 0 }
        return {
          outcome: 'removed',
          name,
          sessions: await endSessionsThrough(context, user.sub, { provider }),
        }
      },
    },
  ],
})
