/** Backup, restore and migrate carry realms whole, and what belongs to a realm stays with it. docs/realms.md */
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keptRealms } from '../../src/cli/backup/realms.ts'
import { encrypted, open, readConfig } from '../../src/cli/open.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { Realm } from '../../src/models/realm.ts'
import { realmOf, realmStore } from '../../src/store/realm.ts'
import type { Found, Store } from '../../src/store/store.ts'
import { commandLine } from '../support/command.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-realms-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const settings = {
  SECRET_KEY: 'tGh3o2uTqJ1mZ8vXw5cR7yLk0sNd9bQf4iAe6pUx',
  BACKUP_KEY: 'Bk7vQ2mXc9Rz4Lw1Jf8Ty5Hn3Ud6Gp0Se-another',
}
const on = (name: string, more: Record<string, string> = {}): Record<string, string> => ({
  ...settings,
  ...more,
  STORE_URL: `sqlite:${join(folder, name)}`,
})

async function within<T>(env: Record<string, string>, work: (store: Store) => Promise<T>): Promise<T> {
  const opened = await open(readConfig({ NODE_ENV: 'development', LOG_LEVEL: 'error', ...env }))
  return work(await encrypted(opened.plain, opened.config)).finally(() => opened.store.close())
}

const memory = async (store: Store) => {
  const opened = await open(readConfig({ NODE_ENV: 'development', STORE_URL: 'memory:', LOG_LEVEL: 'error' }))
  return { ...opened, store }
}

const add = async (store: Store, name: string) =>
  (await Realm.create(await memory(store), systemRandom, { name, settings: { LAB: 'true' } }))!

/** A person, a client, a session and a trail, as a realm has them. */
async function fill(store: Store): Promise<void> {
  await store.put('key_ring', '{"of":"the realm"}')
  await store.put('client:shop', '{"client_id":"shop"}')
  await store.link('clients', 'shop', 1)
  await store.put('user:ann', '{"sub":"ann"}')
  await store.link('users', 'ann', 1)
  await store.put('session:x', '{}', 3_600_000)
  for (const at of [1, 2, 3]) await store.put(`audit:host:${at}`, `{"at":${at}}`)
  await store.link('audit_chains', 'host', 2)
}

const namesOf = async (store: Store) =>
  (await Realm.keys(await memory(store))).map(({ name }) => name).toSorted()

/** What a store has of a realm, by the names inside of it. */
async function inside(store: Store, id: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const page of realmStore(store, id).scan())
    for (const each of page)
      if (each.kind === 'value') found[each.key] = each.value
      else found[`${each.index}>${each.member}`] = `${each.score}`
  return found
}

async function everything(store: Store): Promise<Found[]> {
  const all: Found[] = []
  for await (const page of store.scan()) all.push(...page)
  return all
}

/** A server with an account and two realms, one of them disabled, and what is left of a removed one. */
async function prepared(env: Record<string, string>) {
  const cli = commandLine(env)
  const added = await cli.latchkey(['user', 'add', 'alice', '--password-stdin'], 'correct-horse-battery')
  expect([added.code, added.stderr]).toEqual([0, added.stderr])
  const ids = await within(env, async (store) => {
    const [one, two, gone] = [await add(store, 'one'), await add(store, 'two'), await add(store, 'gone')]
    for (const { id } of [one, two, gone]) await fill(realmStore(store, id))
    await Realm.update(await memory(store), systemRandom, 'two', (now) => ({ ...now, disabled: true }))
    await Realm.remove(await memory(store), systemRandom, 'gone')
    return { one: one.id, two: two.id, gone: gone.id }
  })
  return { cli, ids }
}

const kept = {
  key_ring: '{"of":"the realm"}',
  'client:shop': '{"client_id":"shop"}',
  'clients>shop': '1',
  'user:ann': '{"sub":"ann"}',
  'users>ann': '1',
  'audit_chains>host': '2',
  'audit:host:1': '{"at":1}',
  'audit:host:2': '{"at":2}',
}

