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

/** `__Host-` binds a cookie to this host over TLS. It is not available with http on loopback. */
export const cookieName = (config: Config, name: string): string =>
  `${isSecure(config) ? '__Host-' : ''}latchkey_${name}`

/**
 * A cookie that scripts of our pages can read even in a frame of another site, so it must not hold anything secret. Over
 * http browsers refuse SameSite=None, so there only frames of the same site can read it.
 */
export const setOpenCookie = (config: Config, name: string, value: string, maxAge?: number): string =>
  `${cookieName(config, name)}=${value}; Path=/; ${isSecure(config) ? 'SameSite=None; Secure' : 'SameSite=Lax'}${ageOf(maxAge)}`

const ageOf = (maxAge: number | undefined) => (maxAge === undefined ? '' : `; Max-Age=${maxAge}`)

/** Without `maxAge` (seconds) the cookie lasts until the browser closes; 0 deletes it. */
export function setCookie(config: Config, name: string, value: string, maxAge?: number): string {
  return `${cookieName(config, name)}=${value}; Path=/; HttpOnly; SameSite=Lax${isSecure(config) ? '; Secure' : ''}${ageOf(maxAge)}`
}
