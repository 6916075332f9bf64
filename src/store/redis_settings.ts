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
  if (field(info, 'aof_enabled') === '0')
    found.push({
      name: 'not_on_disk',
      text: 'appendonly is off: a crash of Redis forgets what it has not saved yet, such as the last minutes',
    })
  return found
}

/** Only the default user of a Redis without rules has every right. One with rules of its own may not even ask. */
async function rightsOf(server: Redis): Promise<Concern[]> {
  const name = await server.acl('WHOAMI').catch(() => undefined)
  return name === 'default'
    ? [
        {
          name: 'every_right',
          text: 'the user of the Redis URL is default, which may run every command on every key',
        },
      ]
    : []
}

/** Each concern once, however many servers have it. A server that does not tell is a concern of its own. */
export async function settingsConcerns(client: Redis | Cluster): Promise<Concern[]> {
  const servers = client instanceof Cluster ? client.nodes('master') : [client]
  const found = await Promise.all(
    servers.map(async (server) => {
      try {
        // At once, so that a distant server answers within the time of one verb.
        const [rights, ...sections] = await Promise.all([
          rightsOf(server),
          ...['memory', 'replication', 'persistence'].map((section) => server.info(section)),
        ])
        return [...concernsOf(sections.join('\n')), ...rights]
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
