/** Once somebody has signed in here with all their factors: whether the identity they came with is theirs from now on. */
import { acrOf } from '../../auth/acr.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { formFields } from '../../flow/interaction_page.ts'
import { type StepNeeded, stepOfPage, stepForm, signIn } from '../../flow/sign_in.ts'
import { factorOwed } from '../../flow/second_factors.ts'
import { demandOf, nextPage } from '../../flow/step_up.ts'
import type { Call } from '../../contracts/call.ts'
import { findClient } from '../../http/client_authentication.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { tellOwner } from '../../people/tell_owner.ts'
import type { LoginStepInput, LoginStep } from '../../contracts/feature.ts'
import { bringPicture } from './avatar.ts'
import { sayFailed } from './failure.ts'
import { shownIdentity } from './identity.ts'
import { Links } from './links.ts'
import { connectPage } from './pages.ts'
import { findUpstream } from './settings.ts'
import { Waiting, waitingHandle } from './state.ts'

const connectPath = '/upstream/connect'

async function waitingFor(context: Context, interaction: LoginStepInput['interaction'], sub: string) {
  const handle = waitingHandle(interaction)
  const waiting = handle === undefined ? undefined : await Waiting.look(context, handle)
  const upstream = waiting && findUpstream(context.config, waiting.provider)
  return handle !== undefined && upstream && (waiting.sub ?? sub) === sub
    ? { ...waiting, upstream, handle }
    : undefined
}

/** Nobody connects anything before each of their factors is there. */
export const connectStep: LoginStep = {
  name: 'upstream_connect',
  last: true,
  async path(context, state) {
    if (!(await waitingFor(context, state.interaction, state.user.sub))) return undefined
    // As at /account: a trusted device is spared the factor and opens no way in.
    return (await factorOwed(state.user, acrOf(state.amr), context))?.path ?? connectPath
  },
}

/** What waits for this person, when every other step is done: the page opened by hand before that is no way round them. */
async function due(call: Call, context: Context, { open: { interaction }, user, amr }: StepNeeded) {
  const clientId = interaction.params?.client_id
  const client = clientId === undefined ? undefined : await findClient(context, clientId)
  const demand = demandOf(interaction, client)
  const path = await nextPage(context, { call, user, amr, client, demand, interaction })
  return path !== connectPath ? undefined : waitingFor(context, interaction, user.sub)
}

export const connect = defineEndpoint({
  name: 'upstream_connect',
  path: connectPath,
  advertised: false,
  limited: true,
  page: true,
  get: show,
  form: stepForm(connectPath.slice(1)),
  post: answer,
})

async function show(call: Call, context: Context): Promise<Reply> {
  const progress = await stepOfPage(call, context)
  if ('reply' in progress) return progress.reply
  const { open, user } = progress
  const waiting = await due(call, context, progress)
  if (!waiting) return redirectWithin(`${context.basePath}/login?interaction=${open.handle}`)
  const html = connectPage({
    ...formFields(call, context, connectPath.slice(1), open.handle),
    provider: waiting.upstream.label,
    identity: shownIdentity(waiting.identity),
    username: user.username,
  })
  return page(200, html)
}

async function answer(call: Call, context: Context, progress: StepNeeded & Submitted): Promise<Reply> {
  const { open, user, amr, fields } = progress
  const found = await due(call, context, progress)
  const waiting = found && (await Waiting.take(context, found.handle))
  if (found && waiting && fields.connect !== undefined) {
    const { upstream } = found
    if (await Links.create(context, upstream, waiting.identity, user.sub, waiting.tokens)) {
      await tellOwner(call, context, user, { kind: 'connection_added', detail: upstream.label })
      bringPicture(context, user, waiting.identity)
    } else if ((await Links.ofIdentity(context, waiting.identity))?.sub !== user.sub)
      return sayFailed(context, upstream, { kind: 'sign_in', interaction: open.handle }, 'taken')
  }
  return signIn(call, context, progress, { user, amr })
}
