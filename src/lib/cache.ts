/** A small cache with a short memory and single flight: what was just read is not read again. */
import type { Clock } from './clock.ts'

export interface Cache<T> {
  /** The value for `key`, loaded at most once at a time and kept for the cache's lifetime. */
  get(key: string, load: (key: string) => Promise<T | undefined>): Promise<T | undefined> | T
  forget(key: string): void
}

/** `lifetime` in milliseconds; at most `limit` entries, the oldest leave first. Absence is not remembered. */
export function createCache<T>(clock: Clock, lifetime: number, limit: number): Cache<T> {
  const entries = new Map<string, { value: T; until: number }>()
  const loading = new Map<string, Promise<T | undefined>>()

  async function read(key: string, load: (key: string) => Promise<T | undefined>): Promise<T | undefined> {
    return load(key)
  }

  /** Only the flight that is still the key's own may be kept: one that a `forget` overtook carries an old value. */
  function begin(key: string, load: (key: string) => Promise<T | undefined>): Promise<T | undefined> {
    const land = (value: T | undefined) => {
      if (loading.get(key) !== flight) return
      loading.delete(key)
      if (value === undefined || lifetime <= 0) return
      entries.delete(key)
      entries.set(key, { value, until: clock.now() + lifetime })
      if (entries.size > limit) entries.delete(entries.keys().next().value!)
    }
    const flight = read(key, load)
    loading.set(key, flight)
    flight.then(land, () => land(undefined))
    return flight
  }

  return {
    get(key, load) {
      const entry = entries.get(key)
      if (entry && entry.until > clock.now()) return entry.value
      return loading.get(key) ?? begin(key, load)
    },
    forget(key) {
      entries.delete(key)
      loading.delete(key) // a read under way may carry the old value: it answers its caller and is not kept
    },
  }
}
