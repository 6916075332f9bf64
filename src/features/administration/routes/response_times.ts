/** GET /admin/v1/response_times: how long this instance takes to answer, by endpoint. */
import * as v from 'valibot'
import { defineRoute } from '../route.ts'

const milliseconds = v.pipe(
  v.nullable(v.number()),
  v.description(
    'Milliseconds, estimated from the buckets of the metrics; null: longer than the longest of them',
  ),
)

export const responseTimeRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/response_times',
    summary: 'Response times of this instance since its start, by endpoint',
    scope: 'admin:statistics.read',
    answer: v.object({
      items: v.array(
        v.object({
          endpoint: v.pipe(v.string(), v.description('Its name in the metrics')),
          requests: v.number(),
          p50_ms: milliseconds,
          p95_ms: milliseconds,
        }),
      ),
    }),
    async run(_call, { metrics }) {
      const rounded = (ms: number | undefined) => (ms === undefined ? null : Math.round(ms * 10) / 10)
      const items = [...metrics.times()].map(([endpoint, { requests, quantile }]) => ({
        endpoint,
        requests,
        p50_ms: rounded(quantile(0.5)),
        p95_ms: rounded(quantile(0.95)),
      }))
      return { answer: { items: items.toSorted((a, b) => b.requests - a.requests) } }
    },
  }),
}
