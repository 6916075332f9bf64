/** Mails that wait to be delivered: sealed, in the store, so that none is lost when the relay or this process is down. */
import * as v from 'valibot'
import { seal, unseal } from '../lib/seal.ts'
import type { Random } from '../lib/random.ts'
import { defineRecord, type Memory } from './define_record.ts'

const schema = v.object({
  /** A `Letter` as JSON, sealed: it holds addresses and links that open accounts. */
  sealed: v.string(),
  attempts: v.number(),
  /** Milliseconds: nobody else tries before. */
  held_until: v.number(),
  /** Seconds. */
  created_at: v.number(),
  exp: v.number(),
})
export const letters = defineRecord('mail', schema)

export type Waiting = v.InferOutput<typeof schema> & { id: string }

export interface Letter {
  to: string
  subject: string
  text: string
  html: string
}

/** Mails by when they are due (ms). */
export const outboxIndex = 'mail_outbox'

/** Seconds a mail is kept in all, delivered or not. */
const lifetime = 7 * 86_400

export const Outbox = {
  /** Write it down; the job of the feature `mail` does the rest. `key` is 32 bytes. Returns its id. */
  async add(memory: Memory, random: Random, key: Uint8Array, letter: Letter): Promise<string> {
    const id = random(15)
    const now = memory.clock.now()
    await letters.put(memory, id, {
      sealed: seal(key, JSON.stringify(letter), `mail ${id}`),
      attempts: 0,
      held_until: 0,
      created_at: Math.floor(now / 1000),
      exp: Math.floor(now / 1000) + lifetime,
    })
    await memory.store.link(outboxIndex, id, now)
    return id
  },

  /** What a record holds; undefined when it was sealed under another SECRET_KEY. */
  open(key: Uint8Array, id: string, record: { sealed: string }): Letter | undefined {
    const text = unseal(key, record.sealed, `mail ${id}`)
    return text === undefined ? undefined : (JSON.parse(text) as Letter)
  },

  /** Ids of what is due, the longest due first. */
  async due(memory: Memory, limit: number): Promise<string[]> {
    const members = await memory.store.range(outboxIndex, { max: memory.clock.now(), limit })
    return members.map(({ member }) => member)
  },

  /** The mail, held by this caller alone for `lease` ms; a caller that dies meanwhile lets go of it. */
  async claim(memory: Memory, id: string, lease: number): Promise<Waiting | undefined> {
    const now = memory.clock.now()
    const held_until = now + lease
    const mine = await letters.update(memory, id, (current) =>
      current.held_until > now ? undefined : { ...current, attempts: current.attempts + 1, held_until },
    )
    if (mine) {
      await memory.store.link(outboxIndex, id, held_until)
      return { ...mine, id }
    }
    const current = await letters.find(memory, id)
    if (!current) await memory.store.unlink(outboxIndex, id)
    else await memory.store.link(outboxIndex, id, current.held_until) // whoever holds it died before saying so here
    return undefined
  },

  /** Delivered, or given up: the record first, so that a mail is never both in the index and forgotten. */
  async finish(memory: Memory, id: string): Promise<void> {
    await letters.take(memory, id)
    await memory.store.unlink(outboxIndex, id)
  },

  /** Once more, `delay` ms from now, unless somebody else has tried since. */
  async postpone(memory: Memory, { id, attempts }: Waiting, delay: number): Promise<void> {
    const held_until = memory.clock.now() + delay
    const moved = await letters.update(memory, id, (current) =>
      current.attempts === attempts ? { ...current, held_until } : undefined,
    )
    if (moved) await memory.store.link(outboxIndex, id, held_until)
  },
}
