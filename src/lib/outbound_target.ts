/** What may be requested of other servers, as far as the text of a URL tells. https://owasp.org/www-project-top-ten/ (SSRF) https://www.rfc-editor.org/rfc/rfc9700#section-4.11 */
import { isIP } from './ip.ts'
import { isPublicAddress } from './public_address.ts'

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

/** Begins with a verb and says nothing of addresses. `detail` is for the log alone. */
export interface TargetProblem {
  problem: string
  detail?: string
}

const longestUrl = 2000
/** Below this port only 443 is allowed, so that an attacker cannot reach mail or SSH servers through this provider. */
const firstFreePort = 1024

/**
 * The checks that need no network. A problem: not https (unless exempt), user information, a port below 1024 other than
 * 443, a name without a dot, or a host that is not in its normal form, since 0x7f.1, fullwidth digits and percent-encoding
 * disguise an address.
 */
export function targetOf(text: string, exemptions: ReadonlySet<string>): Target | TargetProblem {
  if (text.length > longestUrl || !/^https?:\/\/[\x21-\x5b\x5d-\x7e]+$/i.test(text))
    return { problem: `must be an https URL of printable ASCII, at most ${longestUrl} characters` }
  const url = URL.parse(text)
  if (!url) return { problem: 'must be a valid URL' }
  if (url.username || url.password || authorityOf(text).includes('@'))
    return { problem: 'must not carry user information' }
  const secure = url.protocol === 'https:'
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  const hostPort = `${url.hostname}:${port}`
  const exempt = exemptions.has(hostPort)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (authorityOf(text).replace(/:\d*$/, '').toLowerCase() !== url.hostname)
    return { problem: 'must write its host in the normal form' }
  return (
    (exempt ? undefined : spellingProblem(host, port, secure)) ?? {
      secure,
      host,
      port,
      hostPort,
      path: `${url.pathname}${url.search}`,
      exempt,
    }
  )
}

const authorityOf = (text: string): string => /^[a-z]+:\/\/([^/?#]*)/i.exec(text)?.[1] ?? ''

function spellingProblem(host: string, port: number, secure: boolean): TargetProblem | undefined {
  if (!secure) return { problem: 'must use https' }
  if (port !== 443 && port < firstFreePort)
    return { problem: `must use port 443, or one from ${firstFreePort}` }
  if (isIP(host) > 0)
    return isPublicAddress(host) ? undefined : { problem: 'must lead to a public address', detail: host }
  if (!/^(?=.{1,253}$)([a-z0-9_-]{1,63}\.)+[a-z0-9-]{1,63}$/.test(host))
    return { problem: 'must name a host with a full domain name' }
  return undefined
}
