/** CSRF protection: a form is accepted only from a page of this provider in the same browser. https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html */
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

/** The random identifier of this browser, which does not depend on a session. Undefined without a valid cookie. */
export function browserOf(call: Call, context: Context): string | undefined {
  const value = readCookie(call, cookieName(context.config, 'browser'))
  return value !== undefined && browserCookie.test(value) ? value : undefined
}

/** The identifier of the browser and, when it is new, the cookie to set. */
export function ensureBrowser(call: Call, context: Context): { browser: string; cookies: string[] } {
  const known = browserOf(call, context)
  if (known !== undefined) return { browser: known, cookies: [] }
  const browser = context.random(24)
  return { browser, cookies: [setCookie(context.config, 'browser', browser)] }
}

/** The hidden `csrf_token` of a form. A token is valid only for forms of its `purpose`. */
export const csrfToken = (context: Context, browser: string, purpose: string): string =>
  hmac(context.secrets.csrf, `${purpose}\n${browser}`)

/**
 * The check without the token: returns the identifier of a browser that has shown a page of this provider, or throws
 * `form_out_of_date` or `foreign_form`. The error sets no cookie: a form of another site comes without our cookies
 * (SameSite=Lax), and new ones would replace them.
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
 * The `form` of an endpoint that accepts forms of other sites without a check. Such a request has no cookies of ours
 * (SameSite=Lax), so `post` only redirects the browser to a GET, which has them.
 */
export const formOfAnySite: FormReader<Submitted> = async (call, context) => ({
  fields: await form(call, context),
})

/**
 * Requires that Sec-Fetch-Site and Origin, if present, name this provider. When they are absent, only the token decides,
 * as for `Origin: null`, which our own forms send because of `Referrer-Policy: no-referrer` (Fetch §3.2).
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
