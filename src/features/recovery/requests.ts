/**
 * Who asked for a new password: written down as typed, and looked up by a job after the answer has left. So the answer
 * costs the same whoever it is about, and a relay or a store that stumbles afterwards shows nobody anything.
 */
import * as v from 'valibot'
import type { Context } from '../../context.ts'
import { seal, unseal } from '../../lib/seal.ts'
import { defineRecord } from '../../models/define_record.ts'

const records = defineRecord(
  'recovery_request',
  v.object({
    /** A `RecoveryRequest` as JSON: what people type there may be anything, passwords included. */
    sealed: v.string(),
    /** Milliseconds: nobody else works on it before. */
    held_until: v.number(),
    /** Seconds. */
    exp: v.number(),
  }),
)
const index = 'recovery_requests'

export interface RecoveryRequest {
  /** A username or an address, as typed. */
  login: string
  /** The network address it came from. */
  address: string
}

/** Seconds: whoever waited longer has asked again. */
const lifetime = 900
/** Milliseconds one instance has for one request. */
const lease = 30_000
const purpose = (id: string) => `recovery ${id}`

export async function enqueue(context: Context, request: RecoveryRequest): Promise<void> {
  const id = context.random(15)
  const now = context.clock.now()
  const sealed = seal(context.secrets.people, JSON.stringify(request), purpose(id))
  await records.put(context, id, { sealed, held_until: 0, exp: Math.floor(now / 1000) + lifetime })
  await context.store.link(index, id, now)
}

/** Ids of what waits, the oldest first. */
export async function waiting(context: Context, limit: number): Promise<string[]> {
  const members = await context.store.range(index, { max: context.clock.now(), limit })
  return members.map(({ member }) => member)
}

/** The request, held by this caller alone for a while: one that dies meanwhile lets go of it. */
export async function claim(context: Context, id: string): Promise<RecoveryRequest | undefined> {
  const now = context.clock.now()
  const held_until = now + lease
  const mine = await records.update(context, id, (current) =>
    current.held_until > now ? undefined : { ...current, held_until },
  )
  if (mine) {
    await context.store.link(index, id, held_until)
    const text = unseal(context.secrets.people, mine.sealed, purpose(id))
    return text === undefined ? undefined : (JSON.parse(text) as RecoveryRequest)
  }
  if (!(await records.find(context, id))) await context.store.unlink(index, id)
  return undefined
}

export async function finish(context: Context, id: string): Promise<void> {
  await records.take(context, id)
  await context.store.unlink(index, id)
}
