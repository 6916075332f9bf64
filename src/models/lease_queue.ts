/** Work that the store keeps until it is done: an index by due time and a record for each item, which one instance holds at a time. docs/architecture.md, "Store". */
import * as v from 'valibot'
import { defineRecord, type Memory } from './define_record.ts'
import { seconds } from '../lib/clock.ts'
import type { Scored } from '../store/store.ts'

/** Members that the record of every item has, beside those of its queue. */
export const leaseEntries = {
  /** Claims so far. */
  attempts: v.optional(v.number(), 0),
  /** Milliseconds: no instance claims the item before. */
  held_until: v.optional(v.number(), 0),
  /** Finished, and remembered so that adding the item again changes nothing. */
  done: v.optional(v.boolean(), false),
}

/** `exp` in seconds; without it the item stays until it is finished. */
interface Leased {
  attempts: number
  held_until: number
  done: boolean
  exp?: number
}

export type Claimed<T> = T & { member: string }

export interface QueueOptions<T> {
  /** The name of the index: members scored by when they are due (ms). */
  index: string
  /** The id of the record of a member. Default: the member itself. */
  idOf?(member: string): string
  /** The key by which items are bounded: see `each` of `Bounds`. */
  keyOf?(member: string): string
  /** Milliseconds: the item is not claimed before, whatever the index says. */
  notBefore?(item: T): number
  /** The item as its claim leaves it; undefined when it must not be claimed. */
  begin?(item: T): T | undefined
  /** Seconds after which members leave the index unread: their records have expired. */
  lifetime?: number
  /** Seconds for which a finished item is remembered. */
  remembered?: number
}

export interface Bounds {
  limit: number
  /** At most so many items of one key, so that a key with thousands of items does not delay the others. */
  each?: number
}

export interface WorkOptions {
  atOnce: number
  /** Milliseconds for which a claimed item is held. */
  lease: number
}

export interface LeaseQueue<T extends Leased> {
  /** Adds the item unless it is there, and makes it due at `due` (ms), sooner or later than it was. */
  add(
    memory: Memory,
    member: string,
    item: Omit<T, 'attempts' | 'held_until' | 'done'>,
    due: number,
  ): Promise<void>
  /** Members that are due, the longest due first. */
  due(memory: Memory, bounds: Bounds): Promise<string[]>
  /**
   * The item, held by this caller for `lease` ms. Another instance claims it when the lease has ended and the item is
   * neither finished nor postponed, so a holder that dies loses nothing.
   */
  claim(
    memory: Memory,
    member: string,
    lease: number | ((item: T) => number),
  ): Promise<Claimed<T> | undefined>
  /**
   * Claims `members` one after another, `atOnce` at a time, and hands them to `work`, which settles them. The turn ends
   * early when `work` resolves to 'stop', and rejects when `work` does.
   */
  work(
    memory: Memory,
    members: readonly string[],
    options: WorkOptions,
    work: (item: Claimed<T>) => Promise<'stop' | void>,
  ): Promise<void>
  /** Nothing more is to be done for the item. */
  finish(memory: Memory, member: string): Promise<void>
  /** Removes the item, also one that is held or remembered. True for one caller. */
  drop(memory: Memory, member: string): Promise<boolean>
  /** Due again in `delay` ms, unless another instance has claimed the item since. `counts` false forgets this attempt. */
  postpone(memory: Memory, item: Claimed<T>, delay: number, counts?: boolean): Promise<void>
  /** After a failure: postpones, or finishes the item when it would be due after `until` (ms). */
  retry(memory: Memory, item: Claimed<T>, delay: number, until: number): Promise<'postponed' | 'given_up'>
  find(memory: Memory, member: string): Promise<T | undefined>
  /** Runs what is done for an item. With the lab, what is heard joins the flow of the request that added it. */
  within<R>(memory: Memory, member: string, run: () => Promise<R>): Promise<R>
  /** Changes an item that is there, as `update` of a record. */
  update(memory: Memory, member: string, change: (current: T) => T | undefined): Promise<T | undefined>
}

/** Milliseconds to wait after so many attempts: `first`, then twice as long each time, `longest` at most. */
export const doubling =
  (first: number, longest: number) =>
  (attempts: number): number =>
    Math.min(first * 2 ** (attempts - 1), longest)

const pageSize = 1_000
const mostPages = 10

