/** Reads and writes files of accounts, as JSON and as CSV. https://www.rfc-editor.org/rfc/rfc4180 */
import { csvLine, plainCell } from '../lib/csv.ts'
import { ownMember } from '../lib/own_member.ts'
import { Refusal } from './failure.ts'

/** A record of a file, and its position: the line of CSV or the entry of JSON, from 1. */
export interface FileRecord {
  at: string
  record: unknown
}

/** Throws Refusal when the text is not a JSON array. */
export function readJson(text: string): FileRecord[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new Refusal(`expected JSON: ${error instanceof Error ? error.message : ''}`)
  }
  if (!Array.isArray(parsed)) throw new Refusal('expected a JSON array of accounts')
  return parsed.map((record: unknown, i) => ({ at: `entry ${i + 1}`, record }))
}

const recordColumns = [
  'username',
  'sub',
  'password_hash',
  'disabled',
  'roles',
  'language',
  'created_at',
  'updated_at',
]
const booleans: Readonly<Record<string, boolean>> = { true: true, false: false }

/** By column: turns the text of a cell into its value. */
const readers: Readonly<Record<string, (cell: string) => unknown>> = {
  disabled: (cell) => ownMember(booleans, cell.toLowerCase()) ?? cell,
  email_verified: (cell) => ownMember(booleans, cell.toLowerCase()) ?? cell,
  phone_number_verified: (cell) => ownMember(booleans, cell.toLowerCase()) ?? cell,
  roles: (cell) => cell.split(/[\s,;]+/).filter(Boolean),
  created_at: (cell) => (/^\d+$/.test(cell) ? Number(cell) : cell),
  updated_at: (cell) => (/^\d+$/.test(cell) ? Number(cell) : cell),
}

function jsonOr(cell: string): unknown {
  if (!/^["[{]|^(true|false|null|-?\d+(\.\d+)?)$/.test(cell)) return cell
  try {
    return JSON.parse(cell)
  } catch {
    return cell
  }
}

/** A semicolon when the first line has no comma: spreadsheets save CSV so in languages with a decimal comma. */
function separatorOf(text: string): ',' | ';' {
  const names = text.slice(0, text.search(/[\r\n]|$/))
  return names.includes(';') && !names.includes(',') ? ';' : ','
}

/** Columns: members of a record, claims by name, members of the claim `address.…`, `attribute.…`. Throws Refusal for invalid CSV. */
export async function readCsv(text: string): Promise<FileRecord[]> {
  const { parse } = await import('csv-parse/sync')
  let rows: { info: { lines: number }; record: Record<string, string> }[]
  try {
    rows = parse(text, {
      columns: true,
      bom: true,
      delimiter: separatorOf(text),
      info: true,
      skip_empty_lines: true,
      relax_column_count: false,
    })
  } catch (error) {
    throw new Refusal(
      `expected CSV with a line of column names: ${error instanceof Error ? error.message : ''}`,
    )
  }
  return rows.map(({ info, record }) => ({ at: `line ${info.lines}`, record: recordOf(record) }))
}

function recordOf(row: Readonly<Record<string, string>>): Record<string, unknown> {
  const record = new Map<string, unknown>()
  const [claims, address, attributes] = [
    new Map<string, unknown>(),
    new Map<string, unknown>(),
    new Map<string, unknown>(),
  ]
  for (const [name, raw] of Object.entries(row)) {
    const cell = plainCell(raw)
    if (cell === '') continue
    const value = ownMember(readers, name)?.(cell)
    if (recordColumns.includes(name) || name === 'password') record.set(name, value ?? cell)
    else if (name.startsWith('attribute.')) attributes.set(name.slice('attribute.'.length), jsonOr(cell))
    else if (name.startsWith('address.')) address.set(name.slice('address.'.length), cell)
    else claims.set(name, value ?? (/^[{[]/.test(cell) ? jsonOr(cell) : cell))
  }
  if (address.size > 0) claims.set('address', Object.fromEntries(address))
  if (claims.size > 0) record.set('claims', Object.fromEntries(claims))
  if (attributes.size > 0) record.set('attributes', Object.fromEntries(attributes))
  return Object.fromEntries(record)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const cellOf = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)

/** An attribute keeps its type: text that could be read as JSON is written as a JSON string. */
const attributeCell = (value: unknown): string =>
  typeof value === 'string' && jsonOr(value) === value ? value : JSON.stringify(value)

function flat(record: Readonly<Record<string, unknown>>): Record<string, string> {
  const { claims, attributes, roles, ...rest } = record
  const cells = new Map(Object.entries(rest).map(([name, value]) => [name, cellOf(value)]))
  if (Array.isArray(roles)) cells.set('roles', roles.join(' '))
  for (const [name, value] of Object.entries(isObject(claims) ? claims : {})) {
    if (name === 'address' && isObject(value))
      for (const [member, text] of Object.entries(value)) cells.set(`address.${member}`, cellOf(text))
    else cells.set(name, cellOf(value))
  }
  for (const [name, value] of Object.entries(isObject(attributes) ? attributes : {}))
    cells.set(`attribute.${name}`, attributeCell(value))
  return Object.fromEntries(cells)
}

/** A line of column names and one line for each record. The last line has no line feed: `print` writes it. */
export function writeCsv(records: readonly Readonly<Record<string, unknown>>[]): string {
  const rows = records.map(flat)
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const lines = [csvLine(names), ...rows.map((row) => csvLine(names.map((name) => row[name] ?? '')))]
  return lines.map((each) => `${each}\r`).join('\n')
}
