/** The PostgreSQL store: the contract on a real server, and every way that server can fail. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { systemClock } from '../../src/lib/clock.ts'
import { postgresStore } from '../../src/store/postgres.ts'
import { type Store, StoreUnavailable } from '../../src/store/store.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { slowLine } from '../support/slow_line.ts'
import { until } from '../support/until.ts'
import { storeContract } from './contract.ts'
import { rangeContract } from './range_contract.ts'
import { backendContract } from './backend_contract.ts'
import { scanContract } from './scan_contract.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
}, 60_000)
afterAll(() => server.stop())

async function database() {
  const url = server.database()
  const [a, b] = await Promise.all([postgresStore(url, systemClock), postgresStore(url, systemClock)])
  return {
    a,
    b,
    pass: Bun.sleep,
    done: async () => {
      await Promise.all([a.close(), b.close()])
    },
  }
}

storeContract('postgres', database)
scanContract('postgres', database)
backendContract('postgres', database)
rangeContract('postgres', database)

test('a key whose end is not kept is named by a scan, not left out', async () => {
  const store = await postgresStore(server.database(), systemClock)
  await store.put('x'.repeat(1000), 'v')
  for await (const page of store.scan()) expect(page).toHaveLength(1)
  await store.put('y'.repeat(1001), 'v')
  const scan = (async () => {
    for await (const page of store.scan()) expect(page).toBeDefined()
  })()
  expect(await scan.catch((error: Error) => error.message)).toContain('yyy… is longer than 1000 bytes')
  await store.close()
}, 60_000)

/** Every verb once. */
const verbs = (store: Store): Promise<unknown>[] => [
  store.get('k'),
  store.put('k', 'v', 1000),
  store.create('k', 'v'),
  store.replace('k', 'v', 'w'),
  store.take('k'),
  store.increment('c', 1000),
  store.link('i', 'm', 1),
  store.unlink('i', 'm'),
  store.range('i'),
  store.trim('i', 1),
  store.scan()[Symbol.asyncIterator]().next(),
  store.ping(),
]

/** Every verb rejects with StoreUnavailable, and none hangs. */
async function allRefuse(store: Store): Promise<void> {
  for (const outcome of await Promise.allSettled(verbs(store))) {
    expect(outcome.status).toBe('rejected')
    expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(StoreUnavailable)
  }
}

const recovered = (store: Store): Promise<void> =>
  until(
    () =>
      store.put('recovered', 'yes').then(
        () => true,
        () => false,
      ),
    'the store to recover',
  )

