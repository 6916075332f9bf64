/** Data stored while the End-User is at a provider: bound to one browser, used once, encrypted in the store. https://www.rfc-editor.org/rfc/rfc9700#section-4.7 */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { equalInConstantTime } from '../../lib/equal.ts'
import { sha256 } from '../../lib/hash.ts'
import { seal, unseal } from '../../lib/seal.ts'
import { declareInteractionMembers, type Interaction } from '../../models/interaction.ts'
import { defineRecord } from '../../models/define_record.ts'
import { Identity } from './identity.ts'
import { Tokens } from './tokens.ts'
import { seconds } from '../../lib/clock.ts'

const schema = v.object({ sealed: v.string(), exp: v.number() })

/** A record type with encrypted content. The handle is not stored; its hash is the key of the record. */
function sealedRecord<const S extends v.GenericSchema<unknown, object>>(name: string, content: S) {
  const records = defineRecord(name, schema)
  const open = (context: Context, id: string, record: { sealed: string } | undefined) => {
    const text = record && unseal(context.secrets.people, record.sealed, `${name} ${id}`)
    // A record of another version may have another shape: it counts as absent.
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
        exp: seconds(context.clock) + lifetime,
      })
      return handle
    },
    async look(context: Context, handle: string) {
      const id = sha256(handle)
      return open(context, id, await records.find(context, id))
    },
    /** Returns the content to exactly one caller. */
    async take(context: Context, handle: string) {
      const id = sha256(handle)
      return open(context, id, await records.take(context, id))
    },
  }
}

const State = v.object({
  provider: v.string(),
  /** The issuer of the authorization request, against mix-up attacks (RFC 9700 §4.4). */
  issuer: v.string(),
  browser_hash: v.string(),
  verifier: v.string(),
  nonce: v.string(),
  /** Milliseconds: the time of the request, if it asked for a fresh sign-in. */
  fresh_since: v.optional(v.number()),
  purpose: v.variant('kind', [
    v.object({ kind: v.literal('sign_in'), interaction: v.string() }),
    v.object({ kind: v.literal('connect'), sid: v.string(), sub: v.string() }),
  ]),
})
export type State = v.InferOutput<typeof State>

/** How long the End-User may take to sign in at the provider. */
export const signInLifetimeSeconds = 900

const states = sealedRecord('upstream_state', State)

/** Returns the `state` parameter. */
export const keepState = (context: Context, state: State): Promise<string> =>
  states.keep(context, state, signInLifetimeSeconds)

/** Whether this state exists, for any browser. Does not use it up. */
export const isState = async (context: Context, handle: string, provider: string): Promise<boolean> =>
  (await states.look(context, handle))?.provider === provider

/**
 * Takes the state once, for the browser and the provider it was made for. A request from another browser does not use it
 * up.
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

/** Parameters of a POST from another site, which carries no cookies: kept until the GET that does. */
export const Posted = sealedRecord(
  'upstream_posted',
  v.object({ provider: v.string(), params: v.record(v.string(), v.string()) }),
)

/** An upstream identity without account, kept until the End-User has signed in here. */
export const PendingConnection = sealedRecord(
  'upstream_waiting',
  v.object({
    provider: v.string(),
    identity: Identity,
    tokens: Tokens,
    /** The only account it may be connected with. Undefined: any account. */
    sub: v.optional(v.string()),
  }),
)

/** Handle of the `PendingConnection` of an interaction. */
export const pendingConnectionMember = declareInteractionMembers({ upstream_waiting: v.string() })

export const pendingConnectionHandle = (
  interaction: Pick<Interaction, 'params' | 'return_to'>,
): string | undefined => pendingConnectionMember.of(interaction).upstream_waiting
