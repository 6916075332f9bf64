/** The Redis store: the contract on a real server, and every way that server can fail. */
import { afterAll, beforeAll, describe, expect, spyOn, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { redisStore } from '../../src/store/redis.ts'
import { parseRedisUrl } from '../../src/lib/redis_url.ts'
import { type Store, StoreUnavailable } from '../../src/store/store.ts'
import { freePort } from '../support/free_port.ts'
import {
  type RedisServer,
  redisCli,
  replicated,
  startRedis,
  startSentinel,
  watched,
} from '../support/redis.ts'
import { until } from '../support/until.ts'
import { storeContract } from './contract.ts'
import { rangeContract } from './range_contract.ts'
import { backendContract } from './backend_contract.ts'
import { scanContract } from './scan_contract.ts'

const password = 'p@ss:w/rd%?#'

async function oneServer() {
  const server = await startRedis({ password })
  const [a, b] = [redisStore(server.url), redisStore(server.url)]
  return {
    a,
    b,
    pass: Bun.sleep,
    done: async () => {
      await Promise.all([a.close(), b.close()])
      await server.stop()
    },
  }
}

storeContract('redis', oneServer)
scanContract('redis', oneServer)
backendContract('redis', oneServer)
rangeContract('redis', oneServer)

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

test('a server that is restarted while everything is listed is told, because keys may be missed', async () => {
  const server = await startRedis()
  const store = redisStore(server.url)
  await Promise.all(Array.from({ length: 600 }, (_, i) => store.put(`k${i}`, 'v')))
  let pages = 0
  const scan = (async () => {
    for await (const page of store.scan()) {
      if (page.length === 0 || pages++ > 0) continue
      await server.kill()
      await server.restart()
      await recovered(store)
    }
  })()
  expect(await scan.catch((error: unknown) => error)).toBeInstanceOf(StoreUnavailable)
  expect(pages).toBeGreaterThan(1)
  await store.close()
  await server.stop()
}, 60_000)

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
  let server: RedisServer
  let store: Store
  const timeoutMs = 1_000
  beforeAll(async () => {
    server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    store = redisStore(server.url, { timeoutMs })
    await store.ping()
  })
  afterAll(async () => {
    await store.close()
    await server.stop()
  })

  test('a stopped server: every verb rejects, later ones before a new client gives up, then it works again', async () => {
    server.pause()
    await allRefuse(store)
    await Bun.sleep(2 * timeoutMs) // by then it is known to be down
    const stranger = redisStore(server.url, { timeoutMs })
    const order: string[] = []
    await Promise.all([
      allRefuse(stranger).then(() => order.push('waited for the server')),
      allRefuse(store).then(() => order.push('knew')),
    ])
    expect(order).toEqual(['knew', 'waited for the server'])
    await stranger.close()
    server.resume()
    await recovered(store)
    expect(await store.get('recovered')).toBe('yes')
  })

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
    await server.kill()
    await Promise.all(writers)
    await allRefuse(store)
    await server.restart()
    await recovered(store)
    for (const key of acknowledged) expect(await store.get(key)).toBe(key)
  })

  test('a write whose reply was lost is not sent again', async () => {
    const before = (await store.increment('attempts', 60_000)).count
    server.pause() // the server takes the bytes and does not answer
    const lost = store.increment('attempts', 60_000)
    await expect(lost).rejects.toThrow(StoreUnavailable)
    await lost.catch(() => {})
    await Bun.sleep(timeoutMs + 100)
    server.resume()
    await recovered(store)
    await Bun.sleep(100)
    const after = (await store.increment('attempts', 60_000)).count
    expect(after - before).toBeGreaterThanOrEqual(1)
    expect(after - before).toBeLessThanOrEqual(2) // once for the lost one if it was done at all, never twice
  })

  test('verbs that timed out during an outage are not sent after it', async () => {
    server.pause()
    await store.get('k').catch(() => {})
    await Bun.sleep(2 * timeoutMs)
    const given = await Promise.allSettled(
      Array.from({ length: 200 }, (_, i) => store.put(`late/${i}`, 'late')),
    )
    expect(given.every(({ status }) => status === 'rejected')).toBe(true)
    server.resume()
    await recovered(store)
    await Bun.sleep(100)
    expect(await store.get('late/0')).toBeUndefined()
    expect(await store.get('late/199')).toBeUndefined()
  })

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
      redisCli(server.port, 'client', 'kill', 'type', 'normal')
      await Bun.sleep(10)
    }
    await Promise.all(load)
    await recovered(store)
    const { count } = await store.increment(key, 60_000, 0)
    expect(count).toBeGreaterThanOrEqual(told)
    expect(count).toBeLessThanOrEqual(told + unknown)
  })

  test('scripts that the server has forgotten are loaded again', async () => {
    await store.put('script', 'a')
    expect(await store.replace('script', 'a', 'b')).toBe(true)
    redisCli(server.port, 'script', 'flush')
    expect(await store.replace('script', 'b', 'c')).toBe(true)
    expect((await store.increment('scripted', 1000)).count).toBe(1)
  })

  const refused = async (verb: Promise<unknown>, words: string) =>
    expect(verb).rejects.toMatchObject({
      name: 'StoreUnavailable',
      refusesWrites: true,
      message: expect.stringContaining(words) as string,
    })

  test('a server that cannot write (full, read-only, failing disk) refuses, and the verb rejects', async () => {
    redisCli(server.port, 'config', 'set', 'maxmemory', '1')
    await refused(store.put('full', 'x'), 'redis: OOM')
    await refused(store.increment('full', 1000), 'redis: OOM')
    redisCli(server.port, 'config', 'set', 'maxmemory', '0')
    redisCli(server.port, 'config', 'set', 'min-replicas-to-write', '1')
    await refused(store.create('alone', 'x'), 'redis: NOREPLICAS')
    redisCli(server.port, 'config', 'set', 'min-replicas-to-write', '0')
    redisCli(server.port, 'replicaof', '127.0.0.1', '1')
    await refused(store.take('alone'), 'redis: READONLY')
    await Bun.sleep(50)
    redisCli(server.port, 'replicaof', 'no', 'one')
    await recovered(store)
    expect(await store.get('full')).toBeUndefined()
  })
})

