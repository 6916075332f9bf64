/** The store of a realm: the contract over every backend, beside another realm and the root that write the same names. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { postgresStore } from '../../src/store/postgres.ts'
import { realmOf, realmStore } from '../../src/store/realm.ts'
import { redisStore } from '../../src/store/redis.ts'
import { sealedStore } from '../../src/store/sealed.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import type { Found, Store } from '../../src/store/store.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { startRedis } from '../support/redis.ts'
import { storeContract, type TwoHandles } from './contract.ts'
import { rangeContract } from './range_contract.ts'
import { scanContract } from './scan_contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-realm-store-'))
let postgres: PostgresServer
beforeAll(async () => void (postgres = await startPostgres()), 60_000)
afterAll(async () => {
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Two handles of one realm. The root and a realm whose id begins as that of the other have names of their own already. */
async function within(handles: TwoHandles): Promise<TwoHandles> {
  for (const other of [handles.a, realmStore(handles.a, 'one2'), realmStore(handles.a, 'on')])
    for (let i = 0; i < 40; i++) {
      await other.put(`contract/${i}`, 'foreign')
      await other.link(`contract/${i}`, 'foreign', i)
      await other.put(`k${i}`, 'foreign')
    }
  const { a, b, backend } = handles
  const beneath = backend && { backend: realmStore(backend, 'one') }
  return { ...handles, a: realmStore(a, 'one'), b: realmStore(b, 'one'), ...beneath }
}

let files = 0

const backends: Record<string, () => Promise<TwoHandles>> = {
  memory: async () => {
    let now = 1_800_000_000_000
    const store = memoryStore({ now: () => now })
    return { a: store, b: store, pass: async (ms) => void (now += ms), done: () => store.close() }
  },
  'sealed memory': async () => {
    let now = 1_800_000_000_000
    const backend = memoryStore({ now: () => now })
    const store = sealedStore(backend, new Uint8Array(32).fill(7))
    const pass = async (ms: number) => void (now += ms)
    return { a: store, b: store, backend, pass, done: () => store.close() }
  },
  sqlite: async () => {
    let now = 1_800_000_000_000
    const path = join(folder, `${files++}.db`)
    const [a, b] = [sqliteStore(path, { now: () => now }), sqliteStore(path, { now: () => now })]
    const done = async () => void (await Promise.all([a.close(), b.close()]))
    return { a, b, pass: async (ms) => void (now += ms), done }
  },
  redis: async () => {
    const server = await startRedis()
    const [a, b] = [redisStore(server.url), redisStore(server.url)]
    const done = async () => {
      await Promise.all([a.close(), b.close()])
      await server.stop()
    }
    return { a, b, pass: Bun.sleep, done }
  },
  postgres: async () => {
    const url = postgres.database()
    const [a, b] = await Promise.all([postgresStore(url, systemClock), postgresStore(url, systemClock)])
    const done = async () => void (await Promise.all([a.close(), b.close()]))
    return { a, b, pass: Bun.sleep, done }
  },
}

for (const [name, backend] of Object.entries(backends)) {
  const open = async () => within(await backend())
  storeContract(`realm in ${name}`, open)
  scanContract(`realm in ${name}`, open)
  rangeContract(`realm in ${name}`, open)
}

async function everything(store: Store): Promise<Found[]> {
  const all: Found[] = []
  for await (const page of store.scan()) all.push(...page)
  return all
}

describe('what one realm writes', () => {
  const names = ['client:x', '', ':', 'realm:b:client:x', 'realm:', '\0', 'realms', 'a:b']

  test('no other realm and not the root reads, replaces, takes or counts, under any name', async () => {
    const root = memoryStore(systemClock)
    const [a, b] = [realmStore(root, 'a'), realmStore(root, 'b')]
    for (const name of names) {
      await a.put(name, 'of a')
      await a.link(name, 'of a', 1)
      // A key of the root begins with its kind, which is never `realm`.
      for (const other of name.startsWith('realm:') ? [b] : [b, root]) {
        expect(await other.get(name)).toBeUndefined()
        expect(await other.replace(name, 'of a', 'taken')).toBe(false)
        expect(await other.take(name)).toBeUndefined()
        expect(await other.range(name)).toEqual([])
        await other.unlink(name, 'of a')
        await other.trim(name, 5)
      }
      expect(await b.create(name, 'of b')).toBe(true)
      expect((await b.increment(`${name}count`, 60_000)).count).toBe(1)
      expect(await a.get(name)).toBe('of a')
      expect(await a.range(name)).toHaveLength(1)
    }
    expect(new Set((await everything(a)).map((found) => JSON.stringify(found))).size).toBe(2 * names.length)
  })

  test('a scan of the whole store tells the realm and the name within', async () => {
    const root = memoryStore(systemClock)
    await realmStore(root, 'a').put('client:x', '1')
    await realmStore(root, 'a').link('clients', 'x', 2)
    await root.put('client:x', '3')
    await root.put('realm:no colon', '4')
    const found = (await everything(root)).map(realmOf)
    expect(found.filter(Boolean)).toEqual([
      { realm: 'a', inside: { kind: 'value', key: 'client:x', value: '1' } },
      { realm: 'a', inside: { kind: 'member', index: 'clients', member: 'x', score: 2 } },
    ])
    expect(found).toHaveLength(4)
  })

  test('a value that is sealed for one realm does not open in another', async () => {
    const backend = memoryStore(systemClock)
    const root = sealedStore(backend, new Uint8Array(32).fill(7))
    await realmStore(root, 'a').put('k', 'secret')
    await backend.put('realm:b:k', (await backend.get('realm:a:k'))!)
    expect(await realmStore(root, 'b').get('k')).toBeUndefined()
    expect(await realmStore(root, 'a').get('k')).toBe('secret')
  })
})
