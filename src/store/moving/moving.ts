/**
 * The store of a process that takes part in a move while serving: the source at first, then the data on its way, then the
 * target. All handles change from the first to the second while none of them has a verb under way. docs/decisions/0086-moves.md
 */
import { type Backend, type Concern, type Found, type Store, StoreUnavailable } from '../store.ts'
import {
  arrivedKey,
  closedKey,
  handlesIndex,
  isOfMove,
  isOfPresence,
  isWhileServing,
  type MoveMark,
  parseMoveMark,
  unfinishedKey,
} from './mark.ts'
import { endedStore, type Pulling, pullingStore } from './pulling.ts'

type Phase = 'before' | 'closed' | 'moving' | 'ended'

export interface MovingParts {
  source: Backend
  target: Backend
  /** A name that no other handle has. */
  name: string
  clock: { now(): number; elapsed(): number }
  unique(): string
  /** Told once for each problem. */
  warn(problem: string): void
}

/** Milliseconds between two looks at the mark. */
const lookMs = 1_000
/** When a change is about to come. */
const hotLookMs = 25
/** Milliseconds after which a handle that has closed opens again by itself: longer than the command waits for all. */
const closedMs = 2_500
/** Milliseconds for which a verb waits while all handles close. */
const patienceMs = 4_000
/**
 * Milliseconds after a verb without an answer in which this handle does not say that it has closed: the backend may still do
 * what it was asked for.
 */
const unclearMs = 10_000
const rememberedMs = 86_400_000

async function* withoutMove(store: Pick<Store, 'scan'>): AsyncGenerator<readonly Found[]> {
  for await (const page of store.scan()) {
    const rest = page.filter((found) => !isOfMove(found))
    if (rest.length > 0) yield rest
  }
}

/** Reads the mark first, so that the first verb knows how far the move is. */
export async function movingStore(parts: MovingParts): Promise<Store> {
  const store = new MovingStore(parts)
  await store.begin()
  return store
}

class MovingStore implements Store {
  readonly #parts: MovingParts
  readonly #pulling: Pulling
  readonly #ended: Store
  #phase: Phase = 'closed'
  #underWay = 0
  #unclearAt = -Infinity
  #signedAt = -Infinity
  #closedAt = 0
  /** Of the attempt to close that was read; something else while one is about to come. */
  #turn: string | undefined
  /** The last one that this handle has agreed to. */
  #saidTurn: string | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isClosed = false
  #isTargetKnown = false
  #warned = new Set<string>()
  /** Resolves at the next change of the phase. */
  #change = Promise.withResolvers<void>()

  constructor(parts: MovingParts) {
    this.#parts = parts
    this.#pulling = pullingStore({ ...parts, elapsed: () => parts.clock.elapsed() })
    this.#ended = endedStore(parts.target)
  }

