/** What one instance keeps of requests that failed: a list that is bounded by bytes, the oldest first to go. */

export interface Kept<T> {
  /** `bytes` is what the entry counts as. */
  add(entry: T, bytes: number): void
  find(id: string): T | undefined
  /** The newest first. */
  latest(most: number): T[]
  /** The sum of the entries. */
  bytes(): number
}

interface Held<T> {
  entry: T
  bytes: number
}

export function createKept<T extends { id: string }>(maxBytes: number): Kept<T> {
  let queue: Held<T>[] = []
  /** Where the oldest entry is: an array gives up its first members in one step, not one by one. */
  let first = 0
  let total = 0
  const byId = new Map<string, T>()

  function dropOldest(): void {
    const { entry, bytes } = queue[first]!
    first += 1
    total -= bytes
    if (byId.get(entry.id) === entry) byId.delete(entry.id)
    if (first < 64 || first * 2 < queue.length) return
    queue = queue.slice(first)
    first = 0
  }

  return {
    add(entry, bytes) {
      queue.push({ entry, bytes })
      byId.set(entry.id, entry)
      total += bytes
      while (total > maxBytes && first < queue.length) dropOldest()
    },
    find: (id) => byId.get(id),
    latest: (most) =>
      queue
        .slice(Math.max(first, queue.length - most))
        .map(({ entry }) => entry)
        .reverse(),
    bytes: () => total,
  }
}
