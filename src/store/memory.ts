/** The store in the memory of this process; its data ends with the process. docs/architecture.md, "Store". */
import { type Clock, elapsedOf } from '../lib/clock.ts'
import { compareBytes, finiteScore, rangeBounds, wholeStep, wholeTtl } from './bounds.ts'
import { inPages, withTtl } from './pages.ts'
import type { Counted, Found, RangeOptions, Scored, Store, Ttl } from './store.ts'

/** `expiresAt` in milliseconds by the monotonic clock, Infinity for never. Only two members, because there are millions of entries. */
interface Entry {
  value: string
  expiresAt: number
}

/** `order` has the objects of `members`, always sorted. */
interface Index {
  members: Map<string, Scored>
  order: Scored[]
  expiresAt: number
}

/** Entries checked for expiry at each write: more than one, so that sweeping is faster than growth. */
const sweepPerWrite = 3
/** Entries checked each second when nothing is written: about a millisecond of work. */
const sweepPerSecond = 10_000

/** A store for one process. TTLs follow `clock`; an unref'd timer sweeps until `close`. */
export const memoryStore = (clock: Clock): Store => new MemoryStore(clock)

class MemoryStore implements Store {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  readonly #indexes = new Map<string, Index>()
  readonly #timer: ReturnType<typeof setInterval>
  #entryCursor = this.#entries.entries()
  #indexCursor = this.#indexes.entries()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#timer = setInterval(() => this.#sweep(sweepPerSecond), 1000)
    this.#timer.unref()
  }

  /** Not the time of day: one that is set ahead and back must not lose what was used. */
  #now(): number {
    return elapsedOf(this.#clock)
  }

  async get(key: string): Promise<string | undefined> {
    return this.#live(key)?.value
  }

  async put(key: string, value: string, ttl?: Ttl): Promise<void> {
    this.#set(key, value, ttl)
  }

  async create(key: string, value: string, ttl?: Ttl): Promise<boolean> {
    if (this.#live(key)) return false
    this.#set(key, value, ttl)
    return true
  }

  async replace(key: string, expected: string, value: string, ttl?: Ttl): Promise<boolean> {
    if (this.#live(key)?.value !== expected) return false
    this.#set(key, value, ttl)
    return true
  }

  async take(key: string): Promise<string | undefined> {
    const entry = this.#live(key)
    if (entry) this.#entries.delete(key)
    return entry?.value
  }

  async increment(key: string, ttl: Ttl, by = 1): Promise<Counted> {
    const window = wholeTtl(ttl)
    const now = this.#now()
    const entry = this.#live(key)
    const count = Number(entry?.value ?? 0) + wholeStep(by)
    if (!Number.isSafeInteger(count)) throw new RangeError('increment: this key does not hold a counter')
    if (!entry) this.#set(key, `${count}`, window)
    else {
      entry.value = `${count}`
      if (entry.expiresAt === Infinity) entry.expiresAt = now + window
    }
    return { count, ttl: entry ? entry.expiresAt - now : window }
  }

  async link(name: string, member: string, score: number, ttl?: Ttl): Promise<void> {
    const expiresAt = this.#expiry(ttl)
    const scored = { member, score: finiteScore(score) }
    let index = this.#liveIndex(name)
    if (!index) this.#indexes.set(name, (index = { members: new Map(), order: [], expiresAt }))
    index.expiresAt = Math.max(index.expiresAt, expiresAt)
    removeFromOrder(index, member)
    index.members.set(member, scored) // a member that was there keeps its place in a scan
    index.order.splice(position(index.order, scored), 0, scored)
    this.#sweep(sweepPerWrite)
  }

  async unlink(name: string, member: string): Promise<void> {
    const index = this.#liveIndex(name)
    if (!index) return
    remove(index, member)
    if (!index.order.length) this.#indexes.delete(name)
  }

  async range(name: string, options?: RangeOptions): Promise<Scored[]> {
    const { min, max, limit, offset } = rangeBounds(options)
    const order = this.#liveIndex(name)?.order ?? []
    const from = firstAt(order, (scored) => scored.score >= min) + offset
    const to = Math.min(
      firstAt(order, (scored) => scored.score > max),
      from + limit,
    )
    return order.slice(from, Math.max(from, to)).map(({ member, score }) => ({ member, score }))
  }

  async trim(name: string, max: number): Promise<void> {
    const index = this.#liveIndex(name)
    if (!index) return
    for (const { member } of index.order.splice(
      0,
      firstAt(index.order, (scored) => scored.score > max),
    )) {
      index.members.delete(member)
    }
    if (!index.order.length) this.#indexes.delete(name)
  }

  async *scan(): AsyncGenerator<readonly Found[]> {
    yield* inPages(this.#everything())
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {
    clearInterval(this.#timer)
  }

  /** The iterators of a Map stay valid while the Map changes. */
  *#everything(): Generator<Found> {
    for (const [key, { value, expiresAt }] of this.#entries) {
      const now = this.#now()
      if (expiresAt > now) yield { kind: 'value', key, value, ...withTtl(expiresAt, now, Infinity) }
    }
    for (const [name, index] of this.#indexes)
      for (const { member, score } of index.members.values()) {
        const now = this.#now()
        if (index.expiresAt <= now) break
        yield { kind: 'member', index: name, member, score, ...withTtl(index.expiresAt, now, Infinity) }
      }
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (!entry || entry.expiresAt > this.#now()) return entry
    this.#entries.delete(key)
    return undefined
  }

  #liveIndex(name: string): Index | undefined {
    const index = this.#indexes.get(name)
    if (!index || index.expiresAt > this.#now()) return index
    this.#indexes.delete(name)
    return undefined
  }

  #expiry(ttl: Ttl | undefined): number {
    return ttl === undefined ? Infinity : this.#now() + wholeTtl(ttl)
  }

  #set(key: string, value: string, ttl: Ttl | undefined): void {
    this.#entries.set(key, { value, expiresAt: this.#expiry(ttl) })
    this.#sweep(sweepPerWrite)
  }

  /** Checks the next `steps` entries and the next `steps` indexes. The iterator of a Map stays valid while the Map changes. */
  #sweep(steps: number): void {
    const now = this.#now()
    for (let i = 0; i < steps; i++) {
      const next = this.#entryCursor.next()
      if (next.done) {
        this.#entryCursor = this.#entries.entries()
        break
      }
      if (next.value[1].expiresAt <= now) this.#entries.delete(next.value[0])
    }
    for (let i = 0; i < steps; i++) {
      const next = this.#indexCursor.next()
      if (next.done) {
        this.#indexCursor = this.#indexes.entries()
        break
      }
      if (next.value[1].expiresAt <= now) this.#indexes.delete(next.value[0])
    }
  }
}

/** The first position in a sorted array from which `holds` is true; the length when there is none. */
function firstAt(order: Scored[], holds: (scored: Scored) => boolean): number {
  let low = 0
  let high = order.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(order[middle] as Scored)) high = middle
    else low = middle + 1
  }
  return low
}

/** The position of `scored`, present or not. Inserting there moves pointers only: with 100,000 members it takes microseconds. */
const position = (order: Scored[], { member, score }: Scored): number =>
  firstAt(
    order,
    (other) => other.score > score || (other.score === score && compareBytes(other.member, member) >= 0),
  )

function removeFromOrder(index: Index, member: string): void {
  const scored = index.members.get(member)
  if (scored) index.order.splice(position(index.order, scored), 1)
}

function remove(index: Index, member: string): void {
  removeFromOrder(index, member)
  index.members.delete(member)
}
