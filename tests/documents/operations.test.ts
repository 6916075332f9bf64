/** docs/operations.md: what can be run is run against a server, the rest says why not. */
import { afterAll, expect, test } from 'bun:test'
import { blocksOf, document, isShell, reader, reasonNotToRun } from '../support/document.ts'
import { spawnProvider } from '../support/provider.ts'

const op = await spawnProvider()
const visitor = reader()
afterAll(async () => {
  visitor.remove()
  await op.stop()
})

test('every block of docs/operations.md does what it says', async () => {
  const markdown = document('docs/operations.md')
  const runs = await visitor.read(markdown, op.issuer)
  expect(runs.length).toBeGreaterThan(0)
  const ran = new Set(runs.map((run) => run.block.line))
  for (const block of blocksOf(markdown))
    if (isShell(block) && !ran.has(block.line))
      expect(reasonNotToRun(block), `line ${block.line}`).toBeString()
})
