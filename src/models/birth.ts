/** The birth mark of a store: since when its lists of what was used and revoked are whole. docs/decisions/0071-birth-marks.md */
import * as v from 'valibot'
import { type Clock, seconds, skewSeconds } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { type Store, StoreUnavailable } from '../store/store.ts'

const key = 'birth'

const Seconds = v.pipe(v.number(), v.integer(), v.minValue(0))
/** `seen_at`: when an instance last said that the store is in use. All never go back, unless the store does. */
const Mark = v.object({ since: Seconds, undated_since: Seconds, seen_at: Seconds })
type Mark = v.InferOutput<typeof Mark>

/**
 * Seconds: of what was issued before, the store may have lost the record that it was used or revoked, so it is refused. 0
 * where nothing was lost. `undated` is for what does not say when it was issued, and counts losses alone: not the first
 * start, after which each such assertion would be refused for an hour.
 */
export interface Since {
  dated: number
  undated: number
}

export interface Birth {
  /** Reads the store. */
  since(): Promise<Since>
  /** Says that the store is in use, at most once a minute. */
  beat(): Promise<void>
  /** The store was restored: everything that was issued until now is refused where a list decides. */
  renew(): Promise<void>
}

/** Of a store that ends with its process. */
const nothing: Since = { dated: 0, undated: 0 }

export const neverLost: Birth = { since: async () => nothing, beat: async () => {}, renew: async () => {} }

const beatSeconds = 60
/** Seconds without a sign of use, after which the log says so: an older copy may have been put in place. */
const longestSilence = 180
const mostAttempts = 20

interface Parts {
  store: Pick<Store, 'get' | 'create' | 'replace' | 'take'>
  clock: Clock
  log: Log
}

function parse(raw: string | undefined): Mark | undefined {
  if (raw === undefined) return undefined
  try {
    return v.parse(Mark, JSON.parse(raw))
  } catch {
    return undefined
  }
}

/** A mark, and the text of the store that it was read from: a swap names this text. */
interface Read {
  raw: string
  mark: Mark
}

export function createBirth({ store, clock, log }: Parts): Birth {
  let newest: Read | undefined

  /** Such a mark is put right by the instance that starts first (`openBirth`). */
  const isAhead = (mark: Mark): boolean => mark.since > seconds(clock) + skewSeconds

  const isOlder = (mark: Mark, than: Mark): boolean =>
    mark.seen_at < than.seen_at || (mark.since < than.since && !isAhead(than))

  /** Undefined when there is no mark, or an older one than this process has seen: the store has lost records. */
  function adopt(raw: string | undefined): Read | undefined {
    if (raw !== undefined && raw === newest?.raw) return newest
    const mark = parse(raw)
    if (!mark || raw === undefined || (newest && isOlder(mark, newest.mark))) return undefined
    return (newest = { raw, mark })
  }

  /** Replaces the mark that was read as `raw`, if the store still has it. False when another instance was first. */
  async function write(raw: string | undefined, mark: Mark): Promise<boolean> {
    const next = JSON.stringify(mark)
    const won = raw === undefined ? await store.create(key, next) : await store.replace(key, raw, next)
    if (won) adopt(next) // a newer one may have been read in between
    return won
  }

  /** Tries until the mark has not changed between a read and its swap. */
  async function repeat<T>(attempt: (isFirst: boolean) => Promise<T | undefined>): Promise<T> {
    for (let i = 0; i < mostAttempts; i++) {
      const done = await attempt(i === 0)
      if (done !== undefined) return done
    }
    throw new StoreUnavailable(
      'the mark of the store changes all the time, or is sealed with another SECRET_KEY',
    )
  }

  async function current(): Promise<Read> {
    const read = adopt(await store.get(key))
    if (read) return read
    return repeat(async () => {
      // Read again: of answers that overtake each other, an older mark is no loss.
      const raw = await store.get(key)
      const found = adopt(raw)
      if (found) return found
      const since = Math.max(seconds(clock) + 1, newest?.mark.since ?? 0)
      const seen_at = Math.max(seconds(clock), newest?.mark.seen_at ?? 0)
      const mark = { since, undated_since: since, seen_at }
      if (!(await write(raw, mark))) return undefined
      log.error('store_lost_records', {
        problem: 'the mark of the store is missing or older than before',
        since,
      })
      return { raw: JSON.stringify(mark), mark }
    })
  }

  return {
    async since() {
      const { mark } = await current()
      return { dated: mark.since, undated: mark.undated_since }
    },
    async beat() {
      const { raw, mark } = await current()
      const now = seconds(clock)
      // The swap names the text that `mark` was read from. A mark that another instance has written since stays.
      if (now - mark.seen_at >= beatSeconds) await write(raw, { ...mark, seen_at: now })
    },
    async renew() {
      await repeat(async (isFirst) => {
        const raw = await store.get(key)
        // A mark that is sealed with another SECRET_KEY reads as absent and still exists, so it is taken away.
        const mark = parse(raw ?? (isFirst ? undefined : await store.take(key)))
        const now = seconds(clock)
        const since = Math.max(now + 1, mark && !isAhead(mark) ? mark.since : 0)
        const seen_at = Math.max(now, mark?.seen_at ?? 0)
        return (await write(raw, { since, undated_since: since, seen_at })) || undefined
      })
    },
  }
}

/** A mark that was made while the clock was ahead would refuse all that is issued until then. */
function atMost(now: number, mark: Mark): Mark {
  const since = Math.min(mark.since, now + 1)
  return { ...mark, since, undated_since: Math.min(mark.undated_since, since) }
}

/**
 * The birth mark when a server starts. A store without one was born with its oldest key (`keysSince`, seconds). An older
 * copy that was put in place while no instance ran cannot be seen: the log says since when the store was not in use.
 */
export async function openBirth(parts: Parts, keysSince: number): Promise<Birth> {
  const birth = createBirth(parts)
  const { store, clock, log } = parts
  const now = seconds(clock)
  const raw = await store.get(key)
  const mark = parse(raw)
  const first: Mark = { since: Math.min(keysSince, now), undated_since: 0, seen_at: now }
  if (raw === undefined && (await store.create(key, JSON.stringify(first)))) return birth
  if (raw !== undefined && mark && mark.since > now + skewSeconds)
    await store.replace(key, raw, JSON.stringify(atMost(now, mark)))
  if (mark && now - mark.seen_at > longestSilence)
    log.info('store_was_not_used', {
      seconds: now - mark.seen_at,
      hint: 'if the store was restored from a copy, run latchkey sessions end --everybody --yes',
    })
  await birth.beat()
  return birth
}

/** Seconds: when a server last said that it uses the store. */
export const lastUse = async (store: Pick<Store, 'get'>): Promise<number | undefined> =>
  parse(await store.get(key))?.seen_at

/** Whether the store has, or had, data, so that signing keys that it does not have were lost. */
export async function hasData(store: Pick<Store, 'get' | 'range'>): Promise<boolean> {
  const [mark, ...members] = await Promise.all([
    store.get(key),
    ...['users', 'clients'].map((index) => store.range(index, { limit: 1 })),
  ])
  return mark !== undefined || members.some((each) => each.length > 0)
}
