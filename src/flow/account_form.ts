/** Forms of pages that need a session: each is valid for one purpose, one session and one browser. */
import type { Context } from '../contracts/context.ts'
import { form } from '../http/call.ts'
import type { Call } from '../contracts/call.ts'
import type { FormReader, Submitted } from '../contracts/endpoint.ts'
import { csrfToken, ensureBrowser, requireOwnBrowser, requireOwnForm } from '../http/csrf.ts'
import type { Session } from '../models/session.ts'
import { type SignedInPerson, type FindPerson, signedInPerson } from './signed_in_person.ts'

/** The purpose that the CSRF token of such a form is bound to. */
export const accountPurpose = (session: Pick<Session, 'sid'>, purpose: string): string =>
  `account ${session.sid} ${purpose}`

/** The hidden `csrf_token` of a form, and the cookie to set with the page. */
export function accountForm(call: Call, context: Context, session: Session, purpose: string) {
  const { browser, cookies } = ensureBrowser(call, context)
  return { csrf: csrfToken(context, browser, accountPurpose(session, purpose)), cookies }
}

type OfFields = string | ((fields: Submitted['fields']) => string)

const textOf = (given: OfFields, fields: Submitted['fields']): string =>
  typeof given === 'string' ? given : given(fields)

/**
 * The `form` of a page that needs a session. `find` decides how fresh and strong the sign-in must be; if it redirects to
 * another page, that page leads back to `path`. Requests from other sites are refused first, so that they set no cookie.
 */
export const signedInForm =
  (
    path: OfFields,
    purpose: OfFields,
    find: FindPerson = signedInPerson,
  ): FormReader<SignedInPerson & Submitted> =>
  async (call, context) => {
    requireOwnBrowser(call, context)
    const fields = await form(call, context)
    const person = await find(call, context, textOf(path, fields))
    if ('reply' in person) return person
    const bound = accountPurpose(person.session, textOf(purpose, fields))
    requireOwnForm(call, context, fields.csrf_token, bound, { path: textOf(path, fields) })
    return { ...person, fields }
  }
