/** Plain HTTP in production: from this machine and the proxies that terminate TLS alone. https://www.rfc-editor.org/rfc/rfc6749#section-3.2 */
import { HttpError } from '../auth/errors.ts'
import type { Config } from '../config.ts'
import type { Call } from '../contracts/call.ts'
import type { Endpoint } from '../contracts/endpoint.ts'
import { inNetworks, loopback } from '../lib/address.ts'

/**
 * Throws `plain_http` for a request whose secrets other machines could have read: the server has no TLS, and the peer is
 * neither this machine nor in TRUSTED_PROXIES.
 */
export function requireSafeConnection(
  call: Call,
  endpoint: Endpoint | undefined,
  { tls, plainHttpFrom, trustedProxies }: Config,
): void {
  if (tls || plainHttpFrom === 'anywhere' || endpoint?.plainHttp) return
  const { peer } = call
  if (inNetworks(peer, loopback()) || inNetworks(peer, trustedProxies)) return
  throw new HttpError('plain_http', {
    expected: 'a connection of this machine or of TRUSTED_PROXIES, because the server has no TLS',
    came: { peer },
    problem: 'plain HTTP is accepted from TRUSTED_PROXIES alone',
    next: 'set TLS_CERT_PATH and TLS_KEY_PATH, name the proxy in TRUSTED_PROXIES, or set PLAIN_HTTP_FROM=anywhere',
  })
}
