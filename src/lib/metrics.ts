/** Counters, gauges and one histogram in the Prometheus text format. https://prometheus.io/docs/instrumenting/exposition_formats/ */
import {
  type Counter,
  type CounterName,
  counters,
  families,
  type Labelled,
  type MeasuredName,
  totalOf,
} from './metric_table.ts'

/** A value that is read when the metrics are asked for. */
export interface Sample {
  name: MeasuredName
  value: number
  labels?: Readonly<Record<string, string>>
}

export interface ResponseTimes {
  requests: number
  /**
   * Milliseconds within which the share of the requests was answered, estimated within a bucket of the histogram as
   * `histogram_quantile` of Prometheus does. Undefined beyond the last bucket.
   */
  quantile(share: number): number | undefined
}

export interface Metrics {
  /** One answered request; `ms` is how long it took. */
  observe(endpoint: string, status: number, ms: number): void
  /** Adds one to `latchkey_<name>_total`; the row in metric_table.ts says whether it has a label. */
  count<N extends CounterName>(name: N, ...labelled: Labelled<N>): void
  /** What was counted since the start, by the value of the label. */
  counts(name: CounterName): ReadonlyMap<string, number>
  /** The response times of each endpoint since the start. */
  times(): Map<string, ResponseTimes>
  /** The text of all metrics. `paths` are the paths of the endpoints, by name. */
  render(samples: readonly Sample[], paths: ReadonlyMap<string, string>): string
}

const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/** Values of one label. Those of our code are fewer; what is beyond is counted together, so that no fault makes series without end. */
const mostValues = 200
const rest = 'other'

const escape = (value: string) =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
const labelled = (labels: Readonly<Record<string, string>>) => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`)
  return pairs.length ? `{${pairs.join(',')}}` : ''
}

interface Series {
  requests: Map<number, number>
  buckets: number[]
  seconds: number
  total: number
}

const newSeries = (): Series => ({ requests: new Map(), buckets: bounds.map(() => 0), seconds: 0, total: 0 })

/** The counts of a counter by the value of its label; '' without one. */
const newCounts = (name: CounterName): Map<string, number> => {
  const row: Counter = counters[name]
  return new Map((row.label === undefined ? [''] : (row.values ?? [])).map((value) => [value, 0]))
}

function quantileOf({ buckets, total }: Series, share: number): number | undefined {
  const rank = share * total
  const at = buckets.findIndex((count) => count >= rank)
  if (at < 0) return undefined
  const [low, before] = at === 0 ? [0, 0] : [bounds[at - 1]!, buckets[at - 1]!]
  const within = buckets[at]! - before
  return 1000 * (low + (within === 0 ? 0 : ((bounds[at]! - low) * (rank - before)) / within))
}

export function createMetrics(): Metrics {
  const endpoints = new Map<string, Series>()
  const counts = new Map((Object.keys(counters) as CounterName[]).map((name) => [name, newCounts(name)]))

  const requests = (name: string): string[] =>
    [...endpoints].flatMap(([endpoint, series]) =>
      [...series.requests].map(
        ([status, count]) => `${name}${labelled({ endpoint, status: `${status}` })} ${count}`,
      ),
    )

  const times = (name: string): string[] =>
    [...endpoints].flatMap(([endpoint, { buckets, seconds, total }]) => [
      ...bounds.map((bound, i) => `${name}_bucket${labelled({ endpoint, le: `${bound}` })} ${buckets[i]}`),
      `${name}_bucket${labelled({ endpoint, le: '+Inf' })} ${total}`,
      `${name}_sum${labelled({ endpoint })} ${seconds}`,
      `${name}_count${labelled({ endpoint })} ${total}`,
    ])

  const counted = (name: CounterName): string[] => {
    const { label = '' }: Counter = counters[name]
    return [...counts.get(name)!].map(
      ([value, count]) => `${totalOf(name)}${labelled(label === '' ? {} : { [label]: value })} ${count}`,
    )
  }

  const sum = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0)

  const meanTimes = (name: string, paths: ReadonlyMap<string, string>): string[] =>
    [...endpoints].flatMap(([endpoint, { seconds, total }]) => {
      const path = paths.get(endpoint)
      return path === undefined ? [] : [`${name}${labelled({ endpoint: path })} ${seconds / total}`]
    })

  return {
    observe(endpoint, status, ms) {
      let series = endpoints.get(endpoint)
      if (!series) endpoints.set(endpoint, (series = newSeries()))
      series.requests.set(status, (series.requests.get(status) ?? 0) + 1)
      const seconds = ms / 1000
      for (let i = bounds.length - 1; i >= 0 && seconds <= bounds[i]!; i--) series.buckets[i]!++
      series.seconds += seconds
      series.total++
    },

    count(name, ...[, value = '']) {
      const counter = counts.get(name)!
      const key = counter.has(value) || counter.size < mostValues ? value : rest
      counter.set(key, (counter.get(key) ?? 0) + 1)
    },

    counts: (name) => counts.get(name)!,

    times: () =>
      new Map(
        [...endpoints].map(([name, series]) => [
          name,
          { requests: series.total, quantile: (share: number) => quantileOf(series, share) },
        ]),
      ),

    render(samples, paths) {
      const { authorization } = Object.fromEntries(endpoints)
      const lines: Record<string, string[]> = {
        latchkey_requests_total: requests('latchkey_requests_total'),
        latchkey_response_time_seconds: times('latchkey_response_time_seconds'),
        oidc_tokens_issued_total: [`oidc_tokens_issued_total ${sum(counts.get('tokens_issued')!.values())}`],
        oidc_auth_requests_total: [`oidc_auth_requests_total ${authorization?.total ?? 0}`],
        oidc_response_time_seconds: meanTimes('oidc_response_time_seconds', paths),
      }
      for (const name of counts.keys()) lines[totalOf(name)] = counted(name)
      for (const { name, value, labels = {} } of samples)
        (lines[name] ??= []).push(`${name}${labelled(labels)} ${value}`)
      return Object.entries(families)
        .filter(([name]) => lines[name]?.length)
        .flatMap(([name, { type, help }]) => [
          `# HELP ${name} ${help}`,
          `# TYPE ${name} ${type}`,
          ...lines[name]!,
        ])
        .map((line) => `${line}\n`)
        .join('')
    },
  }
}

/** Of a realm: it counts for itself and for the whole process. */
export function metricsWithin(whole: Metrics): Metrics {
  const own = createMetrics()
  return {
    ...own,
    observe(...request) {
      own.observe(...request)
      whole.observe(...request)
    },
    count(...counted) {
      own.count(...counted)
      whole.count(...counted)
    },
  }
}
