/** /account/connections: lists, adds and removes the upstream providers that an account can be signed in with. OWASP ASVS 5.0 V6.3.7 */
import { ownMember } from '../../lib/own_member.ts'
import type { Context } from '../../contracts/context.ts'
import { accountForm, signedInForm } from '../../flow/account_form.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { type SignedInPerson, pageOfPerson } from '../../flow/signed_in_person.ts'
import { stronglySignedIn } from '../../flow/second_factors.ts'
import { accountPage } from '../../flow/account_page.ts'
import { buttonForm, entry, entryList, paragraph } from '../../html/account_parts.ts'
import { query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { icon, tile } from '../../html/page_parts.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { changeAndTell, noteEvent } from '../../people/tell_owner.ts'
import type { Html } from '../../html/view.ts'
import { type Said, say } from '../../lib/say.ts'
import { redirectToProvider } from './start.ts'
import { connectionsPath, unknownProvider } from './failure.ts'
import { formTargetsOf } from './form_targets.ts'
import { type StoredLink, Links } from './links.ts'
import { markOf, providerButtons } from './pages.ts'
import { endSessionsThrough, removeConnection } from './remove.ts'
import { findUpstream, upstreamsOf } from './settings.ts'

const purpose = 'connections'

/** Notices by the value of `?done=` and `?problem=`. */
const done: Readonly<Record<string, Said>> = {
  connected: say('connections.connected'),
  removed: say('connections.removed'),
}
const problem: Readonly<Record<string, Said>> = { last: say('connections.last_way') }

export const connections = defineEndpoint({
  name: 'account_connections',
  path: connectionsPath,
  advertised: false,
  limited: true,
  page: true,
  get: pageOfPerson(connectionsPath, show),
  form: signedInForm(connectionsPath, purpose, stronglySignedIn),
  post: submit,
})

async function show(call: Call, context: Context, { user, session }: SignedInPerson): Promise<Reply> {
  const kept = await Links.listOfUser(context, user.sub)
  const { csrf, cookies } = accountForm(call, context, session, purpose)
  const form = { action: `${context.basePath}${connectionsPath}`, csrf }
  const { done: what = '', problem: why = '' } = query(call, context)
  const html = accountPage(context, {
    current: connectionsPath,
    title: say('connections.title'),
    done: ownMember(done, what),
    problem: ownMember(problem, why),
    main: [
      kept.length > 0
        ? entryList({ entries: kept.map((each) => entryOf(context, each, form)) })
        : paragraph({ text: say('connections.none') }),
      providerButtons({
        buttons: upstreamsOf(context.config).map((each) =>
          buttonForm({
            icon: markOf(each),
            ...form,
            name: `connect_${each.id}`,
            text: say('connections.add', { provider: each.label }),
            fields: { connect: each.id },
          }),
        ),
      }),
    ],
  })
  return { ...page(200, html), cookies, formTargets: formTargetsOf(context) }
}

function entryOf(context: Context, { id, link }: StoredLink, form: { action: string; csrf: string }): Html {
  const upstream = findUpstream(context.config, link.provider)
  const provider = upstream?.label ?? link.provider
  return entry({
    image: tile({ icon: upstream ? markOf(upstream) : icon('building-2') }),
    title: provider,
    lines: [
      say('connections.as', { identity: link.shown }),
      say('connections.used', { first: new Date(link.created_at), last: new Date(link.used_at) }),
    ],
    action: buttonForm({
      ...form,
      name: 'remove',
      text: say('connections.remove'),
      label: say('connections.remove_named', { provider, identity: link.shown }),
      fields: { connection: id },
    }),
  })
}

async function submit(
  call: Call,
  context: Context,
  { user, session, fields }: SignedInPerson & Submitted,
): Promise<Reply> {
  if (fields.connect !== undefined) {
    const upstream = findUpstream(context.config, fields.connect)
    if (!upstream) throw unknownProvider()
    const statePurpose = { kind: 'connect' as const, sid: session.sid, sub: user.sub }
    return redirectToProvider(call, context, upstream, statePurpose, { fresh: false })
  }
  const kept = (await Links.listOfUser(context, user.sub)).find(({ id }) => id === fields.connection)
  // A connection that does not exist any more is answered as if it were removed now.
  const provider = kept?.link.provider ?? ''
  const event = {
    kind: 'connection_removed',
    detail: findUpstream(context.config, provider)?.label ?? provider,
  } as const
  let isLast = false
  await changeAndTell(call, context, user, event, async () => {
    const removed = kept !== undefined && (await removeConnection(context, user, kept))
    isLast = kept !== undefined && !removed
    const ended = removed ? await endSessionsThrough(context, user.sub, { provider, own: session.sid }) : 0
    for (let n = 0; n < ended; n++) await noteEvent(call, context, user.sub, { kind: 'session_ended' })
    return removed
  })
  if (isLast) return redirectWithin(`${context.basePath}${connectionsPath}?problem=last`)
  return redirectWithin(`${context.basePath}${connectionsPath}?done=removed`)
}
