/** /health is 503 while every write fails: Redis out of memory or a replica, an SQLite file that another process holds. Issue 9, 43. */
import { Database } from 'bun:sqlite'
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { redisStore } from '../../src/store/redis.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { freePort } from '../support/free_port.ts'
import { provider } from '../support/provider.ts'
import {
  redisCli,
  type RedisCluster,
  type RedisServer,
  startRedis,
  startRedisCluster,
} from '../support/redis.ts'

let redis: RedisServer
let cluster: RedisCluster
beforeAll(
  async () => void ([redis, cluster] = await Promise.all([startRedis(), startRedisCluster()])),
  60_000,
)
afterAll(() => Promise.all([redis.stop(), cluster.stop()]))

const statusWith = async (store: Store): Promise<() => Promise<number>> => {
  const op = await provider({ store })
  return async () => (await op.fetch('/health')).status
}

test('a Redis out of memory, then a replica', async () => {
  const store = redisStore(redis.url, { timeoutMs: 30_000 })
  const status = await statusWith(store)
  expect(await status()).toBe(200)
  redisCli(redis.port, 'config', 'set', 'maxmemory', '1')
  expect(await status()).toBe(503)
  redisCli(redis.port, 'config', 'set', 'maxmemory', '0')
  expect(await status()).toBe(200)
  redisCli(redis.port, 'replicaof', '127.0.0.1', `${freePort()}`)
  expect(await status()).toBe(503)
  redisCli(redis.port, 'replicaof', 'no', 'one')
  await store.close()
}, 60_000)

test('one master of a cluster that cannot write is found within a few probes', async () => {
  const store = redisStore(cluster.url, { timeoutMs: 30_000 })
  const status = await statusWith(store)
  const probes = () => Promise.all(Array.from({ length: 16 }, status))
  expect(new Set(await probes())).toEqual(new Set([200]))
  redisCli(cluster.nodes[1]!.port, 'config', 'set', 'maxmemory', '1')
  expect(await probes()).toContain(503)
  await store.close()
}, 60_000)

test('an SQLite file that another process holds', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-health-'))
  const path = join(folder, 'latchkey.db')
  const store = sqliteStore(path, systemClock)
  const status = await statusWith(store)
  expect(await status()).toBe(200)
  const other = new Database(path)
  other.run('BEGIN IMMEDIATE')
  expect(await Promise.all([status(), status()])).toEqual([503, 503])
  other.run('ROLLBACK')
  expect(await status()).toBe(200)
  other.close()
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})
