/** What the settings of a Redis can lose, as its INFO tells. https://redis.io/docs/latest/commands/info/ */
import { Cluster, type Redis } from 'ioredis'
import type { Concern } from './store.ts'

const field = (info: string, name: string): string | undefined =>
  new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]

/** The concerns of one server, by its answers to INFO. */
export function concernsOf(info: string): Concern[] {
  const policy = field(info, 'maxmemory_policy')
  const replicas = Number(field(info, 'connected_slaves') ?? 0)
  const found: Concern[] = []
  if (policy !== undefined && policy !== 'noeviction')
    found.push({
      name: 'evicts',
      text: `maxmemory-policy is ${policy}: when its memory is full, Redis forgets which codes were redeemed and which tokens were revoked. Set it to noeviction`,
    })
  // INFO has this line only where min-replicas-to-write is set.
  if (replicas > 0 && field(info, 'min_slaves_good_slaves') === undefined)
    found.push({
      name: 'may_lose_writes',
      text: `min-replicas-to-write is not set, with ${replicas === 1 ? 'a replica' : `${replicas} replicas`}: a primary that is cut off goes on accepting writes, and a failover loses them all. With two replicas or more, set min-replicas-to-write 1 and min-replicas-max-lag`,
    })
  return found
}

/** Each concern once, however many servers have it. A server that does not tell is a concern of its own. */
export async function settingsConcerns(client: Redis | Cluster): Promise<Concern[]> {
  const servers = client instanceof Cluster ? client.nodes('master') : [client]
  const found = await Promise.all(
    servers.map(async (server) => {
      try {
        // At once, so that a distant server answers within the time of one verb.
        const sections = await Promise.all([server.info('memory'), server.info('replication')])
        return concernsOf(sections.join('\n'))
      } catch {
        return [
          {
            name: 'unknown_settings',
            text: 'the user of the Redis URL may not use INFO, so maxmemory-policy and min-replicas-to-write are not known',
          } as const,
        ]
      }
    }),
  )
  return [...new Map(found.flat().map((concern) => [concern.name, concern])).values()]
}
