/** Who may read what is for operators: metrics and the version. Callers with METRICS_TOKEN, or this machine when none is set. OWASP ASVS 5.0 13.4.6 */
import type { Config } from '../config.ts'
import type { Call } from '../contracts/call.ts'
import { inNetworks, isLoopbackHost, loopback, plainAddress } from '../lib/address.ts'
import { equalInConstantTime } from '../lib/equal.ts'

/** A proxy on this machine forwards other callers, and adds one of these. One that adds none must keep `/metrics` and `/health` to itself. */
export const ofProxies: readonly string[] = [
  ...['forwarded', 'via', 'x-real-ip', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip'],
  ...['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-server'],
]

/**
 * Whether a request came through no proxy, by its headers and its Host.
 *
 * A browser of this machine asks for a page of an attacker at a name that the attacker has since pointed to this machine
 * (DNS rebinding), and the page reads the answer. So the Host is one of this machine, an address, or that of the issuer;
 * where a proxy has the TLS of the issuer, a request with that Host has come through it.
 */
export function isDirect({ url, headers }: Request, { issuer, tls }: Config): boolean {
  if (ofProxies.some((name) => headers.has(name))) return false
  const host = URL.parse(url)?.hostname // without a Host header there is none; browsers send one
  const own = new URL(issuer)
  return (
    host === undefined ||
    isLoopbackHost(host) ||
    plainAddress(host.replace(/^\[(.*)\]$/, '$1')) !== undefined ||
    (host === own.hostname && (own.protocol === 'http:' || tls !== undefined))
  )
}

export function mayReadMetrics({ request, address }: Call, config: Config): boolean {
  const { metricsToken } = config
  if (metricsToken !== undefined) {
    const token = /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
    return token !== undefined && equalInConstantTime(token, metricsToken)
  }
  return inNetworks(address, loopback()) && isDirect(request, config)
}
