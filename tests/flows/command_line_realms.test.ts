/** `latchkey realm …` and `--realm`: each realm has its own people, clients, keys and trail, and commands never mix them. docs/realms.md */
import { afterAll, describe, expect, test } from 'bun:test'
import { Realm } from '../../src/models/realm.ts'
import { realmStore } from '../../src/store/realm.ts'
import { commandLine } from '../support/command.ts'
import { openContext } from '../support/opened.ts'

const env = {
  STORE_URL: 'sqlite:latchkey.db',
  AUDIT_SIGNING_KEY: 'a-key-for-the-audit-trail-of-this-test',
  SECRET_KEY: 'a secret key of this test, which is long enough',
}
const line = commandLine(env)
afterAll(line.remove)
const password = 'correct horse battery'

type Json = Record<string, unknown>
const lists = (...args: string[]) => line.json<Json[]>(...args, '--json')
async function refused(words: string, code: number, ...args: string[]): Promise<void> {
  const ran = await line.latchkey(args)
  expect([args, ran.code, ran.stdout, ran.stderr]).toEqual([args, code, '', expect.stringContaining(words)])
  expect(ran.stderr).not.toContain('    at ')
}

test('a realm is made with settings, and shown', async () => {
  const made = await line.json<Json>(
    ...['realm', 'add', 'one', '--title', 'Team one', '--set', 'ACCESS_TOKEN_TTL=300', '--json'],
  )
  expect(made).toMatchObject({
    name: 'one',
    title: 'Team one',
    issuer: 'http://localhost:5000/realms/one',
    state: 'open',
    settings: { ACCESS_TOKEN_TTL: '300' },
    ends_at: null,
  })
  await line.json('realm', 'add', 'two', '--json')
  expect((await lists('realm', 'list')).map(({ name }) => name).toSorted()).toEqual(['one', 'two'])
  expect(await line.json('realm', 'show', 'one', '--json')).toEqual(made)
}, 60_000)

describe('what is wrong is refused with the words of the setting, and nothing is written', () => {
  test.each([
    [['--set', 'ACCESS_TOKEN_TTL=0'], 'ACCESS_TOKEN_TTL: expected whole seconds from 1 to 86400, got "0"'],
    [['--set', 'ACCESS_TOKEN_TTL'], '--set: expected NAME=VALUE'],
    [['--set', 'LAB=true', '--set', 'LAB=false'], '--set LAB came twice'],
    [['--set', 'PORT=1'], 'PORT: expected a variable of a realm'],
    [['--set', 'STORE_URL=memory:'], 'STORE_URL: expected a variable of a realm'],
    [['--set', 'ISSUER_URL=https://other.example'], 'ISSUER_URL: expected a variable of a realm'],
    [['--set', 'SECRET_KEY=the-secret-of-another-realm-0123456789'], 'got a secret'],
    [['--set', 'ACCES_TOKEN_TTL=1'], 'ACCES_TOKEN_TTL: unknown variable'],
    [['--set', 'THEME_PATH=/nowhere/at/all'], 'THEME_PATH'],
    [['--ends', '2020-01-01'], '--ends: expected a time to come'],
    [['--ends', 'soon'], '--ends: expected a time to come'],
    [['--title', 'two\nlines'], 'title'],
  ])(
    '%p',
    async (options, words) => {
      await refused(words, 2, 'realm', 'add', 'wrong', ...options)
      await refused('there is no realm wrong', 1, 'realm', 'show', 'wrong')
      await refused(words, 2, 'realm', 'set', 'one', ...options)
      expect(await line.json('realm', 'show', 'one', '--json')).toMatchObject({
        title: 'Team one',
        settings: { ACCESS_TOKEN_TTL: '300' },
      })
    },
    60_000,
  )

  test.each([
    ['Upper', 'lower-case letters'],
    ['a b', 'lower-case letters'],
    ['..', 'lower-case letters'],
    ['a:b', 'lower-case letters'],
    ['x'.repeat(41), 'lower-case letters'],
  ])(
    'the name %p',
    async (name, words) => {
      await refused(words, 2, 'realm', 'add', name)
    },
    60_000,
  )

  test('a name that is taken', () => refused('there is a realm one already', 1, 'realm', 'add', 'one'))
})

