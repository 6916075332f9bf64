/** Checks the target of an outbound request: the URL, and the addresses of its host. https://owasp.org/www-project-top-ten/ (SSRF) https://www.rfc-editor.org/rfc/rfc9700#section-4.11 */
import { clientRangeOf } from '../lib/address.ts'
import { isIP } from '../lib/ip.ts'
import { isPublicAddress } from '../lib/public_address.ts'
import { internal, OutboundError, unreachable } from './error.ts'

export interface Target {
  secure: boolean
  /** Name or address, IPv6 without brackets. */
  host: string
  port: number
  /** As OUTBOUND_ALLOW_HOSTS writes it: `host:port`, IPv6 in brackets. */
  hostPort: string
  /** Path and query. */
  path: string
  /** Named in OUTBOUND_ALLOW_HOSTS: scheme and address are not checked. */
  exempt: boolean
}

/** All addresses of a name. */
export type Resolve = (host: string) => Promise<readonly string[]>

const longestUrl = 2000
/** Below this port only 443 is allowed, so that an attacker cannot reach mail or SSH servers through this provider. */
const firstFreePort = 1024

const refuse = (message: string, detail?: string) => new OutboundError('refused', message, detail)

/**
 * The checks that need no network. Throws OutboundError `refused`: not https (unless exempt), user information, a port
 * below 1024 other than 443, a name without a dot, or a host that is not in its normal form, since 0x7f.1, fullwidth digits
 * and percent-encoding disguise an address.
 */
export function readTarget(text: string, exemptions: ReadonlySet<string>): Target {
  if (text.length > longestUrl || !/^https?:\/\/[\x21-\x5b\x5d-\x7e]+$/i.test(text))
    throw refuse(`must be an https URL of printable ASCII, at most ${longestUrl} characters`)
  const url = URL.parse(text)
  if (!url) throw refuse('must be a valid URL')
  if (url.username || url.password || authorityOf(text).includes('@'))
    throw refuse('must not carry user information')
  const secure = url.protocol === 'https:'
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  const hostPort = `${url.hostname}:${port}`
  const exempt = exemptions.has(hostPort)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (authorityOf(text).replace(/:\d*$/, '').toLowerCase() !== url.hostname)
    throw refuse('must write its host in the normal form')
  if (!exempt) requirePublicSpelling(host, port, secure)
  return { secure, host, port, hostPort, path: `${url.pathname}${url.search}`, exempt }
}

/**
 * The names that one party most probably holds together: the last two labels of a name, three where the second is as short
 * as in `co.uk`; the network of an address. It only divides capacity, so a guess is enough.
 */
export function siteOf(host: string): string {
  if (isIP(host) > 0) return clientRangeOf(host)
  const labels = host.split('.')
  return labels.slice((labels.at(-2) ?? '').length <= 3 ? -3 : -2).join('.')
}

const authorityOf = (text: string): string => /^[a-z]+:\/\/([^/?#]*)/i.exec(text)?.[1] ?? ''

function requirePublicSpelling(host: string, port: number, secure: boolean): void {
  if (!secure) throw refuse('must use https')
  if (port !== 443 && port < firstFreePort) throw refuse(`must use port 443, or one from ${firstFreePort}`)
  if (isIP(host) > 0) {
    if (!isPublicAddress(host)) throw refuse('must lead to a public address', host)
  } else if (!/^(?=.{1,253}$)([a-z0-9_-]{1,63}\.)+[a-z0-9-]{1,63}$/.test(host))
    throw refuse('must name a host with a full domain name')
}

/**
 * The addresses to connect to. The name is resolved once, so that a different later answer (DNS rebinding) has no effect.
 * If any address is not public, none is used. IPv4 comes first: without working IPv6 an attempt takes the whole time limit.
 */
export async function addressesOf(target: Target, resolve: Resolve): Promise<readonly string[]> {
  if (isIP(target.host) > 0) return [target.host]
  const addresses = await resolve(target.host).catch((error: Error) => {
    throw unreachable(error.message)
  })
  const inner = target.exempt ? undefined : addresses.find((address) => !isPublicAddress(address))
  if (inner !== undefined) throw internal(inner)
  if (addresses.length === 0) throw unreachable('no address')
  return [...addresses].sort((a, b) => isIP(a) - isIP(b))
}
