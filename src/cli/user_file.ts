/** Files of people as JSON and as CSV: what each line says, and lines for what is said. https://www.rfc-editor.org/rfc/rfc4180 */
import { Refusal } from './failure.ts'

/** What came, and where: a line of CSV, an entry of JSON, from 1. */
export interface Given {
  at: string
  record?: unknown
  /** Why there is none. */
  problem?: string
}

/** One array of objects. Throws Refusal when it is none. */
export function readJson(text: string): Given[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new Refusal(`expected JSON: ${error instanceof Error ? error.message : ''}`)
  }
  if (!Array.isArray(parsed)) throw new Refusal('expected a JSON array of people')
  return parsed.map((record: unknown, i) => ({ at: `entry ${i + 1}`, record }))
}

/** Spreadsheets run what begins so, in full width too; a quote before it keeps it text. https://owasp.org/www-community/attacks/CSV_Injection */
const formula = /^'*[=+\-@\t\r\n＝＋－＠]/

const plainCell = (cell: string): string =>
  cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell
const safeCell = (cell: string): string => (formula.test(cell) ? `'${cell}` : cell)

const own = ['username', 'sub', 'password_hash', 'disabled', 'roles', 'language', 'created_at', 'updated_at']
const truths: Readonly<Record<string, boolean>> = { true: true, false: false }

/** A cell as the value of its column. */
const readers: Readonly<Record<string, (cell: string) => unknown>> = {
  disabled: (cell) => truths[cell.toLowerCase()] ?? cell,
  email_verified: (cell) => truths[cell.toLowerCase()] ?? cell,
  phone_number_verified: (cell) => truths[cell.toLowerCase()] ?? cell,
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

/** A semicolon where the line of names has no comma: so spreadsheets of half of Europe save what they call CSV. */
function separatorOf(text: string): ',' | ';' {
  const names = text.slice(0, text.search(/[\r\n]|$/))
  return names.includes(';') && !names.includes(',') ? ';' : ','
}

/** Columns: those of a record, a claim by its name, `address.…` for its members, `attribute.…`. Throws Refusal when it is no CSV. */
export async function readCsv(text: string): Promise<Given[]> {
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
    const value = readers[name]?.(cell)
    if (own.includes(name) || name === 'password') record.set(name, value ?? cell)
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

/** An attribute keeps its kind: text that reads as JSON is written as JSON. */
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

const quoted = (cell: string): string => (/["\n\r,;]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)

/** One line each under a line of names; the line feed of the last is for `print` to write. */
export function writeCsv(records: readonly Readonly<Record<string, unknown>>[]): string {
  const rows = records.map(flat)
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const line = (cells: readonly string[]) => cells.map((cell) => quoted(safeCell(cell))).join(',')
  const lines = [line(names), ...rows.map((row) => line(names.map((name) => row[name] ?? '')))]
  return lines.map((each) => `${each}\r`).join('\n')
}