describe('outages', () => {
  let own: PostgresServer
  let url: string
  let store: Store
  const timeoutMs = 1_000
  beforeAll(async () => {
    own = await startPostgres({ settings: { fsync: 'on' } })
    url = own.database()
    store = await postgresStore(url, systemClock, { timeoutMs })
    await store.ping()
  }, 60_000)
  afterAll(async () => {
    await store.close()
    await own.stop()
  })

  test('a stopped server: every verb rejects, later ones before a new client gives up, then it works again', async () => {
    own.pause()
    await allRefuse(store)
    await Bun.sleep(2 * timeoutMs) // by then it is known to be down
    const order: string[] = []
    await Promise.all([
      postgresStore(url, systemClock, { timeoutMs }).then(
        () => order.push('opened'),
        (error: unknown) => {
          expect(error).toBeInstanceOf(StoreUnavailable)
          order.push('waited for the server')
        },
      ),
      allRefuse(store).then(() => order.push('knew')),
    ])
    expect(order).toEqual(['knew', 'waited for the server'])
    own.resume()
    await recovered(store)
    expect(await store.get('recovered')).toBe('yes')
  }, 60_000)

  test('a killed server: what was acknowledged is there after its restart', async () => {
    const acknowledged: string[] = []
    let refused = 0
    const writers = Array.from({ length: 8 }, async (_, w) => {
      for (let i = 0; refused < 8; i++) {
        const key = `durable/${w}/${i}`
        await store.create(key, key).then(
          (won) => won && acknowledged.push(key),
          () => refused++,
        )
      }
    })
    await until(() => acknowledged.length > 50, 'fifty writes')
    await own.kill()
    await Promise.all(writers)
    await allRefuse(store)
    await own.restart()
    await recovered(store)
    for (const key of acknowledged) expect(await store.get(key)).toBe(key)
  }, 60_000)

  test('a write whose reply was lost is not sent again', async () => {
    const before = (await store.increment('attempts', 60_000)).count
    own.pause() // the server takes the bytes and does not answer
    const lost = store.increment('attempts', 60_000)
    await expect(lost).rejects.toThrow(StoreUnavailable)
    await lost.catch(() => {})
    await Bun.sleep(timeoutMs + 100)
    own.resume()
    await recovered(store)
    await Bun.sleep(100)
    const after = (await store.increment('attempts', 60_000)).count
    expect(after - before).toBeGreaterThanOrEqual(1)
    expect(after - before).toBeLessThanOrEqual(2) // once for the lost one if it was done at all, never twice
  }, 60_000)

  test('verbs that timed out during an outage are not sent after it', async () => {
    own.pause()
    await store.get('k').catch(() => {})
    await Bun.sleep(2 * timeoutMs)
    const given = await Promise.allSettled(
      Array.from({ length: 200 }, (_, i) => store.put(`late/${i}`, 'late')),
    )
    expect(given.every(({ status }) => status === 'rejected')).toBe(true)
    own.resume()
    await recovered(store)
    await Bun.sleep(100)
    expect(await store.get('late/0')).toBeUndefined()
    expect(await store.get('late/199')).toBeUndefined()
  }, 60_000)

  test('connections cut under load: no verb hangs, no false success, the store works again', async () => {
    const key = 'cut'
    let told = 0
    let unknown = 0
    const load = Array.from({ length: 16 }, async () => {
      for (let i = 0; i < 60; i++) {
        await store.increment(key, 60_000).then(
          () => told++,
          () => unknown++,
        )
        if (i % 10 === 0) await Bun.sleep(5)
      }
    })
    for (let i = 0; i < 5; i++) {
      own.psql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'latchkey'`)
      await Bun.sleep(10)
    }
    await Promise.all(load)
    await recovered(store)
    const { count } = await store.increment(key, 60_000, 0)
    expect(count).toBeGreaterThanOrEqual(told)
    expect(count).toBeLessThanOrEqual(told + unknown)
  }, 60_000)

  test('a row that another transaction holds: the verb rejects in time, has no effect, and others go on', async () => {
    const patient = await postgresStore(url, systemClock, { timeoutMs })
    await patient.put('held', 'before')
    const holder = own.session(new URL(url).pathname.slice(1))
    await holder.ask(`BEGIN; SELECT 1 FROM latchkey.entries WHERE key = 'held' FOR UPDATE`)
    const write = patient.put('held', 'after').then(String, (error: Error) => error.message)
    expect(await patient.get('held')).toBe('before')
    await patient.put('beside', 'v')
    expect(await write).toBe('postgres: no answer in time')
    await holder.ask('COMMIT')
    await holder.end()
    expect(await patient.get('held')).toBe('before')
    await recovered(patient)
    await patient.put('held', 'after')
    expect(await patient.get('held')).toBe('after')
    await patient.close()
  }, 60_000)
})

test('verbs of one connection leave while the answers to others are under way', async () => {
  const url = server.database()
  const line = slowLine(server.port)
  const slow = url.replace(`:${server.port}/`, `:${line.port}/`)
  const store = await postgresStore(slow, systemClock, { timeoutMs: 30_000, poolSize: 1 })
  const verbs = [
    () => store.get('k'),
    () => store.put('k', 'v'),
    () => store.range('i'),
    () => store.get('other'),
  ]
  for (const verb of verbs) await verb() // the server knows the statements from here on
  line.hold()
  const answers: Promise<unknown>[] = []
  for (const verb of verbs) {
    const before = line.sent()
    answers.push(verb())
    await until(() => line.sent() > before, 'the verb to leave')
  }
  line.release()
  expect(await Promise.all(answers)).toEqual(['v', undefined, [], undefined])
  await store.close()
  line.stop()
}, 60_000)
