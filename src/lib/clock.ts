/** The clock that is passed in, so that tests can set the time. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

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
