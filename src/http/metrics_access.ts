/** Who may read what is for operators: metrics and the version. Callers with METRICS_TOKEN, or this machine when none is set. OWASP ASVS 5.0 13.4.6 */
import type { Config } from '../config.ts'
import type { Call } from '../contracts/call.ts'
import { inNetworks, loopback } from '../lib/address.ts'
import { equalInConstantTime } from '../lib/equal.ts'

export function mayReadMetrics({ request, address }: Call, { metricsToken }: Config): boolean {
  const { headers } = request
  if (metricsToken !== undefined) {
    const token = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1]
    return token !== undefined && equalInConstantTime(token, metricsToken)
  }
  // A proxy on this machine forwards other callers, and adds a header.
  return inNetworks(address, loopback()) && !headers.has('x-forwarded-for') && !headers.has('forwarded')
}
