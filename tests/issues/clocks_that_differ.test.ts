/**
 * Issue 9, 56: an instance whose clock was an hour ahead removed signing keys for all others, and its tokens lived an hour
 * too long elsewhere; a clock that was set ahead and back let a removed client get tokens for an hour.
 */
import { Database } from 'bun:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKeys } from '../../src/cli/open.ts'
import { loadConfig } from '../../src/config.ts'
import { createCache } from '../../src/lib/cache.ts'
import { type Clock, slowClock, systemClock } from '../../src/lib/clock.ts'
import { deriveKey } from '../../src/lib/hash.ts'
import { createLog } from '../../src/lib/log.ts'
import { Client } from '../../src/models/client.ts'
import { clockProblem } from '../../src/models/clock_guard.ts'
import { loadKeyRing } from '../../src/models/key_ring.ts'
import { createGetters } from '../../src/outbound/get_json.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { postgresStore } from '../../src/store/postgres.ts'
import { redisStore } from '../../src/store/redis.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { featureEntries } from '../../src/table.ts'
import { demo } from '../support/client.ts'
import { operatorClient, post } from '../support/flow.ts'
import { type Provider, provider, type TurnableClock } from '../support/provider.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

const hour = 3_600_000

/** The real time, set ahead as the test says. `elapsed` goes on as the time of the process does. */
function clockThatIsSet(): Clock & TurnableClock & { set(ahead: number): void } {
  let ahead = 0
  let passed = 0
  return {
    now: () => Date.now() + passed + ahead,
    elapsed: () => performance.now() + passed,
    advance: (ms) => void (passed += ms),
    set: (ms) => void (ahead = ms),
  }
}

/** As `clockThatIsSet`, and it stands still between the steps of a test. */
function standingClock(): ReturnType<typeof clockThatIsSet> {
  let [passed, ahead] = [0, 0]
  const start = Date.now()
  return {
    now: () => start + passed + ahead,
    elapsed: () => passed,
    advance: (ms) => void (passed += ms),
    set: (ms) => void (ahead = ms),
  }
}

let redis: RedisServer
let postgres: PostgresServer
beforeAll(async () => {
  ;[redis, postgres] = await Promise.all([startRedis(), startPostgres()])
}, 60_000)
afterAll(() => Promise.all([redis.stop(), postgres.stop()]))

const quiet = createLog('silent', 'json', () => {})
let count = 0

/** A store of its own in the shared server, and a URL of this kind. */
const servers: Record<string, { open(): Store | Promise<Store>; url(): string }> = {
  Redis: {
    open: () => redisStore(redis.url, { prefix: `clocks${count++}:` }),
    url: () => redis.url,
  },
  PostgreSQL: {
    open: () => postgresStore(postgres.database(), systemClock, { timeoutMs: 30_000 }),
    url: () => 'postgres://u@h/d',
  },
}

describe.each(Object.entries(servers))('an instance whose clock is not that of %s', (_, server) => {
  const freshStore = async () => {
    const store = await server.open()
    return { store, [Symbol.asyncDispose]: () => store.close() }
  }
  const opened = (ahead: number, env: Record<string, string> = {}) => {
    const clock = clockThatIsSet()
    clock.set(ahead)
    const config = loadConfig({ STORE_URL: server.url(), ...env }, { featureEntries })
    return { config, clock, log: quiet }
  }

  test.each([
    ['an hour ahead', hour, 'ahead of'],
    ['an hour behind', -hour, 'behind'],
  ])('%s does not start, and says which variable allows it', async (_, ahead, words) => {
    await using fresh = await freshStore()
    const failure: Error = await openKeys({ ...opened(ahead), store: fresh.store }).catch((error) => error)
    const [, seconds, direction] = /is (\d+) seconds (ahead of|behind) the clock/.exec(failure.message) ?? []
    expect(direction).toBe(words)
    // What the answer of Redis took is left out of the difference, and the clocks count in milliseconds.
    expect(Number(seconds)).toBeLessThanOrEqual(3_601)
    expect(Number(seconds)).toBeGreaterThan(30)
    expect(failure.message).toContain('CLOCK_TOLERANCE')
    expect(await fresh.store.get('key_ring')).toBeUndefined()
    await openKeys({ ...opened(ahead, { CLOCK_TOLERANCE: '4000' }), store: fresh.store })
  })

  test.each([
    [30_000, undefined],
    [30_001, '31 seconds ahead of'],
    [-30_001, '31 seconds behind'],
    [hour, '3600 seconds ahead of'],
    [-hour, '3600 seconds behind'],
  ])('%p ms are beyond 30 seconds as %p', (offset, words) => {
    const problem = clockProblem(offset, 30)
    if (words === undefined) expect(problem).toBeUndefined()
    else expect(problem).toContain(words)
  })

  test('and is set while it runs answers 503 at once, and serves again when it is right', async () => {
    await using fresh = await freshStore()
    const clock = clockThatIsSet()
    const op: Provider = await provider({ store: fresh.store, clock })
    const at = async (path: string) => (await op.fetch(path)).status
    expect(await at('/health')).toBe(200)
    for (const ahead of [hour, -hour]) {
      clock.set(ahead)
      expect([
        await at('/login'),
        await at('/.well-known/jwks.json'),
        await at('/.well-known/openid-configuration'),
      ]).toEqual([503, 503, 503])
      const refused = await post(op, '/token', demo, { grant_type: 'client_credentials' })
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
      const health = await op.fetch('/health')
      expect(health.status).toBe(503)
      expect(((await health.json()) as { checks: object }).checks).toMatchObject({
        store: 'ok',
        clock: 'off',
      })
      const metrics = await (await op.fetch('/metrics')).text()
      const [, seconds] = /^latchkey_clock_offset_seconds (-?\d+)/m.exec(metrics) ?? []
      expect(Math.abs(Number(seconds) - ahead / 1000)).toBeLessThan(10)
      clock.set(0)
      expect([await at('/login'), await at('/health')]).toEqual([303, 200])
    }
    const events = op.lines
      .filter((line) => line.includes('clock_'))
      .map((line) => /clock_\w+/.exec(line)![0])
    expect(events).toEqual(['clock_off', 'clock_agrees', 'clock_off', 'clock_agrees'])
  })

  test('removes no key before its time by the clock of the store', async () => {
    await using fresh = await freshStore()
    const ring = (clock: Clock) =>
      loadKeyRing({
        storage: fresh.store,
        sealingKey: deriveKey('tests', 'signing keys'),
        clock,
        log: quiet,
        algs: ['ES256'],
        activationDelay: 0,
        retention: 60,
      })
    const [right, ahead] = [clockThatIsSet(), clockThatIsSet()]
    const ours = await ring(right)
    await ours.rotate()
    const kids = ours.list().map(({ kid }) => kid)
    expect(kids).toHaveLength(2)
    const theirs = await ring(ahead)
    ahead.set(hour)
    await theirs.refresh()
    await ring(ahead) // a start, too
    await ours.refresh()
    expect(ours.list().map(({ kid }) => kid)).toEqual(kids)
  })
})