test('a server that is not running yet: the first verb waits for it until the timeout', async () => {
  const port = freePort()
  const store = redisStore(`redis://127.0.0.1:${port}`, { timeoutMs: 200 })
  await allRefuse(store)
  await Bun.sleep(250)
  await expect(store.get('k')).rejects.toThrow('redis: no connection (ECONNREFUSED: ')
  await store.close()
})

test('neither errors nor the console ever show the password', async () => {
  const secret = 'hunter2hunter2'
  const server = await startRedis({ password: 'another' })
  const said: unknown[][] = []
  const spies = (['log', 'warn', 'error'] as const).map((name) =>
    spyOn(console, name).mockImplementation((...args) => void said.push(args)),
  )
  const urls = [
    server.url.replace('another', secret),
    server.url.replace(':another@', `user:${secret}@`),
    `redis://:${secret}@127.0.0.1:1`,
  ]
  for (const url of urls) {
    const store = redisStore(url, { timeoutMs: 200 })
    for (const wait of [0, 300]) {
      await Bun.sleep(wait)
      const error = await store.get('k').then(String, (reason: unknown) => reason)
      expect(error).toBeInstanceOf(StoreUnavailable)
      expect(Bun.inspect(error, { depth: 9 })).not.toContain(secret)
    }
    await store.close()
  }
  for (const bad of [
    `redis://:${secret}@h:port`,
    `http://:${secret}@h`,
    `redis://:${secret}@a,b`,
    `x${secret}`,
  ]) {
    expect(() => redisStore(bad)).toThrow('the Redis URL is not usable')
    expect(() => redisStore(bad)).not.toThrow(secret)
  }
  for (const spy of spies) spy.mockRestore()
  expect(Bun.inspect(said, { depth: 9 })).not.toContain(secret)
  await server.stop()
})

