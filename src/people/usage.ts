/** Usage by client, hour and day: written by a job, read as a table and as CSV. docs/decisions/0083-large-tables.md */
import type { Context } from '../contracts/context.ts'
import type { Job } from '../contracts/protocol_sockets.ts'
import { seconds } from '../lib/clock.ts'
import { csvLine } from '../lib/csv.ts'
import { estimateOf } from '../lib/sketch.ts'
import { addRedirectDays } from '../models/usage/redirects.ts'
import { addRow, addRows, noClient, otherClients, type Row, type Rows } from '../models/usage/rows.ts'
import {
  addSessionEnds,
  addToBucket,
  type Kept,
  type Period,
  periods,
  readBucket,
  secondsOf,
  startOf,
} from '../models/usage/stored.ts'

type Counting = Pick<Context, 'store' | 'clock' | 'log' | 'usage' | 'config'>

const keptOf = ({ usageHoursKept, usageDaysKept }: Context['config']): Kept => ({
  hour: usageHoursKept,
  day: usageDaysKept,
})

/**
 * Writes what this instance has counted: an hour, a day and the sessions, each in one swap. What could not be written, or
 * only perhaps, is not counted again: a report with a gap of a minute is better than one with a minute twice.
 */
export async function writeUsage(context: Counting): Promise<void> {
  const { config, clock, log, usage } = context
  const taken = usage.take()
  if (!taken) return
  const now = seconds(clock)
  const written = await Promise.allSettled([
    ...(taken.rows.size > 0
      ? periods.map((by) =>
          addToBucket(context, {
            by,
            start: startOf(by, now),
            rows: taken.rows,
            most: config.usageClients,
            kept: keptOf(config),
          }),
        )
      : []),
    ...(taken.ends.size > 0 ? [addSessionEnds(context, taken.ends)] : []),
    ...[...taken.redirects].map(([id, days]) => writeRedirects(context, id, days)),
  ])
  const failed = written.find((each) => each.status === 'rejected')
  if (failed) log.warn('usage_not_written', { problem: String(failed.reason) })
}

/** A day that was not written is written later: to write it twice does no harm. */
async function writeRedirects(
  context: Counting,
  id: string,
  days: ReadonlyMap<string, number>,
): Promise<void> {
  try {
    await addRedirectDays(context, id, days)
  } catch (error) {
    for (const [uri, day] of days)
      context.usage.redirect({ client_id: id, self_registered: false }, uri, day, 'again')
    throw error
  }
}

/** Each instance writes its own. */
export const usageJob: Job = { name: 'usage', every: 30, run: writeUsage }

interface UsageNumbers {
  tokens: number
  sign_ins: number
  refusals: number
  /** Different people and sessions, estimated: the standard error is 3.3 %, and about 1 % of a few hundred. */
  people: number
  sessions: number
}

export interface UsageOfClient extends UsageNumbers {
  /** Null: the client is not known, or not counted by itself (`other`). */
  client_id: string | null
  other: boolean
}

export interface UsageOfPeriod {
  /** Seconds: the beginning. */
  at: number
  total: UsageNumbers
  /** The one with most tokens first. */
  clients: UsageOfClient[]
}

/** Most records that are read for one answer. */
export const mostPeriods = 750

/**
 * Records that are asked for together: on every store at most twelve round trips for an answer. The sketches of so many
 * records are in memory at once, and not those of all: a record with 200 clients has half a megabyte.
 */
const readAtOnce = 64

const numbersOf = ({ tokens, sign_ins, refusals, people, sessions }: Row): UsageNumbers => ({
  tokens,
  sign_ins,
  refusals,
  people: people ? estimateOf(people) : 0,
  sessions: sessions ? estimateOf(sessions) : 0,
})

const emptyRow = (): Row => ({ tokens: 0, sign_ins: 0, refusals: 0, isSelf: false })

function periodOf(at: number, rows: Rows): UsageOfPeriod {
  const total = emptyRow()
  for (const row of rows.values()) addRow(total, row)
  const clients = [...rows].map(([id, row]) => ({
    client_id: id === otherClients || id === noClient ? null : id,
    other: id === otherClients,
    ...numbersOf(row),
  }))
  return { at, total: numbersOf(total), clients: clients.toSorted((a, b) => b.tokens - a.tokens) }
}

/**
 * From the period of `from` to that before `to` (seconds); people and sessions are counted once within each period, and
 * once in `whole`. Throws RangeError for more than 750 periods.
 */
export async function usage(
  context: Counting,
  { from, to, by }: { from: number; to: number; by: Period },
): Promise<{ periods: UsageOfPeriod[]; whole: UsageOfPeriod }> {
  const step = secondsOf[by]
  const first = startOf(by, from)
  const count = Math.max(0, Math.ceil((to - first) / step))
  if (count > mostPeriods)
    throw new RangeError(
      `usage: expected at most ${mostPeriods} of ${by}, got ${count}: choose a later from or by=day`,
    )
  const starts = Array.from({ length: count }, (_, i) => first + i * step)
  const all: Rows = new Map()
  const found: UsageOfPeriod[] = []
  for (let i = 0; i < count; i += readAtOnce) {
    const some = starts.slice(i, i + readAtOnce)
    const read = await Promise.all(some.map((start) => readBucket(context, by, start)))
    for (const [k, rows = new Map() as Rows] of read.entries()) {
      addRows(all, rows, Infinity)
      found.push(periodOf(some[k]!, rows))
    }
  }
  return { periods: found, whole: periodOf(first, all) }
}

const columns = ['at', 'client_id', 'tokens', 'sign_ins', 'refusals', 'people', 'sessions'] as const

/** A line for each client of each period; `(other)` and `(none)` are no clients. */
export function usageCsv(found: readonly UsageOfPeriod[]): string {
  const lines = found.flatMap(({ at, clients }) =>
    clients.map(({ client_id, other, ...numbers }) => {
      const name = client_id === null ? (other ? '(other)' : '(none)') : client_id
      const values = { ...numbers, at: new Date(at * 1000).toISOString(), client_id: name }
      return csvLine(columns.map((column) => `${values[column]}`))
    }),
  )
  return [csvLine(columns), ...lines].map((line) => `${line}\r\n`).join('')
}