test('people, clients, administrators, keys and trails of a realm are its own', async () => {
  const add = async (name: string, ...realm: string[]) => {
    const ran = await line.latchkey([...realm, 'user', 'add', name, '--password-stdin'], password)
    expect([ran.code, ran.stderr]).toEqual([0, ran.stderr])
  }
  await add('alice')
  await add('ann', '--realm', 'one')
  await add('ann', '--realm=two')
  const client = await line.json<Json>(
    ...['client', 'add', 'Shop', '--redirect-uri', 'https://shop.example/cb', '--realm', 'one', '--json'],
  )
  await line.json('--realm', 'one', 'admin', 'grant', 'ann', '--json')

  const names = (list: Json[]) => list.map(({ username }) => username)
  expect(names(await lists('user', 'list'))).toEqual(['alice'])
  expect(names(await lists('user', 'list', '--realm', 'one'))).toEqual(['ann'])
  const [one, two] = [
    await lists('--realm', 'one', 'user', 'list'),
    await lists('--realm', 'two', 'user', 'list'),
  ]
  expect(one[0]!.sub).not.toBe(two[0]!.sub)
  for (const elsewhere of [[], ['--realm', 'two']]) {
    expect(await lists(...elsewhere, 'client', 'list')).toEqual([])
    expect(await lists(...elsewhere, 'admin', 'list')).toEqual([])
    await refused('no client', 1, ...elsewhere, 'client', 'show', String(client.client_id))
    await refused(
      'there is no account with sub',
      1,
      ...elsewhere,
      'user',
      'show',
      '--sub',
      String(one[0]!.sub),
    )
  }
  await refused('there is no user alice', 1, '--realm', 'one', 'user', 'disable', 'alice')
  await refused('latchkey --realm one client list', 1, '--realm', 'one', 'client', 'show', 'none')

  const kids = async (...realm: string[]) => (await lists(...realm, 'keys', 'list')).map(({ kid }) => kid)
  const all = [...(await kids()), ...(await kids('--realm', 'one')), ...(await kids('--realm', 'two'))]
  expect(new Set(all).size).toBe(all.length)

  const changes = async (...realm: string[]) =>
    JSON.stringify(await line.json(...realm, 'audit', 'list', '--json'))
  expect(await changes('--realm', 'one')).toContain('administrator_granted')
  for (const other of [await changes(), await changes('--realm', 'two')])
    for (const word of ['administrator_granted', 'client_added']) expect(other).not.toContain(word)
  expect(await changes()).toContain('realm_added')
  for (const realm of [[], ['--realm', 'one'], ['--realm', 'two']])
    expect((await line.latchkey([...realm, 'audit', 'verify'])).code).toBe(0)
}, 120_000)

test('the settings of a realm, and where each comes from', async () => {
  const { stdout } = await line.latchkey(['config', 'check', '--changed', '--realm', 'one'])
  expect(stdout).toMatch(/ACCESS_TOKEN_TTL +300 +realm/)
  const own = await line.json<{ settings: Json }>('config', 'check', '--realm', 'one', '--json')
  expect(own.settings).toMatchObject({
    ISSUER_URL: 'http://localhost:5000/realms/one',
    ACCESS_TOKEN_TTL: '300',
  })
  const server = await line.json<{ settings: Json }>('config', 'check', '--json')
  expect(server.settings).toMatchObject({ ACCESS_TOKEN_TTL: '3600' })
  await refused('leave --realm out', 2, 'config', 'check', '--deep', '--realm', 'one')
}, 60_000)

test('set changes what is named, and unset gives the value of the server again', async () => {
  const set = (...args: string[]) => line.json<Json>('realm', 'set', 'one', ...args, '--json')
  expect(await set('--set', 'LAB=false', '--ends', '2d')).toMatchObject({
    title: 'Team one',
    settings: { ACCESS_TOKEN_TTL: '300', LAB: 'false' },
    ends_at: expect.any(String),
  })
  expect(await set('--unset', 'ACCESS_TOKEN_TTL', '--ends', 'never')).toMatchObject({
    settings: { LAB: 'false' },
    ends_at: null,
  })
  await refused(
    'no setting ACCESS_TOKEN_TTL of its own',
    1,
    'realm',
    'set',
    'one',
    '--unset',
    'ACCESS_TOKEN_TTL',
  )
  await refused('nothing to change', 2, 'realm', 'set', 'one')
  await refused(
    'both in --set and in --unset',
    2,
    ...['realm', 'set', 'one', '--set', 'LAB=true', '--unset', 'LAB'],
  )
}, 60_000)

test('a disabled realm is there for commands; a removed one is gone, and its name gets nothing of it', async () => {
  expect(await line.json('realm', 'disable', 'one', '--json')).toMatchObject({ state: 'disabled' })
  expect(await lists('--realm', 'one', 'user', 'list')).toHaveLength(1)
  expect(await line.json('realm', 'enable', 'one', '--json')).toMatchObject({ state: 'open' })

  const trial = await line.json<Json>('realm', 'remove', 'one', '--dry-run', '--json')
  expect(trial).toMatchObject({ removed: false, dry_run: true, people: 1, clients: 1 })
  expect(await lists('--realm', 'one', 'user', 'list')).toHaveLength(1)
  await refused('add --yes to confirm', 2, 'realm', 'remove', 'one')
  expect(await line.json('realm', 'remove', 'one', '--yes', '--json')).toMatchObject({
    removed: true,
    people: 1,
  })
  await refused('there is no realm one', 1, '--realm', 'one', 'user', 'list')
  await line.json('realm', 'add', 'one', '--json')
  expect(await lists('--realm', 'one', 'user', 'list')).toEqual([])
  expect(await lists('--realm', 'one', 'client', 'list')).toEqual([])
}, 60_000)

