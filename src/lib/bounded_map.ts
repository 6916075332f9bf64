/**
 * A map that is bounded by the bytes of what it holds. Two generations: entries go into the young one; when it is half
 * full it becomes the old one, and the old one before it is dropped whole. An entry that is read moves to the young one.
 * Deleting the oldest entry of a Map one by one would cost a walk over all deleted ones each time.
 */

export interface BoundedMap<V> {
  get(key: string): V | undefined
  /** Keeps `value` under `key`, which counts as `bytes`. What is larger than an eighth of the bound is not kept. */
  set(key: string, value: V, bytes: number): void
  delete(key: string): void
  clear(): void
}

interface Held<V> {
  value: V
  bytes: number
}

/** `maxBytes` is what all entries may count together. */
export function createBoundedMap<V>(maxBytes: number): BoundedMap<V> {
  let young = new Map<string, Held<V>>()
  let old = new Map<string, Held<V>>()
  let youngBytes = 0

  const keep = (key: string, held: Held<V>): void => {
    if (youngBytes + held.bytes > maxBytes / 2) {
      old = young
      young = new Map()
      youngBytes = 0
    }
    young.set(key, held)
    youngBytes += held.bytes
  }
  const remove = (key: string): void => {
    const held = young.get(key)
    if (held && young.delete(key)) youngBytes -= held.bytes
    old.delete(key)
  }

  return {
    get(key) {
      const held = young.get(key)
      if (held) return held.value
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
