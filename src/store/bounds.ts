/** What every backend makes of the numbers and orders in its arguments, so that they agree. */
import type { RangeOptions } from './store.ts'

/** Whole milliseconds, at least one: what is written is there, if only for a moment. Throws RangeError. */
export function wholeTtl(ttl: number): number {
  if (!Number.isFinite(ttl)) throw new RangeError(`ttl: expected milliseconds, got ${ttl}`)
  return Math.max(1, Math.ceil(ttl))
}

/** Throws RangeError: NaN has no place in an order, and infinities belong to bounds. */
export function finiteScore(score: number): number {
  if (!Number.isFinite(score)) throw new RangeError(`score: expected a finite number, got ${score}`)
  return score
}

/** Throws RangeError: half an attempt cannot be counted. */
export function wholeStep(by: number): number {
  if (!Number.isSafeInteger(by)) throw new RangeError(`by: expected a whole number, got ${by}`)
  return by
}

/** The defaults of `RangeOptions` filled in; negative or fractional pages become the nearest sensible one. */
export function rangeBounds(options: RangeOptions = {}): Required<RangeOptions> {
  const { min = -Infinity, max = Infinity, limit = 1000, offset = 0 } = options
  const whole = (n: number) => Math.min(Math.max(0, Math.trunc(n)), Number.MAX_SAFE_INTEGER)
  return { min, max, limit: whole(limit), offset: whole(offset) }
}

/**
 * The order of two strings by their UTF-8 bytes, as Redis and SQLite compare: like `<`, save that UTF-16 puts
 * surrogates below U+E000 to U+FFFF while the characters they stand for are above.
 */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return lifted(x) - lifted(y)
  }
  return a.length - b.length
}

const lifted = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)
