/** A value that is made at its first use and kept, so that the start does not take time for values that may never be used. */

/** `make` must be pure. If it throws, the next call tries again. */
export function lazy<T>(make: () => T): () => T {
  let kept: { value: T } | undefined
  return () => (kept ??= { value: make() }).value
}
