/** The store in the memory of this process; its data ends with the process. docs/architecture.md, "Store". */
import { type Clock, elapsedOf } from '../lib/clock.ts'
import { compareScored, finiteScore, rangeBounds, wholeStep, wholeTtl } from './bounds.ts'
import { Generations } from './generations.ts'
import { inPages, withTtl } from './pages.ts'
import { between, type Chunks, countBefore, insert, remove, removeFirst } from './sorted.ts'
import type { Backend, Counted, Found, RangeOptions, Scored, Ttl } from './store.ts'

/** `expiresAt` in milliseconds by the monotonic clock, Infinity for never. Only two members, because there are millions of entries. */
interface Entry {
  value: string
  expiresAt: number
}

/** `order` has the objects of `members`, always sorted. */
interface Index {
  members: Map<string, Scored>
  order: Chunks
  expiresAt: number
}

/** Entries checked for expiry at each write: more than one, so that sweeping is faster than growth. */
const sweepPerWrite = 3
/** Entries checked each second when nothing is written: about a millisecond of work. */
const sweepPerSecond = 10_000

/** A store for one process. TTLs follow `clock`; an unref'd timer sweeps until `close`. */
export const memoryStore = (clock: Clock): Backend => new MemoryStore(clock)

class MemoryStore implements Backend {
  readonly seals = false
  readonly #clock: Clock
  readonly #entries = new Generations<Entry>()
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

  async read(key: string): Promise<{ value: string; ttl?: Ttl } | undefined> {
    const entry = this.#live(key)
    return entry && { value: entry.value, ...withTtl(entry.expiresAt, this.#now(), Infinity) }
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
    const before = index.members.get(member)
    if (before) remove(index.order, before)
    index.members.set(member, scored) // a member that was there keeps its place in a scan
    insert(index.order, scored)
    this.#sweep(sweepPerWrite)
  }

  async adopt(name: string, member: string, score: number, ttl?: Ttl): Promise<void> {
    const there = this.#liveIndex(name)?.members.get(member)
    await this.link(name, member, there?.score ?? score, ttl)
  }

  async unlink(name: string, member: string): Promise<void> {
    const index = this.#liveIndex(name)
    const scored = index?.members.get(member)
    if (!index || !scored) return
    remove(index.order, scored)
    index.members.delete(member)
    if (!index.order.length) this.#indexes.delete(name)
  }

  async range(name: string, options?: RangeOptions): Promise<Scored[]> {
    const { from, max, to, limit, offset, descending } = rangeBounds(options)
    const order = this.#liveIndex(name)?.order ?? []
    const first = countBefore(order, (each) => compareScored(each, from) >= 0)
    const end = countBefore(order, (each) => each.score > max || compareScored(each, to) >= 0)
    const found = descending
      ? between(order, Math.max(first, end - offset - limit), end - offset).reverse()
      : between(order, first + offset, Math.min(end, first + offset + limit))
    return found.map(({ member, score }) => ({ member, score }))
  }

  async trim(name: string, max: number): Promise<void> {
    const index = this.#liveIndex(name)
    if (!index) return
    for (const { member } of removeFirst(
      index.order,
      countBefore(index.order, ({ score }) => score > max),
    ))
      index.members.delete(member)
    if (!index.order.length) this.#indexes.delete(name)
  }

  async *scan(): AsyncGenerator<readonly Found[]> {
    yield* inPages(this.#everything())
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {
    clearInterval(this.#timer)
  }

  /** The iterators stay valid while entries change. */
  *#everything(): Generator<Found> {
    for (const [key, { value, expiresAt }] of this.#entries.entries()) {
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
    const expiresAt = this.#expiry(ttl)
    const entry = this.#entries.get(key)
    if (entry) Object.assign(entry, { value, expiresAt })
    else this.#entries.add(key, { value, expiresAt })
    this.#sweep(sweepPerWrite)
  }

  /** Checks the next `steps` entries and the next `steps` indexes. The iterators stay valid while entries change. */
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
