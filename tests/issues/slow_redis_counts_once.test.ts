/** A verb of the store does not wait for the answers to others: the latency of the network counts once. */
import { expect, test } from 'bun:test'
import { redisStore } from '../../src/store/redis.ts'
import { startRedis, startRedisCluster } from '../support/redis.ts'
import { slowLine } from '../support/slow_line.ts'
import { until } from '../support/until.ts'

test('a verb leaves while the answer to another one is under way', async () => {
  const server = await startRedis()
  const line = slowLine(server.port)
  const store = redisStore(`redis://127.0.0.1:${line.port}`, { timeoutMs: 30_000 })
  try {
    await store.put('one', '1')
    line.hold()
    const atStart = line.sent()
    const first = store.get('one')
    await until(() => line.sent() > atStart, 'the first verb to leave')
    const afterFirst = line.sent()
    const second = store.increment('two', 60_000)
    await until(() => line.sent() > afterFirst, 'the second verb to leave')
    line.release()
    expect(await first).toBe('1')
    expect((await second).count).toBe(1)
  } finally {
    await store.close()
    line.stop()
    await server.stop()
  }
})

test('answers to many verbs of one turn belong to them, alone and in a cluster', async () => {
  const [server, cluster] = await Promise.all([startRedis(), startRedisCluster()])
  try {
    for (const url of [server.url, cluster.url]) {
      const store = redisStore(url, { timeoutMs: 30_000 })
      const keys = Array.from({ length: 500 }, (_, i) => `k${i}`)
      await Promise.all(keys.map((key) => store.put(key, `value of ${key}`)))
      expect(await Promise.all(keys.map((key) => store.take(key)))).toEqual(
        keys.map((key) => `value of ${key}`),
      )
      await store.close()
    }
  } finally {
    await Promise.all([server.stop(), cluster.stop()])
  }
})
