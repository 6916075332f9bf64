/** Cookies: reading one, and writing ours so that nobody else can. https://www.rfc-editor.org/rfc/rfc6265 */
import type { Config } from '../config.ts'
import type { Call } from '../contracts/call.ts'

/** The value of one cookie; when a name comes twice the first, which browsers send for the longer path, is not ours to judge: neither counts. */
export function readCookie(call: Call, name: string): string | undefined {
  const header = call.request.headers.get('cookie')
  if (header === null) return undefined
  const found = header
    .split(';')
    .map((each) => each.replace(/^[ \t]+/, '')) // trim() would make "\u00a0__Host-x", which any subdomain may set, a "__Host-x"
    .filter((each) => each.startsWith(`${name}=`))
  return found.length === 1 ? found[0]!.slice(name.length + 1) : undefined
}

const isSecure = (config: Config) => config.issuer.startsWith('https:')

/** `__Host-` binds a cookie to this host over TLS; http on loopback cannot have it. */
export const cookieName = (config: Config, name: string): string =>
  `${isSecure(config) ? '__Host-' : ''}latchkey_${name}`

/**
 * A cookie that scripts of our own pages read even inside of another site's frame: nothing in it may be worth anything.
 * Over http no browser takes SameSite=None, so there only frames of the same site see it.
 */
export const setOpenCookie = (config: Config, name: string, value: string, maxAge?: number): string =>
  `${cookieName(config, name)}=${value}; Path=/; ${isSecure(config) ? 'SameSite=None; Secure' : 'SameSite=Lax'}${ageOf(maxAge)}`

const ageOf = (maxAge: number | undefined) => (maxAge === undefined ? '' : `; Max-Age=${maxAge}`)

/** Without `maxAge` (seconds) the cookie ends with the browser; 0 forgets it. */
export function setCookie(config: Config, name: string, value: string, maxAge?: number): string {
  return `${cookieName(config, name)}=${value}; Path=/; HttpOnly; SameSite=Lax${isSecure(config) ? '; Secure' : ''}${ageOf(maxAge)}`
}
