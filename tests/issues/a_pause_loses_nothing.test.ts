/**
 * Issue 9, 55 and 56, beside an honest operator: a pause of some minutes, a clock that was ahead for a while, or a machine
 * that slept lose no records, so nothing is refused because of them.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog } from '../../src/lib/log.ts'
import { createBirth, openBirth } from '../../src/models/birth.ts'
import { postgresStore } from '../../src/store/postgres.ts'
import { redisStore } from '../../src/store/redis.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { demo, formPost } from '../support/client.ts'
import { introspect, read } from '../support/flow.ts'
import { provider, turnableClock } from '../support/provider.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-pause-'))
let redis: RedisServer
let postgres: PostgresServer
beforeAll(async () => {
  ;[redis, postgres] = await Promise.all([startRedis(), startPostgres()])
}, 60_000)
afterAll(async () => {
  await Promise.all([redis.stop(), postgres.stop()])
  rmSync(folder, { recursive: true, force: true })
})

type Clock = ReturnType<typeof turnableClock>
const stores: Record<string, (clock: Clock, name: string) => Store | Promise<Store>> = {
  Redis: (_, name) => redisStore(redis.url, { prefix: `${name}:` }),
  PostgreSQL: (clock, name) => postgresStore(postgres.database(name), clock, { timeoutMs: 30_000 }),
  SQLite: (clock, name) => sqliteStore(join(folder, `${name}.db`), clock),
}
const now = (clock: Clock) => Math.floor(clock.now() / 1000)

async function instance(store: Store, clock: Clock) {
  const lines: string[] = []
  const log = createLog('info', 'json', (line) => lines.push(line))
  const birth = await openBirth({ store, clock, log }, now(clock))
  return { op: await provider({ store, clock, birth }), lines }
}

async function token(op: Awaited<ReturnType<typeof instance>>['op']) {
  const { body } = await read(await op.fetch('/token', formPost(demo, { grant_type: 'client_credentials' })))
  return String(body.access_token)
}

for (const [kind, make] of Object.entries(stores)) {
  test(`${kind}: after a pause of ten minutes, tokens of before and of the first second are valid`, async () => {
    const clock = turnableClock()
    await using before = closed(await make(clock, 'pause'))
    const first = await instance(before.store, clock)
    const old = await token(first.op)
    clock.advance(600_000)
    const { op, lines } = await instance(before.store, clock)
    expect((await introspect(op, old)).active).toBe(true)
    expect((await introspect(op, await token(op))).active).toBe(true)
    expect(lines.join('\n')).toContain('store_was_not_used')
    expect(lines.join('\n')).toContain('sessions end --everybody')
  })

  test(`${kind}: a mark that was made while the clock was an hour ahead does not refuse for an hour`, async () => {
    const [clock, ahead] = [turnableClock(), turnableClock()]
    await using opened = closed(await make(clock, 'ahead'))
    const { store } = opened
    await instance(store, clock)
    const running = createBirth({ store, clock, log: createLog('silent', 'json', () => {}) })
    ahead.advance(3_600_000)
    await createBirth({ store, clock: ahead, log: createLog('silent', 'json', () => {}) }).renew()
    expect((await running.since()).dated).toBeGreaterThan(now(clock) + 3_000)
    const { op } = await instance(store, clock)
    const revoked = await token(op)
    clock.advance(2_000)
    expect((await introspect(op, revoked)).active).toBe(false) // from before the mark was put right
    expect((await introspect(op, await token(op))).active).toBe(true)
    const { dated, undated } = await running.since()
    expect([dated, undated]).toEqual([now(clock) - 1, now(clock) - 1])
  })
}

test('a machine that slept answers its first request', async () => {
  let slept = 0
  const clock = { now: () => Date.now(), elapsed: () => performance.now() - slept, advance() {} }
  await using opened = closed(redisStore(redis.url, { prefix: 'slept:' }))
  const op = await provider({ store: opened.store, clock })
  await op.fetch('/health')
  slept = 3_600_000
  const statuses = await Promise.all(
    Array.from({ length: 5 }, async () => (await op.fetch('/.well-known/jwks.json')).status),
  )
  expect(statuses).toEqual([200, 200, 200, 200, 200])
})

function closed(store: Store) {
  return { store, [Symbol.asyncDispose]: () => store.close() }
}
