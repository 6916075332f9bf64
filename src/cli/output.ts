/** What commands print: lines, JSON, tables. Names that strangers registered cannot move the terminal's cursor. */

/** C0 and C1 controls, and what turns the direction of text: CVE-2021-42574. */
const unprintable = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** One line of a value, whatever it holds. */
export const printable = (value: unknown): string =>
  (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).replace(unprintable, escaped)

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function printJson(value: unknown): void {
  const text = JSON.stringify(value, null, 2)
  // Line feeds are JSON.stringify's own; those inside values are escaped already.
  print(text.replace(unprintable, (character) => (character === '\n' ? character : escaped(character))))
}

/** Columns as wide as their widest cell; the last one is not padded. */
export function printTable(head: readonly string[], rows: readonly (readonly unknown[])[]): void {
  const cells = [head, ...rows].map((row) => row.map(printable))
  const widths = head.map((_, i) => Math.max(...cells.map((row) => Bun.stringWidth(row[i] ?? ''))))
  const pad = (cell: string, i: number) => cell + ' '.repeat((widths[i] ?? 0) - Bun.stringWidth(cell))
  print(cells.map((row) => row.map(pad).join('  ').trimEnd()).join('\n'))
}

/** `name  value` lines, undefined ones left out. */
export const printFacts = (facts: Readonly<Record<string, unknown>>): void => {
  const known = Object.entries(facts).filter(([, value]) => value !== undefined)
  const width = Math.max(...known.map(([name]) => name.length))
  print(known.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}`).join('\n'))
}

/** Seconds since the epoch, as people read them. */
export const moment = (seconds: number | undefined): string =>
  seconds === undefined ? '' : new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
