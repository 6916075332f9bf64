/** CSRF protection: a form is accepted only from a page of this provider in the same browser. https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html */
import { HttpError } from '../auth/errors.ts'
import { secret, type Way } from '../auth/refusal.ts'
import type { Context } from '../contracts/context.ts'
import { say, type Said } from '../lib/say.ts'
import { isMacOf, macOf } from '../lib/secret_keys.ts'
import type { Params } from '../auth/params.ts'
import type { Call } from '../contracts/call.ts'
import type { FormReader, Submitted } from '../contracts/endpoint.ts'
import { form } from './call.ts'
import { cookieName, readCookie, setCookie } from './cookie.ts'
import { baseOf } from './page_base.ts'

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
  macOf(context.secrets.csrf, csrfText(browser, purpose))

const csrfText = (browser: string, purpose: string): string => `${purpose}\n${browser}`

/**
 * The check without the token: returns the identifier of a browser that has shown a page of this provider, or throws
 * `form_out_of_date` or `foreign_form`. The error sets no cookie: a form of another site comes without our cookies
 * (SameSite=Lax), and new ones would replace them.
 */
export function requireOwnBrowser(call: Call, context: Context, page: FormPage = call): string {
  requireSameOrigin(call, context, page.path)
  const browser = browserOf(call, context)
  if (browser === undefined)
    throw outOfDate(baseOf(call, context), page, {
      came: { cookie: false },
      problem: 'the form came without the cookie of this browser: it blocks cookies, or has deleted them',
      say: noCookie(context, call),
    })
  return browser
}

/** For an End-User whose browser sent no cookie of this provider. */
export const noCookie = (context: Context, call: Call): Said =>
  say('error_page.no_cookie', { host: new URL(baseOf(call, context)).host })

/** The page of a form, for the page of its error. */
export interface FormPage {
  /** Below the base path, with the query that opens it again. */
  path: string
  /** In place of a link that opens it again. */
  ways?: readonly Way[] | undefined
}

/** The link is absolute: at another name of this host, the browser has no cookie of ours. */
const outOfDate = (
  base: string,
  { path, ways }: FormPage,
  grounds: { came: Record<string, unknown>; problem: string; say: Said },
) =>
  new HttpError('form_out_of_date', {
    expected: 'the csrf_token of a form that this browser was shown, with its cookie',
    next: 'open the page again',
    ways: ways ?? [{ label: say('error_page.open_again'), url: `${base}${path}` }],
    ...grounds,
  })

/** Whether the token of a form was made for this browser and purpose. Asked after `requireOwnBrowser`. */
export function isOwnToken(
  call: Call,
  context: Context,
  token: string | undefined,
  purpose: string,
): boolean {
  const browser = browserOf(call, context)
  return (
    token !== undefined &&
    browser !== undefined &&
    isMacOf(context.secrets.csrf, csrfText(browser, purpose), token)
  )
}

/** Throws `form_out_of_date` or `foreign_form` unless the form came from our page in this browser. */
export function requireOwnForm(
  call: Call,
  context: Context,
  token: string | undefined,
  purpose: string,
  page: FormPage = call,
): void {
  requireOwnBrowser(call, context, page)
  if (!isOwnToken(call, context, token, purpose))
    throw outOfDate(baseOf(call, context), page, {
      came: { cookie: true, csrf_token: secret(token) },
      problem: 'this form is out of date',
      say: say('error_page.form_out_of_date'),
    })
}

/**
 * The `form` of an endpoint whose page needs neither a session nor an interaction. `again` is the path that opens the page
 * again, with its query.
 */
export const ownForm =
  (purpose: string, again = ({ path }: Call, _fields: Params) => path): FormReader<Submitted> =>
  async (call, context) => {
    const fields = await form(call, context)
    requireOwnForm(call, context, fields.csrf_token, purpose, { path: again(call, fields) })
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
export function requireSameOrigin(call: Call, context: Context, path = '/'): void {
  const site = call.request.headers.get('sec-fetch-site')
  const origin = call.request.headers.get('origin')
  const base = baseOf(call, context)
  const isOtherSite = site !== null && site !== 'same-origin' && site !== 'none'
  if (!isOtherSite && (origin === null || origin === 'null' || origin === new URL(base).origin)) return
  const isOtherName = site === 'same-origin' || (site === null && isOriginOfHost(origin, call))
  const { host } = new URL(base)
  throw new HttpError('foreign_form', {
    expected: `a form from the pages of ${base}`,
    came: { 'sec-fetch-site': site, origin },
    problem: 'forms are accepted from the pages of this provider alone',
    ...(isOtherName && {
      next: `open ${base}, not another name of its host`,
      say: say('error_page.other_address', { host }),
      ways: [{ label: say('client.go_on', { host }), url: `${base}${path}` }],
    }),
  })
}

/** Whether a page of this provider sent the form, opened at another name of its host. The page leads to its own base alone. */
const isOriginOfHost = (origin: string | null, { request }: Call): boolean =>
  origin !== null && URL.parse(origin)?.host === request.headers.get('host')
