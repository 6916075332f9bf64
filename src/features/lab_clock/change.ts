/** Changes the clock of the lab, for its page and its API. */
import * as v from 'valibot'
import { HttpError } from '../../auth/errors.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { readJson, shape } from '../../http/call.ts'
import { requireSameOrigin } from '../../http/csrf.ts'
import { json } from '../../http/reply.ts'
import type { LabControls } from '../../lib/clock.ts'
import { note } from '../../models/audit/note.ts'
import { moveWords, readMove } from './move.ts'

/** One of them: a move, a stop or its end, or back to the time of the machine. */
export interface Change {
  move?: string | undefined
  stopped?: boolean | undefined
  reset?: true | undefined
}

const members = {
  move: v.optional(v.string()),
  stopped: v.optional(v.boolean()),
  reset: v.optional(v.literal(true)),
}
const Body = v.object(members)
const names = Object.keys(members)

/** One member, and none that is misspelled. */
function requireOne(body: unknown): void {
  const given = typeof body === 'object' && body !== null ? Object.keys(body) : []
  const unknown = given.find((name) => !names.includes(name))
  if (unknown === undefined && given.length === 1) return
  throw new HttpError('bad_request', {
    expected: `one member, of ${names.join(', ')}`,
    came: unknown ?? (given.join(', ') || 'none'),
    problem:
      unknown === undefined
        ? undefined
        : `the clock has no member ${unknown.slice(0, 60)}; a change has one of ${names.join(', ')}`,
  })
}

/** Undefined where LAB came by a reload: the store and the records share a clock that is made at the start. */
const controls = ({ clock }: Context): LabControls => {
  if (clock.lab) return clock.lab
  throw new HttpError('conflict', {
    expected: 'a server that was started with LAB',
    next: 'restart it: the clock is made at the start',
  })
}

const movable = (clock: Context['clock'], text: string): number => {
  const moment = readMove(text, clock.now())
  if (moment !== undefined && clock.lab?.moveTo(moment)) return moment
  throw new HttpError('unprocessable', { expected: `move: ${moveWords}, at most ten years away`, came: text })
}

export async function change(call: Call, context: Context, { move, stopped, reset }: Change): Promise<void> {
  const lab = controls(context)
  if (move !== undefined) movable(context.clock, move)
  else if (reset) lab.reset()
  else if (stopped) lab.stop()
  else lab.run()
  const what = move ?? (reset ? 'reset' : stopped ? 'stopped' : 'runs')
  await note(call, context, 'lab_clock_set', { change: what })
}

/** As a move is written: `2030-01-31T12:00:00Z`. */
const timeOf = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

export interface Shown {
  time: string
  machine_time: string
  ahead_seconds: number
  stopped: boolean
}

export function stateOf(context: Context): Shown {
  const { state, real } = controls(context)
  const { aheadMs, isStopped } = state()
  return {
    time: timeOf(context.clock.now()),
    machine_time: timeOf(real.now()),
    ahead_seconds: Math.round(aheadMs / 1000),
    stopped: isStopped,
  }
}

export const show = (context: Context): Reply => json(200, stateOf(context))

export async function set(call: Call, context: Context): Promise<Reply> {
  requireSameOrigin(call, context)
  const body = await readJson(call, context)
  requireOne(body)
  await change(call, context, shape(Body, body))
  return show(context)
}
