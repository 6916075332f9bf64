/** The forms of an export of the audit trail, one row each. docs/audit.md */
import { csvLine } from '../../lib/csv.ts'
import { escapeCharacter, replaceUnsafe } from '../../lib/unsafe_text.ts'
import { type Entry, readLine } from './entry.ts'
import { type FormatName, formats, type Origin } from './formats/format.ts'

const columns = [
  ...['time', 'chain', 'seq', 'kind', 'outcome', 'reason', 'actor', 'operator', 'subject', 'client_id'],
  ...['request_id', 'trace_id', 'address', 'device', 'details'],
] as const

/** Which entries. `jsonl` has all, because a part of a chain cannot be verified. */
export type Wanted = (entry: Entry) => boolean

interface Export {
  /** The media type. */
  type: string
  extension: string
  write(lines: AsyncIterable<string>, origin: Origin, wanted: Wanted): AsyncIterable<string>
}

/** `jsonl` is the trail itself, with its checkpoints. All others have the entries alone, in the vocabulary of another tool. */
export const exports = {
  jsonl: { type: 'application/jsonl', extension: 'jsonl', write: (lines) => lines },
  csv: { type: 'text/csv; charset=utf-8', extension: 'csv', write: csvOf },
  ocsf: { type: 'application/jsonl', extension: 'ocsf.jsonl', write: entriesAs('ocsf') },
  ecs: { type: 'application/jsonl', extension: 'ecs.jsonl', write: entriesAs('ecs') },
} as const satisfies Record<string, Export>

export type ExportName = keyof typeof exports
export const exportNames = Object.keys(exports) as [ExportName, ...ExportName[]]

async function* entriesOf(
  lines: AsyncIterable<string>,
  wanted: Wanted,
): AsyncGenerator<{ entry: Entry; line: string }> {
  for await (const line of lines) {
    const entry = readLine(line)?.entry
    if (entry && wanted(entry)) yield { entry, line }
  }
}

function entriesAs(format: FormatName): Export['write'] {
  return async function* (lines, origin, wanted) {
    for await (const each of entriesOf(lines, wanted)) yield formats[format](each, origin)
  }
}

const cellOf = (value: unknown): string =>
  replaceUnsafe(typeof value === 'string' ? value : JSON.stringify(value), 'line', escapeCharacter)

async function* csvOf(lines: AsyncIterable<string>, _origin: Origin, wanted: Wanted): AsyncGenerator<string> {
  yield `${csvLine(columns)}\r`
  for await (const { entry } of entriesOf(lines, wanted)) {
    const values: Record<string, unknown> = { ...entry }
    yield `${csvLine(columns.map((name) => cellOf(values[name] ?? '')))}\r`
  }
}
