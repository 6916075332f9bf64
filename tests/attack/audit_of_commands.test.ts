/** Each command that changes something, or that hands out what is protected, is an entry of the audit trail, by the account that ran it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'bun:test'
import { generateKeyPairSync } from 'node:crypto'
import { settingsFor } from '../../src/cli/audit_trail.ts'
import { commands } from '../../src/cli/commands.ts'
import { operatorName } from '../../src/cli/operator.ts'
import { commandLine } from '../support/command.ts'

const env = {
  STORE_URL: 'sqlite:latchkey.db',
  ACCOUNT_REGISTRATION: 'open',
  BACKUP_KEY: 'a-key-for-the-backups-of-this-test',
  AUDIT_SIGNING_KEY: 'a-key-for-the-audit-trail-of-this-test',
  AUDIT_CHAIN: 'test',
  SECRET_KEY: JSON.stringify([
    'a new secret key for this test, long enough',
    'the secret key of before of this test',
  ]),
  USER: 'mallory',
  LOGNAME: 'mallory',
  SUDO_USER: `=cmd|' /C calc'!A0\u001b[2J${'x'.repeat(1_000)}`,
}
const line = commandLine(env)
afterAll(line.remove)
const password = 'correct horse battery'

type Json = Record<string, unknown>
interface Run {
  args: readonly string[]
  input?: string
  /** The members `change` of its entries. */
  says: readonly string[]
}
type Seen = ReadonlyMap<string, Json>
const idOf = (seen: Seen, command: string, member = 'client_id') => String(seen.get(command)![member])

/** In an order in which each one works. */
const changing: Readonly<Record<string, (seen: Seen) => Run>> = {
  'keys generate': () => ({ args: [], says: ['keys_added'] }),
  'keys rotate': () => ({ args: ['--alg', 'RS256'], says: ['keys_rotated'] }),
  'user add': () => ({
    args: ['ann', '--email', 'ann@example.com', '--password-stdin'],
    input: password,
    says: ['account_added'],
  }),
  'user passwd': () => ({
    args: ['ann', '--password-stdin'],
    input: `${password} 2`,
    says: ['password_set'],
  }),
  'user disable': () => ({ args: ['ann'], says: ['account_disabled'] }),
  'user enable': () => ({ args: ['ann'], says: ['account_enabled'] }),
  'user set': () => ({ args: ['ann', '--role', 'admin'], says: ['roles_set'] }),
  'user import': () => ({ args: ['people.json'], says: ['accounts_import_begun', 'accounts_imported'] }),
  'user export': () => ({ args: [], says: ['accounts_exported'] }),
  invite: () => ({ args: ['new@example.com'], says: ['invited'] }),
  'invite revoke': (seen) => ({ args: [idOf(seen, 'invite', 'id')], says: ['invitation_revoked'] }),
  verify: () => ({ args: ['ann'], says: ['email_set'] }),
  'reset-factors': () => ({ args: ['ann'], says: ['factors_reset'] }),
  'sessions end': () => ({ args: ['ann'], says: ['sessions_ended'] }),
  'admin grant': () => ({ args: ['ann', '--role', 'owner'], says: ['administrator_granted'] }),
  'user remove': () => ({ args: ['ben', '--yes'], says: ['account_removed'] }),
  'client add': () => ({ args: ['App', '--redirect-uri', 'https://app.example/cb'], says: ['client_added'] }),
  'client set': (seen) => ({ args: [idOf(seen, 'client add'), '--scope', 'openid'], says: ['client_set'] }),
  'client secret': (seen) => ({ args: [idOf(seen, 'client add')], says: ['client_secret_made'] }),
  'client remove': (seen) => ({ args: [idOf(seen, 'client add')], says: ['client_removed'] }),
  apply: () => ({ args: ['-f', 'latchkey.json', '--yes'], says: ['create', 'apply'] }),
  'client token add': () => ({ args: ['Team'], says: ['initial_access_token_added'] }),
  'client token remove': (seen) => ({
    args: [idOf(seen, 'client token add', 'id')],
    says: ['initial_access_token_removed'],
  }),
  'realm add': () => ({ args: ['team', '--set', 'LAB=true'], says: ['realm_added'] }),
  'realm set': () => ({ args: ['team', '--title', 'Team'], says: ['realm_set'] }),
  'realm disable': () => ({ args: ['team'], says: ['realm_disabled'] }),
  'realm enable': () => ({ args: ['team'], says: ['realm_enabled'] }),
  'realm remove': () => ({ args: ['team', '--yes'], says: ['realm_removed'] }),
  'audit rotate': () => ({ args: [], says: ['audit_key_rotated'] }),
  'audit export': () => ({ args: ['before.jsonl'], says: ['audit_exported'] }),
  'audit report': () => ({ args: ['report.html'], says: ['audit_reported'] }),
  backup: () => ({ args: ['--to', 'saved.backup'], says: ['backup_made'] }),
  'keys replace': () => ({ args: ['--yes'], says: ['keys_replaced'] }),
}

