/** docs/deployment.md, docs/upgrading.md, docs/audit.md and CONTRIBUTING.md: what can be run is run, the rest says why not. */
import { afterAll, expect, test } from 'bun:test'
import { blocksOf, document, isShell, reader, reasonNotToRun } from '../support/document.ts'

const visitor = reader()
afterAll(() => visitor.remove())

test.each([
  'docs/deployment.md',
  'docs/upgrading.md',
  'docs/audit.md',
  'CONTRIBUTING.md',
  'docs/architecture.md',
])('%s', async (path) => {
  const markdown = document(path)
  const runs = await visitor.read(markdown, 'http://localhost:5000')
  const ran = new Set(runs.map((run) => run.block.line))
  for (const block of blocksOf(markdown))
    if (isShell(block) && !ran.has(block.line))
      expect(reasonNotToRun(block), `line ${block.line}`).toBeString()
})
