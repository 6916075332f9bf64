/** What must reach somebody's server: kept in the store until it did, tried a bounded number of times, by one instance at a time. */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { defineLeaseQueue, leaseEntries } from '../../models/lease_queue.ts'

const schema = v.object({
  ...leaseEntries,
  /** Seconds. */
  exp: v.number(),
})

/** A member is `errand:id`. */
const notificationQueue = defineLeaseQueue('backchannel_delivery', schema, {
  index: 'backchannel_deliveries',
})

/** Milliseconds after a failed attempt until the next; after the last one the delivery is given up. */
const waits = [5_000, 30_000, 120_000, 0]

/** Deliveries in one turn. */
const perTurn = 100

/** `again`: it may work later. `never`: the other side does not want it. */
export type Outcome = 'done' | 'again' | 'never'

export interface Errand {
  run(context: Context, id: string): Promise<Outcome>
  /** The delivery was given up. */
  giveUp?(context: Context, id: string): Promise<void>
}

export type Errands = Readonly<Record<string, Errand>>

const memberOf = (errand: string, id: string) => `${errand}:${id}`

/** Not before `due` (ms); due then when it was planned for another time. */
export async function plan(context: Context, errand: string, id: string, due: number): Promise<void> {
  const exp = Math.ceil(due / 1000) + 3600
  await notificationQueue.add(context, memberOf(errand, id), { exp }, due)
}

/** Now, in the background, so that the request that caused it does not wait for a client's server. Never rejects. */
export async function tryNow(context: Context, errands: Errands, errand: string, id: string): Promise<void> {
  try {
    await attempt(context, errands, memberOf(errand, id))
  } catch (error) {
    context.log.error('backchannel_delivery_failed', { errand, problem: (error as Error).message })
  }
}

async function attempt(context: Context, errands: Errands, member: string): Promise<void> {
  const [name = '', id = ''] = member.split(':')
  const errand = errands[name]
  // The lease includes the wait before the next attempt: after 'again' nothing is left to be written.
  const claimed = await notificationQueue.claim(
    context,
    member,
    ({ attempts }) => context.config.outboundTimeoutMs + (waits[attempts] ?? 0),
  )
  if (!claimed || !errand) return
  const { attempts } = claimed
  const outcome = attempts > waits.length ? 'never' : await errand.run(context, id)
  context.log.debug('backchannel_delivery', { errand: name, outcome, attempts })
  if (outcome === 'again' && attempts < waits.length) return
  if (outcome !== 'done') {
    context.log.warn('backchannel_delivery_given_up', { errand: name, request: id })
    await errand.giveUp?.(context, id)
  }
  await notificationQueue.finish(context, member)
}

/** Begins every delivery that is due and resolves to them: none waits for another, and none rejects. */
export async function runDue(context: Context, errands: Errands): Promise<Promise<void>[]> {
  const due = await notificationQueue.due(context, { limit: perTurn })
  return due.map((member) => {
    const [name = '', id = ''] = member.split(':')
    return tryNow(context, errands, name, id)
  })
}
