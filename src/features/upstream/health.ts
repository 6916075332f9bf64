/** What the last request for the metadata of each provider found, for /health. The check itself asks no provider. */
import type { HealthCheck } from '../../contracts/feature.ts'
import { lastOutcome } from './discovery.ts'
import { upstreamsOf } from './settings.ts'

export const upstreamCheck: HealthCheck = {
  name: 'upstream',
  trouble: 'unreachable',
  run(context) {
    const found = upstreamsOf(context.config).map(({ id }) => ({ id, outcome: lastOutcome(context, id) }))
    return {
      ok: found.every(({ outcome }) => outcome?.status !== 'failed'),
      details: Object.fromEntries(
        found.map(({ id, outcome = { status: 'not_asked_yet' } }) => [id, outcome]),
      ),
    }
  },
}
