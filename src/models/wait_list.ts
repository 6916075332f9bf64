/** Requests that are processed after the response was sent, each by one instance; they are stored sealed. */
import * as v from 'valibot'
import type { Random } from '../lib/random.ts'
import { seal, unseal } from '../lib/seal.ts'
import type { Keys } from '../lib/secret_keys.ts'
import type { Memory } from './define_record.ts'
import { defineLeaseQueue, leaseEntries } from './lease_queue.ts'

const schema = v.object({
  ...leaseEntries,
  sealed: v.string(),
  /** Seconds. */
  exp: v.number(),
})

/** Milliseconds for which one instance holds one item. */
const leaseMs = 30_000

/** `lifetime` in seconds, after which the request is dropped: by then the End-User has usually sent it again. */
export function defineWaitList<T>(name: string, lifetime: number) {
  const queue = defineLeaseQueue(name, schema, { index: `${name}_waiting`, lifetime })
  const purpose = (id: string) => `${name} ${id}`

  return {
    queue,

    async add(memory: Memory, random: Random, key: Keys, item: T): Promise<void> {
      const id = random(15)
      const now = memory.clock.now()
      const sealed = seal(key, JSON.stringify(item), purpose(id))
      await queue.add(memory, id, { sealed, exp: Math.floor(now / 1000) + lifetime }, now)
    },

    /**
     * At most `limit` items, one after another, so that a flood of them does not slow down sign-ins. An item at which
     * `work` fails is tried again when its lease has ended. True when there may be more.
     */
    async workOff(
      memory: Memory,
      key: Keys,
      limit: number,
      work: (item: T) => Promise<void>,
    ): Promise<boolean> {
      const due = await queue.due(memory, { limit })
      await queue.work(memory, due, { atOnce: 1, lease: leaseMs }, async ({ member, sealed }) => {
        const text = unseal(key, sealed, purpose(member))
        if (text === undefined) return
        await work(JSON.parse(text) as T)
        await queue.finish(memory, member)
      })
      return due.length === limit
    },
  }
}
