/** Time as it is handed round. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** Whole seconds since the epoch, as claims carry them (NumericDate, RFC 7519 §2). */
export const seconds = (clock: Clock): number => Math.floor(clock.now() / 1000)
