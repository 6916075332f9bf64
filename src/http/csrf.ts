/** Forms are answered only when our own page, in the same browser, sent them. https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html */
import { HttpError } from '../auth/errors.ts'
import { secret } from '../auth/refusal.ts'
import type { Context } from '../contracts/context.ts'
import { equalInConstantTime } from '../lib/equal.ts'
import { hmac } from '../lib/hash.ts'
import { say } from '../lib/say.ts'
import type { Call } from '../contracts/call.ts'
import type { FormReader, Submitted } from '../contracts/endpoint.ts'
import { form } from './call.ts'
import { cookieName, readCookie, setCookie } from './cookie.ts'

const browserCookie = /^[A-Za-z0-9_-]{32}$/

/** A random name for this browser, before and beyond any session. Undefined when it has none (or one that is not ours). */
export function browserOf(call: Call, context: Context): string | undefined {
  const value = readCookie(call, cookieName(context.config, 'browser'))
  return value !== undefined && browserCookie.test(value) ? value : undefined
}

/** The browser's name and, when it is new, the cookie to set. */
export function ensureBrowser(call: Call, context: Context): { browser: string; cookies: string[] } {
  const known = browserOf(call, context)
  if (known !== undefined) return { browser: known, cookies: [] }
  const browser = context.random(24)
  return { browser, cookies: [setCookie(context.config, 'browser', browser)] }
}

/** The hidden `csrf_token` of a form; `purpose` keeps the token of one form from opening another. */
export const csrfToken = (context: Context, browser: string, purpose: string): string =>
  hmac(context.secrets.csrf, `${purpose}\n${browser}`)

/**
 * What can be said before the token is known: the name of a browser that a page of ours was shown in. Throws
 * `form_out_of_date` or `foreign_form` otherwise. An answer that throws sets no cookie: a form of another site comes
 * without the cookies of its browser (SameSite=Lax), and an answer with new ones would replace them.
 */
export function requireOwnBrowser(call: Call, context: Context): string {
  requireSameOrigin(call, context)
  const browser = browserOf(call, context)
  if (browser === undefined) throw outOfDate({ cookie: false })
  return browser
}

const outOfDate = (came: Record<string, unknown>) =>
  new HttpError('form_out_of_date', {
    expected: 'the csrf_token of a form that this browser was shown, with its cookie',
    came,
    problem: 'this form is out of date, or cookies are blocked',
    next: 'go back, reload the page and try again',
    say: say('error_page.form_out_of_date'),
  })

/** Throws `form_out_of_date` or `foreign_form` unless the form came from our page in this browser. */
export function requireOwnForm(
  call: Call,
  context: Context,
  token: string | undefined,
  purpose: string,
): void {
  const browser = requireOwnBrowser(call, context)
  if (token === undefined || !equalInConstantTime(token, csrfToken(context, browser, purpose)))
    throw outOfDate({ cookie: true, csrf_token: secret(token) })
}

/** The `form` of an endpoint whose page needs neither a session nor an interaction. */
export const ownForm =
  (purpose: string): FormReader<Submitted> =>
  async (call, context) => {
    const fields = await form(call, context)
    requireOwnForm(call, context, fields.csrf_token, purpose)
    return { fields }
  }

/**
 * The `form` of an endpoint that other sites send forms to: nothing is checked. Such a request comes without our cookies
 * (SameSite=Lax), so `post` decides nothing. It leads the browser to a GET, which has them.
 */
export const formOfAnySite: FormReader<Submitted> = async (call, context) => ({
  fields: await form(call, context),
})

/**
 * Browsers say where a request comes from; what they say must be us. Silence is left to the token, and so is
 * `Origin: null`, which is what our own forms send because of `Referrer-Policy: no-referrer` (Fetch §3.2).
 */
export function requireSameOrigin(call: Call, context: Context): void {
  const site = call.request.headers.get('sec-fetch-site')
  const origin = call.request.headers.get('origin')
  const foreign =
    (site !== null && site !== 'same-origin' && site !== 'none') ||
    (origin !== null && origin !== 'null' && origin !== new URL(context.config.issuer).origin)
  if (foreign)
    throw new HttpError('foreign_form', {
      expected: `a form from the pages of ${context.config.issuer}`,
      came: { 'sec-fetch-site': site, origin },
      problem: 'forms are accepted from the pages of this provider alone',
    })
}
