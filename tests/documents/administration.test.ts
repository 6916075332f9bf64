/** docs/administration.md, carried out: its commands in order in one shell, and each answer as it stands there. */
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { adminRoles, adminScopes } from '../../src/auth/admin_roles.ts'
import { blocksOf, document } from '../support/document.ts'
import { putLatchkey } from '../support/latchkey_command.ts'
import { spawnProvider } from '../support/provider.ts'

const markdown = document('docs/administration.md')
const folder = mkdtempSync(join(tmpdir(), 'latchkey-administration-'))
const env = { NODE_ENV: 'development', STORE_URL: `sqlite:${join(folder, 'latchkey.db')}` }
const op = await spawnProvider(env)
afterAll(async () => {
  await op.stop()
  rmSync(folder, { recursive: true, force: true })
})

const mark = '--- end of block'

test('each command does what is said, and each answer is as it is said', async () => {
  putLatchkey(folder)
  const blocks = blocksOf(markdown)
  const shell = blocks.filter(({ language, note }) => language === 'sh' && note === '')
  expect(shell.length).toBeGreaterThan(7)
  const script = shell.map(({ text }) => `${text}\necho '${mark}'\n`).join('')
  const run = Bun.spawn(['sh', '-euc', script.replaceAll('http://localhost:5000', op.issuer)], {
    cwd: folder,
    env: {
      ...env,
      ISSUER_URL: op.issuer,
      STORE_TIMEOUT_MS: '30000',
      HOME: folder,
      PATH: `${folder}:${process.env.PATH}`,
    },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [stdout, stderr, code] = await Promise.all([
    new Response(run.stdout).text(),
    new Response(run.stderr).text(),
    run.exited,
  ])
  expect(code, `${stdout}\n${stderr}`).toBe(0)
  const written = stdout.split(`${mark}\n`)
  for (const [at, block] of shell.entries()) {
    const next = blocks[blocks.indexOf(block) + 1]
    if (next?.language === 'text') expect([block.line, written[at]]).toEqual([block.line, next.text])
  }
}, 240_000)

test('the table of roles names every role, and the scopes of support', () => {
  for (const role of Object.keys(adminRoles)) expect(markdown).toContain(`| \`${role}\``)
  const row = markdown.split('\n').find((line) => line.startsWith('| `support`'))!
  for (const scope of adminScopes)
    expect([scope, row.includes(`\`${scope}\``)]).toEqual([
      scope,
      (adminRoles.support as readonly string[]).includes(scope),
    ])
})
