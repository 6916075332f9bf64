/** The report as one page of HTML that needs nothing else and prints well: a line at a time, so that its length does not matter. */
import { textOfRealm } from '../../lib/realm_commands.ts'
import type { Asked, Cells, Section } from './section.ts'
import { iso } from './section.ts'

const escape = Bun.escapeHTML

/** Rows of one table; a longer one belongs into a spreadsheet. */
const mostRows = 5_000

const style = `
:root { color-scheme: light dark; --text: #1f2328; --soft: #59636e; --ground: #fff; --line: #d1d9e0; --bad: #b3261e }
@media (prefers-color-scheme: dark) { :root { --text: #f0f6fc; --soft: #a5afba; --ground: #0d1117; --line: #3d444d; --bad: #ff7b72 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--ground); max-width: 1100px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin: 2.5rem 0 .25rem }
p { margin: .25rem 0 .75rem; max-width: 45rem } .soft { color: var(--soft) } .bad { color: var(--bad) }
a { color: inherit } :focus-visible { outline: 3px solid var(--text); outline-offset: 2px } nav ol { padding-left: 1.25rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .875rem }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; min-width: 4rem }
th, .short { white-space: nowrap }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 1rem 0 } dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere }
@page { size: A4 landscape; margin: 12mm }
@media print {
  :root { color-scheme: light; --text: #000; --soft: #444; --ground: #fff; --line: #bbb; --bad: #8c0000 }
  body { margin: 0; padding: 0; max-width: none; font-size: 9.5pt } table { font-size: 8pt } nav { display: none }
  :focus-visible { outline: none } .scroll { overflow: visible } h2 { break-after: avoid } thead { display: table-header-group } tr { break-inside: avoid }
}`

/** Facts above the sections. */
export interface Heading {
  issuer: string
  by: string
  at: number
  verification: {
    /** Undefined: it is too long to be verified while a request waits. */
    ok: boolean | undefined
    of: 'whole' | 'period'
    entries: number
    first: string | undefined
    newest: string | undefined
  }
}

/** Characters of a cell that stays on one line: a time, a kind, an id. */
const shortCell = 24

const headRow = (cells: Cells): string =>
  `<tr>${cells.map((cell) => `<th scope="col">${escape(cell)}</th>`).join('')}</tr>`

const row = (cells: Cells): string =>
  `<tr>${cells.map((cell) => `<td${cell.length <= shortCell ? ' class="short"' : ''}>${escape(withoutZone(cell))}</td>`).join('')}</tr>`

/** A time of an entry; the heading of its column says UTC. */
const withoutZone = (cell: string): string =>
  cell.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d{3}Z$/, '$1 $2')

function verdictOf({ ok, of, entries, first }: Heading['verification']): string {
  const full = 'latchkey audit verify verifies all of it'
  if (ok === undefined)
    return `<dd class="bad">not verified: the period has too many entries for a report that a request waits for; ${full}</dd>`
  if (!ok) return `<dd class="bad">not as it was written: ${escape(first ?? '')}</dd>`
  return of === 'whole'
    ? `<dd>as it was written: ${entries} entries verified</dd>`
    : `<dd>as it was written in this period: ${entries} entries verified, with those about its ends; ${full}</dd>`
}

function* headLines(asked: Asked, sections: readonly Section[], heading: Heading): Generator<string> {
  const { issuer, by, at, verification } = heading
  const title = `Audit report of ${issuer}`
  const { newest } = verification
  yield `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>${escape(title)}</title>
<style>${style}</style></head><body><main>
<h1>${escape(title)}</h1>
<dl><dt>Period</dt><dd>${iso(asked.from)} to ${iso(asked.to)} UTC</dd><dt>Made</dt><dd>${iso(at)} UTC by ${escape(by)}</dd>`
  yield `<dt>Audit trail</dt>${verdictOf(verification)}`
  yield `<dt>${verification.of === 'whole' ? 'Newest checkpoint' : 'Last checkpoint that was read'}</dt><dd>${escape(newest ?? 'none')}</dd></dl>
<nav aria-label="Sections"><ol>${sections.map(({ name, title: words }) => `<li><a href="#${name}">${escape(words)}</a></li>`).join('')}</ol></nav>`
}

export async function* pageLines(
  asked: Asked,
  sections: readonly Section[],
  heading: Heading,
): AsyncGenerator<string> {
  yield* headLines(asked, sections, heading)
  for (const section of sections) yield* sectionLines(asked, section)
  yield '</main></body></html>'
}

async function* sectionLines(
  asked: Asked,
  { name, title, words, head, rows }: Section,
): AsyncGenerator<string> {
  yield `<section><h2 id="${name}">${escape(title)}</h2><p class="soft">${escape(words(asked))}</p>`
  let count = 0
  for await (const cells of rows(asked)) {
    if (count === 0)
      yield `<div class="scroll" role="region" aria-labelledby="${name}" tabindex="0"><table><thead>${headRow(head)}</thead><tbody>`
    count += 1
    if (count <= mostRows) yield row(cells)
  }
  if (count === 0) yield '<p>None.</p>'
  else yield '</tbody></table></div>'
  if (count > mostRows)
    yield `<p>${count - mostRows} further rows are in the table for spreadsheets: ${textOfRealm(asked.context.realm?.name, 'latchkey audit report')} ${name}.csv --section ${name}</p>`
  yield '</section>'
}