test('rediss: speaks to a server whose authority is given, and to no other', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-tls-'))
  const at = (name: string) => join(directory, name)
  const openssl = (...args: string[]) => {
    const run = Bun.spawnSync(['openssl', ...args], { cwd: directory })
    if (run.exitCode !== 0) throw new Error(run.stderr.toString())
  }
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl('req', '-x509', ...ec, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test ca')
  openssl('req', ...ec, '-keyout', 'key.pem', '-out', 'csr.pem', '-subj', '/CN=redis')
  writeFileSync(at('ext'), 'subjectAltName=IP:127.0.0.1\n')
  const sign = [
    '-req',
    '-in',
    'csr.pem',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '2',
  ]
  openssl('x509', ...sign, '-extfile', 'ext', '-out', 'cert.pem')
  const server = await startRedis({
    tls: { cert: at('cert.pem'), key: at('key.pem'), ca: at('ca.pem') },
    password,
  })
  expect(server.url).toStartWith('rediss://')
  const trusting = redisStore(server.url, { caCert: readFileSync(at('ca.pem'), 'utf8') })
  await trusting.put('k', 'over tls')
  expect(await trusting.get('k')).toBe('over tls')
  const distrusting = redisStore(server.url, { timeoutMs: 300 })
  await allRefuse(distrusting)
  const plain = redisStore(server.url.replace('rediss', 'redis'), { timeoutMs: 300 })
  await allRefuse(plain)
  await Promise.all([trusting.close(), distrusting.close(), plain.close()])
  await server.stop()
  rmSync(directory, { recursive: true, force: true })
})

test('Sentinel: when the master dies, its replica is found and written to', async () => {
  const auth = ['--masterauth', 'secret', '--repl-diskless-sync-delay', '0']
  const master = await startRedis({ password: 'secret', args: auth })
  const follow = ['--replicaof', '127.0.0.1', `${master.port}`]
  const replica = await startRedis({ password: 'secret', args: [...auth, ...follow] })
  await replicated(replica.port, 'secret')
  const sentinel = await startSentinel(master.port, { password: 'secret' })
  const store = redisStore(sentinel.url, { timeoutMs: 500 })
  await store.put('k', 'from the master')
  const held = (port: number, key: string) =>
    redisCli(port, '-a', 'secret', '--no-auth-warning', 'get', `latchkey:v:${key}`).trim()
  expect(held(master.port, 'k')).toBe('from the master')
  // Replication is asynchronous: a master that dies at once may lose acknowledged writes.
  await until(() => held(replica.port, 'k') !== '', 'the replica to have the write')
  await watched(sentinel.port)
  await master.kill()
  await expect(store.put('k', 'x')).rejects.toThrow(StoreUnavailable)
  await until(
    () =>
      store.put('after', 'failover').then(
        () => true,
        () => false,
      ),
    'the Sentinel to choose a new master',
  )
  expect(held(replica.port, 'after')).toBe('failover')
  expect(await store.get('k')).toBe('from the master')
  await store.close()
  await Promise.all([sentinel.stop(), master.stop(), replica.stop()])
}, 60_000)

test('the URL forms', () => {
  const plain = { tls: false, db: 0 }
  expect(parseRedisUrl('redis://h')).toMatchObject({
    ...plain,
    kind: 'single',
    hosts: [{ host: 'h', port: 6379 }],
  })
  expect(parseRedisUrl('rediss://u:p%40@[::1]:1/3')).toMatchObject({
    tls: true,
    hosts: [{ host: '::1', port: 1 }],
    username: 'u',
    password: 'p@',
    db: 3,
  })
  expect(parseRedisUrl('redis+sentinel://:p@a:1,b/mymaster/2?sentinel_password=q')).toMatchObject({
    kind: 'sentinel',
    hosts: [
      { host: 'a', port: 1 },
      { host: 'b', port: 26379 },
    ],
    master: 'mymaster',
    password: 'p',
    sentinelPassword: 'q',
    db: 2,
  })
  expect(parseRedisUrl('rediss+cluster://a:1,b:2')).toMatchObject({ kind: 'cluster', tls: true })
  const bad = ['redis+cluster://a/1', 'redis+sentinel://a', 'redis://a/b', 'redis://a/1/2', 'redis://u@a']
  for (const url of [...bad, 'redis://', 'redis://a:99999', 'redis://%zz:p@a', 'rediss+x://a']) {
    expect(() => parseRedisUrl(url)).toThrow('the Redis URL is not usable')
  }
})
