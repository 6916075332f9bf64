/** Reads and writes cookies; those of other hosts and subdomains cannot replace ours. https://www.rfc-editor.org/rfc/rfc6265 */
import type { Config } from '../config.ts'
import type { Call } from '../contracts/call.ts'

/** The value of one cookie. When the name comes twice, one of them may be forged, so neither is used. */
export function readCookie(call: Call, name: string): string | undefined {
  const header = call.request.headers.get('cookie')
  if (header === null) return undefined
  const found = header
    .split(';')
    .map((each) => each.replace(/^[ \t]+/, '')) // not trim(): it would turn "\u00a0__Host-x", which any subdomain may set, into "__Host-x"
    .filter((each) => each.startsWith(`${name}=`))
  return found.length === 1 ? found[0]!.slice(name.length + 1) : undefined
}

const isSecure = (config: Config) => config.issuer.startsWith('https:')

/** The path of the issuer. An attribute cannot hold a path with `;`. */
function cookiePath({ issuer }: Config): string {
  const { pathname } = new URL(issuer)
  return pathname.includes(';') ? '/' : pathname
}

/**
 * `__Host-` binds a cookie to this host over TLS, and wants the path `/`. The cookies of an issuer with a path have that
 * path, hence `__Secure-`, and its letters in their names: a browser also sends `/a/b` the cookies of `/` and of `/a`.
 * Over http, on loopback, there is no prefix. docs/decisions/0061
 */
export function cookieName(config: Config, name: string): string {
  const prefix = cookiePath(config) === '/' ? '__Host-' : '__Secure-'
  return `${isSecure(config) ? prefix : ''}latchkey_${name}${cookieEnd(config)}`
}

function cookieEnd(config: Config): string {
  const path = cookiePath(config)
  return path === '/' ? '' : `_${path.slice(1).replaceAll(/[^A-Za-z0-9]/g, '-')}`
}

/** A `Cookie` header with the cookies of a realm alone: browsers also send it those of the server, which are secrets of others. */
export const cookiesOfRealm = (config: Config, header: string): string =>
  header
    .split(/; */)
    .filter((each) => each.split('=', 1)[0]!.endsWith(cookieEnd(config)))
    .join('; ')

interface Cookie {
  name: string
  value: string
  /** Seconds. Without it the cookie lasts until the browser closes; 0 deletes it. */
  maxAge?: number | undefined
}

/** Attributes before `Secure`. */
const line = (config: Config, { name, value, maxAge }: Cookie, attributes: string): string =>
  `${cookieName(config, name)}=${value}; Path=${cookiePath(config)}; ${attributes}${isSecure(config) ? '; Secure' : ''}${maxAge === undefined ? '' : `; Max-Age=${maxAge}`}`

/**
 * A cookie that scripts of our pages can read even in a frame of another site, so it must not hold anything secret. Over
 * http browsers refuse SameSite=None, so there only frames of the same site can read it.
 */
export const setOpenCookie = (config: Config, name: string, value: string, maxAge?: number): string =>
  line(config, { name, value, maxAge }, isSecure(config) ? 'SameSite=None' : 'SameSite=Lax')

/** What a script of our pages writes to `document.cookie`. */
export const scriptCookie = (config: Config, name: string, value: string, maxAge: number): string =>
  line(config, { name, value, maxAge }, 'SameSite=Lax')

/** Without `maxAge` (seconds) the cookie lasts until the browser closes; 0 deletes it. */
export const setCookie = (config: Config, name: string, value: string, maxAge?: number): string =>
  line(config, { name, value, maxAge }, 'HttpOnly; SameSite=Lax')
