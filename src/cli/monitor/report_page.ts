/** The report as one page that needs nothing else: a table, and for each check its latency over the day as inline SVG. */
import type { Outcome } from './checks.ts'
import { keptFor } from './history.ts'
import { byCheck, percent, percentile, type Report } from './report.ts'

const escape = Bun.escapeHTML

/** Pixels of a chart. */
const width = 720
const height = 80
/** Parts of the day: one every 15 minutes. */
const slots = 96

const style = `
:root { color-scheme: light dark; --text: #1f2328; --soft: #59636e; --ground: #fff; --line: #d1d9e0; --good: #1a63d6; --bad: #c62828 }
@media (prefers-color-scheme: dark) { :root { --text: #f0f6fc; --soft: #a5afba; --ground: #0d1117; --line: #3d444d; --good: #5b9bff; --bad: #ff7b72 } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--ground); max-width: 800px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); white-space: nowrap }
td.long { white-space: normal } .soft { color: var(--soft) }
svg { display: block; width: 100%; height: 80px } h2 + .soft, .ends { margin: .25rem 0; font-size: .875rem } .ends { display: flex; justify-content: space-between } .bar { fill: var(--good) } .failed { fill: var(--bad) } .axis { stroke: var(--line) }
@media print { body { margin: 0; max-width: none } h2, svg, tr { break-inside: avoid } }`

const time = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
const duration = (ms: number | undefined): string => (ms === undefined ? '–' : `${ms} ms`)

interface Slot {
  p95: number | undefined
  failed: boolean
}

function slotsOf(outcomes: readonly Outcome[], end: number): Slot[] {
  const each = keptFor / slots
  return Array.from({ length: slots }, (_, i) => {
    const from = end - keptFor + i * each
    const own = outcomes.filter(({ at }) => at > from && at <= from + each)
    const times = own.filter(({ problem }) => problem === undefined).map(({ ms }) => ms)
    return {
      p95: percentile(
        times.toSorted((a, b) => a - b),
        0.95,
      ),
      failed: own.some(({ problem }) => problem !== undefined),
    }
  })
}

/** Bars of p95 every 15 minutes; a red one has at least one failure. */
function chart(name: string, outcomes: readonly Outcome[], end: number): string {
  const found = slotsOf(outcomes, end)
  const most = Math.max(1, ...found.map(({ p95 }) => p95 ?? 0))
  const wide = width / slots
  const bars = found.map(({ p95, failed }, i) => {
    if (p95 === undefined && !failed) return ''
    const high = failed && p95 === undefined ? height : Math.max(2, ((p95 ?? 0) / most) * height)
    const place = `x="${(i * wide).toFixed(1)}" y="${(height - high).toFixed(1)}"`
    return `<rect ${place} width="${(wide - 1).toFixed(1)}" height="${high.toFixed(1)}" class="${failed ? 'failed' : 'bar'}"/>`
  })
  const label = `Latency of ${name} in the last 24 hours, at most ${most} ms; parts with a failure are red`
  return `<p class="soft">p95 in parts of 15 minutes, up to ${most} ms</p>
<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${escape(label)}">${bars.join('')}<line x1="0" x2="${width}" y1="${height}" y2="${height}" class="axis"/></svg>
<p class="soft ends"><span>${time(end - keptFor)}</span><span>${time(end)} UTC</span></p>`
}

const row = (cells: readonly string[], tag = 'td'): string =>
  `<tr>${cells.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join('')}</tr>`

export function reportPage(
  issuer: string,
  { report, outcomes, now }: { report: Report; outcomes: readonly Outcome[]; now: number },
): string {
  const { checks, incidents, from, to } = report
  const rows = checks.map(({ check, requests, availability, p50, p95, p99 }) =>
    row([check, percent(availability), duration(p50), duration(p95), duration(p99), String(requests)]),
  )
  const troubles = incidents.map(({ check, from: begun, to: ended, failures, problem }) =>
    row([check, time(begun), time(ended), String(failures), problem]),
  )
  const charts = [...byCheck(outcomes)].map(
    ([name, own]) => `<h2>${escape(name)}</h2>\n${chart(name, own, now)}`,
  )
  const span =
    from === undefined || to === undefined ? 'No outcomes yet.' : `${time(from)} to ${time(to)} UTC`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Availability of ${escape(issuer)}</title>
<style>${style}</style></head><body>
<h1>Availability of ${escape(issuer)}</h1>
<p class="soft">${span}. One request to each endpoint at a time, from outside; latency is until the whole answer was there.</p>
<div class="scroll"><table>${row(['Endpoint', 'Available', 'p50', 'p95', 'p99', 'Requests'], 'th')}${rows.join('')}</table></div>
<h2>Incidents</h2>
${troubles.length === 0 ? '<p>None.</p>' : `<div class="scroll"><table>${row(['Endpoint', 'From (UTC)', 'To', 'Failures', 'What was wrong first'], 'th')}${troubles.join('')}</table></div>`}
${charts.join('\n')}
</body></html>
`
}