test('a realm with the demo accounts; not in production, where their passwords would be public', async () => {
  await line.json('realm', 'add', 'demo', '--demo', '--json')
  expect((await lists('--realm', 'demo', 'user', 'list')).map(({ username }) => username)).toEqual([
    'alice',
    'bob',
  ])
  expect((await lists('user', 'list')).map(({ username }) => username)).not.toContain('bob')
  const production = commandLine({
    ...env,
    NODE_ENV: 'production',
    ISSUER_URL: 'https://id.example',
    SECRET_KEY: 'tGh3o2uTqJ1mZ8vXw5cR7yLk0sNd9bQf4iAe6pUx',
  })
  const ran = await production.latchkey(['realm', 'add', 'public', '--demo'])
  production.remove()
  expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('passwords are public')])
}, 60_000)

test('a setting that a later release refuses: each command names the realm, and it can be disabled and mended', async () => {
  const { context, close } = await openContext({ ...env, STORE_URL: `sqlite:${line.folder}/latchkey.db` })
  await Realm.create(context, context.random, { name: 'old', settings: { ACCESS_TOKEN_TTL: '0' } })
  await realmStore(context.store, (await Realm.find(context, 'old'))!.id).put('key_ring', '{}')
  await close()
  const words = 'realm old: ACCESS_TOKEN_TTL: expected whole seconds'
  await refused(words, 2, '--realm', 'old', 'user', 'list')
  await refused(words, 2, 'secrets', 'reseal')
  const checked = await line.latchkey(['config', 'check', '--realm', 'old'])
  expect([checked.code, checked.stderr]).toEqual([2, expect.stringContaining(words)])
  expect(await line.json('realm', 'disable', 'old', '--json')).toMatchObject({ state: 'disabled' })
  await refused('ACCESS_TOKEN_TTL: expected whole seconds', 2, 'realm', 'set', 'old', '--set', 'LAB=true')
  const mended = await line.json('realm', 'set', 'old', '--unset', 'ACCESS_TOKEN_TTL', '--json')
  expect(mended).toMatchObject({ settings: {}, state: 'disabled' })
  await line.json('realm', 'remove', 'old', '--yes', '--json')
}, 60_000)

test('the memory store has no realms for commands', async () => {
  const memory = commandLine({ STORE_URL: 'memory:' })
  for (const args of [
    ['realm', 'add', 'one'],
    ['--realm', 'one', 'user', 'list'],
    ['--realm', 'one', 'keys', 'list'],
  ]) {
    const ran = await memory.latchkey(args)
    expect([args, ran.code, ran.stderr]).toEqual([args, 1, expect.stringContaining('memory store')])
  }
  memory.remove()
}, 60_000)

test('a change of SECRET_KEY reseals the realms too, and each stays apart', async () => {
  const next = 'the next secret key of this test, which is long enough'
  const at = (secret: string) =>
    commandLine({ ...env, STORE_URL: `sqlite:${line.folder}/latchkey.db`, SECRET_KEY: secret })
  const kids = async (secret: string) => {
    const cli = at(secret)
    const listed = await cli.latchkey(['--realm', 'two', 'keys', 'list', '--json'])
    cli.remove()
    return listed
  }
  const before = await kids(env.SECRET_KEY)
  const turning = at(JSON.stringify([next, env.SECRET_KEY]))
  const trial = await turning.json<{ counts: Record<string, Json>; left: number }>(
    'secrets',
    'reseal',
    '--dry-run',
    '--json',
  )
  const done = await turning.json<{ counts: Record<string, Json>; left: number }>(
    'secrets',
    'reseal',
    '--json',
  )
  turning.remove()
  const [own, ofAll] = [4, Number(trial.counts['signing keys']!.moved)]
  expect(ofAll).toBeGreaterThan(own)
  expect(done).toMatchObject({ left: 0, unreadable: 0, counts: { 'signing keys': { moved: ofAll } } })
  const after = await kids(next)
  expect([after.code, after.stdout]).toEqual([0, before.stdout])
  const former = await kids(env.SECRET_KEY)
  expect([former.code, former.stderr]).toEqual([2, expect.stringContaining('SECRET_KEY')])
}, 120_000)
