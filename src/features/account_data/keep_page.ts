/** The login step of an account marked for deletion: the End-User keeps the account or lets the deletion happen. */
import keepSource from '../../../views/account_keep.html' with { type: 'text' }
import { HttpError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { formFields } from '../../flow/interaction_page.ts'
import { type StepNeeded, stepOfPage, stepForm, signIn } from '../../flow/sign_in.ts'
import { demandOf, nextPage } from '../../flow/step_up.ts'
import { findClient } from '../../clients/find_client.ts'
import type { Call } from '../../contracts/call.ts'
import { page as document } from '../../html/document.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { tellAndChange } from '../../people/tell_owner.ts'
import { defineView } from '../../html/view.ts'
import { say } from '../../lib/say.ts'
import { User } from '../../models/user.ts'
import type { LoginStep } from '../../contracts/feature.ts'
import { clearDeletion, stopDeletion } from './deletion.ts'

const path = '/login/keep_account'

export const keepStep: LoginStep = {
  name: 'keep_account',
  path: async (_context, { user }) => (user.leaving_at === undefined ? undefined : path),
}

const view = defineView('account_keep', keepSource, ['keep', 'action', 'csrf', 'interaction'])

export const keepPage = defineEndpoint({
  name: 'keep_account',
  path,
  advertised: false,
  limited: true,
  page: true,
  get: show,
  form: stepForm(path.slice(1)),
  post: submit,
})

/** The redirect to a login step that is still missing: only a complete sign-in may keep the account. */
async function missingStep(
  call: Call,
  context: Context,
  { user, open, amr }: StepNeeded,
): Promise<Reply | undefined> {
  const { interaction, handle } = open
  const clientId = interaction.params?.client_id
  const client = clientId === undefined ? undefined : await findClient(context, clientId)
  const demand = demandOf(interaction, client)
  const next = await nextPage(context, { call, user, amr, client, demand, interaction })
  return next === undefined || next === path
    ? undefined
    : redirectWithin(`${context.basePath}${next}?interaction=${handle}`)
}

async function show(call: Call, context: Context): Promise<Reply> {
  const progress = await stepOfPage(call, context)
  if ('reply' in progress) return progress.reply
  const missing = await missingStep(call, context, progress)
  if (missing) return missing
  const { user, open } = progress
  const html = document(
    say('deletion.keep_title'),
    view({
      ...formFields(call, context, path.slice(1), open.handle),
      keep: say('deletion.keep_text', { at: new Date((user.leaving_at ?? 0) * 1000) }),
    }),
  )
  return page(200, html)
}

const tooLate = () =>
  new HttpError('account_being_deleted', {
    expected: 'an account whose deletion has not begun',
    problem: 'this account is being deleted',
    say: say('deletion.too_late'),
  })

async function submit(call: Call, context: Context, progress: StepNeeded & Submitted): Promise<Reply> {
  const missing = await missingStep(call, context, progress)
  if (missing) return missing
  const { amr, fields, user } = progress
  if (fields.keep === undefined) return redirectWithin(`${context.basePath}/account/deleted`)
  if (!(await stopDeletion(context, user.sub))) throw tooLate()
  // The owner is told before `leaving_at` is removed: this page is no longer shown afterwards, so no retry could tell.
  if (user.leaving_at !== undefined)
    await tellAndChange(call, context, user, { kind: 'deletion_stopped' }, () =>
      clearDeletion(context, user.sub),
    )
  const kept = await User.find(context, user.sub)
  if (!kept) throw tooLate()
  return signIn(call, context, progress, { user: kept, amr })
}
