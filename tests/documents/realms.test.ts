/** docs/realms.md: each block is run, in order, as a reader runs it. */
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { blocksOf, document, isShell, reasonNotToRun } from '../support/document.ts'
import { latchkeyCommand, putLatchkey } from '../support/latchkey_command.ts'

const markdown = document('docs/realms.md')
const folder = mkdtempSync(join(tmpdir(), 'latchkey-realms-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('each command does what it says', async () => {
  putLatchkey(folder)
  const blocks = blocksOf(markdown).filter((block) => isShell(block) && reasonNotToRun(block) === undefined)
  expect(blocks.length).toBeGreaterThanOrEqual(2)
  for (const { text, line } of blocks) {
    const child = Bun.spawn(['bash', '-euo', 'pipefail', '-c', text], {
      cwd: folder,
      env: {
        NODE_ENV: 'development',
        STORE_URL: `sqlite:${join(folder, 'latchkey.db')}`,
        HOME: folder,
        PATH: `${folder}:${process.env.PATH}`,
      },
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [stderr, code] = await Promise.all([new Response(child.stderr).text(), child.exited])
    expect([line, code, code === 0 ? '' : stderr]).toEqual([line, 0, ''])
  }
}, 120_000)

test('a wrong setting is refused as the page says', async () => {
  const shown = blocksOf(markdown).find(
    ({ language, text }) => language === 'text' && text.includes('ACCESS_TOKEN_TTL'),
  )!
  const child = Bun.spawn([...latchkeyCommand, 'realm', 'add', 'wrong', '--set', 'ACCESS_TOKEN_TTL=0'], {
    cwd: folder,
    env: {
      NODE_ENV: 'development',
      STORE_URL: `sqlite:${join(folder, 'latchkey.db')}`,
      PATH: process.env.PATH,
    },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  expect([await child.exited, await new Response(child.stderr).text()]).toEqual([2, shown.text])
}, 60_000)
