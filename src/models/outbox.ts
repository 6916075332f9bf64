/** Mails that wait for delivery, sealed in the store, so that none is lost when the mail relay or this process is down. */
import * as v from 'valibot'
import { seal, unseal } from '../lib/seal.ts'
import type { Keys } from '../lib/secret_keys.ts'
import type { Random } from '../lib/random.ts'
import type { Memory } from './define_record.ts'
import { type Claimed, defineLeaseQueue, leaseEntries } from './lease_queue.ts'
import { type Resealed, resealRecord } from './reseal.ts'

const schema = v.object({
  ...leaseEntries,
  /** A `MailMessage` as JSON, sealed: it holds addresses and links that open accounts. */
  sealed: v.string(),
  /** Seconds. */
  created_at: v.number(),
  exp: v.number(),
})

export type QueuedMail = Claimed<v.InferOutput<typeof schema>>

export interface MailMessage {
  to: string
  subject: string
  text: string
  html: string
}

/** Mails scored by when they are due (ms). */
export const outboxIndex = 'mail_outbox'

export const mailQueue = defineLeaseQueue('mail', schema, { index: outboxIndex })

/** Seconds after which a mail is dropped if it was not delivered. */
const lifetimeSeconds = 7 * 86_400

export const Outbox = {
  /** Stores the mail; the job `mail` delivers it. Returns its id. */
  async add(memory: Memory, random: Random, key: Keys, message: MailMessage): Promise<string> {
    const id = random(15)
    const now = memory.clock.now()
    const created_at = Math.floor(now / 1000)
    const sealed = seal(key, JSON.stringify(message), `mail ${id}`)
    await mailQueue.add(memory, id, { sealed, created_at, exp: created_at + lifetimeSeconds }, now)
    return id
  },

  reseal: (memory: Memory, keys: Keys, id: string, write: boolean): Promise<Resealed | undefined> =>
    resealRecord(keys, write, {
      find: () => mailQueue.find(memory, id),
      update: (change) => mailQueue.update(memory, id, change),
      sealedOf: ({ sealed }) => sealed,
      withSealed: (mail, sealed) => ({ ...mail, sealed }),
      label: `mail ${id}`,
    }),

  /** The mail of a record; undefined when it was sealed under another SECRET_KEY. */
  open(key: Keys, id: string, record: { sealed: string }): MailMessage | undefined {
    const text = unseal(key, record.sealed, `mail ${id}`)
    return text === undefined ? undefined : (JSON.parse(text) as MailMessage)
  },
}
