/** The Redis store on a real cluster of three masters: the contract, a dead node, a slot that moves. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { redisStore } from '../../src/store/redis.ts'
import { type Store, StoreUnavailable } from '../../src/store/store.ts'
import { type RedisCluster, redisCli, startRedisCluster } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { storeContract } from './contract.ts'
import { rangeContract } from './range_contract.ts'
import { backendContract } from './backend_contract.ts'
import { scanContract } from './scan_contract.ts'

let cluster: RedisCluster
let store: Store
beforeAll(async () => {
  cluster = await startRedisCluster()
  store = redisStore(cluster.url, { timeoutMs: 1_000 })
  await store.ping()
}, 60_000)
afterAll(async () => {
  await store.close()
  await cluster.stop()
})

let namespaces = 0

/** The prefix has characters that mean something in a pattern. */
async function namespace() {
  const prefix = `[${namespaces++}]*?:`
  const [a, b] = [redisStore(cluster.url, { prefix }), redisStore(cluster.url, { prefix })]
  return {
    a,
    b,
    pass: Bun.sleep,
    done: async () => {
      await Promise.all([a.close(), b.close()])
    },
  }
}

storeContract('redis cluster', namespace)
scanContract('redis cluster', namespace)
backendContract('redis cluster', namespace)
rangeContract('redis cluster', namespace)

const port = (i: number): number => cluster.nodes[i]?.port ?? 0

test('keys are spread over all three masters', async () => {
  await Promise.all(Array.from({ length: 300 }, (_, i) => store.put(`spread/${i}`, 'v')))
  for (const node of cluster.nodes) expect(Number(redisCli(node.port, 'dbsize').trim())).toBeGreaterThan(30)
})

test('a slot that moves to another master is followed, under load, and no count is lost', async () => {
  const key = 'moving'
  const slot = redisCli(port(0), 'cluster', 'keyslot', `latchkey:v:${key}`).trim()
  const ids = cluster.nodes.map((node) => redisCli(node.port, 'cluster', 'myid').trim())
  await store.increment(key, 60_000)
  const from = cluster.nodes.findIndex(
    (node) => redisCli(node.port, 'exists', `latchkey:v:${key}`).trim() === '1',
  )
  const to = (from + 1) % 3
  let told = 1
  let unknown = 0
  let moved = false
  const load = Array.from({ length: 8 }, async (_, w) => {
    for (let i = 0; i < 20 || !moved; i++) {
      await store.increment(key, 60_000).then(
        () => told++,
        () => unknown++,
      )
      await store.put(`beside/${w}/${i}`, 'v')
    }
  })
  redisCli(port(to), 'cluster', 'setslot', slot, 'importing', ids[from] ?? '')
  redisCli(port(from), 'cluster', 'setslot', slot, 'migrating', ids[to] ?? '')
  redisCli(port(from), 'migrate', '127.0.0.1', `${port(to)}`, `latchkey:v:${key}`, '0', '1000')
  await Bun.sleep(20)
  for (const i of [to, from, 3 - to - from])
    redisCli(port(i), 'cluster', 'setslot', slot, 'node', ids[to] ?? '')
  moved = true
  await Promise.all(load)
  expect(unknown).toBe(0) // a redirection is followed, and nobody outside hears of it
  const { count } = await store.increment(key, 60_000, 0)
  expect(count).toBeGreaterThanOrEqual(told)
  expect(count).toBeLessThanOrEqual(told + unknown)
  expect((await store.increment(key, 60_000)).count).toBe(count + 1)
})

test('a slot that moves while everything is listed is told, because its keys may be missed', async () => {
  const listed = redisStore(cluster.url, { prefix: 'listed:' })
  await Promise.all(Array.from({ length: 600 }, (_, i) => listed.put(`k${i}`, 'v')))
  const ids = cluster.nodes.map((node) => redisCli(node.port, 'cluster', 'myid').trim())
  // The first slot of a master; no key of this test has it.
  const from = 0
  const line = redisCli(port(from), 'cluster', 'nodes')
    .split('\n')
    .find((each) => each.includes('myself'))
  const slot = line!.split(' ')[8]!.split('-')[0]!
  expect(redisCli(port(from), 'cluster', 'countkeysinslot', slot).trim()).toBe('0')
  const to = (from + 1) % 3
  const scan = async (between: () => void) => {
    let pages = 0
    for await (const page of listed.scan()) if (page.length > 0 && pages++ === 0) between()
  }
  await scan(() => {})
  redisCli(port(to), 'cluster', 'setslot', slot, 'importing', ids[from] ?? '')
  redisCli(port(from), 'cluster', 'setslot', slot, 'migrating', ids[to] ?? '')
  await expect(scan(() => {})).rejects.toThrow('slots of the cluster are being moved')
  for (const i of [to, from]) redisCli(port(i), 'cluster', 'setslot', slot, 'stable')
  const moved = scan(() => {
    redisCli(port(to), 'cluster', 'setslot', slot, 'importing', ids[from] ?? '')
    redisCli(port(from), 'cluster', 'setslot', slot, 'migrating', ids[to] ?? '')
    for (const i of [to, from, 3 - to - from])
      redisCli(port(i), 'cluster', 'setslot', slot, 'node', ids[to] ?? '')
  })
  expect(await moved.catch((error: unknown) => error)).toBeInstanceOf(StoreUnavailable)
  await scan(() => {})
  await listed.close()
}, 60_000)

test('a master that stops: its keys are refused, and served again when it is back', async () => {
  const keys = Array.from({ length: 30 }, (_, i) => `node/${i}`)
  await Promise.all(keys.map((key) => store.put(key, 'v')))
  cluster.nodes[1]?.pause()
  const outcomes = await Promise.allSettled(keys.map((key) => store.create(key, 'again')))
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
  expect(refused.length).toBeGreaterThan(3)
  for (const { reason } of refused) expect(reason).toBeInstanceOf(StoreUnavailable)
  for (const outcome of outcomes) if (outcome.status === 'fulfilled') expect(outcome.value).toBe(false)
  cluster.nodes[1]?.resume()
  await until(
    async () =>
      (await Promise.allSettled(keys.map((key) => store.get(key)))).every(
        (outcome) => outcome.status === 'fulfilled' && outcome.value === 'v',
      ),
    'the stopped master to serve its keys',
  )
}, 60_000)

test('a master that dies: no verb hangs, ping says so, and a restart brings everything back', async () => {
  const keys = Array.from({ length: 30 }, (_, i) => `dead/${i}`)
  await Promise.all(keys.map((key) => store.put(key, 'v')))
  await cluster.nodes[2]?.kill()
  const outcomes = await Promise.allSettled(keys.map((key) => store.get(key)))
  expect(outcomes.some((outcome) => outcome.status === 'rejected')).toBe(true)
  await until(
    () =>
      store.ping().then(
        () => false,
        (error) => error instanceof StoreUnavailable,
      ),
    'ping to say that a master is gone',
  )
  await cluster.nodes[2]?.restart()
  await until(
    async () =>
      (await Promise.allSettled([...keys.map((key) => store.put(key, 'w')), store.ping()])).every(
        (outcome) => outcome.status === 'fulfilled',
      ),
    'the restarted master to serve its keys',
  )
}, 60_000)
