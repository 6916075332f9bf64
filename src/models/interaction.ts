/** An authorization request that waits for pages (sign-in, account choice, consent), bound to the browser that sent it. */
import * as v from 'valibot'
import { equalInConstantTime } from '../lib/equal.ts'
import { sha256 } from '../lib/hash.ts'
import type { Random } from '../lib/random.ts'
import { declaring, openObject } from './declared.ts'
import { defineRecord, type Memory } from './define_record.ts'

const schema = openObject({
  /** The parameters after all request sources were applied. They are read again when the interaction resumes. */
  params: v.optional(v.record(v.string(), v.string())),
  /** Instead of `params`: the id of the `interaction_params` that has them. */
  params_id: v.optional(v.string()),
  /** Instead of `params`: the page of this provider to return to. */
  return_to: v.optional(v.string()),
  /** The client that the page of `return_to` is about. */
  client_id: v.optional(v.string()),
  /** Hash of the browser's cookie: the interaction is unknown to any other browser. */
  browser_hash: v.string(),
  /** Milliseconds: a sign-in after this time satisfies prompt=login. */
  asked_at: v.number(),
  /** The language that the End-User chose on a page; takes precedence over `ui_locales`. */
  language: v.optional(v.string()),
  account_chosen: v.optional(v.boolean()),
  /** `sid` of the session in which the End-User consented. */
  consented_by: v.optional(v.string()),
  /** Hash of what the consent page showed then. */
  consented_to: v.optional(v.string()),
  /** The End-User denied consent: the answer stays `access_denied`, whatever other pages of the interaction are open. */
  denied: v.optional(v.boolean()),
  /** A first factor was proven and further steps follow. */
  pending: v.optional(
    v.object({
      sub: v.string(),
      amr: v.array(v.string()),
      at: v.number(),
      /** Hash of the stored password hash at that time: after a change of password, `pending` is not accepted. */
      standing: v.optional(v.string()),
      /** In a step-up, the session whose sign-in is the first factor: `pending` is accepted only while it lasts. */
      sid: v.optional(v.string()),
      /** When that session was authenticated (ms). */
      since: v.optional(v.number()),
      /** When another provider authenticated the End-User (ms), until a factor is proven here; 0 if it did not say. */
      proven_at: v.optional(v.number()),
      /** The id of the provider with which this sign-in began. */
      through: v.optional(v.string()),
      /** The End-User asked not to be asked for the second factor on this device again. */
      trust_device: v.optional(v.boolean()),
    }),
  ),
  /** `acr` values of which the page of `return_to` requires one. */
  acr: v.optional(v.array(v.string())),
  /** `sub` of the End-User who declined to set up an optional second factor. */
  declined_by: v.optional(v.string()),
  exp: v.number(),
})
const records = defineRecord('interaction', schema)

/**
 * Long parameters, kept once under their hash however many interactions begin with them: a short request may refer to a
 * long one that was pushed (RFC 9126) or is fetched (RFC 9101 §5.2).
 */
const sharedParams = defineRecord(
  'interaction_params',
  v.object({ params: v.record(v.string(), v.string()), exp: v.number() }),
)
/** The length of the JSON text from which on parameters are kept apart. */
const sharedFrom = 2_000

export interface Interaction extends v.InferOutput<typeof schema> {}

/** Declares members that a feature keeps in an interaction. */
export const declareInteractionMembers = declaring<Pick<Interaction, 'params' | 'return_to'>>()

type Beginning = Pick<Interaction, 'params' | 'return_to' | 'client_id' | 'acr' | 'pending' | 'language'> & {
  asked_at?: number
}

/** The random part of a handle, in characters. */
const secretLength = 32
/** A longer client_id is left out of the handle. */
const longestClientId = 100

/**
 * The client stands in the handle behind the secret, so that the page of an interaction that is gone can lead back to the
 * application. Nothing else may be decided by it: any text can be a handle.
 */
const newHandle = (random: Random, clientId = ''): string =>
  random(24) + (clientId.length > longestClientId ? '' : Buffer.from(clientId).toString('base64url'))

/** Whether `text` is shaped like a handle. */
export const isHandle = (text: string | undefined): text is string =>
  text !== undefined && /^[\w-]{1,200}$/.test(text)

/** The client_id in a handle, whether or not there is such an interaction. */
export const clientIdIn = (handle: string): string | undefined =>
  (isHandle(handle) && Buffer.from(handle.slice(secretLength), 'base64url').toString()) || undefined

export interface DraftedInteraction {
  handle: string
  /** What the store keeps for it and did not keep before. */
  bytes: number
  write(): Promise<void>
  undo(): Promise<void>
}

/** Keeps long parameters until `exp`; undefined for short ones. `bytes` is 0 when another interaction keeps them already. */
async function share(
  memory: Memory,
  params: Record<string, string>,
  exp: number,
): Promise<{ id: string; bytes: number } | undefined> {
  const text = JSON.stringify(params)
  if (text.length <= sharedFrom) return undefined
  const id = sha256(text)
  const made = await sharedParams.create(memory, id, { params, exp })
  if (!made) await sharedParams.put(memory, id, { params, exp }) // kept for as long as the newest interaction
  return { id, bytes: made ? text.length : 0 }
}

export const Interaction = {
  /** Undefined for any browser but the one it began in. */
  async find(memory: Memory, handle: string, browser: string | undefined): Promise<Interaction | undefined> {
    if (browser === undefined) return undefined
    const interaction = await records.find(memory, sha256(handle))
    if (!interaction || !equalInConstantTime(interaction.browser_hash, sha256(browser))) return undefined
    if (interaction.params_id === undefined) return interaction
    const { params_id, ...rest } = interaction
    const shared = await sharedParams.find(memory, params_id)
    return shared && { ...rest, params: shared.params }
  },

  /** Long parameters are stored at once, the interaction itself by `write`. `lifetime` in seconds. */
  async draft(
    memory: Memory,
    random: Random,
    browser: string,
    { params, ...what }: Beginning,
    lifetime: number,
  ): Promise<DraftedInteraction> {
    const handle = newHandle(random, params?.client_id ?? what.client_id)
    const id = sha256(handle)
    const now = memory.clock.now()
    const exp = Math.floor(now / 1000) + lifetime
    const shared = params && (await share(memory, params, exp))
    const record = {
      ...what,
      ...(shared ? { params_id: shared.id } : params && { params }),
      browser_hash: sha256(browser),
      asked_at: what.asked_at ?? now,
      exp,
    }
    return {
      handle,
      bytes: JSON.stringify(record).length + (shared?.bytes ?? 0),
      write: () => records.put(memory, id, record),
      undo: async () => {
        await records.take(memory, id)
        if (shared && shared.bytes > 0) await sharedParams.take(memory, shared.id)
      },
    }
  },

  update: (memory: Memory, handle: string, change: (interaction: Interaction) => Interaction | undefined) =>
    records.update(memory, sha256(handle), change),
}
