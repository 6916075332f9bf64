/** The table that is printed: medians over the rounds, ratio, target, and whether it was met. */
import { arch, cpus, release, totalmem } from 'node:os'
import { median, tolerable } from './measure.ts'
import type { Row } from './rows.ts'
import type { Result } from './target.ts'

type Results = ReadonlyMap<string, Result[]>

/** Rounds that strangers spoiled count for nobody, whichever way they would have counted. */
const quiet = (results: Results): Results =>
  new Map(
    [...results]
      .map(([key, some]) => [key, some.filter(({ foreign }) => foreign <= tolerable)] as const)
      .filter(([, some]) => some.length > 0),
  )

const middle = (results: Results, key: string, pick: (result: Result) => number): number | undefined => {
  const found = results.get(key)
  return found && median(found.map(pick))
}

const rate = (value: number | undefined): string =>
  value === undefined ? '-' : value < 1000 ? value.toFixed(1) : Math.round(value).toLocaleString('en')
const milliseconds = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(2))

const percent = (value: number | undefined): string =>
  value === undefined ? '-' : `${Math.round(value * 100)} %`

/** Which recorded rate a row is held against. */
const other = (row: Row): string | undefined =>
  row.against === 'peer'
    ? `peer ${row.workload}`
    : row.against === 'memory'
      ? `opaque ${row.workload}`
      : row.against && `bare ${row.against}`

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

const comparisons = (rows: Row[], results: Results): string =>
  table([
    [
      'workload',
      'latchkey /s',
      'against',
      'its /s',
      'ratio',
      'target',
      'met',
      'p50 ms',
      'p99 ms',
      'its p50',
      'its p99',
      'server',
      'driver',
      'rounds',
    ],
    ...rows
      .filter(({ against }) => against)
      .map((row) => {
        const ours = `${row.variant} ${row.workload}`
        const theirs = other(row)!
        const [mine, its] = [ours, theirs].map((key) => middle(results, key, (result) => result.rate))
        const ratio = mine !== undefined && its !== undefined ? mine / its : undefined
        const shown = results.has(ours) ? ours : theirs
        const counted = [ours, theirs].map((key) => results.get(key)?.length ?? 0)
        return [
          row.name,
          rate(mine),
          row.against ?? '',
          rate(its),
          ratio?.toFixed(2) ?? '-',
          row.target === undefined ? 'none' : `${row.target}`,
          row.target === undefined || ratio === undefined ? '-' : ratio >= row.target ? 'yes' : 'NO',
          milliseconds(middle(results, ours, (result) => result.p50)),
          milliseconds(middle(results, ours, (result) => result.p99)),
          milliseconds(middle(results, theirs, (result) => result.p50)),
          milliseconds(middle(results, theirs, (result) => result.p99)),
          percent(middle(results, shown, (result) => result.server)),
          percent(middle(results, shown, (result) => result.driver)),
          counted.join(' + '),
        ]
      }),
  ])

const floodLines = (results: Results): string => {
  const rounds = results.get('opaque sign_in_flood')
  if (!rounds) return '\nsign_in_flood: no undisturbed round'
  const of = (name: string) => median(rounds.map(({ extra }) => extra?.[name] ?? Number.NaN))
  const lines = ['jwks', 'client_credentials'].map((name) => {
    const [quiet, flooded] = [of(`${name}_quiet_p99`), of(`${name}_flooded_p99`)]
    const ratio = flooded / quiet
    return [
      name,
      quiet.toFixed(2),
      flooded.toFixed(2),
      ratio.toFixed(2),
      '5',
      ratio <= 5 ? 'yes' : 'NO',
      `${of(`${name}_samples`)}`,
    ]
  })
  return [
    '',
    `1,000 simultaneous sign-ins: ${of('signed_in')} succeeded, ${of('turned_away')} were answered with 503, all were answered within ${of('seconds').toFixed(2)} s`,
    '',
    table([['workload', 'p99 ms quiet', 'p99 ms flooded', 'ratio', 'at most', 'met', 'samples'], ...lines]),
  ].join('\n')
}

const driverLine = (results: Results): string => {
  const [got, posted] = ['bare discovery', 'bare client_credentials'].map((key) =>
    middle(results, key, ({ rate }) => rate),
  )
  return got === undefined
    ? ''
    : `driver against a trivial Bun.serve: ${rate(got)} GET/s, ${rate(posted)} POST/s with the answer parsed; other processes used ${percent(middle(results, 'bare discovery', ({ foreign }) => foreign))} of a core\n`
}

/** Markdown, and plain enough to read in a terminal. */
export function report(
  rows: Row[],
  all: Results,
  { rounds, seconds }: { rounds: number; seconds: number },
): string {
  const results = quiet(all)
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()} ${arch()}, Bun ${Bun.version}`
  return [
    `${machine}; median of ${rounds} rounds of ${seconds} s, 16 connections\n`,
    driverLine(results),
    comparisons(rows, results),
    all.has('opaque sign_in_flood') ? floodLines(results) : '',
  ]
    .filter((part) => part !== '')
    .join('\n')
}
