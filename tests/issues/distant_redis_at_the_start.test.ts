/** Issue 9, 58 and 60: the first connection needs several answers of Redis, which together took longer than a verb may. A Redis that loads its data, is busy or has too many clients was "connection lost". */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { redisStore } from '../../src/store/redis.ts'
import { redisCli, type RedisServer, startRedis, startSentinel } from '../support/redis.ts'
import { slowLine } from '../support/slow_line.ts'
import { until } from '../support/until.ts'

let redis: RedisServer
beforeAll(async () => void (redis = await startRedis({ args: ['--enable-debug-command', 'yes'] })))
afterAll(() => redis.stop())

const latency = 700
const timeoutMs = 1500

test('each answer takes nearly half of what a verb may take: the first verb waits for the connection', async () => {
  const line = slowLine(redis.port, latency)
  const store = redisStore(`redis://127.0.0.1:${line.port}/1`, { timeoutMs })
  try {
    await store.put('k', 'v')
    expect(await store.get('k')).toBe('v')
    // It read the settings: a line that is too slow would leave them unknown.
    expect((await store.concerns!()).map(({ name }) => name)).not.toContain('unknown_settings')
    await store.ping()
  } finally {
    await store.close()
    line.stop()
  }
}, 30_000)

test('so does one behind Sentinels', async () => {
  const sentinel = await startSentinel(redis.port)
  const line = slowLine(sentinel.port, latency)
  const store = redisStore(`redis+sentinel://127.0.0.1:${line.port}/mymaster`, { timeoutMs })
  try {
    await store.put('k', 'v')
  } finally {
    await store.close()
    line.stop()
    await sentinel.stop()
  }
}, 30_000)

const said = (verb: Promise<unknown>): Promise<string> =>
  verb.then(
    () => 'done',
    (error: Error) => error.message,
  )

test('a server that loads its data is named, and used within a second after it is ready', async () => {
  const own = await startRedis({ args: ['--enable-debug-command', 'yes'] })
  redisCli(own.port, 'debug', 'populate', '20000', 'filler', '100')
  redisCli(own.port, 'config', 'set', 'key-load-delay', '200')
  redisCli(own.port, 'save')
  const store = redisStore(own.url, { timeoutMs: 1000 })
  try {
    await store.put('k', 'v')
    const reload = Bun.spawn(['redis-cli', '-p', `${own.port}`, 'debug', 'reload', 'nosave'])
    await until(async () => (await said(store.get('k'))).includes('loads its data'), 'the reason')
    redisCli(own.port, 'config', 'set', 'key-load-delay', '0')
    await reload.exited
    await until(async () => (await said(store.get('k'))) === 'done', 'Redis', 5000)
  } finally {
    await store.close()
    await own.stop()
  }
}, 60_000)

test('a server with too many clients, and one that is busy, are named', async () => {
  const own = await startRedis({ args: ['--maxclients', '1'] })
  const first = redisStore(own.url, { timeoutMs: 30_000 })
  await first.put('k', 'v')
  const second = redisStore(own.url, { timeoutMs: 1000 })
  expect(await said(second.get('k'))).toContain('maxclients')
  await second.close()
  await first.close()
  await until(() => redisCli(own.port, 'config', 'set', 'maxclients', '100').includes('OK'), 'a free place')
  redisCli(own.port, 'config', 'set', 'busy-reply-threshold', '1')
  const third = redisStore(own.url, { timeoutMs: 30_000 })
  await third.put('k', 'v')
  const script = Bun.spawn(['redis-cli', '-p', `${own.port}`, 'eval', 'while true do end', '0'])
  await until(
    async () => (await said(third.get('k'))).includes('BUSY: the server is executing a script'),
    'BUSY',
  )
  redisCli(own.port, 'script', 'kill')
  await script.exited
  await third.close()
  await own.stop()
}, 60_000)
