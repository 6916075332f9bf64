/** The table that is printed: medians over the rounds, share of the limit, ratio to the peer, and whether targets were met. */
import { arch, cpus, release, totalmem } from 'node:os'
import { median, tolerable } from './measure.ts'
import type { Row } from './rows.ts'
import type { Result } from './target.ts'

/** What `--json` writes. */
export interface Run {
  /** YYYY-MM-DD. */
  date: string
  machine: string
  rounds: number
  seconds: number
  /** Names of the Nodes that ran the peer, the newest first. */
  nodes: string[]
  /** Disturbed measurements were kept: no result, only a try. */
  noisy: boolean
  /** By server and name of the row: `latchkey jwks`, `limit jwks`, `Node 22.1.0 jwks`, `driver get`. */
  results: Record<string, Result[]>
}

type Pick = (result: Result) => number

/** The median of the rounds that other processes did not disturb; undefined without such a round. */
export const middle = ({ results, noisy }: Run, key: string, pick: Pick): number | undefined => {
  const found = (results[key] ?? []).filter(({ foreign }) => noisy || foreign <= tolerable)
  return found.length > 0 ? median(found.map(pick)) : undefined
}

const rateOf: Pick = ({ rate }) => rate

/** Steps a second of a row on one server. */
export const rateAt = (run: Run, server: string, name: string): number | undefined =>
  middle(run, `${server} ${name}`, rateOf)

/** The rate that bounds a row; of a row on Redis, the rate on the memory store. */
export const limitOf = (run: Run, { name, workload, limit }: Row): number | undefined =>
  limit === 'memory'
    ? rateAt(run, 'latchkey', workload)
    : limit && rateAt(run, 'limit', limit === 'server' ? name : limit)

const ratio = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? undefined : one / other

export const shownRate = (value: number | undefined): string =>
  value === undefined ? '-' : value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en')
const milliseconds = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(2))
const times = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(2))
const percent = (value: number | undefined): string =>
  value === undefined ? '-' : `${Math.round(value * 100)} %`

/** A Markdown table whose source is aligned; the first line holds the headings. */
export const table = (lines: string[][]): string => {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  const aligned = lines.map(
    (line) =>
      `| ${line.map((cell, i) => (i < 1 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`,
  )
  aligned.splice(
    1,
    0,
    `| ${widths.map((width, i) => (i < 1 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`,
  )
  return aligned.join('\n')
}

/** `yes` or `NO` for a target that was measured; the percentage is compared as it is shown. */
const met = (reached: number | undefined, target: number | undefined): string =>
  target === undefined || reached === undefined
    ? '-'
    : Math.round(reached * 100) >= Math.round(target * 100)
      ? 'yes'
      : 'NO'

function line(run: Run, row: Row): string[] {
  const own = `latchkey ${row.name}`
  const rate = rateAt(run, 'latchkey', row.name)
  const limit = limitOf(run, row)
  const share = ratio(rate, limit)
  const peers = run.nodes.map((node) => rateAt(run, node, row.name))
  const timesPeer = ratio(rate, peers[0])
  return [
    row.name,
    shownRate(rate),
    `${shownRate(limit)}${row.limit === 'memory' ? ' (memory)' : ''}`,
    percent(share),
    percent(row.share),
    met(share, row.share),
    ...peers.map(shownRate),
    times(timesPeer),
    times(row.timesPeer),
    met(timesPeer, row.timesPeer),
    milliseconds(middle(run, own, ({ p50 }) => p50)),
    milliseconds(middle(run, own, ({ p99 }) => p99)),
    percent(middle(run, own, ({ server }) => server)),
    percent(middle(run, own, ({ driver }) => driver)),
  ]
}

const comparisons = (rows: Row[], run: Run): string =>
  table([
    [
      'workload',
      'latchkey /s',
      'limit /s',
      'of limit',
      'aim',
      'met',
      ...run.nodes.map((node) => `peer, ${node.replace(/(\d+)\..*/, '$1')}`),
      'times peer',
      'aim',
      'met',
      'p50 ms',
      'p99 ms',
      'server',
      'driver',
    ],
    ...rows.filter(({ limit }) => limit).map((row) => line(run, row)),
  ])

function floodLines(run: Run): string {
  const of = (name: string) =>
    middle(run, 'latchkey sign_in_flood', ({ extra }) => extra?.[name] ?? Number.NaN) ?? Number.NaN
  if (Number.isNaN(of('seconds'))) return 'sign_in_flood: no undisturbed round'
  const lines = ['jwks', 'client_credentials'].map((name) => {
    const [before, during] = [of(`${name}_quiet_p99`), of(`${name}_flooded_p99`)]
    const [growth, samples] = [during / before, `${of(`${name}_samples`)}`]
    return [
      name,
      milliseconds(before),
      milliseconds(during),
      times(growth),
      '5',
      growth <= 5 ? 'yes' : 'NO',
      samples,
    ]
  })
  return [
    `1,000 simultaneous sign-ins: ${of('signed_in')} succeeded, ${of('turned_away')} were answered with 503, all were answered within ${of('seconds').toFixed(2)} s`,
    '',
    table([['workload', 'p99 ms quiet', 'p99 ms flooded', 'ratio', 'at most', 'met', 'samples'], ...lines]),
  ].join('\n')
}

function driverLine(run: Run): string {
  const [got, posted] = ['get', 'post'].map((name) => rateAt(run, 'driver', name))
  if (got === undefined) return ''
  const foreign = percent(middle(run, 'driver get', (result) => result.foreign))
  return `driver against a trivial Bun.serve: ${shownRate(got)} GET/s, ${shownRate(posted)} POST/s with the answer parsed; other processes used ${foreign} of a core`
}

/** Rows of which other processes disturbed rounds that are not counted. */
function disturbed({ results, noisy }: Run): string {
  const keys = Object.entries(results).flatMap(([key, some]) => {
    const count = some.filter(({ foreign }) => foreign > tolerable).length
    return count > 0 ? [`${key} (${count} of ${some.length})`] : []
  })
  if (keys.length === 0) return ''
  return noisy
    ? 'measured with --noisy: not a result'
    : `rounds not counted, because other processes used more than ${percent(tolerable)} of a core: ${keys.join(', ')}`
}

export const describeMachine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()} ${arch()}, Bun ${Bun.version}`

/** Markdown, and plain enough to read in a terminal. */
export function report(rows: Row[], run: Run): string {
  const { date, machine, rounds, seconds, nodes, results } = run
  const peers = nodes.length > 0 ? `; peer on ${nodes.join(' and ')}` : ''
  return [
    `${date}, ${machine}; median of ${rounds} rounds of ${seconds} s, 16 connections${peers}`,
    driverLine(run),
    comparisons(rows, run),
    results['latchkey sign_in_flood'] ? floodLines(run) : '',
    disturbed(run),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}
