/** A small cache with a short lifetime. Concurrent reads of one key share one load. */
import { createBoundedMap } from './bounded_map.ts'
import { type Clock, isWithin, type Moment, momentOf } from './clock.ts'

export interface Cache<T> {
  /** The value for `key`, loaded once at a time and kept for the lifetime of the cache. */
  get(key: string, load: (key: string) => Promise<T | undefined>): Promise<T | undefined> | T
  /**
   * The value as it is now, loaded after this call. Calls for one key that wait share a load, and one load at a time is
   * under way. An absent value leaves the cache as it is.
   */
  renew(key: string, load: (key: string) => Promise<T | undefined>): Promise<T | undefined>
  /** What the cache has now, without a load. */
  peek(key: string): T | undefined
  forget(key: string): void
}

export interface CacheBounds<T> {
  /** Milliseconds. */
  lifetime: number
  /** Beyond the sum of `bytesOf` the oldest values are dropped. */
  maxBytes: number
  bytesOf(value: T): number
}

/** An absent value is not cached. */
export function createCache<T>(clock: Clock, { lifetime, maxBytes, bytesOf }: CacheBounds<T>): Cache<T> {
  const entries = createBoundedMap<{ value: T; since: Moment }>(maxBytes)
  const loading = new Map<string, Promise<T | undefined>>()
  const renewing = new Map<string, Promise<unknown>>()
  const waiting = new Map<string, Promise<T | undefined>>()

  function store(key: string, value: T): void {
    if (lifetime > 0) entries.set(key, { value, since: momentOf(clock) }, key.length + bytesOf(value))
  }

  async function read(key: string, load: (key: string) => Promise<T | undefined>): Promise<T | undefined> {
    return load(key)
  }

  /** The result is kept only while this is still the load of the key: after a `forget` it may be an old value. */
  function begin(key: string, load: (key: string) => Promise<T | undefined>): Promise<T | undefined> {
    const keep = (value: T | undefined) => {
      if (loading.get(key) !== reading) return
      loading.delete(key)
      if (value !== undefined) store(key, value)
    }
    const reading = read(key, load)
    loading.set(key, reading)
    reading.then(keep, () => keep(undefined))
    return reading
  }

  async function loadAnew(
    key: string,
    load: (key: string) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const value = await load(key)
    if (value === undefined) return undefined
    loading.delete(key) // it began earlier and may have the value before this one
    store(key, value)
    return value
  }

  return {
    renew(key, load) {
      const shared = waiting.get(key)
      if (shared) return shared
      const before = renewing.get(key) ?? Promise.resolve()
      const next = before
        .catch(() => {})
        .then(() => {
          waiting.delete(key)
          const reading = loadAnew(key, load)
          renewing.set(key, reading)
          const end = () => void (renewing.get(key) === reading && renewing.delete(key))
          reading.then(end, end)
          return reading
        })
      waiting.set(key, next)
      return next
    },
    get(key, load) {
      const entry = entries.get(key)
      if (entry && isWithin(clock, entry.since, lifetime)) return entry.value
      return loading.get(key) ?? begin(key, load)
    },
    peek(key) {
      const entry = entries.get(key)
      return entry && isWithin(clock, entry.since, lifetime) ? entry.value : undefined
    },
    forget(key) {
      entries.delete(key)
      loading.delete(key) // a load in progress may have the old value: its callers get it, and it is not kept
    },
  }
}
