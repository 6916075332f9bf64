/** A process that dies between a change and its entry: the change was not acknowledged, and the next start says that an entry may be missing. docs/decisions/0078-audit-trail.md */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditKey } from '../support/audit_trail.ts'
import { commandLine } from '../support/command.ts'
import { freePort } from '../support/free_port.ts'
import { spawnProvider } from '../support/provider.ts'
import { fromSource } from '../support/latchkey_command.ts'

setDefaultTimeout(240_000)

const folder = mkdtempSync(join(tmpdir(), 'latchkey-kill-'))
const port = `${freePort()}`
const env = {
  NODE_ENV: 'development',
  ISSUER_URL: `http://localhost:${port}`,
  PORT: port,
  STORE_URL: `sqlite:${join(folder, 'store.db')}`,
  AUDIT_SIGNING_KEY: auditKey,
  AUDIT_CHAIN: 'id-1',
  REGISTRATION: 'open',
}
const { latchkey, remove } = commandLine(env)
afterAll(() => {
  remove()
  rmSync(folder, { recursive: true, force: true })
})

const register = (name: string) =>
  fetch(`${env.ISSUER_URL}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: ['https://app.example/cb'], client_name: name }),
  })

interface Entry {
  kind: string
  chain: string
  seq: number
  reason?: string
  details?: Record<string, string>
}

test('a change without its entry was not acknowledged, and the gap is an entry', async () => {
  const preload = join(import.meta.dir, '../support/killed_at_entry_process.ts')
  const doomed = await spawnProvider({ ...env, KILL_AT_ENTRY: 'the last client' }, [
    ...fromSource('--preload', preload),
    'serve',
  ])
  expect((await register('a client before')).status).toBe(201)
  const answer = await register('the last client').then(
    ({ status }) => status,
    () => 'no answer',
  )
  expect(answer).toBe('no answer')
  await doomed.exited

  const next = await spawnProvider(env)
  await next.stop()
  // The change was made, which the entry would have said.
  expect((await latchkey(['client', 'list'])).stdout).toContain('the last client')
  const { stdout } = await latchkey(['audit', 'list', '--last', '100', '--json'])
  const { entries } = JSON.parse(stdout) as { entries: Entry[] }
  const own = entries.filter(({ chain }) => chain === 'id-1').toReversed()
  const names = own
    .filter(({ kind }) => kind === 'client_registered')
    .map(({ details }) => details?.client_name)
  expect(names).toEqual(['a client before'])
  const gap = own.findIndex(({ kind }) => kind === 'audit_gap')
  expect(own[gap]).toMatchObject({ reason: 'not_stopped' })
  expect(own[gap - 1]!.details?.client_name).toBe('a client before')
  // No number is missing: the chain goes on where it was.
  expect(own.map(({ seq }) => seq)).toEqual(own.map((_, i) => i + 1))
  const verified = await latchkey(['audit', 'verify'])
  expect(verified.stdout).toContain('as it was written')
})
