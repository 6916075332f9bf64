/** A small cache with a short lifetime. Concurrent reads of one key share one load. */
import { createBoundedMap } from './bounded_map.ts'
import { type Clock, isWithin, type Moment, momentOf } from './clock.ts'

export interface Cache<T> {
  /** The value for `key`, loaded once at a time and kept for the lifetime of the cache. */
  get(key: string, load: (key: string) => Promise<T | undefined>): Promise<T | undefined> | T
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

  async function read(key: string, load: (key: string) => Promise<T | undefined>): Promise<T | undefined> {
    return load(key)
  }

  /** The result is kept only while this is still the load of the key: after a `forget` it may be an old value. */
  function begin(key: string, load: (key: string) => Promise<T | undefined>): Promise<T | undefined> {
    const keep = (value: T | undefined) => {
      if (loading.get(key) !== reading) return
      loading.delete(key)
      if (value === undefined || lifetime <= 0) return
      entries.set(key, { value, since: momentOf(clock) }, key.length + bytesOf(value))
    }
    const reading = read(key, load)
    loading.set(key, reading)
    reading.then(keep, () => keep(undefined))
    return reading
  }

  return {
    get(key, load) {
      const entry = entries.get(key)
      if (entry && isWithin(clock, entry.since, lifetime)) return entry.value
      return loading.get(key) ?? begin(key, load)
    },
    forget(key) {
      entries.delete(key)
      loading.delete(key) // a load in progress may have the old value: its callers get it, and it is not kept
    },
  }
}
