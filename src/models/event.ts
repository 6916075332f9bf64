/** Events of an account that its End-User can read: sign-ins, changes, refusals. OWASP ASVS 5.0 V16.3 */
import * as v from 'valibot'
import type { Random } from '../lib/random.ts'
import { defineRecord, type Memory } from './define_record.ts'
import {
  everyMember,
  oldestBeyond,
  pageOf,
  pagesOf,
  type IndexPage,
  type PageOptions,
} from './every_member.ts'

const schema = v.object({
  sub: v.string(),
  /** For example `signed_in` or `password_changed`; also the end of the message key `event.…`. */
  kind: v.string(),
  /** Milliseconds. */
  at: v.number(),
  address: v.optional(v.string()),
  user_agent: v.optional(v.string()),
  /** The name that the message contains: an application, a provider, a factor. */
  detail: v.optional(v.string()),
  /** Seconds. */
  exp: v.number(),
})
const records = defineRecord('event', schema)

export type Event = v.InferOutput<typeof schema>

const ofUser = (sub: string) => `user_events:${sub}`

/** Seconds for which an event is kept: a little more than a year. */
const lifetimeSeconds = 400 * 86_400
/** Events that are kept for one End-User. Beyond it the oldest is deleted. */
const mostKept = 5_000

async function forget(memory: Memory, sub: string, id: string): Promise<void> {
  await records.take(memory, id)
  await memory.store.unlink(ofUser(sub), id)
}

export const Event = {
  async add(memory: Memory, random: Random, event: Omit<Event, 'at' | 'exp'>): Promise<void> {
    const at = memory.clock.now()
    const id = random(15)
    await records.put(memory, id, { ...event, at, exp: Math.floor(at / 1000) + lifetimeSeconds })
    await memory.store.link(ofUser(event.sub), id, at, lifetimeSeconds * 1000)
    await memory.store.trim(ofUser(event.sub), at - lifetimeSeconds * 1000)
    const oldest = await oldestBeyond(memory.store, ofUser(event.sub), mostKept)
    if (oldest !== undefined) await forget(memory, event.sub, oldest)
  },

  /** The newest first. */
  async listOfUser(memory: Memory, sub: string, limit = 100): Promise<Event[]> {
    const newest = await memory.store.range(ofUser(sub), { limit, descending: true })
    const found = await Promise.all(newest.map(({ member }) => records.find(memory, member)))
    return found.filter((event) => event !== undefined)
  },

  /** The newest first, a page at a time: `next` is `after` of the page that follows. */
  pageOfUser: (memory: Memory, sub: string, at: PageOptions): Promise<IndexPage<Event>> =>
    pageOf(memory.store, ofUser(sub), { ...at, descending: true }, ({ member }) =>
      records.find(memory, member),
    ),

  /** Milliseconds: when one of the events that are kept was last of one of these kinds. */
  async lastOfUser(memory: Memory, sub: string, kinds: readonly string[]): Promise<number | undefined> {
    const pages = pagesOf(memory.store, ofUser(sub), { limit: 50, descending: true })
    for await (const page of pages)
      for (const { member } of page) {
        const event = await records.find(memory, member)
        if (event && kinds.includes(event.kind)) return event.at
      }
    return undefined
  },

  async forgetUser(memory: Memory, sub: string): Promise<void> {
    for (const id of await everyMember(memory.store, ofUser(sub))) await forget(memory, sub, id)
  },
}