for (const encryption of ['false', 'true'])
  test(`a restore brings all realms back (STORE_ENCRYPTION=${encryption})`, async () => {
    const more = { STORE_ENCRYPTION: encryption }
    const { cli, ids } = await prepared(on(`from-${encryption}.db`, more))
    const file = join(folder, `all-${encryption}.backup`)
    await cli.json('backup', '--to', file, '--json')
    const target = on(`to-${encryption}.db`, more)
    await commandLine(target).json('restore', file, '--json')
    await within(target, async (store) => {
      const at = await memory(store)
      expect(await namesOf(store)).toEqual(['one', 'two'])
      expect(await Realm.find(at, 'one')).toMatchObject({ id: ids.one, settings: { LAB: 'true' } })
      expect(await Realm.find(at, 'two')).toMatchObject({ id: ids.two, disabled: true })
      for (const id of [ids.one, ids.two]) {
        const { 'factor_generation:ann': generation, ...rest } = await inside(store, id)
        // No session, no entry beyond the end of its chain; and no device of a person of the realm is trusted any more.
        expect(rest).toEqual(kept)
        expect(JSON.parse(generation!)).toEqual({ generation: expect.any(String) })
      }
      expect(await store.get('factor_generation:ann')).toBeUndefined()
      const realms = new Set((await everything(store)).flatMap((found) => realmOf(found)?.realm ?? []))
      expect(realms).toEqual(new Set([ids.one, ids.two]))
    })
    expect(await commandLine(target).json<{ username: string }[]>('user', 'list', '--json')).toMatchObject([
      { username: 'alice' },
    ])
  }, 120_000)

test('--only configuration has the realms with their clients and keys, and no person of them', async () => {
  const { cli, ids } = await prepared(on('configuration.db'))
  const file = join(folder, 'configuration.backup')
  await cli.json('backup', '--to', file, '--only', 'configuration', '--json')
  const target = on('configuration-to.db')
  await commandLine(target).json('restore', file, '--json')
  await within(target, async (store) => {
    expect(await namesOf(store)).toEqual(['one', 'two'])
    expect(await inside(store, ids.one)).toEqual({
      key_ring: kept.key_ring,
      'client:shop': kept['client:shop'],
      'clients>shop': '1',
    })
  })
}, 120_000)

test('a realm that is created during a backup, or removed before it, is not in it at all', async () => {
  await within(on('during.db'), async (store) => {
    const at = await memory(store)
    const [before, gone] = [await add(store, 'before'), await add(store, 'gone')]
    await Realm.remove(at, systemRandom, 'gone')
    const { isIn, ids } = await keptRealms(at)
    const after = await add(store, 'after')
    for (const { id } of [before, gone, after]) await fill(realmStore(store, id))
    const seen = (await everything(store)).filter(isIn)
    expect(ids).toEqual(new Set([before.id]))
    expect(new Set(seen.flatMap((found) => realmOf(found)?.realm ?? []))).toEqual(new Set([before.id]))
    const text = JSON.stringify(seen.filter((found) => realmOf(found) === undefined))
    expect(text).toContain(before.id)
    for (const each of ['realm_named:after', 'realm_named:gone', `after ${after.id}`])
      expect(text).not.toContain(each)
  })
})

test('migrate copies every key of every realm, and says so by kind', async () => {
  const { cli, ids } = await prepared(on('move.db'))
  const moved = await cli.json<{ kinds: { kind: string; records: number; missing: number }[] }>(
    ...['migrate', '--from', on('move.db').STORE_URL!, '--to', on('moved.db').STORE_URL!, '--json'],
  )
  const kinds = Object.fromEntries(moved.kinds.map((each) => [each.kind, each]))
  expect(kinds['realm user']).toMatchObject({ records: 3, missing: 0 })
  expect(kinds['realm index users']).toMatchObject({ records: 3, missing: 0 })
  expect(kinds.user).toMatchObject({ records: 1, missing: 0 })
  await within(on('moved.db'), async (store) => {
    const { 'session:x': session, 'audit:host:3': last, ...rest } = await inside(store, ids.one)
    expect([session, last]).toEqual(['{}', '{"at":3}'])
    expect(rest).toEqual(kept)
    // What is left of a removed realm is removed by the server, wherever it is.
    expect(Object.keys(await inside(store, ids.gone))).toContain('user:ann')
  })
}, 120_000)

test('lists of the server show nothing of a realm', async () => {
  const { cli } = await prepared(
    on('lists.db', { AUDIT_SIGNING_KEY: 'a-key-for-the-audit-trail-of-this-test' }),
  )
  const shown = await Promise.all(
    [
      ['user', 'list'],
      ['client', 'list'],
      ['user', 'export', '--format', 'json'],
      ['admin', 'list'],
      ['usage'],
      ['audit', 'list'],
      ['audit', 'verify'],
      ['invite', 'list'],
      ['client', 'token', 'list'],
    ].map(async (args) => (await cli.latchkey([...args, '--json'])).stdout),
  )
  expect(shown.join('\n')).toContain('alice')
  for (const text of shown) expect(text).not.toMatch(/\bann\b|\bshop\b|realm/)
  expect((await cli.latchkey(['user', 'show', 'ann'])).code).toBe(1)
}, 120_000)
