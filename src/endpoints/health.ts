/** Health check for load balancers: 200 when this instance can serve, 503 when the store is down or takes no write, the clock is off, or the instance is stopping. */
import { mayReadMetrics } from '../http/metrics_access.ts'
import { json } from '../http/reply.ts'
import { jsonReply, ref } from '../openapi/parts.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'
import { version } from '../version.ts'

export const health = defineEndpoint({
  name: 'health',
  path: '/health',
  plainHttp: true,
  whateverTheClock: true,
  advertised: false,
  api: () => ({
    GET: {
      summary: 'Whether this instance can serve',
      responses: {
        200: jsonReply('It can', ref('Health')),
        503: jsonReply(
          'The store does not answer or takes no write, the clock is off, or the instance is stopping',
          ref('Health'),
        ),
      },
    },
  }),
  async get(call, { store, closing, clock, clockGuard, config, log }) {
    const compared = clockGuard.check().catch(() => {}) // when the store does not answer, the ping says so
    const reachable = await store.ping().then(
      () => true,
      (error: Error) => (log.warn('health_store', { problem: error.message }), false),
    )
    await compared
    const clockProblem = clockGuard.problem()
    const isFit = reachable && clockProblem === undefined
    const status = closing() ? 'stopping' : isFit ? 'healthy' : 'unhealthy'
    const findings = {
      status,
      checks: { store: reachable ? 'ok' : 'unreachable', clock: clockProblem === undefined ? 'ok' : 'off' },
      ...(mayReadMetrics(call, config) && { version }),
      timestamp: new Date(clock.now()).toISOString(),
    }
    return status === 'healthy' ? json(200, findings) : json(503, findings, { 'retry-after': '2' })
  },
})
