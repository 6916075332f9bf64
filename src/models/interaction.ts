/** An authorization request that waits for a person, bound to the browser it arrived from. */
import * as v from 'valibot'
import { equalInConstantTime } from '../lib/equal.ts'
import { sha256 } from '../lib/hash.ts'
import type { Random } from '../lib/random.ts'
import { declaring, openObject } from './declared.ts'
import { defineRecord, type Memory } from './define_record.ts'

const schema = openObject({
  /** The request's parameters after every request source had its say; read again when the person is done. */
  params: v.optional(v.record(v.string(), v.string())),
  /** Or a page of ours to go back to. */
  return_to: v.optional(v.string()),
  /** The client that such a page is about. */
  client_id: v.optional(v.string()),
  /** Hash of the browser's cookie: the link is worth nothing in another browser. */
  browser_hash: v.string(),
  /** Milliseconds: a sign-in after it answers prompt=login. */
  asked_at: v.number(),
  /** Of the pages, instead of what `ui_locales` says: the person chose it meanwhile. */
  language: v.optional(v.string()),
  account_chosen: v.optional(v.boolean()),
  /** `sid` of the session whose person allowed it. */
  consented_by: v.optional(v.string()),
  /** The End-User denied consent: whatever page of it is still open, the answer stays `access_denied`. */
  denied: v.optional(v.boolean()),
  /** A first factor passed, further steps to come. */
  pending: v.optional(
    v.object({
      sub: v.string(),
      amr: v.array(v.string()),
      at: v.number(),
      /** Hash of what the password was then: once it is another, this counts for nothing. */
      standing: v.optional(v.string()),
      /** The first factor is the sign-in of this session: it is good only while that lives. */
      sid: v.optional(v.string()),
      /** When that was (ms). */
      since: v.optional(v.number()),
      /** The person asked to be spared the second factor on this device from now on. */
      trust_device: v.optional(v.boolean()),
    }),
  ),
  /** Levels of sign-in that a page of ours asks for before it is gone back to. */
  acr: v.optional(v.array(v.string())),
  /** `sub` of who would rather not set up a second factor that was only wished for. */
  declined_by: v.optional(v.string()),
  exp: v.number(),
})
const records = defineRecord('interaction', schema)

export interface Interaction extends v.InferOutput<typeof schema> {}

/** Declares what a feature keeps in an interaction. */
export const declareInteractionMembers = declaring<Pick<Interaction, 'params' | 'return_to'>>()

export const Interaction = {
  /** Only for the browser it began in. */
  async find(memory: Memory, handle: string, browser: string | undefined): Promise<Interaction | undefined> {
    if (browser === undefined) return undefined
    const interaction = await records.find(memory, sha256(handle))
    return interaction && equalInConstantTime(interaction.browser_hash, sha256(browser))
      ? interaction
      : undefined
  },

  /** Returns the handle. `lifetime` in seconds. */
  async begin(
    memory: Memory,
    random: Random,
    browser: string,
    what: Pick<Interaction, 'params' | 'return_to' | 'client_id' | 'acr' | 'pending' | 'language'> & {
      asked_at?: number
    },
    lifetime: number,
  ): Promise<string> {
    const handle = random(24)
    const now = memory.clock.now()
    await records.put(memory, sha256(handle), {
      ...what,
      browser_hash: sha256(browser),
      asked_at: what.asked_at ?? now,
      exp: Math.floor(now / 1000) + lifetime,
    })
    return handle
  },

  update: (memory: Memory, handle: string, change: (interaction: Interaction) => Interaction | undefined) =>
    records.update(memory, sha256(handle), change),
}
