/** Notifications to other servers: kept in the store until delivered, tried a bounded number of times, by one instance at a time. */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { defineLeaseQueue, leaseEntries } from '../../models/lease_queue.ts'

const schema = v.object({
  ...leaseEntries,
  /** Seconds. */
  exp: v.number(),
})

/** A member is `kind:id`. */
const notificationQueue = defineLeaseQueue('backchannel_delivery', schema, {
  index: 'backchannel_deliveries',
})

/** Milliseconds between a failed attempt and the next. The delivery is given up after the last attempt. */
const waits = [5_000, 30_000, 120_000, 0]

/** Deliveries in one run of the job. */
const perTurn = 100

/** `again`: a later attempt may succeed. `never`: the receiver refuses it for good. */
export type Outcome = 'done' | 'again' | 'never'

export interface Notification {
  run(context: Context, id: string): Promise<Outcome>
  /** Called when the delivery was given up. */
  giveUp?(context: Context, id: string): Promise<void>
}

export type Notifications = Readonly<Record<string, Notification>>

const memberOf = (kind: string, id: string) => `${kind}:${id}`

/** Schedules a delivery for `due` (ms), or moves an existing one to it. */
export async function schedule(context: Context, kind: string, id: string, due: number): Promise<void> {
  const exp = Math.ceil(due / 1000) + 3600
  await notificationQueue.add(context, memberOf(kind, id), { exp }, due)
}

/** Attempts a delivery now. Callers do not await it, so that a request does not wait for another server. Never rejects. */
export async function deliverNow(
  context: Context,
  notifications: Notifications,
  kind: string,
  id: string,
): Promise<void> {
  try {
    const member = memberOf(kind, id)
    await notificationQueue.within(context, member, () => attempt(context, notifications, member))
  } catch (error) {
    context.log.error('backchannel_delivery_failed', { kind, problem: (error as Error).message })
  }
}

async function attempt(context: Context, notifications: Notifications, member: string): Promise<void> {
  const [kind = '', id = ''] = member.split(':')
  const notification = notifications[kind]
  // The lease includes the wait before the next attempt, so that 'again' needs no further write.
  const claimed = await notificationQueue.claim(
    context,
    member,
    ({ attempts }) => context.config.outboundTimeoutMs + (waits[attempts] ?? 0),
  )
  if (!claimed || !notification) return
  const { attempts } = claimed
  const outcome = attempts > waits.length ? 'never' : await notification.run(context, id)
  context.log.debug('backchannel_delivery', { kind, outcome, attempts })
  if (outcome === 'again' && attempts < waits.length) return
  if (outcome !== 'done') {
    context.log.warn('backchannel_delivery_given_up', { kind, request: id })
    await notification.giveUp?.(context, id)
  }
  await notificationQueue.finish(context, member)
}

/** Starts every delivery that is due and returns their promises. They run concurrently and never reject. */
export async function runDue(context: Context, notifications: Notifications): Promise<Promise<void>[]> {
  const due = await notificationQueue.due(context, { limit: perTurn })
  return due.map((member) => {
    const [kind = '', id = ''] = member.split(':')
    return deliverNow(context, notifications, kind, id)
  })
}
