/** Health check for load balancers: 200 when this instance can serve, 503 when the store is down or takes no write, or the instance is stopping. */
import { mayReadMetrics } from '../http/metrics_access.ts'
import { json } from '../http/reply.ts'
import { jsonReply, ref } from '../openapi/parts.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'
import { version } from '../version.ts'

export const health = defineEndpoint({
  name: 'health',
  path: '/health',
  plainHttp: true,
  advertised: false,
  api: () => ({
    GET: {
      summary: 'Whether this instance can serve',
      responses: {
        200: jsonReply('It can', ref('Health')),
        503: jsonReply(
          'The store does not answer or takes no write, or the instance is stopping',
          ref('Health'),
        ),
      },
    },
  }),
  async get(call, { store, closing, clock, config, log }) {
    const reachable = await store.ping().then(
      () => true,
      (error: Error) => (log.warn('health_store', { problem: error.message }), false),
    )
    const status = closing() ? 'stopping' : reachable ? 'healthy' : 'unhealthy'
    const findings = {
      status,
      checks: { store: reachable ? 'ok' : 'unreachable' },
      ...(mayReadMetrics(call, config) && { version }),
      timestamp: new Date(clock.now()).toISOString(),
    }
    return status === 'healthy' ? json(200, findings) : json(503, findings, { 'retry-after': '2' })
  },
})