/** Why a command has no entry, or where a test of its own is. */
const others: Readonly<Record<string, string>> = {
  serve: 'its entries are started, reloaded and stopped',
  'user reset': 'needs a relay; tests/operations/audit_trail.test.ts',
  restore: 'below',
  migrate: 'below',
  'migrate abort': 'below',
  'migrate status': 'looks',
  'secrets reseal': 'below',
  'secrets seal': 'needs STORE_ENCRYPTION=migrate; tests/operations/sealing.test.ts',
  'secrets unseal': 'needs STORE_ENCRYPTION=migrate; tests/operations/sealing.test.ts',
  jwks: 'looks',
  pkce: 'uses no store',
  'keys list': 'looks',
  'user list': 'looks',
  usage: 'looks',
  'admin list': 'looks',
  'admin revoke': 'by the function of admin grant; the last owner keeps the role',
  'user show': 'looks',
  'invite list': 'looks',
  'sessions list': 'looks',
  'client show': 'looks',
  'client kit': 'looks; a secret in it is the one that was typed',
  'client list': 'looks',
  'client token list': 'looks',
  'store schema': 'uses no store',
  'realm list': 'looks',
  'realm show': 'looks',
  'config check': 'looks',
  health: 'uses no store',
  plan: 'looks',
  drift: 'looks',
  'export-config': 'looks; no secret is in what it writes',
  rollback: 'tests/issues/configuration_files_by_command.test.ts',
  'audit list': 'looks',
  'audit verify': 'looks',
  'audit jwks': 'looks',
  examine: 'uses no store',
  monitor: 'uses no store',
  'monitor report': 'uses no store',
  'try-client': 'uses no store but its own, in memory',
  classroom:
    'no account, client or setting of the provider; each seat is a line of the log, and all of it ends by itself',
}

test('each command is in one of the two lists', () => {
  expect([...Object.keys(changing), ...Object.keys(others)].toSorted()).toEqual(
    commands.map(({ name }) => name).toSorted(),
  )
})

test('commands of machines without a name that stays write to one chain', async () => {
  const { AUDIT_CHAIN: _, ...unnamed } = env
  const pod = commandLine(unnamed)
  await pod.json('client', 'add', 'App', '--redirect-uri', 'https://app.example/cb', '--json')
  expect(new Set((await entries(pod)).map(({ chain }) => chain))).toEqual(new Set(['commands.cli']))
  pod.remove()
}, 60_000)

test('a setting that may have a credential in it is a fingerprint', () => {
  const given = {
    SMS_GATEWAY_URL: 'https://sms.example/send?key=canary&to={to}',
    SMS_GATEWAY_BODY: 'password=canary&to={to}&text={text}',
    CIBA_NOTIFY_URL: 'https://notify.example/canary',
    AUDIT_WEBHOOK_URL: 'https://hooks.example/services/canary',
    STORE_URL: 'postgres://user:canary@host/db',
    ISSUER_URL: 'https://id.example',
  }
  const settings = settingsFor({ fingerprint: (value) => `sha256:${value.length}` }, given)
  expect(JSON.stringify(settings)).not.toContain('canary')
  expect(Object.keys(settings).toSorted()).toEqual(Object.keys(given).toSorted())
  expect(settings.ISSUER_URL).toBe('https://id.example')
})

interface Entry {
  chain: string
  kind: string
  operator?: string
  details?: Json
}
async function entries(from = line, name = 'trail.jsonl'): Promise<Entry[]> {
  await from.json('audit', 'export', name, '--json')
  return readFileSync(join(from.folder, name), 'utf8')
    .split('\n')
    .filter((each) => each.startsWith('{"v"'))
    .map((each) => JSON.parse(each) as Entry)
}
const changesIn = (list: readonly Entry[]) => list.map(({ details }) => String(details?.change))

test('each says what it changed, and by whom: the account is not what USER or SUDO_USER says', async () => {
  writeFileSync(join(line.folder, 'people.json'), JSON.stringify([{ username: 'ben' }]))
  const client = { client_id: 'own', redirect_uris: ['https://app.example/cb'] }
  writeFileSync(join(line.folder, 'latchkey.json'), JSON.stringify({ latchkey: 1, clients: [client] }))
  const seen = new Map<string, Json>()
  const expected: string[] = []
  for (const [name, run] of Object.entries(changing)) {
    const { args, input, says } = run(seen)
    const { code, stdout, stderr } = await line.latchkey([...name.split(' '), ...args, '--json'], input)
    expect({ name, code, stderr: code === 0 ? '' : stderr }).toEqual({ name, code: 0, stderr: '' })
    seen.set(name, JSON.parse(stdout) as Json)
    expected.push(...says)
  }
  const found = await entries()
  expect(changesIn(found)).toEqual([...expected, 'audit_exported'])
  const own = operatorName({})
  for (const { operator } of found) {
    expect(operator).toStartWith(own)
    expect(operator).not.toStartWith('mallory')
    expect(operator).toMatch(/^[\w.@ ()-]{1,200}$/)
  }
  expect((await line.latchkey(['audit', 'verify'])).code).toBe(0)
}, 240_000)

