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
    if (!(Math.abs(moment - real.now()) <= furthest)) return false
    const forward = Math.max(0, moment - now())
    ahead = moment - real.now()
    elapsedAhead += forward
    if (stopped) stopped = { wall: moment, elapsed: stopped.elapsed + forward }
    return true
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
      state: () => ({ aheadMs: now() - real.now(), isStopped: stopped !== undefined }),
      moveTo,
      stop: () => void (stopped ??= { wall: now(), elapsed: elapsed() }),
      run,
      reset() {
        run()
        moveTo(real.now())
      },
    },
  }
}
