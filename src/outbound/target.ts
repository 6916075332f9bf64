/** Checks the target of an outbound request: the URL, and the addresses of its host. https://owasp.org/www-project-top-ten/ (SSRF) https://www.rfc-editor.org/rfc/rfc9700#section-4.11 */
import { clientRangeOf } from '../lib/address.ts'
import { isIP } from '../lib/ip.ts'
import { type Target, targetOf } from '../lib/outbound_target.ts'
import { isPublicAddress } from '../lib/public_address.ts'
import { internal, OutboundError, unreachable } from './error.ts'

export type { Target } from '../lib/outbound_target.ts'

/** All addresses of a name. */
export type Resolve = (host: string) => Promise<readonly string[]>

const refuse = (message: string, detail?: string) => new OutboundError('refused', message, detail)

/** The checks that need no network (`lib/outbound_target.ts`). Throws OutboundError `refused`. */
export function readTarget(text: string, exemptions: ReadonlySet<string>): Target {
  const target = targetOf(text, exemptions)
  if ('problem' in target) throw refuse(target.problem, target.detail)
  return target
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
