/** Several instances of one provider on one real Redis or PostgreSQL, as a deployment has them: for races across processes. */
import { systemClock } from '../../src/lib/clock.ts'
import { postgresStore } from '../../src/store/postgres.ts'
import { redisStore } from '../../src/store/redis.ts'
import type { Store } from '../../src/store/store.ts'
import { type Provider, provider, type TurnableClock, turnableClock } from './provider.ts'
import { startPostgres } from './postgres.ts'
import { startRedis } from './redis.ts'

export interface Instances {
  /** Two that share a namespace of their own and a clock that stands; the second's is `behind` ms, where that is given. */
  pair(env?: Record<string, string>, behind?: number): Promise<[Provider, Provider]>
  stop(): Promise<void>
}

/** Milliseconds: a machine that is busy with other tests is slow and not down. */
const timeoutMs = 5_000

interface Shared {
  /** A way to make handles on one namespace of its own. */
  namespace(): () => Promise<Store>
  stop(): Promise<void>
}

async function instancesOn({ namespace, stop }: Shared): Promise<Instances> {
  const stores: Store[] = []
  return {
    async pair(env = {}, behind = 0) {
      const clock = turnableClock()
      const other = behind === 0 ? clock : turnableClock(clock.now() - behind)
      const open = namespace()
      const instance = async (clock: TurnableClock) => {
        const store = await open()
        stores.push(store)
        return provider({ store, clock, env: { LOG_LEVEL: 'error', ...env } })
      }
      const first = await instance(clock)
      return [first, await instance(other)]
    },
    async stop() {
      await Promise.all(stores.map((store) => store.close()))
      await stop()
    },
  }
}

export async function instancesOnRedis(): Promise<Instances> {
  const redis = await startRedis()
  return instancesOn({
    namespace() {
      const prefix = `${crypto.randomUUID()}:`
      return async () => redisStore(redis.url, { prefix, timeoutMs })
    },
    stop: () => redis.stop(),
  })
}

async function instancesOnPostgres(): Promise<Instances> {
  const server = await startPostgres({ settings: { max_connections: '300' } })
  return instancesOn({
    namespace() {
      const url = server.database()
      return () => postgresStore(url, systemClock, { timeoutMs, poolSize: 4 })
    },
    stop: () => server.stop(),
  })
}

/** What several instances can share, for `describe.each`. */
export const sharedStores: readonly (readonly [name: string, instances: () => Promise<Instances>])[] = [
  ['Redis', instancesOnRedis],
  ['PostgreSQL', instancesOnPostgres],
]

/** The first, the second, the first, … */
export const turn = <T>(both: readonly [T, T], i: number): T => both[i % 2 === 0 ? 0 : 1]