/** `name` is the prefix of the records; `schema` includes `leaseEntries`. */
export function defineLeaseQueue<const S extends v.GenericSchema<unknown, Leased>>(
  name: string,
  schema: S,
  options: QueueOptions<v.InferOutput<S>>,
): LeaseQueue<v.InferOutput<S>> {
  type T = v.InferOutput<S>
  const { index, idOf = (member) => member, keyOf = idOf, begin = (item) => item } = options
  const { lifetime, remembered } = options
  const records = defineRecord(name, schema)
  const dueOf = (item: T) => Math.max(item.held_until, options.notBefore?.(item) ?? 0)
  const find = (memory: Memory, member: string) => records.find(memory, idOf(member))

  const queue: LeaseQueue<T> = {
    find,
    within: (memory, member, run) =>
      memory.recorder ? memory.recorder.later(name, `${name}:${idOf(member)}`, run) : run(),
    update: (memory, member, change) => records.update(memory, idOf(member), change),

    async add(memory, member, item, due) {
      await records.create(memory, idOf(member), { ...item, attempts: 0, held_until: 0, done: false } as T)
      // Last: a member without its record would be removed from the index.
      await memory.store.link(index, member, due)
    },

    async due({ store, clock }, { limit, each }) {
      const max = clock.now()
      if (lifetime !== undefined) await store.trim(index, max - lifetime * 1000)
      if (each === undefined) return (await store.range(index, { max, limit })).map(({ member }) => member)
      const taken = new Map<string, number>()
      const due: string[] = []
      let after: Scored | undefined
      for (let page = 0; page < mostPages && due.length < limit; page++) {
        const members = await store.range(index, { max, limit: pageSize, ...(after && { after }) })
        after = members.at(-1)
        for (const { member } of members) {
          const count = taken.get(keyOf(member)) ?? 0
          if (count >= each || due.length >= limit) continue
          taken.set(keyOf(member), count + 1)
          due.push(member)
        }
        if (members.length < pageSize) break
      }
      return due
    },

    async claim(memory, member, lease) {
      const now = memory.clock.now()
      const mine = await records.update(memory, idOf(member), (current) => {
        const begun = current.done || dueOf(current) > now ? undefined : begin(current)
        const held_until = now + (typeof lease === 'number' ? lease : lease(current))
        return begun && { ...begun, attempts: current.attempts + 1, held_until }
      })
      if (mine) {
        await memory.store.link(index, member, mine.held_until)
        return { ...mine, member }
      }
      const current = await find(memory, member)
      if (!current || current.done) await memory.store.unlink(index, member)
      // The holder may have died between its claim and its entry in the index.
      else await memory.store.link(index, member, dueOf(current))
      return undefined
    },

    async work(memory, members, { atOnce, lease }, work) {
      const left = [...members].reverse()
      let stopped = false
      const worker = async () => {
        for (let member = left.pop(); member !== undefined && !stopped; member = left.pop()) {
          const item = await queue.claim(memory, member, lease)
          if (item && (await queue.within(memory, member, () => work(item))) === 'stop') stopped = true
        }
      }
      const workers = await Promise.allSettled(Array.from({ length: atOnce }, worker))
      for (const each of workers) if (each.status === 'rejected') throw each.reason
    },

    async finish(memory, member) {
      // The record first: an item is never in the index alone and forgotten.
      if (remembered === undefined) await records.take(memory, idOf(member))
      else {
        const exp = seconds(memory.clock) + remembered
        await records.update(memory, idOf(member), (current) => ({ ...current, done: true, exp }))
      }
      await memory.store.unlink(index, member)
    },

    async drop(memory, member) {
      const dropped = await records.take(memory, idOf(member))
      await memory.store.unlink(index, member)
      return dropped !== undefined
    },

    async postpone(memory, { member, attempts }, delay, counts = true) {
      const held_until = memory.clock.now() + delay
      const moved = await records.update(memory, idOf(member), (current) =>
        current.attempts === attempts && !current.done
          ? { ...current, held_until, attempts: counts ? attempts : attempts - 1 }
          : undefined,
      )
      if (moved) await memory.store.link(index, member, held_until)
    },

    async retry(memory, item, delay, until) {
      if (memory.clock.now() + delay > until) {
        await queue.finish(memory, item.member)
        return 'given_up'
      }
      await queue.postpone(memory, item, delay)
      return 'postponed'
    },
  }
  return queue
}
