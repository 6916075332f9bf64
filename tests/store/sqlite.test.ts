/** The SQLite store: the contract on two connections, two real processes, a kill, the file's mode, a lock held. */
import { Database } from 'bun:sqlite'
import { afterAll, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import { storeContract } from './contract.ts'
import { rangeContract } from './range_contract.ts'
import { backendContract } from './backend_contract.ts'
import { scanContract } from './scan_contract.ts'
import { until } from '../support/until.ts'

const directory = mkdtempSync(join(tmpdir(), 'latchkey-sqlite-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

let files = 0
const freshFile = () => join(directory, `${files++}.db`)

const spawn = (path: string, work: string) =>
  Bun.spawn(['bun', join(import.meta.dir, 'sqlite_process.ts'), path, work], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })

async function twoConnections() {
  let now = 1_800_000_000_000
  const path = freshFile()
  const clock = { now: () => now }
  const [a, b] = [sqliteStore(path, clock), sqliteStore(path, clock)]
  return {
    a,
    b,
    pass: async (ms: number) => void (now += ms),
    done: async () => {
      await a.close()
      await b.close()
    },
  }
}

storeContract('sqlite', twoConnections)
scanContract('sqlite', twoConnections)
backendContract('sqlite', twoConnections)
rangeContract('sqlite', twoConnections)

test('two processes on one file: one winner each, no count lost', async () => {
  const path = freshFile()
  const store = sqliteStore(path, systemClock)
  await Promise.all(Array.from({ length: 64 }, (_, i) => store.put(`t${i}`, 'prize')))
  const rivals = [spawn(path, 'race'), spawn(path, 'race')]
  const [first, second] = (await Promise.all(rivals.map((child) => new Response(child.stdout).json()))) as [
    { won: number[]; taken: number[] },
    { won: number[]; taken: number[] },
  ]
  for (const verb of ['won', 'taken'] as const) {
    expect(first[verb].map((mine, i) => mine + (second[verb][i] ?? 0))).toEqual(Array(64).fill(1))
  }
  expect((await store.increment('counter', 60_000)).count).toBe(201)
  await store.close()
})

test('a killed process loses nothing that was acknowledged', async () => {
  const path = freshFile()
  const child = spawn(path, 'write')
  let said = ''
  for await (const chunk of child.stdout) {
    said += Buffer.from(chunk).toString()
    if (said.split('\n').length > 200) break
  }
  child.kill('SIGKILL')
  await child.exited
  const store = sqliteStore(path, systemClock)
  const acknowledged = said.split('\n').slice(0, -1)
  expect(acknowledged.length).toBeGreaterThanOrEqual(200)
  for (const i of acknowledged) expect(await store.get(`ack${i}`)).toBe('x')
  await store.close()
})

test('the file and its companions are for the owner only, also when it was there before', async () => {
  const path = freshFile()
  writeFileSync(path, '', { mode: 0o644 })
  const store = sqliteStore(path, systemClock)
  await store.put('k', 'v')
  expect(existsSync(`${path}-wal`)).toBe(true)
  for (const suffix of ['', '-wal', '-shm']) expect(statSync(path + suffix).mode & 0o777).toBe(0o600)
  await store.close()
})

test('a lock of another process: reads work, writes reject and have no effect, and work again afterwards', async () => {
  const path = freshFile()
  const store = sqliteStore(path, systemClock)
  await store.put('k', 'before')
  const other = new Database(path)
  other.run('BEGIN IMMEDIATE')
  let given = false
  const write = store
    .put('k', 'after')
    .catch((error: unknown) => error)
    .finally(() => (given = true))
  expect(await store.get('k')).toBe('before')
  await Bun.sleep(1)
  expect(given).toBe(false) // the event loop is free while the write waits
  expect(await write).toBeInstanceOf(StoreUnavailable)
  other.run('COMMIT')
  other.close()
  expect(await store.get('k')).toBe('before')
  await store.put('k', 'after')
  expect(await store.get('k')).toBe('after')
  await store.close()
})

test('expired rows leave the file by themselves', async () => {
  const path = freshFile()
  const store = sqliteStore(path, systemClock)
  await Promise.all(Array.from({ length: 2500 }, (_, i) => store.put(`k${i}`, 'v', 1)))
  await Promise.all(Array.from({ length: 1500 }, (_, i) => store.link('index', `m${i}`, i, 300)))
  await store.put('stays', 'v')
  await store.link('stays', 'm', 1)
  const other = new Database(path, { readonly: true })
  const rows = (table: string) => (other.query(`SELECT count(*) n FROM ${table}`).get() as { n: number }).n
  await until(() => rows('entries') === 1 && rows('members') === 1, 'the expired rows to go')
  expect([rows('entries'), rows('members'), rows('indexes')]).toEqual([1, 1, 1])
  other.close()
  await store.close()
})

test('a file that cannot be opened, or is no database, is StoreUnavailable; so is a closed store', async () => {
  expect(() => sqliteStore(join(directory, 'no', 'such', 'folder.db'), systemClock)).toThrow(StoreUnavailable)
  const path = freshFile()
  writeFileSync(path, 'this is no database at all, '.repeat(100))
  expect(() => sqliteStore(path, systemClock)).toThrow(StoreUnavailable)
  const store = sqliteStore(freshFile(), systemClock)
  await store.close()
  await expect(store.get('k')).rejects.toThrow(StoreUnavailable)
  await expect(store.put('k', 'v')).rejects.toThrow(StoreUnavailable)
  await expect(store.ping()).rejects.toThrow(StoreUnavailable)
})
