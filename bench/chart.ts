/** The chart at the top of README.md, from the JSON of a run: `bun bench/chart.ts RUN.json`, which writes bench/chart.svg. */
import { join } from 'node:path'
import { limitOf, rateAt, type Run, shownRate } from './report.ts'
import { type Row, rows } from './rows.ts'

/** Pixels. */
const width = 880
const edge = 24
const left = 230
const right = 100
const top = 92
const line = 50
const full = width - left - right
const thick = 16
const gap = 3

/** A style of its own for light and dark, and a ground of its own, whatever the page around it has. */
const style = `
text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
.title { font-size: 17px; font-weight: 600 }
.soft { fill: #59636e; font-size: 12px }
.ground { fill: #ffffff }
.limit { fill: #e4e8ec }
.own { fill: #1a63d6 }
.peer { fill: #c2660c }
.inside { fill: #ffffff; font-weight: 600 }
.strong { font-weight: 600 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .soft { fill: #a5afba }
  .ground { fill: #0d1117 }
  .limit { fill: #2b323b }
  .own { fill: #2f74e0 }
  .peer { fill: #b8620f }
  .inside { fill: #ffffff }
}`

const text = (x: number, y: number, words: string, kind = '', anchor = 'start'): string =>
  `<text x="${x}" y="${y}" class="${kind}" text-anchor="${anchor}">${Bun.escapeHTML(words)}</text>`

const box = (x: number, y: number, wide: number, high: number, kind: string): string =>
  `<rect x="${x}" y="${y}" width="${wide.toFixed(1)}" height="${high}" rx="2" class="${kind}"/>`

/** Pixels that a bar needs to hold its number. */
const room = 64

/** A bar, with its number inside or, where that does not fit, behind it. */
function bar(y: number, share: number, rate: number, kind: string): string {
  const long = Math.max(2, Math.min(1, share) * full)
  const baseline = y + thick - 4
  const number =
    long >= room
      ? text(left + long - 6, baseline, shownRate(rate), 'inside', 'end')
      : text(left + long + 6, baseline, shownRate(rate), 'strong')
  return box(left, y, long, thick, kind) + number
}

/** One workload: the limit is the whole width, Latchkey and the peer are their shares of it. */
function workload(run: Run, row: Row, y: number): string {
  const limit = limitOf(run, row)
  const own = rateAt(run, 'latchkey', row.name)
  const peer = run.nodes[0] === undefined ? undefined : rateAt(run, run.nodes[0], row.name)
  if (limit === undefined || own === undefined) return ''
  const high = 2 * thick + 3 * gap
  return [
    text(left - 12, y + high / 2 + 4, row.chart ?? '', '', 'end'),
    box(left, y, full, high, 'limit'),
    bar(y + gap, own / limit, own, 'own'),
    peer === undefined ? '' : bar(y + thick + 2 * gap, peer / limit, peer, 'peer'),
    text(left + full + 10, y + high / 2 + 4, shownRate(limit), 'soft'),
  ].join('\n')
}

const peerName = ({ nodes }: Run): string => `oidc-provider on ${nodes[0]?.replace(/\..*/, '') ?? 'Node'}`

function legend(run: Run): string {
  const entries = [
    ['own', 'Latchkey'],
    ['peer', peerName(run)],
    ['limit', 'limit: a bare Bun server that only signs and answers'],
  ] as const
  let x = edge
  return entries
    .map(([kind, words]) => {
      const entry = box(x, 52, 12, 12, kind) + text(x + 18, 63, words)
      x += 44 + words.length * 7
      return entry
    })
    .join('\n')
}

export function chart(run: Run): string {
  const shown = rows.filter((row) => row.chart !== undefined && limitOf(run, row) !== undefined)
  const height = top + shown.length * line + 24
  const names = shown.map((row) => {
    const share = (rateAt(run, 'latchkey', row.name) ?? 0) / (limitOf(run, row) ?? 1)
    return `${row.chart}: ${Math.round(share * 100)} % of the limit`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title detail">
<title id="title">Requests a second on one core: Latchkey, ${peerName(run)}, and the limit</title>
<desc id="detail">${Bun.escapeHTML(names.join('; '))}</desc>
<style>${style}
</style>
${box(0, 0, width, height, 'ground')}
${text(edge, 30, 'Requests a second on one core; longer is faster', 'title')}
${legend(run)}
${text(left + full + 10, 82, 'limit', 'soft')}
${shown.map((row, i) => workload(run, row, top + i * line)).join('\n')}
${text(edge, height - 8, `${run.date}, ${run.machine.replace(/,? Linux.*, /, ', ')}; flows a second where it says so; a bar ends at the limit`, 'soft')}
</svg>
`
}

if (import.meta.main) {
  const [, , path] = Bun.argv
  if (path === undefined) throw new Error('bun bench/chart.ts RUN.json')
  await Bun.write(join(import.meta.dir, 'chart.svg'), chart((await Bun.file(path).json()) as Run))
}
