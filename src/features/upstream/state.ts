/** What a sign-in at a provider waits with: bound to one browser, opened once, sealed while it rests. https://www.rfc-editor.org/rfc/rfc9700#section-4.7 */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { equalInConstantTime } from '../../lib/equal.ts'
import { sha256 } from '../../lib/hash.ts'
import { seal, unseal } from '../../lib/seal.ts'
import { declareInteractionMembers, type Interaction } from '../../models/interaction.ts'
import { defineRecord } from '../../models/define_record.ts'
import { Identity } from './identity.ts'
import { Tokens } from './tokens.ts'

const schema = v.object({ sealed: v.string(), exp: v.number() })

/** A kind of record whose content is sealed under the hash of its handle. The handle is kept nowhere. */
function sealedRecord<const S extends v.GenericSchema<unknown, object>>(name: string, content: S) {
  const records = defineRecord(name, schema)
  const open = (context: Context, id: string, record: { sealed: string } | undefined) => {
    const text = record && unseal(context.secrets.people, record.sealed, `${name} ${id}`)
    // Of another version of this program it may have another shape: then it is none.
    const read = text === undefined ? undefined : v.safeParse(content, JSON.parse(text))
    return read?.success ? read.output : undefined
  }
  return {
    /** Returns the handle. `lifetime` in seconds. */
    async keep(context: Context, what: v.InferOutput<S>, lifetime: number): Promise<string> {
      const handle = context.random(24)
      const id = sha256(handle)
      await records.put(context, id, {
        sealed: seal(context.secrets.people, JSON.stringify(what), `${name} ${id}`),
        exp: Math.floor(context.clock.now() / 1000) + lifetime,
      })
      return handle
    },
    async look(context: Context, handle: string) {
      const id = sha256(handle)
      return open(context, id, await records.find(context, id))
    },
    /** To the one caller that takes it. */
    async take(context: Context, handle: string) {
      const id = sha256(handle)
      return open(context, id, await records.take(context, id))
    },
  }
}

const State = v.object({
  provider: v.string(),
  /** The issuer it was sent to: an answer of another one is a mix-up (RFC 9700 §4.4). */
  issuer: v.string(),
  browser_hash: v.string(),
  verifier: v.string(),
  nonce: v.string(),
  /** Milliseconds: when a fresh sign-in was asked for. */
  fresh_since: v.optional(v.number()),
  purpose: v.variant('kind', [
    v.object({ kind: v.literal('sign_in'), interaction: v.string() }),
    v.object({ kind: v.literal('connect'), sid: v.string(), sub: v.string() }),
  ]),
})
export type State = v.InferOutput<typeof State>

/** Seconds a person has to sign in there. */
export const patience = 900

const states = sealedRecord('upstream_state', State)

/** The `state` parameter. */
export const keepState = (context: Context, state: State): Promise<string> =>
  states.keep(context, state, patience)

/** Whether there is such a state at all: says nothing of whose it is, and leaves it as it is. */
export const isState = async (context: Context, handle: string, provider: string): Promise<boolean> =>
  (await states.look(context, handle))?.provider === provider

/**
 * The state, once, in the browser it was made for, at the callback of the provider it was made for. A stranger's
 * browser does not use it up.
 */
export async function takeState(
  context: Context,
  handle: string,
  provider: string,
  browser: string,
): Promise<State | undefined> {
  const seen = await states.look(context, handle)
  if (seen?.provider !== provider || !equalInConstantTime(seen.browser_hash, sha256(browser)))
    return undefined
  return states.take(context, handle)
}

/** An answer that came by POST from another site, and so without our cookies: it waits for the GET that has them. */
export const Posted = sealedRecord(
  'upstream_posted',
  v.object({ provider: v.string(), params: v.record(v.string(), v.string()) }),
)

/** Somebody of a provider whom nobody here is connected with yet, until they have signed in here. */
export const Waiting = sealedRecord(
  'upstream_waiting',
  v.object({
    provider: v.string(),
    identity: Identity,
    tokens: Tokens,
    /** The only account it may be connected with; any when left out. */
    sub: v.optional(v.string()),
  }),
)

/** In the interaction: the handle of its `Waiting`. */
export const waitingMember = declareInteractionMembers({ upstream_waiting: v.string() })

export const waitingHandle = (interaction: Pick<Interaction, 'params' | 'return_to'>): string | undefined =>
  waitingMember.of(interaction).upstream_waiting
