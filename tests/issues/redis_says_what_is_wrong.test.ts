/** A Redis that does not serve us is named for what it is: wrong database, password, user, kind of server, a replica. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { loadConfig } from '../../src/config.ts'
import { redisStore } from '../../src/store/redis.ts'
import { freePort } from '../support/free_port.ts'
import { redisCli, type RedisServer, startRedis } from '../support/redis.ts'

let server: RedisServer
beforeAll(async () => void (server = await startRedis({ password: 'right' })))
afterAll(() => server.stop())

const said = async (url: string): Promise<string> => {
  const store = redisStore(url, { timeoutMs: 8000 })
  try {
    return await store.put('k', 'v').then(
      () => 'written',
      (error: Error) => error.message,
    )
  } finally {
    await store.close()
  }
}

const cases: Record<string, [url: (at: string) => string, message: string]> = {
  'a wrong password': [
    (at) => `redis://:wrong@${at}`,
    'WRONGPASS: the server refuses the user or the password',
  ],
  'a wrong user': [
    (at) => `redis://bob:right@${at}`,
    'WRONGPASS: the server refuses the user or the password',
  ],
  'no password': [(at) => `redis://${at}`, 'NOAUTH: the server wants a password, and the URL has none'],
  'a database that is not there': [(at) => `redis://:right@${at}/99`, 'does not have the database'],
  'the same as a parameter': [(at) => `redis://:right@${at}?db=99`, 'does not have the database'],
  'TLS to a server without': [(at) => `rediss://:right@${at}`, 'redis:// is without TLS, rediss:// with TLS'],
  'no Sentinel': [(at) => `redis+sentinel://:right@${at}/mymaster`, 'no Sentinel of the URL names'],
  'no cluster': [(at) => `redis+cluster://:right@${at}`, 'the server is not part of a cluster'],
  'no server': [
    () => `redis://127.0.0.1:${freePort()}`,
    'ECONNREFUSED: nothing listens at the host and port',
  ],
}

describe('the first verb says it', () => {
  // Each waits for its whole time, so all of them wait together.
  test('in words for each fault', async () => {
    const heard = Object.entries(cases).map(
      async ([what, [url]]) => [what, await said(url(`127.0.0.1:${server.port}`))] as const,
    )
    for (const [what, message] of await Promise.all(heard)) expect(message, what).toContain(cases[what]![1])
  })

  test('nothing was written into database 0 in place of the one that is not there', () => {
    expect(redisCli(server.port, '-a', 'right', '--no-auth-warning', 'dbsize').trim()).toBe('0')
  })
})

test('?db=5 is database 5', async () => {
  expect(await said(`redis://:right@127.0.0.1:${server.port}?db=5`)).toBe('written')
  expect(redisCli(server.port, '-a', 'right', '--no-auth-warning', '-n', '5', 'dbsize').trim()).toBe('1')
})

test.each([
  ['redis://bob@h', 'it has a user and no password'],
  ['redis://h/1?db=2', 'it names two databases'],
  ['redis://h?database=5', 'its query has a parameter other than db and sentinel_password'],
  ['redis://h/one', 'its database is not a number'],
])('the configuration refuses %s: %s', (url, why) => {
  expect(() => loadConfig({ STORE_URL: url })).toThrow(`STORE_URL: the Redis URL is not usable: ${why}`)
  expect(() => loadConfig({ REDIS_URL: url })).toThrow(`REDIS_URL: the Redis URL is not usable: ${why}`)
})

test('a server that stays a replica is asked to write over few connections', async () => {
  const replica = await startRedis()
  redisCli(replica.port, 'replicaof', '127.0.0.1', `${freePort()}`)
  const store = redisStore(replica.url, { timeoutMs: 30_000 })
  const outcomes = new Set<string>()
  const start = performance.now()
  for (let round = 0; round < 100; round++) {
    outcomes.add(
      await store.put('k', 'v').then(
        () => 'written',
        (error: Error) => error.message,
      ),
    )
    await Bun.sleep(5)
  }
  const connections = Number(
    /total_connections_received:(\d+)/.exec(redisCli(replica.port, 'info', 'stats'))?.[1],
  )
  await store.close()
  await replica.stop()
  expect([...outcomes]).toContain('redis: READONLY: the server is a replica and accepts no write')
  expect(outcomes).not.toContain('written')
  // Two of redis-cli, the first one, and one more at most every five seconds.
  expect(connections).toBeLessThanOrEqual(4 + (performance.now() - start) / 5000)
})
