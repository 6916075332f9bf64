/** Whether a request comes from one of some networks: by its own address, and by what a proxy says of it. */
import type { Config } from '../config.ts'
import type { Call } from '../contracts/call.ts'
import { inNetworks, type Network } from '../lib/address.ts'
import { withoutPort } from './describe_call.ts'

/**
 * The address by the rule of TRUSTED_PROXIES. The last one in X-Forwarded-For that is no trusted proxy must be in the
 * networks as well: behind a proxy that is not declared, each client would have the address of that proxy, such as loopback.
 */
export function isFromNetworks(
  { address, request }: Call,
  networks: readonly Network[],
  { trustedProxies }: Config,
): boolean {
  const hops = (request.headers.get('x-forwarded-for') ?? '').split(',').map((hop) => withoutPort(hop.trim()))
  const last = hops.findLast((hop) => hop !== '' && !inNetworks(hop, trustedProxies))
  return inNetworks(address, networks) && (last === undefined || inNetworks(last, networks))
}
