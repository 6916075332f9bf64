/** Response times are estimated from the buckets of the histogram. https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile */
import { expect, test } from 'bun:test'
import { createMetrics } from '../../../src/lib/metrics.ts'

const observed = (...ms: number[]) => {
  const metrics = createMetrics()
  for (const each of ms) metrics.observe('token', 200, each)
  return metrics.times().get('token')!
}

test('a share is found within its bucket', () => {
  const { requests, quantile } = observed(
    ...Array.from({ length: 90 }, () => 0.5),
    ...Array.from({ length: 10 }, () => 40),
  )
  expect(requests).toBe(100)
  expect(quantile(0.5)).toBeCloseTo(50 / 90, 5) // of 90 in the first millisecond
  expect(quantile(0.9)).toBeCloseTo(1, 5)
  expect(quantile(0.95)).toBeCloseTo(37.5, 5) // half of those between 25 and 50
})

test('beyond the last bucket there is no estimate', () => {
  const { quantile } = observed(1, 9_000, 9_000)
  expect(quantile(0.3)).toBeCloseTo(0.9, 5)
  expect(quantile(0.5)).toBeUndefined()
})

test('an endpoint without requests is not there', () => {
  expect(createMetrics().times().size).toBe(0)
})
