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
}
