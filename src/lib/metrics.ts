/** Counters and one histogram in the Prometheus text format. https://prometheus.io/docs/instrumenting/exposition_formats/ */

export interface Metrics {
  /** One answered request; `ms` is how long it took. */
  observe(endpoint: string, status: number, ms: number): void
  /** Add one to `latchkey_<name>_total`, with at most one label. */
  count(name: string, label?: string, value?: string): void
  /** The text of all metrics; `gauges` are current values. */
  render(gauges: Record<string, number>): string
}

const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

const escape = (value: string) =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
const labelled = (labels: Record<string, string>) => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`)
  return pairs.length ? `{${pairs.join(',')}}` : ''
}

interface Series {
  requests: Map<number, number>
  buckets: number[]
  seconds: number
  total: number
}

export function createMetrics(): Metrics {
  const endpoints = new Map<string, Series>()
  const counters = new Map<string, Map<string, number>>()

  return {
    observe(endpoint, status, ms) {
      let series = endpoints.get(endpoint)
      if (!series)
        endpoints.set(
          endpoint,
          (series = { requests: new Map(), buckets: bounds.map(() => 0), seconds: 0, total: 0 }),
        )
      series.requests.set(status, (series.requests.get(status) ?? 0) + 1)
      const seconds = ms / 1000
      for (let i = bounds.length - 1; i >= 0 && seconds <= bounds[i]!; i--) series.buckets[i]!++
      series.seconds += seconds
      series.total++
    },

    count(name, label = '', value = '') {
      let counter = counters.get(name)
      if (!counter) counters.set(name, (counter = new Map()))
      const key = `${label}\n${value}`
      counter.set(key, (counter.get(key) ?? 0) + 1)
    },

    render(gauges) {
      const lines = ['# TYPE latchkey_requests_total counter']
      for (const [endpoint, { requests }] of endpoints)
        for (const [status, count] of requests)
          lines.push(`latchkey_requests_total${labelled({ endpoint, status: `${status}` })} ${count}`)
      lines.push('# TYPE latchkey_response_time_seconds histogram')
      for (const [endpoint, series] of endpoints) {
        bounds.forEach((bound, i) =>
          lines.push(
            `latchkey_response_time_seconds_bucket${labelled({ endpoint, le: `${bound}` })} ${series.buckets[i]}`,
          ),
        )
        lines.push(
          `latchkey_response_time_seconds_bucket${labelled({ endpoint, le: '+Inf' })} ${series.total}`,
        )
        lines.push(`latchkey_response_time_seconds_sum${labelled({ endpoint })} ${series.seconds}`)
        lines.push(`latchkey_response_time_seconds_count${labelled({ endpoint })} ${series.total}`)
      }
      for (const [name, counter] of counters) {
        lines.push(`# TYPE latchkey_${name}_total counter`)
        for (const [key, count] of counter) {
          const [label = '', value = ''] = key.split('\n')
          lines.push(`latchkey_${name}_total${labelled(label === '' ? {} : { [label]: value })} ${count}`)
        }
      }
      for (const [name, value] of Object.entries(gauges))
        lines.push(`# TYPE latchkey_${name} gauge`, `latchkey_${name} ${value}`)
      return `${lines.join('\n')}\n`
    },
  }
}
