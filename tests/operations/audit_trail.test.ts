/** The audit trail of a real server: what it says, kill -9, the commands, and a database that was edited. */
import { Database } from 'bun:sqlite'
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/free_port.ts'
import { commandLine } from '../support/command.ts'
import { spawnProvider } from '../support/provider.ts'
import { auditKey } from '../support/audit_trail.ts'

const port = `${freePort()}`
const folder = mkdtempSync(join(tmpdir(), 'latchkey-audit-'))
const env = {
  NODE_ENV: 'development',
  ISSUER_URL: `http://localhost:${port}`,
  PORT: port,
  STORE_URL: `sqlite:${join(folder, 'store.db')}`,
  AUDIT_SIGNING_KEY: auditKey,
  AUDIT_CHAIN: 'id-1',
  AUDIT_CHECKPOINT_INTERVAL: '1',
  REGISTRATION: 'open',
}
const { latchkey, remove } = commandLine(env)
afterAll(() => {
  remove()
  rmSync(folder, { recursive: true, force: true })
})

interface Line {
  chain: string
  kind: string
  reason?: string
  client_id?: string
  details?: Record<string, unknown>
}
const trailOf = (path: string): Line[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{"v"'))
    .map((line) => JSON.parse(line) as Line)

test('a server, kill -9, a restart, commands, an export that verifies offline, an edited database', async () => {
  const first = await spawnProvider(env)
  const base = env.ISSUER_URL
  const registered = await fetch(`${base}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: ['https://app.example/cb'], client_name: '=cmd|calc' }),
  })
  expect(registered.status).toBe(201)
  const { client_id: clientId } = (await registered.json()) as { client_id: string }
  const token = (secret: string) =>
    fetch(`${base}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'client123',
        client_secret: secret,
      }),
    })
  expect((await token('wrong')).status).toBe(401)
  const jwks = await (await fetch(`${base}/audit/jwks.json`)).text()
  // The entry of the registration is in the store, since it was answered; the rest follows within a second.
  first.signal('SIGKILL')
  await first.exited

  const second = await spawnProvider(env)
  const added = await latchkey(['client', 'add', 'By command', '--redirect-uri', 'https://app.example/cb'])
  expect(added.code, added.stderr).toBe(0)
  await second.stop()

  const verified = await latchkey(['audit', 'verify'])
  expect(verified.stdout + verified.stderr).toContain('The audit trail is as it was written')
  expect(verified.code).toBe(0)

  const file = join(folder, 'trail.jsonl')
  expect((await latchkey(['audit', 'export', file])).code).toBe(0)
  const lines = trailOf(file)
  const kindsOf = (chain: string) => lines.filter((line) => line.chain === chain).map(({ kind }) => kind)
  expect(kindsOf('id-1')).toEqual(
    expect.arrayContaining(['started', 'client_registered', 'audit_gap', 'stopped']),
  )
  expect(kindsOf('id-1').at(-1)).toBe('stopped')
  expect(lines.find(({ kind }) => kind === 'client_registered')).toMatchObject({ client_id: clientId })
  expect(lines.filter(({ chain }) => chain === 'id-1.cli').map(({ details }) => details?.change)).toEqual(
    expect.arrayContaining(['client_added', 'audit_exported']),
  )
  const settings = lines.find(({ kind }) => kind === 'started')?.details?.settings as Record<string, string>
  expect(settings.AUDIT_SIGNING_KEY).toMatch(/^sha256:[\w-]{16}$/)
  expect(settings.REGISTRATION).toBe('open')

  // Elsewhere: no setting, no secret, no store.
  const elsewhere = commandLine({})
  writeFileSync(join(elsewhere.folder, 'keys.json'), jwks)
  const offline = (path: string, ...more: string[]) =>
    elsewhere.latchkey(['audit', 'verify', path, '--jwks', 'keys.json', ...more])
  const good = await offline(file, '--issuer', env.ISSUER_URL)
  expect(good.stdout + good.stderr).toContain('The audit trail is as it was written')
  expect(good.code).toBe(0)
  const edited = join(folder, 'edited.jsonl')
  writeFileSync(
    edited,
    readFileSync(file, 'utf8').replace('"change":"client_added"', '"change":"nothing_added"'),
  )
  const bad = await offline(edited)
  expect(bad.stdout).toContain('entry 1 of id-1.cli was edited: it is not what the checkpoint signed')
  expect(bad.code).toBe(1)
  elsewhere.remove()

  const csv = join(folder, 'trail.csv')
  expect((await latchkey(['audit', 'export', csv])).code).toBe(0)
  const cells = readFileSync(csv, 'utf8')
  expect(cells.split('\n').some((line) => /(^|,)"?[=+@-]/.test(line))).toBe(false)

  const database = new Database(join(folder, 'store.db'))
  const changed = database.run(
    'UPDATE entries SET value = replace(value, \'"kind":"client_registered"\', \'"kind":"client_updated"\') WHERE key LIKE \'audit:id-1:%\'',
  )
  database.close()
  expect(changed.changes).toBeGreaterThan(0)
  const found = await latchkey(['audit', 'verify'])
  expect(found.stdout).toMatch(/entry \d+ of id-1 was edited: it is not what the checkpoint signed/)
  expect(found.code).toBe(1)
}, 240_000)
