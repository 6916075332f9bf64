/** Metrics for Prometheus: for callers with METRICS_TOKEN, or for this machine when none is set. */
import { HttpError } from '../auth/errors.ts'
import { mayReadMetrics } from '../http/metrics_access.ts'
import { jsonReply, ref } from '../openapi/parts.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'

export const metrics = defineEndpoint({
  name: 'metrics',
  path: '/metrics',
  whateverTheClock: true,
  advertised: false,
  api: () => ({
    GET: {
      summary: 'Counters for Prometheus',
      description: 'With METRICS_TOKEN where it is set; otherwise only from this machine.',
      security: [{ metrics_token: [] }, {}],
      responses: {
        200: { description: 'Metrics', content: { 'text/plain': { schema: { type: 'string' } } } },
        404: jsonReply('Not for this caller', ref('Error')),
      },
    },
  }),
  get(call, { clockGuard, config, metrics, signInQueue }) {
    if (!mayReadMetrics(call, config))
      throw new HttpError('not_found', {
        expected: 'metrics are read with METRICS_TOKEN, or from this machine',
      })
    const offset = clockGuard.offset()
    const body = metrics.render({
      sign_in_queue_waiting: signInQueue.waiting(),
      ...(offset !== undefined && { clock_offset_seconds: offset / 1000 }),
      process_resident_memory_bytes: process.memoryUsage.rss(),
    })
    return {
      status: 200,
      body,
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' },
    }
  },
})
