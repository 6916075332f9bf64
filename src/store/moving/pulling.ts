/**
 * A store whose data is on the way from `source` to `target`: a key is moved when a verb needs it, or by the command. Nothing
 * is ever added to the source. What it has counts; what it does not have is in the target or nowhere. So a handle that slept
 * finds what is true. docs/decisions/0086-moves.md
 */
import { compareScored } from '../bounds.ts'
import {
  type Backend,
  type Counted,
  type Found,
  type RangeOptions,
  type Scored,
  type Store,
  StoreUnavailable,
  type Ttl,
} from '../store.ts'

/** What stands in the target for a value that is on its way there. It has the name of the one who brings it. */
const placePrefix = '\u0001move:'
const isPlace = (value: string | undefined): boolean => value?.startsWith(placePrefix) ?? false
/** One that was left behind is gone after this time. Until then it reads as absent. */
const placeTtl = 60_000

/** Of a longer member, no backend looks for all of it in its order. */
const longestPrefix = 200

/** Times that a value may be there for `create` and absent for `get`: a value that ends in between is so once. */
const mostHidden = 20
/** A target that seals has a value there that does not open: another party has written it. */
const hidden = (key: string): StoreUnavailable =>
  new StoreUnavailable(`the value of a record does not open where it is moved to (${/^\w*/.exec(key)?.[0]})`)

const known = (value: string | undefined): string | undefined => (isPlace(value) ? undefined : value)

/** The verbs on a target in which places may stand. */
class Target {
  readonly #store: Backend

  constructor(store: Backend) {
    this.#store = store
  }

