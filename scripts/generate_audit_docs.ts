/** Writes the table of kinds into docs/audit.md. `--check` only says whether it differs. */
import { kinds } from '../src/models/audit/kinds.ts'
import type { Kind } from '../src/models/audit/kind.ts'

const path = new URL('../docs/audit.md', import.meta.url)
const [begin, end] = ['<!-- kinds: bun scripts/generate_audit_docs.ts -->\n', '<!-- /kinds -->']

const rows = Object.entries(kinds as Record<string, Kind>).map(([name, { words, first, actor, details }]) => {
  const names = Object.keys(details).map((each) => `\`${each}\``)
  return `| \`${name}\` | ${words} | ${actor} | ${names.join(', ')} | ${first ? 'yes' : ''} |`
})
const table = [
  '| Kind | When | Actor | Details | Before the answer |',
  '| --- | --- | --- | --- | --- |',
  ...rows,
]

const before = await Bun.file(path).text()
const [head, rest] = before.split(begin)
const tail = rest!.slice(rest!.indexOf(end))
const plain = (text: string) => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---')
const next = `${head}${begin}\n${table.join('\n')}\n\n${tail}`
if (plain(next) !== plain(before)) {
  if (process.argv.includes('--check')) {
    console.error('docs/audit.md has drifted: run bun scripts/generate_audit_docs.ts && bun fmt')
    process.exitCode = 1
  } else {
    await Bun.write(path, next)
    console.log('wrote docs/audit.md')
  }
}
