/** Issue 9, line 38: every command has `--json`, and then prints JSON and nothing else to stdout. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'bun:test'
import { commands } from '../../src/cli/commands.ts'
import { commandLine } from '../support/command.ts'
import { freePort } from '../support/free_port.ts'
import { spawnProvider } from '../support/provider.ts'

const port = freePort()
const line = commandLine({
  STORE_URL: 'sqlite:latchkey.db',
  ACCOUNT_REGISTRATION: 'open',
  BACKUP_KEY: 'a-key-for-the-backups-of-this-test',
  AUDIT_SIGNING_KEY: 'a-key-for-the-audit-trail-of-this-test',
  PORT: `${port}`,
})
afterAll(line.remove)

type Json = Record<string, unknown>
const file = (name: string, value: unknown): string => {
  writeFileSync(join(line.folder, name), JSON.stringify(value))
  return name
}
const password = 'correct horse battery'

interface Run {
  args: readonly string[]
  input?: string
  exit?: number
  shows?: Json
}
/** In an order in which each one works. Commands that print a list are only parsed. */
const runs: Readonly<Record<string, Run | ((seen: Map<string, Json>) => Run)>> = {
  'keys generate': { args: [] },
  'keys rotate': { args: ['--alg', 'RS256'] },
  'keys replace': { args: ['--yes'], shows: { clients_without_secret: [] } },
  'keys list': { args: [] },
  'secrets reseal': { args: ['--dry-run'], shows: { left: 0, unreadable: 0 } },
  // Of a store that is not about to change; tests/operations/sealing.test.ts has those that do.
  'secrets seal': { args: [], exit: 1 },
  'secrets unseal': { args: [], exit: 1 },
  jwks: { args: [] },
  pkce: { args: [], shows: { code_challenge_method: 'S256' } },
  'user add': {
    args: ['ann', '--email', 'ann@example.com', '--password-stdin'],
    input: password,
    shows: { username: 'ann' },
  },
  'user passwd': {
    args: ['ann', '--password-stdin'],
    input: `${password} two`,
    shows: { ended_sessions: 0 },
  },
  'user reset': { args: ['ann'], exit: 1 },
  'user disable': { args: ['ann'], shows: { username: 'ann', ended_grants: 0 } },
  'user enable': { args: ['ann'], shows: { disabled: false } },
  'user list': { args: [] },
  'user show': { args: ['ann'], shows: { username: 'ann' } },
  'user set': { args: ['ann', '--role', 'admin'], shows: { roles: ['admin'] } },
  'user import': { args: [file('people.json', [{ username: 'ben' }])], shows: { imported: 1 } },
  'user export': { args: ['--format', 'csv'] },
  'admin grant': { args: ['ann'], shows: { administration_role: 'owner' } },
  'admin list': { args: [] },
  // The last owner stays.
  'admin revoke': { args: ['ann'], exit: 1 },
  invite: { args: ['new@example.com'], shows: { email: 'new@example.com' } },
  'invite list': { args: [] },
  'invite revoke': (seen) => ({ args: [String(seen.get('invite')!.id)], shows: { revoked: true } }),
  verify: { args: ['ann'], shows: { email_verified: true } },
  'reset-factors': { args: ['ann'], shows: { ended_sessions: 0 } },
  'sessions list': { args: ['ann'] },
  'sessions end': { args: ['ann'], shows: { ended: 0 } },
  'user remove': { args: ['ben', '--yes'], shows: { removed: true } },
  'client add': { args: ['App', '--redirect-uri', 'https://app.example/cb'], shows: { client_name: 'App' } },
  'client show': (seen) => ({ args: [String(seen.get('client add')!.client_id)] }),
  'client set': (seen) => ({
    args: [String(seen.get('client add')!.client_id), '--scope', 'openid'],
    shows: { scope: 'openid' },
  }),
  'client secret': (seen) => ({ args: [String(seen.get('client add')!.client_id)] }),
  'client kit': (seen) => ({
    args: [String(seen.get('client add')!.client_id), '--for', 'env'],
    shows: { kind: 'env' },
  }),
  'client list': { args: [] },
  'client remove': (seen) => ({
    args: [String(seen.get('client add')!.client_id)],
    shows: { removed: true },
  }),
  'export-config': { args: ['--to', 'present.yaml'], shows: { clients: 0 } },
  plan: { args: ['-f', 'present.yaml'], shows: { changed: 0, created: 0, removed: 0 } },
  apply: {
    args: [
      '-f',
      file('latchkey.json', {
        latchkey: 1,
        clients: [{ client_id: 'own', redirect_uris: ['https://app.example/cb'] }],
      }),
      '--yes',
    ],
    shows: { applied: true, version: 1 },
  },
  drift: { args: [], shows: { managed: 1, drifted: [] } },
  rollback: { args: ['--list'] },
  'client token add': { args: ['Team'], shows: { name: 'Team' } },
  'client token list': { args: [] },
  'client token remove': (seen) => ({
    args: [String(seen.get('client token add')!.id)],
    shows: { revoked: true },
  }),
  usage: { args: ['--by', 'hour', '--for', '2h'], shows: { by: 'hour' } },
  'store schema': { args: [], shows: { sql: expect.stringContaining('CREATE TABLE') } },
  'realm add': {
    args: ['team', '--set', 'LAB=true', '--ends', '3h'],
    shows: { name: 'team', state: 'open' },
  },
  'realm list': { args: [] },
  'realm show': { args: ['team'], shows: { settings: { LAB: 'true' } } },
  'realm set': { args: ['team', '--title', 'Team'], shows: { title: 'Team' } },
  'realm disable': { args: ['team'], shows: { state: 'disabled' } },
  'realm enable': { args: ['team'], shows: { state: 'open' } },
  'realm remove': { args: ['team', '--dry-run'], shows: { removed: false, people: 0 } },
  'config check': { args: [], shows: { ok: true } },
  health: { args: [], exit: 1 },
  'audit rotate': { args: [] },
  'audit jwks': { args: [] },
  'audit verify': { args: [] },
  'audit export': { args: ['trail.jsonl'] },
  'audit list': { args: ['--last', '3'] },
  'audit report': { args: ['report.html'] },
  backup: { args: ['--to', 'saved.backup'] },
  restore: { args: ['saved.backup'], exit: 1 }, // the store is in use; tests/operations/backup.test.ts restores
  'migrate status': {
    args: ['--from', 'sqlite:latchkey.db', '--to', 'sqlite:next.db'],
    shows: { state: 'none' },
  },
  'migrate abort': { args: ['--from', 'sqlite:latchkey.db', '--to', 'sqlite:next.db'], exit: 1 }, // no move is under way
  // The store of this test stays; tests/operations/migrate.test.ts moves.
  migrate: { args: ['--from', 'sqlite:latchkey.db', '--to', 'sqlite:latchkey.db'], exit: 1 },
  // No server listens there.
  examine: { args: ['http://127.0.0.1:1'], exit: 1 },
  'try-client': { args: ['--list'] },
  classroom: { args: ['--students', '2'], shows: { students: 2, lesson: 'code-flow' } },
  'monitor report': { args: ['--issuer', 'https://id.example'], shows: { checks: [], incidents: [] } },
}

