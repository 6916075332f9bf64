/** docs/examine.md: its blocks run against a server, and its table has the checks of the code. */
import { afterAll, expect, test } from 'bun:test'
import { readRule } from '../../src/auth/rule.ts'
import { checks } from '../../src/cli/examine/table.ts'
import { blocksOf, document, isShell, reader } from '../support/document.ts'
import { spawnProvider } from '../support/provider.ts'

const op = await spawnProvider()
const visitor = reader()
afterAll(async () => {
  visitor.remove()
  await op.stop()
})

const markdown = document('docs/examine.md')

test('every block does what it says', async () => {
  const runs = await visitor.read(markdown, op.issuer)
  expect(runs.map(({ block }) => block.line)).toEqual(
    blocksOf(markdown)
      .filter(isShell)
      .map(({ line }) => line),
  )
}, 60_000)

test('the table has each check with its sentence, level and rule', () => {
  const rows = [...markdown.matchAll(/^\| `(\w+\.\w+)` +\| (.*?) +\| (\w+) +\| \[(.*?)\]\((.*?)\) +\|$/gm)]
  expect(rows.map(([, ...cells]) => cells)).toEqual(
    checks.map(({ id, about, rule, level = 'must' }) => [id, about, level, rule, readRule(rule).url]),
  )
})
