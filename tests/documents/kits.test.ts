/** docs/kits.md: its commands are run, and its table names every kind. */
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kits } from '../../src/kits/kits.ts'
import { blocksOf, document, isShell } from '../support/document.ts'
import { putLatchkey } from '../support/latchkey_command.ts'

const markdown = document('docs/kits.md')
const folder = mkdtempSync(join(tmpdir(), 'latchkey-kits-document-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('each command succeeds', async () => {
  putLatchkey(folder)
  const blocks = blocksOf(markdown).filter(isShell)
  expect(blocks.length).toBeGreaterThan(0)
  const child = Bun.spawn(['bash', '-euo', 'pipefail', '-c', blocks.map(({ text }) => text).join('\n')], {
    cwd: folder,
    env: {
      PATH: `${folder}:${process.env.PATH}`,
      HOME: folder,
      STORE_URL: `sqlite:${join(folder, 'latchkey.db')}`,
    },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  expect(code, stdout + stderr).toBe(0)
}, 60_000)

test('the table names every kind, in the order of the program', () => {
  const named = Array.from(markdown.matchAll(/^\| `(\w[\w-]*)` +\|/gm), ([, kind]) => kind!)
  expect(named).toEqual(kits.map(({ kind }) => kind))
})
