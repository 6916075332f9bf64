/** Output of commands: lines, JSON, tables. Control characters in values are escaped, so that they do not reach the terminal. */

import { inChosenRealm } from './in_realm.ts'
import { escapeCharacter, replaceUnsafe } from '../lib/unsafe_text.ts'

/** A value as one line, with unsafe characters escaped. */
export const printable = (value: unknown): string =>
  replaceUnsafe(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''), 'line', escapeCharacter)

/** A text of several lines, with all other unsafe characters escaped. */
export const printableLines = (text: string): string =>
  replaceUnsafe(text, 'line', (each) => (each === '\n' ? each : escapeCharacter(each)))

export function print(text: string): void {
  process.stdout.write(`${inChosenRealm(text)}\n`)
}

export function printJson(value: unknown): void {
  // Line feeds between members are kept; those inside values are escaped already.
  process.stdout.write(`${printableLines(JSON.stringify(value, null, 2))}\n`)
}

/** A longer cell moves the rest of its own row alone. */
const widestColumn = 60

type Rows = readonly (readonly unknown[])[]

/** What a `list` command shows: a table, or the sentence `none` where there is no row. */
export function printList(head: readonly string[], rows: Rows, none: string): void {
  if (rows.length === 0) print(none)
  else printTable(head, rows)
}

/** Columns as wide as their widest cell of at most `widestColumn`; the last one is not padded. */
export function printTable(head: readonly string[], rows: Rows): void {
  const cells = [head, ...rows].map((row) => row.map(printable))
  const widths = head.map((_, i) =>
    Math.max(...cells.map((row) => Bun.stringWidth(row[i] ?? '')).filter((width) => width <= widestColumn)),
  )
  const pad = (cell: string, i: number) =>
    cell + ' '.repeat(Math.max(0, (widths[i] ?? 0) - Bun.stringWidth(cell)))
  print(cells.map((row) => row.map(pad).join('  ').trimEnd()).join('\n'))
}

/** Lines of name and value; undefined values are left out. */
export const printFacts = (facts: Readonly<Record<string, unknown>>): void => {
  const known = Object.entries(facts).filter(([, value]) => value !== undefined)
  const width = Math.max(...known.map(([name]) => name.length))
  print(known.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}`).join('\n'))
}

/** The members of our records that are times. `exp` is shown as `expires`; those of specifications stay numbers. */
const times: Readonly<Record<string, string>> = {
  created_at: 'created_at',
  updated_at: 'updated_at',
  leaving_at: 'erased_at',
  activates_at: 'activates_at',
  retires_at: 'retires_at',
  rotates_at: 'rotates_at',
  exp: 'expires',
}

/** The record with its times as ISO 8601, for JSON. */
export const withTimes = (record: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(record).map(([name, value]) =>
      Object.hasOwn(times, name) && typeof value === 'number' ? [times[name], moment(value)] : [name, value],
    ),
  )

/** Seconds since the epoch as ISO 8601. */
export const moment = (seconds: number | undefined): string =>
  seconds === undefined ? '' : new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
