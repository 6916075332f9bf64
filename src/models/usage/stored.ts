/** Usage in the store: a record for each hour and each day, and one of the sessions that are alive. docs/decisions/0083-large-tables.md */
import * as v from 'valibot'
import { decodeSketch, encodeSketch } from '../../lib/sketch.ts'
import { defineRecord, type Memory } from '../define_record.ts'
import { addRows, type Row, type Rows } from './rows.ts'
import { hourOf, type SessionEnds } from './usage.ts'

const StoredRow = v.object({
  tokens: v.optional(v.number(), 0),
  sign_ins: v.optional(v.number(), 0),
  refusals: v.optional(v.number(), 0),
  is_self: v.optional(v.boolean(), false),
  people: v.optional(v.string()),
  sessions: v.optional(v.string()),
})

const buckets = defineRecord(
  'usage',
  v.object({ rows: v.array(v.tuple([v.string(), StoredRow])), exp: v.number() }),
)

/** Sessions by the hour (since the epoch) in which each ends by itself. */
const sessionEnds = defineRecord(
  'usage_sessions',
  v.object({ ends: v.array(v.tuple([v.number(), v.number()])) }),
)

export const periods = ['hour', 'day'] as const
export type Period = (typeof periods)[number]
export const secondsOf: Readonly<Record<Period, number>> = { hour: 3600, day: 86_400 }

/** Days for which records are kept. */
export type Kept = Readonly<Record<Period, number>>

const idOf = (by: Period, start: number): string => `${by}:${start}`

/** Seconds: the beginning of the hour or the day (UTC). */
export const startOf = (by: Period, at: number): number => at - (at % secondsOf[by])

type StoredRows = v.InferOutput<typeof StoredRow>

const opened = ({ is_self, people, sessions, ...counts }: StoredRows): Row => ({
  ...counts,
  isSelf: is_self,
  ...(people !== undefined && { people: decodeSketch(people) }),
  ...(sessions !== undefined && { sessions: decodeSketch(sessions) }),
})

const closed = ({ isSelf, people, sessions, ...counts }: Row): StoredRows => ({
  ...counts,
  is_self: isSelf,
  ...(people && { people: encodeSketch(people) }),
  ...(sessions && { sessions: encodeSketch(sessions) }),
})

const rowsOf = (stored: readonly (readonly [string, StoredRows])[]): Rows =>
  new Map(stored.map(([id, row]) => [id, opened(row)]))

/** Adds `rows` to the record of a period: of instances that do so at once, none is lost. */
export async function addToBucket(
  memory: Memory,
  { by, start, rows, most, kept }: { by: Period; start: number; rows: Rows; most: number; kept: Kept },
): Promise<void> {
  const id = idOf(by, start)
  const exp = start + secondsOf[by] + kept[by] * 86_400
  const added = (stored: readonly (readonly [string, StoredRows])[]) => {
    const all = rowsOf(stored)
    addRows(all, rows, most)
    return { rows: [...all].map(([client, row]): [string, StoredRows] => [client, closed(row)]), exp }
  }
  if (await buckets.update(memory, id, (current) => added(current.rows))) return
  if (await buckets.create(memory, id, added([]))) return
  await buckets.update(memory, id, (current) => added(current.rows))
}

export async function readBucket(memory: Memory, by: Period, start: number): Promise<Rows | undefined> {
  const found = await buckets.find(memory, idOf(by, start))
  return found && rowsOf(found.rows)
}

const theSessions = 'all'

/** Hours in the future that are kept: longer sessions are counted in the last one. */
const mostHours = 20_000

/** Adds to the hours, and forgets those that are over. A count that a crash has lost is forgotten with its hour. */
export async function addSessionEnds(memory: Memory, more: SessionEnds): Promise<void> {
  const now = hourOf(memory.clock.now() / 1000)
  const added = (stored: readonly (readonly [number, number])[]) => {
    const ends = new Map(stored)
    for (const [hour, by] of more) {
      const at = Math.min(hour, now + mostHours)
      ends.set(at, (ends.get(at) ?? 0) + by)
    }
    return { ends: [...ends].filter(([hour, count]) => hour >= now && count !== 0) }
  }
  if (await sessionEnds.update(memory, theSessions, (current) => added(current.ends))) return
  if (await sessionEnds.create(memory, theSessions, added([]))) return
  await sessionEnds.update(memory, theSessions, (current) => added(current.ends))
}

/** How many sessions are alive, exact to the hour in which they end and to what instances have not written yet. */
export async function aliveSessions(memory: Memory): Promise<number> {
  const found = await sessionEnds.find(memory, theSessions)
  const now = hourOf(memory.clock.now() / 1000)
  const alive = (found?.ends ?? []).filter(([hour]) => hour >= now)
  return Math.max(
    0,
    alive.reduce((sum, [, count]) => sum + count, 0),
  )
}
