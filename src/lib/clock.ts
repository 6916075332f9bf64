/** The clock that is passed in, so that tests can set the time. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** Whole seconds since the epoch, as in claims (NumericDate, RFC 7519 §2). */
export const seconds = (clock: Clock): number => Math.floor(clock.now() / 1000)
