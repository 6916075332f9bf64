/** docs/accounts.md, carried out: every block against a server with the variables that the page starts it with. */
import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { blocksOf, document, isShell, reader, reasonNotToRun, root } from '../support/document.ts'
import { spawnProvider } from '../support/provider.ts'

const markdown = document('docs/accounts.md')
const visitor = reader()
const start = blocksOf(markdown).find(({ text }) => text.includes(' bun start'))!
const written = Object.fromEntries(
  [...start.text.matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name, value]) => [name!, value!]),
)
const op = await spawnProvider({
  ...written,
  KEYS_PATH: join(visitor.folder, 'keys'),
  STORE_URL: written.STORE_URL!.replace('./', `${visitor.folder}/`),
  CUSTOM_SCOPES: join(root, written.CUSTOM_SCOPES!),
})
afterAll(async () => {
  await op.stop()
  visitor.remove()
})

test('every block of the page does what it says', async () => {
  const runs = await visitor.read(markdown, op.issuer)
  const left = blocksOf(markdown).filter(
    (block) => isShell(block) && !runs.some((run) => run.block.line === block.line),
  )
  for (const block of left) expect(reasonNotToRun(block), `line ${block.line}`).toBeString()
  expect(runs.length).toBeGreaterThan(20)
}, 120_000)
