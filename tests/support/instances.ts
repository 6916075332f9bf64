/** Several instances of one provider on one real Redis, as a deployment has them: for races across processes. */
import { redisStore } from '../../src/store/redis.ts'
import type { Store } from '../../src/store/store.ts'
import { type Provider, provider, type TurnableClock, turnableClock } from './provider.ts'
import { startRedis } from './redis.ts'

export interface Instances {
  /** Two that share a namespace of their own and a clock that stands; the second's is `behind` ms, where that is given. */
  pair(env?: Record<string, string>, behind?: number): Promise<[Provider, Provider]>
  stop(): Promise<void>
}

/** Milliseconds: a machine that is busy with other tests is slow and not down. */
const timeoutMs = 5_000

export async function instancesOnRedis(): Promise<Instances> {
  const redis = await startRedis()
  const stores: Store[] = []
  return {
    async pair(env = {}, behind = 0) {
      const clock = turnableClock()
      const other = behind === 0 ? clock : turnableClock(clock.now() - behind)
      const prefix = `${crypto.randomUUID()}:`
      const instance = (clock: TurnableClock) => {
        const store = redisStore(redis.url, { prefix, timeoutMs })
        stores.push(store)
        return provider({ store, clock, env: { LOG_LEVEL: 'error', ...env } })
      }
      const first = await instance(clock)
      return [first, await instance(other)]
    },
    async stop() {
      await Promise.all(stores.map((store) => store.close()))
      await redis.stop()
    },
  }
}

/** The first, the second, the first, … */
export const turn = <T>(both: readonly [T, T], i: number): T => both[i % 2 === 0 ? 0 : 1]
