/**
 * A map that is bounded by the bytes of its values. It has two generations. New entries go into the young one. When that
 * has half of the bytes, it becomes the old one, and the previous old one is dropped. An entry that is read moves to the
 * young one. Deleting the oldest entry of one Map would each time iterate over all entries deleted before.
 */

export interface BoundedMap<V> {
  get(key: string): V | undefined
  /** Keeps `value`, which counts as `bytes`. A value larger than an eighth of the bound is not kept. */
  set(key: string, value: V, bytes: number): void
  delete(key: string): void
  clear(): void
}

interface Entry<V> {
  value: V
  bytes: number
}

/** `maxBytes` bounds the sum of all entries. */
export function createBoundedMap<V>(maxBytes: number): BoundedMap<V> {
  let young = new Map<string, Entry<V>>()
  let old = new Map<string, Entry<V>>()
  let youngBytes = 0

  const keep = (key: string, entry: Entry<V>): void => {
    if (youngBytes + entry.bytes > maxBytes / 2) {
      old = young
      young = new Map()
      youngBytes = 0
    }
    young.set(key, entry)
    youngBytes += entry.bytes
  }
  const remove = (key: string): void => {
    const entry = young.get(key)
    if (entry && young.delete(key)) youngBytes -= entry.bytes
    old.delete(key)
  }

  return {
    get(key) {
      const entry = young.get(key)
      if (entry) return entry.value
      const older = old.get(key)
      if (older && old.delete(key)) keep(key, older)
      return older?.value
    },
    set(key, value, bytes) {
      remove(key)
      if (bytes <= maxBytes / 8) keep(key, { value, bytes })
    },
    delete: remove,
    clear() {
      young = new Map()
      old = new Map()
      youngBytes = 0
    },
  }
}
