/** A clock that can be moved and stopped, for the teaching lab: codes and sessions expire as if one had waited. docs/lab.md, "Clock" */
import { type Clock, elapsedOf, type LabControls, type Moment } from './clock.ts'

/** Milliseconds, about ten years: dates beyond are mistakes, and none of a record overflows. */
const furthest = 10 * 366 * 86_400_000

/**
 * As the clock of the machine, until it is moved. `elapsed` goes on by each move forward too, as if one had waited, stands
 * while the clock is stopped, and never goes back: what a store has dropped by then stays so.
 */
export function createLabClock(real: Clock): Clock & { lab: LabControls } {
  let ahead = 0
  let elapsedAhead = 0
  let stopped: Moment | undefined
  const now = () => stopped?.wall ?? real.now() + ahead
  const elapsed = () => stopped?.elapsed ?? elapsedOf(real) + elapsedAhead

  function moveTo(moment: number): boolean {
    const machine = real.now()
    if (!(Math.abs(moment - machine) <= furthest)) return false
    const forward = Math.max(0, moment - (stopped?.wall ?? machine + ahead))
    ahead = moment - machine
    elapsedAhead += forward
    if (stopped) stopped = { wall: moment, elapsed: stopped.elapsed + forward }
    return true
  }

  // The machine goes on between two readings, so `ahead` is set to 0 and not computed.
  function reset(): void {
    run()
    elapsedAhead += Math.max(0, -ahead)
    ahead = 0
  }

  function run(): void {
    if (!stopped) return
    ahead = stopped.wall - real.now()
    elapsedAhead = stopped.elapsed - elapsedOf(real)
    stopped = undefined
  }

  return {
    now,
    elapsed,
    lab: {
      real,
      state: () => ({
        aheadMs: stopped ? stopped.wall - real.now() : ahead,
        isStopped: stopped !== undefined,
      }),
      moveTo,
      stop: () => void (stopped ??= { wall: now(), elapsed: elapsed() }),
      run,
      reset,
    },
  }
}
