/** What a failover of Redis loses, with and without min-replicas-to-write: real servers, with a primary that is cut off. Issue 9, 54 */
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { redisStore } from '../../src/store/redis.ts'
import type { Store } from '../../src/store/store.ts'
import { clusterGroup, type Group, sentinelGroup } from '../support/failover_groups.ts'
import { until } from '../support/until.ts'

setDefaultTimeout(240_000)

/** Why a write was refused; undefined for one that was acknowledged. */
const refusalOf = async (store: Store, key: string): Promise<string | undefined> => {
  try {
    await store.put(key, 'x')
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
const acknowledges = async (store: Store, key: string): Promise<boolean> =>
  (await refusalOf(store, key)) === undefined

/** The group, and the store of an instance that is cut off together with the primary, with one write that all servers have. */
async function stage(make: typeof sentinelGroup, minReplicas: boolean) {
  const group = await make({ minReplicas, downAfterMs: 3_000 })
  const store = redisStore(group.url, { timeoutMs: 30_000 })
  const key = (name: string) => `${group.prefix}${name}`
  await until(() => acknowledges(store, key('before')), 'a first write')
  await until(group.isReplicated, 'the replicas to have it')
  return { group, store, key }
}

async function whole(group: Group): Promise<Store> {
  group.heal()
  await until(async () => (await Bun.sleep(200), group.isWhole()), 'the old primary to follow', 120_000)
  return redisStore(group.url, { timeoutMs: 30_000 })
}

const failover = (group: Group) =>
  until(async () => (await Bun.sleep(200), group.hasFailedOver()), 'a failover', 120_000)

describe.each([
  ['Sentinel', sentinelGroup],
  ['a cluster', clusterGroup],
] as const)('%s', (_, make) => {
  test('loses what a primary acknowledged that was cut off', async () => {
    const { group, store, key } = await stage(make, false)
    try {
      group.cut(true)
      expect(await acknowledges(store, key('after'))).toBe(true)
      await failover(group)
      await store.close()
      const after = await whole(group)
      expect(await after.get(key('before'))).toBe('x')
      expect(await after.get(key('after'))).toBeUndefined()
      await after.close()
    } finally {
      await group.stop()
    }
  })

  test('with min-replicas-to-write loses nothing once the lag has passed: the primary refuses', async () => {
    const { group, store, key } = await stage(make, true)
    try {
      group.cut(true)
      await until(
        async () => /NOREPLICAS|replicas/i.test((await refusalOf(store, key('early'))) ?? ''),
        'the primary to miss its replicas',
      )
      const late: string[] = []
      await until(
        async () => {
          const name = key(`late${late.length}`)
          if (await acknowledges(store, name)) late.push(name)
          await Bun.sleep(100)
          return group.hasFailedOver()
        },
        'a failover',
        120_000,
      )
      expect(late).toEqual([])
      await store.close()
      const after = await whole(group)
      expect(await after.get(key('before'))).toBe('x')
      await after.close()
    } finally {
      await group.stop()
    }
  })
})