/** Run until they are stopped. */
const processes = ['serve', 'monitor']

test('each command is tried here', () => {
  expect(Object.keys(runs).sort()).toEqual(
    commands
      .map(({ name }) => name)
      .filter((name) => !processes.includes(name))
      .sort(),
  )
})

const seen = new Map<string, Json>()
test.each(Object.entries(runs))('%s', async (name, given) => {
  const { args, input, exit = 0, shows } = typeof given === 'function' ? given(seen) : given
  const { code, stdout, stderr } = await line.latchkey([...name.split(' '), ...args, '--json'], input)
  expect({ code, stderr: exit === 0 && code !== 0 ? stderr : '' }).toEqual({ code: exit, stderr: '' })
  if (exit !== 0) return expect(stdout).toBe('')
  const answer = JSON.parse(stdout) as Json
  seen.set(name, answer)
  if (shows) expect(answer).toMatchObject(shows)
  if (!isFileFormat(name)) for (const each of [answer].flat()) expectTimes(each)
})

/** Lists and claims too, as deep as the answer is. */
function expectTimes(value: unknown, name = ''): void {
  if (typeof value === 'object' && value !== null)
    for (const [key, each] of Object.entries(value)) expectTimes(each, Array.isArray(value) ? name : key)
  else if (isTime(name))
    expect([name, value]).toEqual([name, expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]+Z$/)])
}
/** Those of specifications are numbers. */
const isTime = (name: string) =>
  /(?:_at|_until|^exp|^expires)$/.test(name) && !/^client_(?:id_issued|secret_expires)_at$/.test(name)
/** What `user import` reads. */
const isFileFormat = (name: string) => name === 'user export'

test('version', async () => {
  expect(await line.json<Json>('version', '--json')).toHaveProperty('version')
})

test('health of a server', async () => {
  const op = await spawnProvider({})
  try {
    const asks = commandLine({ PORT: new URL(op.issuer).port })
    expect(await asks.json<Json>('health', '--json')).toHaveProperty('status')
    asks.remove()
  } finally {
    await op.stop()
  }
})

test('problems of the configuration and of a file are JSON too, beside the exit code', async () => {
  const wrong = commandLine({ PORT: 'many' })
  const checked = await wrong.latchkey(['config', 'check', '--json'])
  wrong.remove()
  expect([checked.code, (JSON.parse(checked.stdout) as Json).ok]).toEqual([2, false])
  const imported = await line.latchkey(['user', 'import', file('bad.json', [{ username: '' }]), '--json'])
  expect([imported.code, (JSON.parse(imported.stdout) as Json).imported]).toEqual([1, 0])
})
