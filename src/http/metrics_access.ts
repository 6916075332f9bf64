/** Who may read what is for operators: metrics and the version. Callers with METRICS_TOKEN, or this machine when none is set. OWASP ASVS 5.0 13.4.6 */
import type { Config } from '../config.ts'
import type { Call } from '../contracts/call.ts'
import { inNetworks, loopback } from '../lib/address.ts'
import { equalInConstantTime } from '../lib/equal.ts'

/** A proxy on this machine forwards other callers, and adds one of these. One that adds none must keep `/metrics` and `/health` to itself. */
const ofProxies = [
  ...['forwarded', 'via', 'x-real-ip', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip'],
  ...['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-server'],
]

export function mayReadMetrics({ request, address }: Call, { metricsToken }: Config): boolean {
  const { headers } = request
  if (metricsToken !== undefined) {
    const token = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1]
    return token !== undefined && equalInConstantTime(token, metricsToken)
  }
  return inNetworks(address, loopback()) && !ofProxies.some((name) => headers.has(name))
}
