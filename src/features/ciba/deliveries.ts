/** What must reach somebody's server: kept in the store until it did, tried a bounded number of times, by one instance at a time. */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { defineRecord } from '../../models/define_record.ts'

const Delivery = defineRecord(
  'backchannel_delivery',
  v.object({
    attempts: v.number(),
    /** Milliseconds: not before. */
    due: v.number(),
    exp: v.number(),
  }),
)

const index = 'backchannel_deliveries'

/** Milliseconds after a try that failed until the next; after the last one it is given up. */
const waits = [5_000, 30_000, 120_000, 0]

/** `again`: it may work later. `never`: the other side does not want it. */
export type Outcome = 'done' | 'again' | 'never'

export interface Errand {
  run(context: Context, id: string): Promise<Outcome>
  /** Nobody was reached. */
  giveUp?(context: Context, id: string): Promise<void>
}

export type Errands = Readonly<Record<string, Errand>>

const keyOf = (errand: string, id: string) => `${errand}:${id}`

/** Not before `due` (milliseconds); anew when it was planned before. */
export async function plan(context: Context, errand: string, id: string, due: number): Promise<void> {
  const key = keyOf(errand, id)
  await Delivery.put(context, key, { attempts: 0, due, exp: Math.ceil(due / 1000) + 3600 })
  await context.store.link(index, key, due)
}

/** Now, in the background: whoever caused it waits for nobody's server. Never rejects. */
export async function tryNow(context: Context, errands: Errands, errand: string, id: string): Promise<void> {
  try {
    await attempt(context, errands, keyOf(errand, id))
  } catch (error) {
    context.log.error('backchannel_delivery_failed', { errand, problem: (error as Error).message })
  }
}

async function attempt(context: Context, errands: Errands, key: string): Promise<void> {
  const [name = '', id = ''] = key.split(':')
  const errand = errands[name]
  const now = context.clock.now()
  // Claimed until the request must have ended: no other instance tries meanwhile, and a crash is not the end of it.
  const claimed = await Delivery.update(context, key, (current) =>
    current.due > now
      ? undefined
      : {
          ...current,
          attempts: current.attempts + 1,
          due: now + context.config.outboundTimeoutMs + (waits[current.attempts] ?? 0),
        },
  )
  if (!claimed || !errand) {
    if (!(await Delivery.find(context, key))) await context.store.unlink(index, key)
    return
  }
  await context.store.link(index, key, claimed.due)
  const outcome = claimed.attempts > waits.length ? 'never' : await errand.run(context, id)
  context.log.debug('backchannel_delivery', { errand: name, outcome, attempts: claimed.attempts })
  if (outcome === 'again' && claimed.attempts < waits.length) return
  if (outcome !== 'done') {
    context.log.warn('backchannel_delivery_given_up', { errand: name, request: id })
    await errand.giveUp?.(context, id)
  }
  await Delivery.take(context, key)
  await context.store.unlink(index, key)
}

/** What is due, a hundred at a time; none waits for another. */
export async function runDue(context: Context, errands: Errands): Promise<void> {
  const due = await context.store.range(index, { max: context.clock.now(), limit: 100 })
  for (const { member } of due) {
    const [name = '', id = ''] = member.split(':')
    void tryNow(context, errands, name, id)
  }
}
