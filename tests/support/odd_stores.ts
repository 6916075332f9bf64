/** Stores that watch or fail, round a real one: how much is kept, and what happens when it goes away. */
import type { Store } from '../../src/store/store.ts'
import { StoreUnavailable } from '../../src/store/store.ts'

const verbs = [
  'get',
  'put',
  'create',
  'replace',
  'take',
  'increment',
  'link',
  'unlink',
  'range',
  'trim',
  'ping',
] as const
export type Verb = (typeof verbs)[number]

type Wrap = <Args extends unknown[], T>(
  verb: Verb,
  run: (...args: Args) => Promise<T>,
) => (...args: Args) => Promise<T>

const wrapped = (inner: Store, wrap: Wrap): Store => ({
  seals: inner.seals,
  get: wrap('get', inner.get),
  put: wrap('put', inner.put),
  create: wrap('create', inner.create),
  replace: wrap('replace', inner.replace),
  take: wrap('take', inner.take),
  increment: wrap('increment', inner.increment),
  link: wrap('link', inner.link),
  unlink: wrap('unlink', inner.unlink),
  range: wrap('range', inner.range),
  trim: wrap('trim', inner.trim),
  scan: () => inner.scan(),
  ping: wrap('ping', inner.ping),
  close: () => inner.close(),
})

/** `before` runs ahead of each verb, which waits for it; it may throw. */
const around = (inner: Store, before: (verb: Verb, key: unknown) => Promise<void> | void): Store =>
  wrapped(inner, (verb, run) => async (...args) => {
    const waits = before(verb, args[0])
    if (waits) await waits
    return run.apply(inner, args)
  })

/** A store that knows its size: each key that was written and not taken since, with the length of its value. Members of an index count as keys. */
export function sizedStore(inner: Store) {
  const kept = new Map<string, number>()
  const store: Store = {
    ...around(inner, () => {}),
    async put(key, value, ttl) {
      await inner.put(key, value, ttl)
      kept.set(key, value.length)
    },
    async create(key, value, ttl) {
      const won = await inner.create(key, value, ttl)
      if (won) kept.set(key, value.length)
      return won
    },
    async replace(key, expected, value, ttl) {
      const swapped = await inner.replace(key, expected, value, ttl)
      if (swapped) kept.set(key, value.length)
      return swapped
    },
    async take(key) {
      kept.delete(key)
      return inner.take(key)
    },
    async increment(key, ttl, by) {
      const counted = await inner.increment(key, ttl, by)
      kept.set(key, `${counted.count}`.length)
      return counted
    },
    async link(index, member, score, ttl) {
      await inner.link(index, member, score, ttl)
      kept.set(`index ${index} ${member}`, member.length)
    },
    async unlink(index, member) {
      await inner.unlink(index, member)
      kept.delete(`index ${index} ${member}`)
    },
  }
  const size = () => ({
    keys: kept.size,
    characters: [...kept.values()].reduce((sum, each) => sum + each, 0),
  })
  return { store, size, keys: () => [...kept.keys()] }
}

/** Goes away and comes back when told: all at once, or from the nth verb on. */
export function failingStore(inner: Store) {
  let left = Infinity
  const used: Verb[] = []
  const store = around(inner, (verb) => {
    used.push(verb)
    if (left-- <= 0) throw new StoreUnavailable(`${verb}: the store is away`)
  })
  return {
    store,
    /** Let `verbs` more pass, then fail. */
    failAfter: (passing: number) => void (left = passing),
    recover: () => void (left = Infinity),
    /** Verbs used since the last call. */
    used: () => used.splice(0),
  }
}

/** One verb, the nth from a moment on, waits until it is told to go; all others pass, those after it too. */
export function pausingStore(inner: Store) {
  let left = Infinity
  let reached = () => {}
  let gate: Promise<void> | undefined
  const store = around(inner, () => {
    if (left-- !== 0) return
    reached()
    return gate
  })
  return {
    store,
    /** Let `verbs` more pass; the one after them waits. `paused` resolves once it does. */
    pauseAfter(verbs: number) {
      const [paused, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      left = verbs
      reached = paused.resolve
      gate = opened.promise
      return {
        paused: paused.promise,
        go() {
          left = Infinity
          opened.resolve()
        },
      }
    },
  }
}

/** Delivers the answer to a verb when it is told to: the verb itself has run, as on a slow line. */
export function holdingStore(inner: Store) {
  const waiting: { verb: Verb; held(): void; delivered: Promise<void> }[] = []
  const answer = async <T>(verb: Verb, run: () => Promise<T>): Promise<T> => {
    const next = waiting.findIndex((each) => each.verb === verb)
    const hold = next < 0 ? undefined : waiting.splice(next, 1)[0]
    const value = await run()
    hold?.held()
    await hold?.delivered
    return value
  }
  const wrap =
    <Args extends unknown[], T>(verb: Verb, run: (...args: Args) => Promise<T>) =>
    (...args: Args): Promise<T> =>
      answer(verb, () => run.apply(inner, args))
  return {
    store: wrapped(inner, wrap),
    /** The answer to the next use of `verb` waits for `deliver`; `held` resolves once the store has answered. */
    hold(verb: Verb) {
      const [held, delivered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      waiting.push({ verb, held: held.resolve, delivered: delivered.promise })
      return { held: held.promise, deliver: () => delivered.resolve() }
    },
  }
}