  /** Where a value is written now. */
  get seals(): boolean {
    const { source, target } = this.#parts
    return (this.#phase === 'moving' || this.#phase === 'ended' ? target : source).seals
  }

  async begin(): Promise<void> {
    this.#closedAt = this.#parts.clock.elapsed()
    await this.#look()
    this.#lookLater()
  }

  #lookLater(): void {
    if (this.#isClosed || this.#phase === 'ended') return
    const soon = this.#phase === 'closed' || this.#turn !== undefined
    this.#timer = setTimeout(
      () =>
        void this.#look()
          .catch(() => {}) // its verbs fail too, and say so
          .finally(() => this.#lookLater()),
      soon ? hotLookMs : lookMs,
    )
    this.#timer.unref()
  }

  /** One at a time, so that what was read later is what is known. */
  async #look(): Promise<void> {
    const { source, name, clock } = this.#parts
    if (clock.elapsed() - this.#signedAt >= lookMs) {
      // Before the mark is read: a command that sets the mark reads this index afterwards.
      await source.link(handlesIndex, name, Math.floor(clock.now() / 1000), rememberedMs)
      this.#signedAt = clock.elapsed()
    }
    const raw = await source.get(unfinishedKey)
    const mark = parseMoveMark(raw)
    const isOurs = mark?.role === 'source' && isWhileServing(mark)
    if (isOurs && (mark.state === 'moving' || mark.state === 'drained')) {
      await this.#requireTarget(mark)
      return this.#enter(mark.state === 'moving' ? 'moving' : 'ended', undefined)
    }
    // Never back: others may have moved what this handle would look for in the source.
    if (this.#phase === 'moving') return this.#warnOnce('the mark of the move has gone from the source')
    if (!isOurs) return this.#enter('before', undefined)
    if (mark.state === 'announced') return this.#enter('before', 'soon')
    await this.#close(raw!, mark)
  }

  async #requireTarget({ move, other }: MoveMark): Promise<void> {
    if (this.#isTargetKnown) return
    this.#isTargetKnown = (await this.#parts.target.get(arrivedKey)) === move
    if (this.#isTargetKnown) return
    const problem = `STORE_MOVE_TO is not the store that the data is moved to (${other})`
    this.#warnOnce(problem)
    throw new StoreUnavailable(problem)
  }

  #enter(phase: Phase, turn: string | undefined): void {
    this.#turn = turn
    if (phase === this.#phase) return
    this.#phase = phase
    this.#closedAt = this.#parts.clock.elapsed()
    const { resolve } = this.#change
    this.#change = Promise.withResolvers()
    resolve()
  }

  /** No verb begins from here on, and this handle says so when none is under way. */
  async #close(raw: string, mark: MoveMark): Promise<void> {
    const { source, name, clock } = this.#parts
    this.#enter('closed', mark.turn)
    if (clock.elapsed() - this.#closedAt > closedMs) {
      // The command does not go on. The attempt ends for all handles, or it has just succeeded.
      const { turn: _, ...open } = mark
      await source.replace(unfinishedKey, raw, JSON.stringify({ ...open, state: 'announced' }))
      return
    }
    if (this.#saidTurn === mark.turn) return
    if (this.#underWay > 0 || clock.elapsed() - this.#unclearAt < unclearMs) return
    await this.#requireTarget(mark)
    await source.put(closedKey(name), mark.turn ?? '', rememberedMs)
    this.#saidTurn = mark.turn
  }

  #warnOnce(problem: string): void {
    if (this.#warned.has(problem)) return
    this.#warned.add(problem)
    this.#parts.warn(problem)
  }

  async #in<T>(verb: (store: Store) => Promise<T>): Promise<T> {
    const { clock, source } = this.#parts
    const until = clock.elapsed() + patienceMs
    for (;;) {
      if (this.#isClosed) throw new StoreUnavailable('the store is closed')
      if (this.#phase === 'moving') return verb(this.#pulling)
      if (this.#phase === 'ended') return verb(this.#ended)
      if (this.#phase === 'before') {
        this.#underWay++
        try {
          return await verb(source)
        } catch (error) {
          if (error instanceof StoreUnavailable) this.#unclearAt = clock.elapsed()
          throw error
        } finally {
          this.#underWay--
        }
      }
      const left = until - clock.elapsed()
      if (left <= 0) throw new StoreUnavailable('the data is about to be moved to another store')
      await Promise.race([this.#change.promise, Bun.sleep(left)])
    }
  }

  /** A command that fills or replaces this store must not change the mark of a move. */
  #keyed<T>(key: string, verb: (store: Store) => Promise<T>): Promise<T> {
    if (key !== unfinishedKey) return this.#in(verb)
    return Promise.reject(
      new StoreUnavailable('the store takes part in a move: remove STORE_MOVE_TO to fill or to replace it'),
    )
  }

  /** The mark of a move in which this handle takes part keeps out those that do not. */
  async #mark(): Promise<string | undefined> {
    const raw = await (this.#phase === 'ended' ? this.#parts.target : this.#parts.source).get(unfinishedKey)
    const mark = parseMoveMark(raw)
    return mark && mark.role === 'source' && isWhileServing(mark) ? undefined : raw
  }

  get #ofPresence(): Store {
    return this.#phase === 'ended' ? this.#ended : this.#parts.source
  }

  get(key: string): Promise<string | undefined> {
    if (key === unfinishedKey) return this.#mark()
    return this.#in((store) => store.get(key))
  }
  put: Store['put'] = (key, value, ttl) =>
    isOfPresence(key)
      ? this.#ofPresence.put(key, value, ttl)
      : this.#keyed(key, (store) => store.put(key, value, ttl))
  create: Store['create'] = (key, value, ttl) => this.#keyed(key, (store) => store.create(key, value, ttl))
  replace: Store['replace'] = (key, expected, value, ttl) =>
    this.#keyed(key, (store) => store.replace(key, expected, value, ttl))
  take: Store['take'] = (key) => this.#keyed(key, (store) => store.take(key))
  increment: Store['increment'] = (key, ttl, by) => this.#keyed(key, (store) => store.increment(key, ttl, by))
  link: Store['link'] = (index, member, score, ttl) =>
    isOfPresence(index)
      ? this.#ofPresence.link(index, member, score, ttl)
      : this.#in((store) => store.link(index, member, score, ttl))
  unlink: Store['unlink'] = (index, member) =>
    isOfPresence(index)
      ? this.#ofPresence.unlink(index, member)
      : this.#in((store) => store.unlink(index, member))
  range: Store['range'] = (index, options) =>
    isOfPresence(index)
      ? this.#ofPresence.range(index, options)
      : this.#in((store) => store.range(index, options))
  trim: Store['trim'] = (index, max) =>
    isOfPresence(index) ? this.#ofPresence.trim(index, max) : this.#in((store) => store.trim(index, max))

  /** What is moved during the scan is in the target at its end. */
  async *scan(): AsyncGenerator<readonly Found[]> {
    if (this.#phase !== 'ended') yield* withoutMove(this.#parts.source)
    if (this.#phase === 'moving' || this.#phase === 'ended') yield* withoutMove(this.#ended)
  }

  ping(): Promise<void> {
    return this.#in((store) => store.ping())
  }

  time(): Promise<number | undefined> {
    return this.#in(async (store) => store.time?.())
  }

  concerns(): Promise<Concern[]> {
    return this.#pulling.concerns!()
  }

  /** Takes its name out once nothing is under way. Otherwise it stays, until its process is known to have ended. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    const { source, name, clock } = this.#parts
    for (const until = clock.elapsed() + unclearMs; this.#underWay > 0 && clock.elapsed() < until;)
      await Bun.sleep(5)
    if (this.#underWay === 0 && clock.elapsed() - this.#unclearAt >= unclearMs) {
      await source.unlink(handlesIndex, name).catch(() => {})
      await source.take(closedKey(name)).catch(() => {})
    }
    await this.#pulling.close()
  }
}
