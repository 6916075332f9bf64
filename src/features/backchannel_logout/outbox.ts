/** The queue of logout tokens to deliver: kept in the store, each tried by one instance at a time. */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { seconds } from '../../lib/clock.ts'
import { sha256 } from '../../lib/hash.ts'
import { type Claimed, defineLeaseQueue, leaseEntries } from '../../models/lease_queue.ts'
import type { Session } from '../../models/session.ts'

const schema = v.object({
  ...leaseEntries,
  client_id: v.string(),
  /** The local `sub` of the End-User, not the pairwise one. */
  sub: v.string(),
  sid: v.string(),
  /** Milliseconds: no retry after a failure later than this. */
  until: v.number(),
  /** Seconds. */
  exp: v.number(),
})

export type Delivery = Claimed<v.InferOutput<typeof schema>>

/** Seconds a finished delivery is remembered, and an unfinished one beyond its last try. */
const remembered = 120
const margin = 86_400

/** A member is `client_id id`, so that deliveries are counted by client without reading records. */
export const logoutQueue = defineLeaseQueue('logout_delivery', schema, {
  index: 'logout_outbox',
  idOf: (member) => member.slice(-43),
  keyOf: (member) => member.slice(0, -44),
  remembered,
})

/**
 * Queues a logout token to `clientId` for `session`, due in `delay` ms. Idempotent for the end of the session, and for each
 * `end` (a withdrawal of the client's access).
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

/** Deliveries in one run: to one client, and in all. */
const bounds = { each: 4, limit: 64 }

/** Claims the deliveries that are due, for `lease` ms. */
export async function claimDue(context: Context, lease: number): Promise<Delivery[]> {
  const due = await logoutQueue.due(context, bounds)
  const claimed = await Promise.all(due.map((member) => logoutQueue.claim(context, member, lease)))
  return claimed.filter((delivery) => delivery !== undefined)
}
