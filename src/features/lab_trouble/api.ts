/** `/lab/api/trouble`: the faults, those that are on, and the switch of each. docs/lab.md, "Trouble" */
import * as v from 'valibot'
import { HttpError } from '../../auth/errors.ts'
import { readRule } from '../../auth/rule.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import { query, readJson, shape } from '../../http/call.ts'
import { requireSameOrigin } from '../../http/csrf.ts'
import { json } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { note } from '../../models/audit/note.ts'
import type { Fault } from './fault.ts'
import { faults } from './faults.ts'
import { type Entry, listOn, switchOff, switchOn, type Wish } from './trouble.ts'

export const usual = { minutes: 60, slow: 5 }

const Body = v.strictObject({
  client_id: v.string(),
  fault: v.string(),
  minutes: v.optional(v.number(), usual.minutes),
  address: v.optional(v.string()),
  slow: v.optional(v.number(), usual.slow),
})

const shownFault = ({ name, rule, expects, does, good, ...fault }: Fault) => ({
  fault: name,
  does,
  good,
  rule,
  rule_url: readRule(rule).url,
  expects,
  optional: fault.optional ?? false,
  at_start: fault.atStart ?? false,
  then_works: fault.thenWorks ?? false,
})

/** Without its key. */
const shownEntry = ({ client_id, fault, until, address, slow, told }: Entry) => ({
  client_id,
  fault,
  until: new Date(until * 1000).toISOString(),
  address,
  slow,
  told,
})

/** Switches the fault on and tells the trail, for the API and the page. */
export async function start(call: Call, context: Context, wish: Wish): Promise<Entry> {
  const entry = await switchOn(context, wish)
  await note(call, context, 'lab_trouble_begun', { client_id: entry.client_id, about: entry.fault })
  return entry
}

/** Without `fault`: all of the client. */
export async function end(
  call: Call,
  context: Context,
  of: { client_id: string; fault?: string | undefined },
): Promise<Entry[]> {
  const ended = await switchOff(context, of)
  for (const { client_id, fault } of ended)
    await note(call, context, 'lab_trouble_ended', { client_id, about: fault })
  return ended
}

/** Of this address, when the request does not say another: that of a browser or a script on the same machine. */
export const addressOf = (call: Call, given: string | undefined): string => given || call.address

export const show = async (context: Context): Promise<Reply> =>
  json(200, { faults: faults.map(shownFault), on: (await listOn(context)).map(shownEntry) })

export async function add(call: Call, context: Context): Promise<Reply> {
  requireSameOrigin(call, context)
  const { address, ...wish } = shape(Body, await readJson(call, context))
  const entry = await start(call, context, { ...wish, address: addressOf(call, address) })
  return json(201, shownEntry(entry))
}

export async function remove(call: Call, context: Context): Promise<Reply> {
  requireSameOrigin(call, context)
  const { client_id, fault } = query(call, context)
  if (client_id === undefined)
    throw new HttpError('bad_request', { expected: 'client_id in the query', came: call.search })
  return json(200, { ended: (await end(call, context, { client_id, fault })).map(shownEntry) })
}
