/** docs/features.md, carried out: each example answers as its row says, and no feature is without a row. */
import { afterAll, expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { features } from '../../src/table.ts'
import { document } from '../support/document.ts'
import { spawnProvider } from '../support/provider.ts'

const folder = join(import.meta.dir, '../../src/features')
const [header, , ...rows] = document('docs/features.md')
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )

const op = await spawnProvider()
afterAll(() => op.stop())

test('one table of five columns, a row for each feature', () => {
  expect(header).toEqual(['Feature', 'Specification', 'Switch', 'Client metadata', 'Example'])
  for (const row of rows) expect([row[0], row.length, row.includes('')]).toEqual([row[0], 5, false])
  expect(new Set(rows.map(([name]) => name)).size).toBe(rows.length)
})

for (const [name, , , , example] of rows)
  test(`${name}`, async () => {
    const [, command, status, word = ''] = /^`(curl -s [^`]+)` → (\d{3})(?: (\S+))?$/.exec(example!) ?? []
    if (command === undefined) throw new Error(`not \`curl -s …\` → status word: ${example}`)
    const here = command.replaceAll('http://localhost:5000', op.issuer)
    const run = Bun.spawnSync(['sh', '-c', `${here} -m 10 -w '\\n%{http_code}'`])
    const answer = run.stdout.toString()
    expect([answer.slice(-3), run.exitCode], answer).toEqual([status!, 0])
    expect(answer).toContain(word)
  })

const withoutFragment = (url: string): string => url.split('#')[0]!
const specifications = new Set(
  rows.flatMap(([, cell]) =>
    [...cell!.matchAll(/\((https:[^)\s]+)\)/g)].map(([, url]) => withoutFragment(url!)),
  ),
)

const folders = readdirSync(folder, { withFileTypes: true }).filter((each) => each.isDirectory())
for (const { name } of folders)
  test(`src/features/${name} has a row with its specification`, () => {
    const [first] = readFileSync(join(folder, name, 'feature.ts'), 'utf8').split('\n')
    const urls = [...first!.matchAll(/https:\/\/[^\s,]+/g)].map(([url]) => withoutFragment(url))
    expect(urls).not.toEqual([])
    for (const url of urls) expect([...specifications]).toContain(url)
  })

test('every variable of a feature is some row’s switch, and metadata it brings is named', () => {
  const switches = rows.map((row) => row[2]).join(' ')
  const metadata = rows.map((row) => row[3]).join(' ')
  for (const feature of features) {
    for (const { name } of feature.env ?? []) expect(switches).toContain(`\`${name}`)
    const names = Object.keys(feature.clientMetadata ?? {})
    if (names.length > 0)
      expect([feature.name, names.some((each) => metadata.includes(`\`${each}\``))]).toEqual([
        feature.name,
        true,
      ])
  }
})