test('a command that only looks imports no key without an entry', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const folder = join(line.folder, 'evil')
  mkdirSync(folder)
  writeFileSync(join(folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const before = changesIn(await entries())
  const evil = commandLine({
    ...env,
    STORE_URL: `sqlite:${join(line.folder, 'latchkey.db')}`,
    PRIVATE_KEY_PATH: join(folder, 'key.pem'),
    PUBLIC_KEY_PATH: join(folder, 'public.pem'),
  })
  const listed = await evil.latchkey(['client', 'list'])
  evil.remove()
  expect(listed.code, listed.stderr).toBe(0)
  const after = (await entries()).slice(before.length)
  expect(after[0]).toMatchObject({ kind: 'changed_by_operator', details: { change: 'keys_added' } })
}, 120_000)

test('a restore and a reseal are entries of the trail that goes on; without the key a command says that it is off', async () => {
  const target = commandLine(env)
  try {
    const saved = join(line.folder, 'saved.backup')
    const restored = await target.latchkey(['restore', saved])
    expect(restored.code, restored.stderr).toBe(0)
    const [entry] = (await entries(target)).filter(({ details }) => details?.change === 'store_restored')
    expect(entry).toMatchObject({ details: { made_at: expect.any(String), changed: ['everything'] } })
    expect((await target.latchkey(['audit', 'verify'])).code).toBe(0)

    const [next, former] = JSON.parse(env.SECRET_KEY) as string[]
    const turned = commandLine({
      ...env,
      STORE_URL: `sqlite:${join(target.folder, 'latchkey.db')}`,
      SECRET_KEY: JSON.stringify(['another secret key, which comes first now', next, former]),
    })
    const resealed = await turned.latchkey(['secrets', 'reseal'])
    expect(resealed.code, resealed.stderr).toBe(0)
    const last = (await entries(turned)).filter(({ details }) => details?.change === 'secrets_resealed')
    expect(last).toHaveLength(1)
    turned.remove()

    const { AUDIT_SIGNING_KEY: _, AUDIT_CHAIN: __, ...off } = env
    const silent = commandLine({
      ...off,
      SECRET_KEY: JSON.stringify(['another secret key, which comes first now', next, former]),
      STORE_URL: `sqlite:${join(target.folder, 'latchkey.db')}`,
    })
    const unaudited = await silent.latchkey(['user', 'disable', 'ann'])
    silent.remove()
    expect(unaudited.stderr).toContain('audit_trail_is_off')
  } finally {
    target.remove()
  }
}, 240_000)

test('a move to another store is an entry of the trail there', async () => {
  const before = commandLine(env)
  try {
    await before.json('client', 'add', 'App', '--redirect-uri', 'https://app.example/cb', '--json')
    const [from, to] = ['latchkey.db', 'next.db'].map((name) => `sqlite:${join(before.folder, name)}`)
    const both = ['--from', from!, '--to', to!]
    const moved = await before.latchkey(['migrate', ...both])
    expect(moved.code, moved.stderr).toBe(0)
    const after = commandLine({ ...env, STORE_URL: to! })
    const found = await entries(after)
    expect(changesIn(found).slice(-2)).toEqual(['store_moved', 'audit_exported'])
    expect(found.at(-2)?.details).toMatchObject({ changed: [from, to] })
    expect((await after.latchkey(['audit', 'verify'])).code).toBe(0)
    after.remove()
  } finally {
    before.remove()
  }
}, 120_000)

test('a reseal without AUDIT_SIGNING_KEY moves the keys of the trail too; a lost SECRET_KEY stops no new signing keys', async () => {
  const home = commandLine({})
  const at = (secret: string, more: Record<string, string> = { AUDIT_SIGNING_KEY: env.AUDIT_SIGNING_KEY }) =>
    commandLine({ STORE_URL: `sqlite:${join(home.folder, 'own.db')}`, SECRET_KEY: secret, ...more })
  const [first, second, third] = ['first', 'second', 'third'].map(
    (name) => `the ${name} secret key of this test, long enough`,
  ) as [string, string, string]
  const run = async (from: ReturnType<typeof commandLine>, ...args: string[]) => {
    const ran = await from.latchkey(args)
    from.remove()
    return ran
  }
  expect(
    (await run(at(first), 'client', 'add', 'App', '--redirect-uri', 'https://app.example/cb')).code,
  ).toBe(0)
  const resealed = await run(at(JSON.stringify([second, first]), {}), 'secrets', 'reseal')
  expect(resealed.stdout).toContain('checkpoint keys')
  const verified = await run(at(second), 'audit', 'verify')
  expect(verified.code, verified.stderr).toBe(0)

  const replaced = await run(at(third), 'keys', 'replace', '--yes')
  expect(replaced.code, replaced.stderr).toBe(0)
  expect(replaced.stderr).toContain('audit_trail_lost')
  const refused = await run(at(third), 'client', 'list')
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('the keys that sign checkpoints of the audit trail were not sealed')
  expect((await run(at(third, {}), 'client', 'list')).code).toBe(0)
  home.remove()
}, 240_000)
