/**
 * Counts the acknowledged writes that a failover of Redis loses: `bun bench/failover.ts`, about seven minutes. The store of
 * the provider writes to a primary that is cut off from all other servers, or that is killed; another server takes over;
 * the old primary comes back. docs/deployment.md has the figures.
 */
import { redisStore } from '../src/store/redis.ts'
import type { Store } from '../src/store/store.ts'
import { clusterGroup, type Group, maxLag, sentinelGroup } from '../tests/support/failover_groups.ts'

/** Milliseconds: how long the primary is cut off, how long a failover may take, how often to look. */
const times = { cut: 25_000, settle: 3_000, longest: 60_000, look: 200 }
const writers = 8
/** Milliseconds between the writes of one writer. */
const pause = 4

/** Milliseconds: down-after-milliseconds of the Sentinels, cluster-node-timeout of the cluster. */
const downAfterMs = 5_000

const groups = { sentinel: sentinelGroup, cluster: clusterGroup }

interface Case {
  group: keyof typeof groups
  minReplicas: boolean
  /** `alone`: the instance reaches the old primary alone. `aside`: it reaches every server. */
  loss: 'cut off, instance alone' | 'cut off, instance aside' | 'killed'
}

interface Result extends Case {
  acknowledged: number
  lost: number
  /** Seconds after the cut: the last write that was lost, and when another server had taken over. */
  lastLost: number | undefined
  failedOver: number
}

async function poll(holds: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + times.longest; !holds(); await Bun.sleep(times.look))
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`)
}

/** Writes until it is stopped; each acknowledged key with the time of its acknowledgement. */
function write(store: Store, prefix: string) {
  const acknowledged = new Map<string, number>()
  let isStopped = false
  const writer = async (name: number) => {
    for (let n = 0; !isStopped; n++) {
      const key = `${prefix}loss:${name}:${n}`
      try {
        await store.put(key, 'x')
        acknowledged.set(key, performance.now())
      } catch {
        await Bun.sleep(20) // refused, or not answered: nothing was acknowledged
      }
      await Bun.sleep(pause)
    }
  }
  const all = Array.from({ length: writers }, (_, i) => writer(i))
  return {
    async stop() {
      isStopped = true
      await Promise.all(all)
      return acknowledged
    },
  }
}

async function missing(store: Store, keys: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (let at = 0; at < keys.length; at += 200) {
    const part = keys.slice(at, at + 200)
    const values = await Promise.all(part.map((key) => store.get(key)))
    found.push(...part.filter((_, i) => values[i] === undefined))
  }
  return found
}

async function measureIn(group: Group, { loss }: Case) {
  const store = redisStore(group.url, { timeoutMs: 5_000 })
  const writing = write(store, group.prefix)
  await Bun.sleep(times.settle)
  const cutAt = performance.now()
  if (loss === 'killed') await group.crash()
  else group.cut(loss === 'cut off, instance alone')
  await poll(group.hasFailedOver, 'a failover')
  const failedOver = (performance.now() - cutAt) / 1_000
  if (loss === 'killed') await Bun.sleep(times.settle)
  else {
    await Bun.sleep(Math.max(0, times.cut - (performance.now() - cutAt)))
    group.heal()
    await poll(group.isWhole, 'the old primary to follow the new one')
  }
  const acknowledged = await writing.stop()
  await store.close()
  const reader = redisStore(group.url, { timeoutMs: 5_000 })
  const keys = [...acknowledged.keys()]
  const lost = await missing(reader, keys)
  await reader.close()
  const last = Math.max(...lost.map((key) => acknowledged.get(key)!))
  return {
    acknowledged: keys.filter((key) => acknowledged.get(key)! >= cutAt).length,
    lost: lost.length,
    lastLost: lost.length === 0 ? undefined : (last - cutAt) / 1_000,
    failedOver,
  }
}

async function measure(each: Case): Promise<Result> {
  const group = await groups[each.group]({ minReplicas: each.minReplicas, downAfterMs })
  try {
    return { ...each, ...(await measureIn(group, each)) }
  } finally {
    await group.stop()
  }
}

const cases: Case[] = (['sentinel', 'cluster'] as const).flatMap((group) => [
  ...[false, true].flatMap((minReplicas) =>
    (['cut off, instance alone', 'cut off, instance aside'] as const).map((loss) => ({
      group,
      minReplicas,
      loss,
    })),
  ),
  { group, minReplicas: false, loss: 'killed' as const },
])

const wanted = process.argv.slice(2)
console.log(
  `down after ${downAfterMs} ms, min-replicas-max-lag ${maxLag} s, cut for ${times.cut / 1_000} s\n`,
)
console.log(
  '| group | min-replicas-to-write | primary | failover after | acknowledged since | lost | last lost after |',
)
console.log('| --- | --- | --- | --- | --- | --- | --- |')
for (const each of cases) {
  if (wanted.length > 0 && !wanted.includes(each.group)) continue
  const { group, minReplicas, loss, failedOver, acknowledged, lost, lastLost } = await measure(each)
  console.log(
    `| ${[group, minReplicas ? 1 : 'not set', loss, `${failedOver.toFixed(1)} s`, acknowledged, lost, lastLost === undefined ? '-' : `${lastLost.toFixed(1)} s`].join(' | ')} |`,
  )
}
