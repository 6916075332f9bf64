/** Logout tokens still to be delivered: kept in the store, tried by one instance at a time. docs/architecture.md, "Store" */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { seconds } from '../../lib/clock.ts'
import { sha256 } from '../../lib/hash.ts'
import { defineRecord } from '../../models/define_record.ts'
import type { Session } from '../../models/session.ts'

const schema = v.object({
  client_id: v.string(),
  /** The person by our own name for them. */
  sub: v.string(),
  sid: v.string(),
  attempts: v.number(),
  /** Milliseconds: nobody else tries before. */
  held_until: v.number(),
  /** Milliseconds: a failure after this is the last. */
  until: v.number(),
  /** Delivered or given up: stays a while, so that a second word of the same end is not told again. */
  done: v.boolean(),
  /** Seconds. */
  exp: v.number(),
})
const records = defineRecord('logout_delivery', schema)

export type Delivery = v.InferOutput<typeof schema> & { member: string }

/** Deliveries by when they are due (ms). A member is `client_id id`: who is told can be seen without reading records. */
const outbox = 'logout_outbox'
const idOf = (member: string) => member.slice(-43)
const clientOf = (member: string) => member.slice(0, -44)

/** Seconds a finished delivery is remembered, and an unfinished one beyond its last try. */
const remembered = 120
const margin = 86_400

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
  await records.create(context, id, {
    client_id: clientId,
    sub,
    sid,
    attempts: 0,
    held_until: 0,
    until: context.clock.now() + retryFor * 1000,
    done: false,
    exp: seconds(context.clock) + retryFor + margin,
  })
  // Last: an entry of the index without its record would be swept away.
  await context.store.link(outbox, `${clientId} ${id}`, context.clock.now() + delay)
}

const pageSize = 1_000
const mostPages = 10

/**
 * What is due, now held for `lease` ms by this caller alone; a caller that dies meanwhile lets go of it. At most `each`
 * of one client, so that one with thousands waiting keeps nobody else waiting.
 */
export async function claimDue(
  context: Context,
  { each, total, lease }: { each: number; total: number; lease: number },
): Promise<Delivery[]> {
  const taken = new Map<string, number>()
  const due: string[] = []
  for (let page = 0; page < mostPages && due.length < total; page++) {
    const range = { max: context.clock.now(), limit: pageSize, offset: page * pageSize }
    const members = await context.store.range(outbox, range)
    for (const { member } of members) {
      const count = taken.get(clientOf(member)) ?? 0
      if (count >= each || due.length >= total) continue
      taken.set(clientOf(member), count + 1)
      due.push(member)
    }
    if (members.length < pageSize) break
  }
  const claimed = await Promise.all(due.map((member) => claim(context, member, lease)))
  return claimed.filter((delivery) => delivery !== undefined)
}

async function claim(context: Context, member: string, lease: number): Promise<Delivery | undefined> {
  const now = context.clock.now()
  const held_until = now + lease
  const isFree = (current: { done: boolean; held_until: number }) =>
    !current.done && current.held_until <= now
  const mine = await records.update(context, idOf(member), (current) =>
    isFree(current) ? { ...current, attempts: current.attempts + 1, held_until } : undefined,
  )
  if (mine) {
    await context.store.link(outbox, member, held_until)
    return { ...mine, member }
  }
  const current = await records.find(context, idOf(member))
  if (!current || current.done) await context.store.unlink(outbox, member)
  else await context.store.link(outbox, member, current.held_until) // whoever holds it died before saying so here
  return undefined
}

/** Nothing more to do for this one. */
export async function finish(context: Context, { member }: Delivery): Promise<void> {
  const exp = seconds(context.clock) + remembered
  await records.update(context, idOf(member), (current) => ({ ...current, done: true, exp }))
  await context.store.unlink(outbox, member)
}

/** Once more, `delay` ms from now, unless somebody else has tried since. `counts` false forgets this attempt. */
export async function postpone(
  context: Context,
  { member, attempts }: Delivery,
  delay: number,
  counts = true,
): Promise<void> {
  const held_until = context.clock.now() + delay
  const moved = await records.update(context, idOf(member), (current) =>
    current.attempts === attempts && !current.done
      ? { ...current, held_until, attempts: counts ? attempts : attempts - 1 }
      : undefined,
  )
  if (moved) await context.store.link(outbox, member, held_until)
}
