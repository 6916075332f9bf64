/** The clock that is passed in, so that tests can set the time. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds since some moment. They go on alike when the time of day is set. Absent: `now` is never set. */
  elapsed?(): number
  /** Of the clock of the teaching lab alone (lab_clock.ts). */
  readonly lab?: LabControls
}

/** How the clock of the lab is moved. Milliseconds since the epoch. */
export interface LabControls {
  /** The clock of the machine. */
  readonly real: Clock
  state(): { aheadMs: number; isStopped: boolean }
  /** False, and nothing changes, for a time that is too far away. */
  moveTo(moment: number): boolean
  stop(): void
  run(): void
  reset(): void
}

/** The clock of the machine, for what must not follow the clock of the lab. */
export const realClock = (clock: Clock): Clock => (clock.lab ? realClock(clock.lab.real) : clock)

export const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() }

/** A moment by both clocks, in milliseconds. */
export interface Moment {
  wall: number
  elapsed: number
}

export const elapsedOf = (clock: Clock): number => clock.elapsed?.() ?? clock.now()

export const momentOf = (clock: Clock): Moment => ({ wall: clock.now(), elapsed: elapsedOf(clock) })

/**
 * Whether less than `ms` have passed since, by both clocks: a time of day that is set ahead and back revives nothing, and
 * neither does a machine that slept.
 */
export function isWithin(clock: Clock, since: Moment, ms: number): boolean {
  if (elapsedOf(clock) - since.elapsed >= ms) return false
  const passed = clock.now() - since.wall
  return passed >= 0 && passed < ms
}

const mostBehind = 86_400_000

export interface SlowClock {
  /** Whole milliseconds since the epoch. */
  now(): number
}

/**
 * For what deletes by time for good: the time of day, but when that is set ahead it follows no faster than twice the
 * monotonic clock, and is a day behind at most.
 */
export function slowClock(clock: Clock): SlowClock {
  let at = momentOf(clock)
  return {
    now() {
      const { wall, elapsed } = momentOf(clock)
      const followed = at.wall + 2 * (elapsed - at.elapsed)
      at = { wall: Math.min(wall, Math.max(followed, wall - mostBehind)), elapsed }
      return Math.floor(at.wall)
    },
  }
}

/** Whole seconds since the epoch, as in claims (NumericDate, RFC 7519 §2). */
export const seconds = (clock: Clock): number => Math.floor(clock.now() / 1000)

/** Seconds by which the clocks of two instances may differ before one accepts what the other has seen used. */
export const skewSeconds = 60

/**
 * Milliseconds for which the use of something that is valid until `end` (seconds since the epoch) is remembered: until
 * it has ended by the clock of every instance.
 */
export const rememberedMs = (clock: Clock, end: number): number =>
  Math.max(0, end * 1000 - clock.now()) + skewSeconds * 1000
