/** Validation and order of arguments, shared by all backends so that they behave the same. */
import type { RangeOptions } from './store.ts'

/** Whole milliseconds, at least one. Throws RangeError. */
export function wholeTtl(ttl: number): number {
  if (!Number.isFinite(ttl)) throw new RangeError(`ttl: expected milliseconds, got ${ttl}`)
  return Math.max(1, Math.ceil(ttl))
}

/** Throws RangeError: NaN cannot be sorted, and infinities are for bounds alone. */
export function finiteScore(score: number): number {
  if (!Number.isFinite(score)) throw new RangeError(`score: expected a finite number, got ${score}`)
  return score
}

/** Throws RangeError unless `by` is a whole number. */
export function wholeStep(by: number): number {
  if (!Number.isSafeInteger(by)) throw new RangeError(`by: expected a whole number, got ${by}`)
  return by
}

/** `RangeOptions` with defaults. A negative `limit` or `offset` becomes 0, a fraction is cut off. */
export function rangeBounds(options: RangeOptions = {}): Required<RangeOptions> {
  const { min = -Infinity, max = Infinity, limit = 1000, offset = 0 } = options
  const whole = (n: number) => Math.min(Math.max(0, Math.trunc(n)), Number.MAX_SAFE_INTEGER)
  return { min, max, limit: whole(limit), offset: whole(offset) }
}

/**
 * The order of two strings by their UTF-8 bytes, as Redis and SQLite compare. It differs from `<` in one case: UTF-16
 * sorts surrogates below U+E000 to U+FFFF, although the characters they encode are above.
 */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)
