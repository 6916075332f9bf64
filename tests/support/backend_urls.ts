/** A STORE_URL with an empty store for each backend; servers are started when they are asked for. */
import { join } from 'node:path'
import { startPostgres } from './postgres.ts'
import { startRedis, startRedisCluster } from './redis.ts'

/** `stops` gets what ends each server. */
export const backendUrls = (
  folder: string,
  stops: (() => Promise<unknown>)[],
): Record<string, () => Promise<string>> => ({
  SQLite: async () => `sqlite:${join(folder, `${crypto.randomUUID()}.db`)}`,
  async PostgreSQL() {
    const server = await startPostgres()
    stops.push(() => server.stop())
    return server.database()
  },
  async Redis() {
    const server = await startRedis()
    stops.push(() => server.stop())
    return server.url
  },
  async 'Redis Cluster'() {
    const cluster = await startRedisCluster()
    stops.push(() => cluster.stop())
    return cluster.url
  },
})
