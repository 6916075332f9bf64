/** The report as one page of HTML that needs nothing else and prints well. */
import type { Line, Outcome } from './check.ts'
import type { Comparison } from './compare.ts'
import type { Report } from './report.ts'

const escape = Bun.escapeHTML

const style = `
:root { color-scheme: light dark; --text: #1f2328; --soft: #59636e; --ground: #fff; --line: #d1d9e0; --good: #1a7f37; --bad: #b3261e; --warn: #8a5a00 }
@media (prefers-color-scheme: dark) { :root { --text: #f0f6fc; --soft: #a5afba; --ground: #0d1117; --line: #3d444d; --good: #4fc26b; --bad: #ff7b72; --warn: #e3b341 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--ground); max-width: 900px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; overflow-wrap: anywhere } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem } h3 { font-size: 1rem; margin: 0 }
p { margin: .25rem 0 } .soft { color: var(--soft) } a { color: inherit } :focus-visible { outline: 3px solid var(--text); outline-offset: 2px }
ul { list-style: none; padding: 0 } li { padding: .75rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere }
.outcome { font-weight: 600 } .pass { color: var(--good) } .fail { color: var(--bad) } .advice { color: var(--warn) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem } dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; min-width: 5rem }
@media print { :root { color-scheme: light; --text: #000; --soft: #444; --ground: #fff; --line: #bbb } body { margin: 0; max-width: none } li, tr { break-inside: avoid } h2 { break-after: avoid } }`

export const outcomeWords: Readonly<Record<Outcome, string>> = {
  pass: 'ok',
  fail: 'FAIL',
  advice: 'advice',
  note: 'note',
  not_examined: 'not examined',
}

const groupOf = ({ id }: Pick<Line, 'id'>): string => id.slice(0, id.indexOf('.'))

const item = ({ id, about, why, rule, link, outcome, found }: Line): string =>
  `<li><h3><span class="outcome ${outcome}">${outcomeWords[outcome]}</span> ${escape(about)}</h3>
${found === undefined ? '' : `<p>Found: ${escape(found)}</p>`}
<p class="soft">${escape(why)} <a href="${escape(link)}" rel="noreferrer">${escape(rule)}</a> <code>${escape(id)}</code></p></li>`

function changesOf({ examined_at, by, signed_by, changes }: Comparison): string {
  const rows = changes.map(
    ({ what, before, now }) =>
      `<tr><td>${escape(what)}</td><td>${escape(before ?? '–')}</td><td>${escape(now ?? '–')}</td></tr>`,
  )
  return `<section><h2>Changes since ${escape(examined_at)}</h2>
<p class="soft">The earlier report is by ${escape(by)}, ${signed_by === null ? 'without a signature' : `signed by the key ${escape(signed_by)}`}.</p>
${rows.length === 0 ? '<p>None.</p>' : `<div class="scroll" tabindex="0" role="region" aria-label="Changes"><table><thead><tr><th scope="col">What</th><th scope="col">Before</th><th scope="col">Now</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`}</section>`
}

export function reportPage(report: Report, comparison: Comparison | undefined): string {
  const { issuer, examined_at, by, client, ok, counts, checks } = report
  const groups = [...new Set(checks.map(groupOf))]
  const sections = groups.map((group) => {
    const own = checks.filter((line) => groupOf(line) === group)
    return `<section><h2>${escape(group.charAt(0).toUpperCase() + group.slice(1))}</h2><ul>${own.map(item).join('\n')}</ul></section>`
  })
  const counted = Object.entries(counts).map(([name, count]) => `${count} ${outcomeWords[name as Outcome]}`)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>Examination of ${escape(issuer)}</title>
<style>${style}</style></head><body><main>
<h1>Examination of ${escape(issuer)}</h1>
<dl><dt>Result</dt><dd class="${ok ? 'pass' : 'fail'}">${ok ? 'passed' : 'failed'}</dd><dt>Checks</dt><dd>${escape(counted.join(', '))}</dd><dt>Examined</dt><dd>${escape(examined_at)}</dd><dt>By</dt><dd>${escape(by)}</dd><dt>Test client</dt><dd>${escape(client ?? 'none')}</dd></dl>
${comparison ? changesOf(comparison) : ''}
${sections.join('\n')}
</main></body></html>
`
}
