/** What every backend promises: a few verbs, each touching one key, each atomic. docs/architecture.md, "Store". */

/** Milliseconds from now. TTL is housekeeping; the `exp` inside a record decides. */
export type Ttl = number

/** A member of a scored index with its score. */
export interface Scored {
  member: string
  score: number
}

/** Bounds of a range read, all inclusive; `limit` defaults to 1,000 and `offset` to 0. Ascending by score. */
export interface RangeOptions {
  min?: number
  max?: number
  limit?: number
  offset?: number
}

/** A counter and the milliseconds until its window closes. */
export interface Counted {
  count: number
  ttl: Ttl
}

/**
 * Keys and values are strings. Every verb rejects with `StoreUnavailable` when the backend cannot be reached
 * in time, and never reports a success that it has not been told of.
 */
export interface Store {
  /** The value, or undefined when absent or expired. */
  get(key: string): Promise<string | undefined>
  /** Write, replacing value and TTL. Without `ttl` the key stays. */
  put(key: string, value: string, ttl?: Ttl): Promise<void>
  /** Write only if absent: true for one caller ever (until the key expires). */
  create(key: string, value: string, ttl?: Ttl): Promise<boolean>
  /** Compare and swap: true when the current value was `expected`. Replaces the TTL too. */
  replace(key: string, expected: string, value: string, ttl?: Ttl): Promise<boolean>
  /** Read and delete: the value for one winner, undefined for all others. Also the way to delete. */
  take(key: string): Promise<string | undefined>
  /**
   * Add `by` (1) to a counter whose window of `ttl` opens with its first increment and is not extended.
   * Counters share the keys of values: `take` resets one. The text under such a key is the backend's affair.
   */
  increment(key: string, ttl: Ttl, by?: number): Promise<Counted>
  /**
   * Put `member` into an index, or move it. With `ttl`, the index as a whole lives at least that long; without,
   * it stays. Indexes are named apart from keys: `get('a')` never meets the index `a`.
   */
  link(index: string, member: string, score: number, ttl?: Ttl): Promise<void>
  /** Remove `member` from an index; absent is fine. */
  unlink(index: string, member: string): Promise<void>
  /** Members ascending by score, ties by the UTF-8 bytes of the member. */
  range(index: string, options?: RangeOptions): Promise<Scored[]>
  /** Remove members whose score is at most `max`. */
  trim(index: string, max: number): Promise<void>
  /** Resolves when the backend answers; used by /health. */
  ping(): Promise<void>
  /** Release connections and files. */
  close(): Promise<void>
}

/** The backend did not answer in time or refused; the request must fail with 503 and Retry-After. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable'
}