  async get(key: string): Promise<string | undefined> {
    return known(await this.#store.get(key))
  }

  async create(key: string, value: string, ttl?: Ttl): Promise<boolean> {
    for (let absent = 0; absent < mostHidden;) {
      if (await this.#store.create(key, value, ttl)) return true
      const there = await this.#store.get(key)
      if (there === undefined) {
        absent++ // it has just expired, or was taken
        continue
      }
      if (!isPlace(there)) return false
      if (await this.#store.replace(key, there, value, ttl)) return true
    }
    return false
  }

  async take(key: string): Promise<string | undefined> {
    return known(await this.#store.take(key))
  }

  async increment(key: string, ttl: Ttl, by?: number): Promise<Counted> {
    await this.#clear(key)
    return this.#store.increment(key, ttl, by)
  }

  /** A place is no number. */
  async #clear(key: string): Promise<void> {
    for (;;) {
      const there = await this.#store.get(key)
      if (there === undefined || !isPlace(there)) return
      if (await this.#store.replace(key, there, '0', 1)) await this.#store.take(key)
    }
  }

  async *scan(): AsyncGenerator<readonly Found[]> {
    for await (const page of this.#store.scan()) {
      const rest = page.filter((found) => found.kind === 'member' || !isPlace(found.value))
      if (rest.length > 0) yield rest
    }
  }
}

export interface Pulling extends Store {
  /** Moves the value of `key`, unless it is in the target already. */
  pull(key: string): Promise<void>
  /** Moves a member of an index. One of that name in the target is newer, and stays. */
  pullMember(found: Found & { kind: 'member' }): Promise<void>
}

interface Parts {
  source: Backend
  target: Backend
  /** Milliseconds that only go on. */
  elapsed(): number
  /** A text that nothing else has. */
  unique(): string
}

export function pullingStore({ source, target, elapsed, unique }: Parts): Pulling {
  const there = new Target(target)

  /**
   * The value is copied under a name that only this call has, and counts once it is gone from the source. Each step is a swap
   * that fails when another one was faster, so that a call that sleeps anywhere does nothing when it wakes up.
   */
  async function pull(key: string): Promise<void> {
    for (let absent = 0; ;) {
      const readAt = elapsed()
      const found = await source.read(key)
      if (!found) return
      const before = await target.get(key)
      if (before !== undefined && !isPlace(before)) {
        // Another call has brought it and did not go on: nothing in the target is used before it is gone here.
        await source.take(key)
        return
      }
      const place = `${placePrefix}${unique()}`
      const placed =
        before === undefined
          ? await target.create(key, place, placeTtl)
          : await target.replace(key, before, place, placeTtl)
      if (!placed) {
        absent = before === undefined ? absent + 1 : 0
        if (absent === mostHidden) throw hidden(key)
        continue
      }
      // It may have been moved and used up since it was read. From here on, that would have replaced the place.
      const left = found.ttl === undefined ? undefined : found.ttl - (elapsed() - readAt)
      if ((await source.get(key)) === undefined || (left !== undefined && left <= 0)) {
        await target.replace(key, place, place, 1)
        continue
      }
      if (await target.replace(key, place, found.value, left)) await source.take(key)
    }
  }

  const moved = async <T>(key: string, verb: () => Promise<T>): Promise<T> => {
    await pull(key)
    return verb()
  }

  return {
    seals: target.seals,
    pull,
    async pullMember({ index, member, score, ttl }) {
      if (!(await isListed(source, { index, member, score }))) return
      await target.adopt(index, member, score, ttl)
      await source.unlink(index, member)
    },
    async get(key) {
      return (await source.get(key)) ?? there.get(key)
    },
    put: (key, value, ttl) => moved(key, () => target.put(key, value, ttl)),
    create: (key, value, ttl) => moved(key, () => there.create(key, value, ttl)),
    replace: (key, expected, value, ttl) => moved(key, () => target.replace(key, expected, value, ttl)),
    take: (key) => moved(key, () => there.take(key)),
    increment: (key, ttl, by) => moved(key, () => there.increment(key, ttl, by)),
    // The target first, so that a member is always in one of both.
    async link(index, member, score, ttl) {
      await target.link(index, member, score, ttl)
      await source.unlink(index, member)
    },
    // The source first, so that it is not moved afterwards.
    async unlink(index, member) {
      await source.unlink(index, member)
      await target.unlink(index, member)
    },
    range: (index, options) => rangeOfBoth({ source, target }, index, options),
    async trim(index, max) {
      await source.trim(index, max)
      await target.trim(index, max)
    },
    async *scan() {
      yield* source.scan()
      yield* there.scan()
    },
    async ping() {
      await Promise.all([source.ping(), target.ping()])
    },
    time: async () => (target.time ?? source.time)?.call(target.time ? target : source),
    async concerns() {
      return [...((await source.concerns?.()) ?? []), ...((await target.concerns?.()) ?? [])]
    },
    async close() {
      await Promise.all([source.close(), target.close()])
    },
  }
}

/** Whether a member is where a scan found it. One that was removed since must not come back. */
async function isListed(
  source: Backend,
  { index, member, score }: { index: string; member: string; score: number },
): Promise<boolean> {
  if (member.length > longestPrefix || !member.isWellFormed()) return true
  const [first] = await source.range(index, { min: score, max: score, prefix: member, limit: 1 })
  return first?.member === member
}

/** The source is read first: what is moved in between is in the target by then. */
async function rangeOfBoth(
  { source, target }: Pick<Parts, 'source' | 'target'>,
  index: string,
  options: RangeOptions = {},
): Promise<Scored[]> {
  const { limit = 1000, offset = 0, descending = false } = options
  const both = { ...options, offset: 0, limit: Math.max(0, limit) + Math.max(0, offset) }
  const old = await source.range(index, both)
  const members = new Map(old.map((each) => [each.member, each]))
  for (const each of await target.range(index, both)) members.set(each.member, each)
  const sorted = [...members.values()].toSorted(compareScored)
  if (descending) sorted.reverse()
  return sorted.slice(Math.max(0, offset), Math.max(0, offset) + Math.max(0, limit))
}

/** The target of a move that has ended, where a place may stand for a moment more. */
export function endedStore(target: Backend): Store {
  const there = new Target(target)
  return {
    seals: target.seals,
    get: (key) => there.get(key),
    put: (key, value, ttl) => target.put(key, value, ttl),
    create: (key, value, ttl) => there.create(key, value, ttl),
    replace: (key, expected, value, ttl) => target.replace(key, expected, value, ttl),
    take: (key) => there.take(key),
    increment: (key, ttl, by) => there.increment(key, ttl, by),
    link: (index, member, score, ttl) => target.link(index, member, score, ttl),
    unlink: (index, member) => target.unlink(index, member),
    range: (index, options) => target.range(index, options),
    trim: (index, max) => target.trim(index, max),
    scan: () => there.scan(),
    ping: () => target.ping(),
    close: () => target.close(),
    ...(target.time && { time: () => target.time!() }),
    ...(target.concerns && { concerns: () => target.concerns!() }),
  }
}