describe('a clock that is set ahead and back', () => {
  test('does not let a removed client get tokens for longer than its cache lasts', async () => {
    const clock = standingClock()
    const op = await provider({ store: memoryStore(clock), clock })
    const client = await operatorClient(op, {
      client_id: 'machine',
      redirect_uris: [],
      response_types: [],
      grant_types: ['client_credentials'],
    })
    const ask = async () => (await post(op, '/token', client, { grant_type: 'client_credentials' })).status
    clock.set(hour)
    expect(await ask()).toBe(200)
    clock.set(0)
    await Client.remove(op.context, client.client_id)
    clock.advance(1_500)
    expect(await ask()).toBe(401)
  })

  test('revives nothing in a cache, nor what was fetched', async () => {
    const clock = standingClock()
    const cache = createCache<{ n: number }>(clock, { lifetime: 60_000, maxBytes: 10_000, bytesOf: () => 10 })
    let n = 0
    const load = async () => ({ n: ++n })
    const bytes = new TextEncoder().encode('{}')
    let fetched = 0
    const { getJson } = createGetters(async () => {
      fetched++
      return { status: 200, headers: {}, body: '{}', bytes } as never
    }, clock)
    const read = () => getJson('https://a.example/jwks', { purpose: 'jwks', cacheFor: 60 } as never)
    clock.set(hour)
    await cache.get('a', load)
    await read()
    clock.set(0)
    expect(await cache.get('a', load)).toEqual({ n: 2 })
    await read()
    expect(fetched).toBe(2)
    expect(await cache.get('a', load)).toEqual({ n: 2 })
    clock.advance(61_000)
    expect(await cache.get('a', load)).toEqual({ n: 3 })
  })

  test('forgets nothing that was used: memory', async () => {
    const clock = standingClock()
    const store = memoryStore(clock)
    expect(await store.create('assertion:x', '', 60_000)).toBe(true)
    clock.set(hour)
    for (let i = 0; i < 20; i++) await store.put(`other${i}`, '', 1) // each write sweeps
    clock.set(0)
    expect(await store.create('assertion:x', '', 60_000)).toBe(false)
    await store.close()
  })

  test('forgets nothing that was used: SQLite', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-clocks-'))
    const file = join(folder, 'a.db')
    const clock = standingClock()
    const store = sqliteStore(file, clock)
    await store.create('assertion:x', '', 60_000)
    await store.create('soon', '', 1)
    clock.set(hour)
    clock.advance(10)
    const keys = () => {
      using db = new Database(file, { readonly: true })
      return db.query<{ key: string }, []>('SELECT key FROM entries ORDER BY key').all()
    }
    await until(() => keys().every(({ key }) => key !== 'soon'), 'a sweep while the clock is ahead')
    expect(keys()).toEqual([{ key: 'assertion:x' }])
    clock.set(0)
    expect(await store.create('assertion:x', '', 60_000)).toBe(false)
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('what is deleted by time follows a clock that stays ahead', () => {
    const clock = standingClock()
    const slow = slowClock(clock)
    clock.set(hour)
    expect(clock.now() - slow.now()).toBe(hour)
    clock.advance(hour)
    expect(clock.now() - slow.now()).toBe(0)
    clock.set(40 * 24 * hour)
    expect(clock.now() - slow.now()).toBe(24 * hour)
  })
})
