/** The interaction of a page or form, which is only valid in the browser where it began. */
import { OAuthError } from '../auth/errors.ts'
import { secret } from '../auth/refusal.ts'
import type { Context } from '../contracts/context.ts'
import { form, query } from '../http/call.ts'
import type { Call } from '../contracts/call.ts'
import type { FormReader, Submitted } from '../contracts/endpoint.ts'
import { browserOf, csrfToken, type FormPage, noCookie, requireOwnForm } from '../http/csrf.ts'
import { redirectWithin } from '../http/reply.ts'
import type { Reply } from '../contracts/reply.ts'
import { say } from '../lib/say.ts'
import { Interaction, isHandle } from '../models/interaction.ts'
import { proceed } from './authorization_flow.ts'
import type { OpenInteraction } from './open_interaction.ts'
import { seconds } from '../lib/clock.ts'
import { waysOn } from './ways_on.ts'

/** Throws if the interaction is expired or belongs to another browser. */
export async function requireInteraction(
  call: Call,
  context: Context,
  handle: string | undefined,
): Promise<OpenInteraction> {
  const interaction =
    handle === undefined ? undefined : await Interaction.find(context, handle, browserOf(call, context))
  if (!interaction || handle === undefined) throw await outOfDate(call, context, handle)
  call.clientId = interaction.params?.client_id
  call.uiLocales = interaction.language ?? interaction.params?.ui_locales
  return { handle, interaction }
}

async function outOfDate(call: Call, context: Context, handle: string | undefined): Promise<OAuthError> {
  const hasCookie = browserOf(call, context) !== undefined
  return new OAuthError('invalid_request', {
    rule: 'RFC 6749 §10.12',
    expected: 'the URL of a page that this browser was redirected to and that has not expired',
    came: handle === undefined ? undefined : secret(handle),
    problem: hasCookie
      ? 'this page is out of date or belongs to another browser'
      : 'this browser sent no cookie: it blocks cookies, or the page belongs to another browser',
    next: 'go back to the application and start again',
    say: hasCookie ? say('error_page.page_out_of_date') : noCookie(context, call),
    ways: await waysOn(call, context, handle),
  })
}

/** Action and hidden fields of a form. `purpose` is the path of the page without its slash. */
export const formFields = (call: Call, context: Context, purpose: string, handle: string) => ({
  action: `${context.basePath}/${purpose}`,
  csrf: csrfToken(context, browserOf(call, context) ?? '', `${purpose} ${handle}`),
  interaction: handle,
})

/** The interaction of a GET. */
export const interactionOfPage = (call: Call, context: Context): Promise<OpenInteraction> =>
  requireInteraction(call, context, query(call, context).interaction)

/** The interaction and fields of a POST. Checks origin, CSRF token and purpose. */
export async function interactionOfForm(
  call: Call,
  context: Context,
  purpose: string,
): Promise<OpenInteraction & Submitted> {
  const fields = await form(call, context)
  const page = await pageOfForm(call, context, purpose, fields.interaction)
  requireOwnForm(call, context, fields.csrf_token, `${purpose} ${fields.interaction}`, page)
  return { ...(await requireInteraction(call, context, fields.interaction)), fields }
}

/** Without our cookie the page could not go on, so the error leads back to the application. */
export const pageOfForm = async (
  call: Call,
  context: Context,
  purpose: string,
  handle: string | undefined,
): Promise<FormPage> => ({
  path: `/${purpose}${isHandle(handle) ? `?interaction=${handle}` : ''}`,
  ways: browserOf(call, context) === undefined ? await waysOn(call, context, handle) : undefined,
})

/** The `form` of a page whose `formFields` have this purpose. */
export const interactionForm =
  (purpose: string): FormReader<OpenInteraction & Submitted> =>
  (call, context) =>
    interactionOfForm(call, context, purpose)

/** The path that continues the interaction after a page is done. */
export const resumePath = (context: Context, handle: string): string =>
  `${context.basePath}/authorize/resume?interaction=${handle}`

/** The sign-in page that asks for another account than the one that is signed in. */
export const otherAccountPath = (context: Context, handle: string): string =>
  `${context.basePath}/login?interaction=${handle}&other=yes`

/** How long an answered interaction is kept, so that a second click gets the same answer as the first. */
const answeredLifetimeSeconds = 60

/** Continues the authorization request of the interaction, or returns to its page of this provider. */
export async function resume(call: Call, context: Context, open: OpenInteraction): Promise<Reply> {
  const { params, return_to } = open.interaction
  if (!params) return redirectWithin(return_to ?? `${context.basePath}/`)
  const reply = await proceed(call, context, params, open)
  if (!reply.headers.location?.startsWith('/'))
    await Interaction.update(context, open.handle, (current) => ({
      ...current,
      exp: Math.min(current.exp, seconds(context.clock) + answeredLifetimeSeconds),
    }))
  return reply
}
