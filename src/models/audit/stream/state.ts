/** How far a stream of the audit trail has come, and which instance sends: one record for each sink. docs/decisions/0084-audit-streams.md */
import * as v from 'valibot'
import { hmac } from '../../../lib/hash.ts'
import type { MacKey } from '../entry.ts'
import type { Store } from '../../../store/store.ts'

const whole = v.pipe(v.number(), v.integer(), v.minValue(0))

/** The last batch of a chain that was sent to its end, and the last entry that was sent. */
const Cursor = v.object({ batch: whole, seq: whole })
export type Cursor = v.InferOutput<typeof Cursor>

const State = v.object({
  chains: v.record(v.string(), Cursor),
  /** The instance that sends now; empty when none does. */
  owner: v.string(),
  /** Milliseconds: until when the owner may send. */
  until: whole,
  /** Attempts since the last one that succeeded. */
  failures: whole,
  /** Milliseconds: no attempt before it. */
  retryAt: whole,
  /** Milliseconds: when the first of these attempts failed. */
  failingSince: whole,
  /** Why the last attempt failed; empty when it succeeded. */
  problem: v.string(),
})
export type State = v.InferOutput<typeof State>

export const stateKey = (sink: string): string => `audit_stream:${sink}`

const beginning: State = {
  chains: {},
  owner: '',
  until: 0,
  failures: 0,
  retryAt: 0,
  failingSince: 0,
  problem: '',
}

const macLength = 43

/** Who can write to the store, and has no key, must not make a stream pass over entries. */
const macOf = ({ secret }: MacKey, sink: string, json: string): string =>
  hmac(secret, `audit stream\n${sink}\n${json}`)

/** The record as it is in the store, and what it says. Without one, or with one that we did not write, the stream begins anew. */
export interface Stored {
  text: string | undefined
  state: State
}

/** `keys` are those of AUDIT_SIGNING_KEY: the first signs, all of them verify. */
export async function readState(store: Store, sink: string, keys: readonly MacKey[]): Promise<Stored> {
  const text = await store.get(stateKey(sink))
  if (text === undefined) return { text, state: beginning }
  const [mac, json] = [text.slice(0, macLength), text.slice(macLength)]
  if (!keys.some((key) => macOf(key, sink, json) === mac)) return { text, state: beginning }
  try {
    const read = v.safeParse(State, JSON.parse(json))
    return { text, state: read.success ? read.output : beginning }
  } catch {
    return { text, state: beginning }
  }
}

/** Undefined when another instance has written the record since it was read. */
export async function writeState(
  store: Store,
  sink: string,
  keys: readonly MacKey[],
  before: Stored,
  state: State,
): Promise<Stored | undefined> {
  const json = JSON.stringify(state)
  const text = `${macOf(keys[0]!, sink, json)}${json}`
  const isWritten =
    before.text === undefined
      ? await store.create(stateKey(sink), text)
      : await store.replace(stateKey(sink), before.text, text)
  return isWritten ? { text, state } : undefined
}
