/** What the pages of an authorization request share: the interaction they belong to, in the browser it began in. */
import { OAuthError } from '../auth/errors.ts'
import { secret } from '../auth/refusal.ts'
import type { Context } from '../contracts/context.ts'
import { form, query } from '../http/call.ts'
import type { Call } from '../contracts/call.ts'
import type { FormReader, Submitted } from '../contracts/endpoint.ts'
import { browserOf, csrfToken, requireOwnForm } from '../http/csrf.ts'
import { redirectWithin } from '../http/reply.ts'
import type { Reply } from '../contracts/reply.ts'
import { say } from '../lib/say.ts'
import { Interaction } from '../models/interaction.ts'
import { proceed } from './authorization_flow.ts'
import type { OpenInteraction } from './open_interaction.ts'

/** Throws a page's error when the link is old, or belongs to another browser. */
export async function requireInteraction(
  call: Call,
  context: Context,
  handle: string | undefined,
): Promise<OpenInteraction> {
  const interaction =
    handle === undefined ? undefined : await Interaction.find(context, handle, browserOf(call, context))
  if (!interaction || handle === undefined)
    throw new OAuthError('invalid_request', {
      rule: 'RFC 6749 §10.12',
      expected: 'the address of a page that this browser was led to, before it expires',
      came: handle === undefined ? undefined : secret(handle),
      problem: 'this page is out of date or belongs to another browser',
      next: 'go back to the application and start again',
      say: say('error_page.page_out_of_date'),
    })
  call.clientId = interaction.params?.client_id
  call.uiLocales = interaction.language ?? interaction.params?.ui_locales
  return { handle, interaction }
}

/** The hidden fields of a form of this page. `purpose` is the page's name. */
export const formFields = (call: Call, context: Context, purpose: string, handle: string) => ({
  action: `${context.basePath}/${purpose}`,
  csrf: csrfToken(context, browserOf(call, context) ?? '', `${purpose} ${handle}`),
  interaction: handle,
})

/** The interaction of a GET. */
export const interactionOfPage = (call: Call, context: Context): Promise<OpenInteraction> =>
  requireInteraction(call, context, query(call, context).interaction)

/** The interaction and fields of a POST that came from our own form. */
export async function interactionOfForm(
  call: Call,
  context: Context,
  purpose: string,
): Promise<OpenInteraction & Submitted> {
  const fields = await form(call, context)
  requireOwnForm(call, context, fields.csrf_token, `${purpose} ${fields.interaction}`)
  return { ...(await requireInteraction(call, context, fields.interaction)), fields }
}

/** The `form` of a page whose `formFields` have this purpose. */
export const interactionForm =
  (purpose: string): FormReader<OpenInteraction & Submitted> =>
  (call, context) =>
    interactionOfForm(call, context, purpose)

/** Where a person goes on once a page is done. */
export const resumePath = (context: Context, handle: string): string =>
  `${context.basePath}/authorize/resume?interaction=${handle}`

/** Seconds an answered interaction stays, so that a second click is answered like the first. */
const afterwardsSeconds = 60

/** Go on with what the interaction is about. */
export async function resume(call: Call, context: Context, open: OpenInteraction): Promise<Reply> {
  const { params, return_to } = open.interaction
  if (!params) return redirectWithin(return_to ?? `${context.basePath}/`)
  const reply = await proceed(call, context, params, open)
  if (!reply.headers.location?.startsWith('/'))
    await Interaction.update(context, open.handle, (current) => ({
      ...current,
      exp: Math.min(current.exp, Math.floor(context.clock.now() / 1000) + afterwardsSeconds),
    }))
  return reply
}
