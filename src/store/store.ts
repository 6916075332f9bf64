/** The interface of all backends: a few verbs, each atomic and on one key. docs/architecture.md, "Store". */

/** Milliseconds from now. A TTL only frees memory; the `exp` in a record decides whether it is valid. */
export type Ttl = number

/** A member of a scored index with its score. */
export interface Scored {
  member: string
  score: number
}

/** What a range read gives, and in which direction. Without any: the first 1,000 members, ascending. */
export interface RangeOptions {
  /** Inclusive. */
  min?: number
  /** Inclusive. */
  max?: number
  /** Default: 1,000. */
  limit?: number
  /** How many to pass over. A page far from the start is read by `after`, which takes the same time at any depth. */
  offset?: number
  /**
   * Members beyond this one in the order of the read: the last member of a page gives the next page. It need not be in the
   * index any more. No member that stays is missed or comes twice, whatever else is added or removed between two pages.
   */
  after?: Scored
  /** Only members that begin with this text. `min` and `max` must be one score, so that these members stand side by side. */
  prefix?: string
  /** From the highest score and the last member to the first. */
  descending?: boolean
}

/**
 * What `scan` finds, with the milliseconds until it expires; without `ttl` it does not expire. The value of a counter is its
 * decimal digits, and `put` of them makes the counter again (beneath a store that seals, because a counter is not). The TTL of a member is that of its whole index.
 */
export type Found =
  | { kind: 'value'; key: string; value: string; ttl?: Ttl }
  | { kind: 'member'; index: string; member: string; score: number; ttl?: Ttl }

/** A counter and the milliseconds until its window ends. */
export interface Counted {
  count: number
  ttl: Ttl
}

/**
 * Keys and values are strings. Every verb rejects with `StoreUnavailable` when the backend does not answer in time, and
 * never resolves before the backend has acknowledged it.
 */
export interface Store {
  /**
   * Whether values are sealed from the backend. Members and scores are not, so what is written of a person there must not be
   * personal data then. It may change while values are being sealed or unsealed: do not keep it.
   */
  readonly seals: boolean
  /** The value, or undefined when absent or expired. */
  get(key: string): Promise<string | undefined>
  /** Writes and replaces value and TTL. Without `ttl` the key does not expire. */
  put(key: string, value: string, ttl?: Ttl): Promise<void>
  /** Writes only if the key is absent: true for one caller until the key expires. */
  create(key: string, value: string, ttl?: Ttl): Promise<boolean>
  /** Compares and swaps: true when the current value was `expected`. Replaces the TTL too. */
  replace(key: string, expected: string, value: string, ttl?: Ttl): Promise<boolean>
  /** Reads and deletes: the value for one caller, undefined for all others. Also used to delete. */
  take(key: string): Promise<string | undefined>
  /**
   * Adds `by` (default 1) to a counter; 0 reads it. Its window of `ttl` starts with the first increment and is not extended.
   * Counters share the keys of values, so `take` resets a counter. Each backend chooses how it stores a counter.
   */
  increment(key: string, ttl: Ttl, by?: number): Promise<Counted>
  /**
   * Adds `member` to an index, or changes its score. With `ttl`, the whole index is kept at least that long; without, it
   * does not expire. Names of indexes and keys are separate: `get('a')` does not read the index `a`.
   */
  link(index: string, member: string, score: number, ttl?: Ttl): Promise<void>
  /** Removes `member` from an index, if it is there. */
  unlink(index: string, member: string): Promise<void>
  /** Members by score, ties by the UTF-8 bytes of the member. A page takes time by its `limit` and `offset`, not by the size of the index. */
  range(index: string, options?: RangeOptions): Promise<Scored[]>
  /** Removes members whose score is at most `max`. */
  trim(index: string, max: number): Promise<void>
  /**
   * All values and all members of all indexes, a page at a time, in no order. For commands: the time it takes grows with the
   * store. It sees no single moment: what exists from its beginning to its end comes at least once, and what is written or
   * removed during the scan comes or does not. Rejects when the backend changes so that something might be missed.
   */
  scan(): AsyncIterable<readonly Found[]>
  /** Resolves when the backend answers and accepts a write; used by /health. */
  ping(): Promise<void>
  /**
   * Milliseconds since the epoch by the clock of the backend, which all instances share. Undefined when the backend does
   * not tell; absent where it has the clock of this machine.
   */
  time?(): Promise<number | undefined>
  /** What the settings of the backend can lose, and what its user may do. Absent: nothing beyond what is documented. */
  concerns?(): Promise<Concern[]>
  /** Closes connections and files. */
  close(): Promise<void>
}

/** What a backend can besides, for a move of its data. docs/decisions/0086-moves.md */
export interface Backend extends Store {
  /** Overwrites what was removed and is in its files still. Absent where the operator of the backend does that. */
  overwriteRemoved?(): Promise<void>
  /** The value, and the milliseconds until it expires; without `ttl` it does not. */
  read(key: string): Promise<{ value: string; ttl?: Ttl } | undefined>
  /** As `link`, but a member that is there keeps its score. */
  adopt(index: string, member: string, score: number, ttl?: Ttl): Promise<void>
}

/** Milliseconds for which the record that `ping` writes is kept. */
export const pingTtl = 60_000

/** The operator decides (decision 13), and a start does not say it each time: `config check --deploy` does. */
export const quietConcerns = ['not_on_disk', 'superuser', 'every_right'] as const
type QuietConcern = (typeof quietConcerns)[number]

export interface Concern {
  /**
   * `evicts`: the backend deletes records that have not expired. `not_on_disk`: a crash of the backend loses minutes.
   * `superuser`, `every_right`: the user may do more than the store needs.
   */
  name: 'evicts' | 'may_lose_writes' | 'unknown_settings' | QuietConcern
  /** What is set, what it can lose, what to set. */
  text: string
}

/** The backend did not answer in time or refused; the request must fail with 503 and Retry-After. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable'
  /** The backend answers and takes no write: it is a replica, or its disk or memory is full. */
  readonly refusesWrites: boolean

  constructor(message: string, options: ErrorOptions & { refusesWrites?: boolean } = {}) {
    super(message, options)
    this.refusesWrites = options.refusesWrites ?? false
  }
}
