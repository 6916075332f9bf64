/** A value that is made at its first use and kept: what no request may ever ask for does not belong into the start. */

/** `make` must be pure. If it throws, the next call tries again. */
export function lazy<T>(make: () => T): () => T {
  let kept: { value: T } | undefined
  return () => (kept ??= { value: make() }).value
}
