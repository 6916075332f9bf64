/** Validation and order of arguments, shared by all backends so that they behave the same. */
import type { RangeOptions, Scored } from './store.ts'

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

/** The part of an index that a range read is about, as every backend can ask for it. */
export interface Bounds {
  /** The first member, if it is there. */
  from: Scored
  /** Inclusive. */
  max: number
  /** The first member that is not in it any more. */
  to: Scored
  limit: number
  offset: number
  descending: boolean
  /** `min`, `max`, `limit` and `offset` alone, ascending. */
  isByScore: boolean
}

/** The order of an index. */
export const compareScored = (a: Scored, b: Scored): number =>
  a.score === b.score ? compareBytes(a.member, b.member) : a.score - b.score

/** No text is between a text and this one. */
const nextText = (text: string): string => `${text}\0`

const lastCharacter = 0x10ffff

/** The first text, by UTF-8 bytes, after all that begin with `prefix`; undefined when there is none. */
function textAfterAll(prefix: string): string | undefined {
  const characters = [...prefix]
  while (characters.length > 0) {
    const code = characters.pop()!.codePointAt(0)!
    // Surrogates are no characters in UTF-8.
    if (code < lastCharacter)
      return characters.join('') + String.fromCodePoint(code === 0xd7ff ? 0xe000 : code + 1)
  }
  return undefined
}

const later = (a: Scored, b: Scored): Scored => (compareScored(a, b) > 0 ? a : b)
const sooner = (a: Scored, b: Scored): Scored => (compareScored(a, b) < 0 ? a : b)

/**
 * `RangeOptions` with defaults. A negative `limit` or `offset` becomes 0, a fraction is cut off. Throws RangeError for a
 * `prefix` over several scores.
 */
export function rangeBounds(options: RangeOptions = {}): Bounds {
  const { min = -Infinity, max = Infinity, limit = 1000, offset = 0, after, descending = false } = options
  const prefix = options.prefix?.toWellFormed()
  const whole = (n: number) => Math.min(Math.max(0, Math.trunc(n)), Number.MAX_SAFE_INTEGER)
  let from: Scored = { score: min, member: '' }
  let to: Scored = { score: Infinity, member: '' }
  if (prefix !== undefined) {
    if (min !== max)
      throw new RangeError(`prefix: expected min and max to be one score, got ${min} and ${max}`)
    from = { score: min, member: prefix }
    const end = textAfterAll(prefix)
    if (end !== undefined) to = { score: max, member: end }
  }
  if (after !== undefined) {
    const { score, member } = { score: finiteScore(after.score), member: after.member.toWellFormed() }
    if (descending) to = sooner(to, { score, member })
    else from = later(from, { score, member: nextText(member) })
  }
  const isByScore = prefix === undefined && after === undefined && !descending
  return { from, max, to, limit: whole(limit), offset: whole(offset), descending, isByScore }
}

/**
 * The order of two strings by their UTF-8 bytes, as Redis and SQLite compare. It differs from `<` in one case: UTF-16
 * sorts surrogates below U+E000 to U+FFFF, although the characters they encode are above.
 */
function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)
