/** Whether the teaching lab exists for a request. Its pages show sign-ins and tokens of all people. docs/lab.md */
import type { Config } from '../config.ts'
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import { isFromNetworks } from './from_networks.ts'
import { hasLabPass } from './lab_pass.ts'
import { isDirect } from './metrics_access.ts'

/**
 * The Host is the issuer's or, without a proxy, one of this machine: a page of an attacker whose name points to this
 * machine (DNS rebinding) finds nothing.
 */
const isOwnHost = ({ request, address, peer }: Call, config: Config): boolean =>
  address === peer
    ? isDirect(request, config)
    : URL.parse(request.url)?.hostname === new URL(config.issuer).hostname

/**
 * For `exists` of every endpoint of the lab: with LAB, from LAB_NETWORKS alone. In a realm of a classroom a pass decides in
 * place of the address: students share a network, and some a machine.
 */
export const labExists = (call: Call, context: Context): boolean => {
  const { config, realm } = context
  if (!config.lab) return false
  if (realm?.classroom !== undefined) return hasLabPass(call, context)
  return isFromNetworks(call, config.labNetworks, config) && isOwnHost(call, config)
}
