/** All keys of the store in Redis. https://redis.io/docs/latest/commands/scan/#scan-guarantees */
import { Cluster, type Redis } from 'ioredis'
import { pageRows, withTtl } from './pages.ts'
import type { RedisClient } from './redis_client.ts'
import { type Found, StoreUnavailable } from './store.ts'

type Ask = <T>(send: (redis: RedisClient) => Promise<T>) => Promise<T>

/** The slots of a cluster, all of which must have been looked at. */
const allSlots = 16_384

const nodesOf = (redis: RedisClient): Redis[] => (redis instanceof Cluster ? redis.nodes('master') : [redis])

/** The line of this node in CLUSTER NODES: id, address, flags, primary, ping, pong, epoch, link, then slots. */
interface Place {
  id: string
  epoch: string
  slots: string[]
}

function placeOf(nodes: string): Place {
  const line = nodes.split('\n').find((each) => /^\S+ \S+ \S*\bmyself\b/.test(each)) ?? ''
  const [id = '', , , , , , epoch = '', , ...slots] = line.split(' ')
  return { id, epoch, slots }
}

/** A slot that is on its way is `[3->-ID]` or `[3-<-ID]`: its keys are on two nodes. */
const isMoving = (slot: string): boolean => slot.startsWith('[')

function slotCount(slot: string): number {
  const [from, to = from] = slot.split('-').map(Number)
  return from === undefined || to === undefined ? 0 : to - from + 1
}

/**
 * Text that is the same as long as the cursors of SCAN are good: a server that was restarted or replaced has another order of
 * its keys, and a slot that was moved may have been missed on both nodes.
 */
async function shapeOf(redis: RedisClient): Promise<string> {
  const isCluster = redis instanceof Cluster
  const told = await Promise.all(
    nodesOf(redis).map(async (node) => {
      const [info, nodes] = await Promise.all([
        node.info('server'),
        isCluster ? (node.cluster('NODES') as Promise<string>) : '',
      ])
      return { run: /^run_id:(\w+)/m.exec(info)?.[1] ?? '', ...placeOf(nodes) }
    }),
  )
  const slots = told.flatMap((each) => each.slots)
  if (slots.some(isMoving))
    throw new StoreUnavailable('redis: slots of the cluster are being moved: wait for their end')
  if (isCluster && slots.reduce((sum, slot) => sum + slotCount(slot), 0) !== allSlots)
    throw new StoreUnavailable('redis: not every slot of the cluster has a primary that answers')
  return JSON.stringify(told.toSorted((a, b) => (a.run < b.run ? -1 : 1)))
}

/** Characters of a pattern that would match others. */
const literal = (text: string): string => text.replace(/[\\*?[\]^]/g, '\\$&')

/** A value with its TTL is read in one step, a member with the TTL of its index in two. */
export async function* scanKeys(ask: Ask, prefix: string): AsyncGenerator<readonly Found[]> {
  const shape = await ask(shapeOf)
  const [values, indexes] = [`${prefix}v:`, `${prefix}i:`]
  const nodes = await ask(async (redis) => nodesOf(redis))
  for (const node of nodes)
    for (let cursor: string | undefined; cursor !== '0';) {
      const [next, keys] = await ask(() =>
        node.scan(cursor ?? '0', 'MATCH', `${literal(prefix)}*`, 'COUNT', pageRows),
      )
      cursor = next
      const found = keys.filter((key) => key.startsWith(values)).map((key) => readValue(ask, key, values))
      const page = (await Promise.all(found)).filter((each) => each !== undefined)
      if (page.length > 0) yield page
      for (const key of keys.filter((each) => each.startsWith(indexes))) yield* readIndex(ask, key, indexes)
    }
  if ((await ask(shapeOf)) !== shape)
    throw new StoreUnavailable(
      'redis: a server was restarted or replaced, or slots of the cluster were moved, while its keys were listed: begin again',
    )
}

/** Undefined when it is gone. */
async function readValue(ask: Ask, key: string, prefix: string): Promise<Found | undefined> {
  const [value, ttl] = await ask((redis) => redis.latchkeyRead(key))
  return value === null
    ? undefined
    : { kind: 'value', key: key.slice(prefix.length), value, ...withTtl(ttl, 0, -1) }
}

async function* readIndex(ask: Ask, key: string, prefix: string): AsyncGenerator<readonly Found[]> {
  for (let cursor: string | undefined; cursor !== '0';) {
    const [[next, flat], ttl] = await Promise.all([
      ask((redis) => redis.zscan(key, cursor ?? '0', 'COUNT', pageRows)),
      ask((redis) => redis.pttl(key)),
    ])
    cursor = next
    const page = Array.from({ length: flat.length / 2 }, (_, i): Found => {
      const [member, score] = [flat[2 * i] as string, Number(flat[2 * i + 1])]
      return { kind: 'member', index: key.slice(prefix.length), member, score, ...withTtl(ttl, 0, -1) }
    })
    if (page.length > 0) yield page
  }
}
