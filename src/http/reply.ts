/** Functions that make the replies of endpoints; app.ts turns a reply into the Response. */
import type { Config } from '../config.ts'
import { OAuthError } from '../auth/errors.ts'
import type { Reply } from '../contracts/reply.ts'
import type { TrustedRedirect } from '../auth/redirect_uri.ts'
import type { Html } from '../html/view.ts'

/** A document that was signed or encrypted for one client. */
export const wrapped = (document: { body: string; contentType: string }): Reply => ({
  status: 200,
  body: document.body,
  headers: { 'content-type': document.contentType, 'cache-control': 'no-store' },
})

const jsonHeaders = Object.freeze({ 'content-type': 'application/json', 'cache-control': 'no-store' })

/** By content type and lifetime. Frozen headers are of many replies: `http/headers.ts` prepares them once. */
const publicHeaders = new Map<string, Reply['headers']>()

/** JSON that must not be cached: tokens, errors, data of End-Users. */
export const json = (status: number, value: unknown, headers?: Record<string, string>): Reply => ({
  status,
  body: JSON.stringify(value),
  headers: headers ? { ...jsonHeaders, ...headers } : jsonHeaders,
})

/** RFC 6749 §5.1 requires Pragma in addition to Cache-Control. */
const tokenHeaders = Object.freeze({ ...jsonHeaders, pragma: 'no-cache' })

/** The answer of the token endpoint. */
export const tokens = (value: unknown): Reply => ({
  status: 200,
  body: JSON.stringify(value),
  headers: tokenHeaders,
})

/** Serialised JSON that any cache may store for `maxAge` seconds. */
export function publicJson(body: string, maxAge: number, contentType = 'application/json'): Reply {
  const name = `${contentType} ${maxAge}`
  let headers = publicHeaders.get(name)
  if (!headers) {
    headers = Object.freeze({ 'content-type': contentType, 'cache-control': `public, max-age=${maxAge}` })
    publicHeaders.set(name, headers)
  }
  return { status: 200, body, headers }
}

/** The sandbox keeps the content from running or loading anything. Pages of any origin may show it. */
export const image = (
  { type, bytes }: { type: string; bytes: Uint8Array<ArrayBuffer> },
  headers: Record<string, string>,
): Reply => ({
  status: 200,
  body: bytes,
  headers: {
    'content-type': type,
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'cross-origin',
    ...headers,
  },
})

export const page = (status: number, html: Html, headers: Record<string, string> = {}): Reply => ({
  status,
  body: html,
  headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', ...headers },
})

export const empty = (status: 200 | 204, headers: Record<string, string> = {}): Reply => ({
  status,
  body: null,
  headers: { 'cache-control': 'no-store', ...headers },
})

/** 303: the browser follows with GET, whatever the method of the request was (RFC 9700 §4.12). */
const seeOther = (location: string, cookies?: string[]): Reply => ({
  status: 303,
  body: null,
  headers: { location, 'cache-control': 'no-store' },
  ...(cookies && { cookies }),
})

/** Redirects to a client; `location` includes the response parameters. */
export const redirectToClient = (
  location: string & { readonly [K in keyof TrustedRedirect]?: unknown },
): Reply => seeOther(location)

/** The longest URL that browsers, proxies and Bun handle reliably. */
const maxUrlLength = 14_000

/** Throws `invalid_request` when a URL that is made from the parameters of a form is too long. */
export function withinUrl(target: string): string {
  if (target.length <= maxUrlLength) return target
  throw new OAuthError('invalid_request', {
    rule: 'RFC 9110 §4.1',
    expected: `at most ${maxUrlLength} characters once encoded`,
    came: target.length,
    problem: `the request is too long: at most ${maxUrlLength} characters once encoded`,
  })
}

/** Redirects to the page at `path`, below the path of the issuer, at the address of the issuer. */
export const redirectToIssuer = ({ issuer }: Pick<Config, 'issuer'>, path: string, search: string): Reply =>
  seeOther(`${issuer}${path}${search === '' ? '' : `?${search}`}`)

/** The same at the issuer or at one of `Context.pageBases`, with a query that a request has written. */
export const redirectToBase = (base: string, path: string, search: string, cookies?: string[]): Reply =>
  seeOther(withinUrl(`${base}${path}?${search}`), cookies)

/** Redirects to a local page: an absolute path that begins with exactly one slash. */
export function redirectWithin(path: string, cookies?: string[]): Reply {
  if (!/^\/(?![/\\])/.test(path)) throw new TypeError(`not a local path: ${path}`)
  return seeOther(path, cookies)
}
