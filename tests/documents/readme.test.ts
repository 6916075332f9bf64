/** README.md, carried out: what a newcomer types works as it stands. */
import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { blocksOf, document, isShell, reader, reasonNotToRun } from '../support/document.ts'
import { spawnProvider } from '../support/provider.ts'

const visitor = reader()
const op = await spawnProvider({ KEYS_PATH: join(visitor.folder, 'keys') })
afterAll(async () => {
  await op.stop()
  visitor.remove()
})

test('every block of the README does what it says', async () => {
  const markdown = document('README.md')
  const runs = await visitor.read(markdown, op.issuer)
  const ran = new Set(runs.map((run) => run.block.line))
  const left = blocksOf(markdown).filter((block) => isShell(block) && !ran.has(block.line))
  for (const block of left) expect(reasonNotToRun(block), `line ${block.line}`).toBeString()
  expect(runs.length).toBe(5)
})

test('the line that the server prints works as well', async () => {
  const line = /^ *(curl .+)$/m.exec(op.output())?.[1]
  const [run] = await visitor.read(`\`\`\`sh\n${line}\n\`\`\``, op.issuer)
  expect(JSON.parse(run!.stdout)).toMatchObject({ token_type: 'Bearer' })
})

test('the reader notices a wrong answer, a command that fails and an answer to nothing', async () => {
  const reading = (markdown: string) =>
    visitor.read(markdown, op.issuer).then(String, (e: Error) => e.message)
  const health = '```sh\ncurl -s http://localhost:5000/health\n```\n'
  expect(await reading(`${health}\`\`\`json\n{ "status": "healthy" }\n\`\`\``)).toContain('is not written')
  expect(await reading(`${health}\`\`\`json\n{ "status": "ill", "…": "…" }\n\`\`\``)).toContain('$.status')
  expect(await reading(`${health}\`\`\`text output\nhealthy\n\`\`\``)).toContain('line 4')
  expect(await reading('```sh\necho before; false\n```')).toContain('failed')
  expect(await reading('```json\n{}\n```')).toContain('without a block')
  expect(await reading('```sh\ntrue\n')).toContain('does not end')
})
