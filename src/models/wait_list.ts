/** Work that is done after the answer has left, one instance at a time: what was asked is written down, sealed, and held while somebody works on it. */
import * as v from 'valibot'
import type { Random } from '../lib/random.ts'
import { seal, unseal } from '../lib/seal.ts'
import { defineRecord, type Memory } from './define_record.ts'

const schema = v.object({
  sealed: v.string(),
  /** Milliseconds: nobody else works on it before. */
  held_until: v.number(),
  /** Seconds. */
  exp: v.number(),
})

/** Milliseconds one instance has for one item. */
const lease = 30_000

/** `lifetime` in seconds: whoever waited longer has asked again. */
export function defineWaitList<T>(name: string, lifetime: number) {
  const records = defineRecord(name, schema)
  const index = `${name}_waiting`
  const purpose = (id: string) => `${name} ${id}`

  /** Ids of what waits, the oldest first; forgets what has waited too long. */
  async function waiting(memory: Memory, limit: number): Promise<string[]> {
    await memory.store.trim(index, memory.clock.now() - lifetime * 1000)
    const members = await memory.store.range(index, { max: memory.clock.now(), limit })
    return members.map(({ member }) => member)
  }

  /** The item, for this caller alone for a while: one that dies meanwhile lets go of it. */
  async function claim(memory: Memory, key: Uint8Array, id: string): Promise<T | undefined> {
    const now = memory.clock.now()
    const held_until = now + lease
    const mine = await records.update(memory, id, (current) =>
      current.held_until > now ? undefined : { ...current, held_until },
    )
    if (!mine) {
      if (!(await records.find(memory, id))) await memory.store.unlink(index, id)
      return undefined
    }
    await memory.store.link(index, id, held_until)
    const text = unseal(key, mine.sealed, purpose(id))
    return text === undefined ? undefined : (JSON.parse(text) as T)
  }

  async function finish(memory: Memory, id: string): Promise<void> {
    await records.take(memory, id)
    await memory.store.unlink(index, id)
  }

  return {
    async add(memory: Memory, random: Random, key: Uint8Array, item: T): Promise<void> {
      const id = random(15)
      const now = memory.clock.now()
      const sealed = seal(key, JSON.stringify(item), purpose(id))
      await records.put(memory, id, { sealed, held_until: 0, exp: Math.floor(now / 1000) + lifetime })
      await memory.store.link(index, id, now)
    },

    /**
     * At most `limit` items, one after another: there is no hurry, and no flood of them may slow down who signs in. What
     * `work` fails at is tried again. True when there may be more.
     */
    async workOff(
      memory: Memory,
      key: Uint8Array,
      limit: number,
      work: (item: T) => Promise<void>,
    ): Promise<boolean> {
      const ids = await waiting(memory, limit)
      for (const id of ids) {
        const item = await claim(memory, key, id)
        if (item === undefined) continue
        await work(item)
        await finish(memory, id)
      }
      return ids.length === limit
    },
  }
}
