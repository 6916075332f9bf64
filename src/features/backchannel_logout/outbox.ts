/** Logout tokens still to be delivered: kept in the store, tried by one instance at a time. */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { seconds } from '../../lib/clock.ts'
import { sha256 } from '../../lib/hash.ts'
import { type Claimed, defineLeaseQueue, leaseEntries } from '../../models/lease_queue.ts'
import type { Session } from '../../models/session.ts'

const schema = v.object({
  ...leaseEntries,
  client_id: v.string(),
  /** The End-User by our own `sub`, not the pairwise one. */
  sub: v.string(),
  sid: v.string(),
  /** Milliseconds: a failure after this is the last. */
  until: v.number(),
  /** Seconds. */
  exp: v.number(),
})

export type Delivery = Claimed<v.InferOutput<typeof schema>>

/** Seconds a finished delivery is remembered, and an unfinished one beyond its last try. */
const remembered = 120
const margin = 86_400

/** A member is `client_id id`: the client can be seen without reading records. */
export const logoutQueue = defineLeaseQueue('logout_delivery', schema, {
  index: 'logout_outbox',
  idOf: (member) => member.slice(-43),
  keyOf: (member) => member.slice(0, -44),
  remembered,
})

/**
 * Writes down that `clientId` is to hear of the end of `session`, `delay` ms from now. Idempotent for one `end`: of the
 * session itself, or of what the client had in it.
 */
export async function enqueue(
  context: Context,
  { sid, sub }: Pick<Session, 'sid' | 'sub'>,
  clientId: string,
  { delay, retryFor, end }: { delay: number; retryFor: number; end?: string },
): Promise<void> {
  const id = sha256(end === undefined ? `${sid} ${clientId}` : `${sid} ${clientId} ${end}`)
  const now = context.clock.now()
  const until = now + retryFor * 1000
  const exp = seconds(context.clock) + retryFor + margin
  await logoutQueue.add(
    context,
    `${clientId} ${id}`,
    { client_id: clientId, sub, sid, until, exp },
    now + delay,
  )
}

/** At once for one client, and for one turn. */
const bounds = { each: 4, limit: 64 }

/** What is due, held for `lease` ms by this caller alone; at most four deliveries of one client. */
export async function claimDue(context: Context, lease: number): Promise<Delivery[]> {
  const due = await logoutQueue.due(context, bounds)
  const claimed = await Promise.all(due.map((member) => logoutQueue.claim(context, member, lease)))
  return claimed.filter((delivery) => delivery !== undefined)
}
