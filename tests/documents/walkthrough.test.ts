/** docs/walkthrough.md, carried out: every block in order against a server of its own, every answer compared. */
import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { blocksOf, document, isShell, reader, reasonNotToRun, root } from '../support/document.ts'
import { spawnProvider } from '../support/provider.ts'

const path = 'docs/walkthrough.md'
const visitor = reader()
// From the start as the page has it from its part about accounts on: one store for the server and the commands.
const op = await spawnProvider({
  KEYS_PATH: join(visitor.folder, 'keys'),
  STORE_URL: `sqlite:${join(visitor.folder, 'people.db')}`,
  CUSTOM_SCOPES: join(root, 'examples/custom_scopes.json'),
})
afterAll(async () => {
  await op.stop()
  visitor.remove()
})

test('every block of the walkthrough does what it says', async () => {
  const markdown = document(path)
  const runs = await visitor.read(markdown, op.issuer)
  const shell = blocksOf(markdown).filter(isShell)
  const left = shell.filter((block) => !runs.some((run) => run.block.line === block.line))
  for (const block of left) expect(reasonNotToRun(block), `line ${block.line}`).toBeString()
  expect(runs.length).toBeGreaterThan(40)
}, 120_000)
