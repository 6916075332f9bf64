/** The last step of a sign-in: asks the End-User whether to connect the account with the upstream identity shown before. */
import { acrOf } from '../../auth/acr.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { formFields } from '../../flow/interaction_page.ts'
import { type StepNeeded, stepOfPage, stepForm, signIn } from '../../flow/sign_in.ts'
import { factorOwed } from '../../flow/second_factors.ts'
import { isFresh } from '../../flow/signed_in_person.ts'
import { demandOf, nextPage } from '../../flow/step_up.ts'
import type { Call } from '../../contracts/call.ts'
import { findClient } from '../../clients/find_client.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import type { LoginStepInput, LoginStep } from '../../contracts/feature.ts'
import { addConnection } from './add_connection.ts'
import { sayFailed } from './failure.ts'
import { shownIdentity } from './identity.ts'
import { connectPage } from './pages.ts'
import { findUpstream } from './settings.ts'
import { PendingConnection, pendingConnectionHandle } from './state.ts'

const connectPath = '/upstream/connect'

async function pendingConnectionFor(
  context: Context,
  interaction: LoginStepInput['interaction'],
  sub: string,
) {
  const handle = pendingConnectionHandle(interaction)
  const pending = handle === undefined ? undefined : await PendingConnection.look(context, handle)
  const upstream = pending && findUpstream(context.config, pending.provider)
  return handle !== undefined && upstream && (pending.sub ?? sub) === sub
    ? { ...pending, upstream, handle }
    : undefined
}

/** The last step, so that a connection is made only after all factors were proven. */
export const connectStep: LoginStep = {
  name: 'upstream_connect',
  last: true,
  async path(context, state) {
    // An old sign-in at another provider adds no sign-in method.
    if (state.provenAt !== undefined && !isFresh(state.provenAt, context)) return undefined
    if (!(await pendingConnectionFor(context, state.interaction, state.user.sub))) return undefined
    // As at /account: a trusted device may skip the second factor, but not to add a sign-in method.
    return (
      (await factorOwed(state.user, { acr: acrOf(state.amr), amr: state.amr }, context))?.path ?? connectPath
    )
  },
}

/** The pending connection, once all other steps are done. Opening the page by its URL does not skip them. */
async function due(call: Call, context: Context, { open: { interaction }, user, amr }: StepNeeded) {
  const clientId = interaction.params?.client_id
  const client = clientId === undefined ? undefined : await findClient(context, clientId)
  const demand = demandOf(interaction, client)
  const provenAt = interaction.pending?.proven_at
  const path = await nextPage(context, { call, user, amr, client, demand, interaction, provenAt })
  return path !== connectPath ? undefined : pendingConnectionFor(context, interaction, user.sub)
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
  const pending = await due(call, context, progress)
  if (!pending) return redirectWithin(`${context.basePath}/login?interaction=${open.handle}`)
  const html = connectPage({
    ...formFields(call, context, connectPath.slice(1), open.handle),
    provider: pending.upstream.label,
    identity: shownIdentity(pending.identity),
    username: user.username,
  })
  return page(200, html)
}

async function answer(call: Call, context: Context, progress: StepNeeded & Submitted): Promise<Reply> {
  const { open, user, amr, fields } = progress
  const found = await due(call, context, progress)
  const added = found && fields.connect !== undefined && (await addConnection(call, context, user, found))
  // Taken last, so that a form that stopped halfway can be sent again.
  if (found) await PendingConnection.take(context, found.handle)
  if (found && added === 'taken')
    return sayFailed(context, found.upstream, { kind: 'sign_in', interaction: open.handle }, 'taken')
  return signIn(call, context, progress, { user, amr })
}
