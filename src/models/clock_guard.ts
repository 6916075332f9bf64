/** Compares the clock of this instance with that of the store, which all instances share. docs/decisions/0065-clocks.md */
import { type Clock, type Moment, momentOf } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Store } from '../store/store.ts'

export interface ClockGuard {
  /** Asks the store, and logs when the clocks differ. Rejects with StoreUnavailable. */
  check(): Promise<void>
  /** Milliseconds that this clock is ahead of that of the store; undefined where there is no other clock. */
  offset(): number | undefined
  /** Why this instance must not answer; undefined while the clocks agree. */
  problem(): string | undefined
  /**
   * As `problem`, but asks the store once more when the clocks agreed and only the time since then looks wrong: a machine that
   * slept has the right time.
   */
  confirmedProblem(): Promise<string | undefined> | string | undefined
}

/** Milliseconds by which a good clock does not differ. */
const noticeable = 3_000

/**
 * Milliseconds that `clock` is ahead of that of the store, or behind it (negative): the least that the answer allows, since
 * the time that it took is not known by part. Undefined where the store has no clock of its own.
 */
export async function clockOffset(store: Pick<Store, 'time'>, clock: Clock): Promise<number | undefined> {
  const before = momentOf(clock)
  const theirs = await store.time?.()
  if (theirs === undefined) return undefined
  const least = before.wall - theirs
  const most = least + momentOf(clock).elapsed - before.elapsed
  return least > 0 ? least : Math.min(0, most)
}

/** What is wrong with an offset beyond `tolerance` seconds. */
export function clockProblem(offset: number | undefined, tolerance: number): string | undefined {
  if (offset === undefined || Math.abs(offset) <= tolerance * 1000) return undefined
  const away = `${Math.ceil(Math.abs(offset) / 1000)} seconds ${offset > 0 ? 'ahead of' : 'behind'}`
  return `the clock of this machine is ${away} the clock of the store: set it (NTP), or allow the difference with CLOCK_TOLERANCE (now ${tolerance})`
}

export function createClockGuard(
  { store, clock, log }: { store: Pick<Store, 'time'>; clock: Clock; log: Log },
  tolerance: number,
): ClockGuard {
  let compared: { offset: number; at: Moment } | undefined
  let said: 'off' | 'differs' | undefined

  /** A clock that was set since the comparison differs at once, without asking the store. */
  function offset(): number | undefined {
    if (!compared) return undefined
    const { wall, elapsed } = momentOf(clock)
    return compared.offset + (wall - compared.at.wall) - (elapsed - compared.at.elapsed)
  }
  const problem = () => clockProblem(offset(), tolerance)
  let confirming: Promise<void> | undefined

  const guard: ClockGuard = {
    offset,
    problem,
    confirmedProblem() {
      const found = problem()
      if (found === undefined || clockProblem(compared?.offset, tolerance) !== undefined) return found
      // Without an answer the store is down, and the difference stands.
      confirming ??= guard
        .check()
        .catch(() => {})
        .finally(() => (confirming = undefined))
      return confirming.then(problem)
    },
    async check() {
      const found = await clockOffset(store, clock)
      compared = found === undefined ? undefined : { offset: found, at: momentOf(clock) }
      const off = problem()
      const state = off ? 'off' : found !== undefined && Math.abs(found) > noticeable ? 'differs' : undefined
      if (state === said) return
      said = state
      const facts = { offset_ms: found, tolerance_seconds: tolerance }
      if (state === 'off') log.error('clock_off', { ...facts, problem: off })
      else if (state === 'differs') log.warn('clock_differs', facts)
      else log.info('clock_agrees', facts)
    },
  }
  return guard
}
