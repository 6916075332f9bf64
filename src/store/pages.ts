/** Pages of a scan, shared by the backends. docs/architecture.md, "Store". */
import type { Found } from './store.ts'

/** Most rows in a page, so that the memory for one is bounded by the longest value. */
export const pageRows = 100

/** What `found` gives, a page at a time. */
export function* inPages(found: Iterable<Found>): Generator<Found[]> {
  let page: Found[] = []
  for (const each of found) {
    page.push(each)
    if (page.length < pageRows) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}

/**
 * Reads rows in the order of their key, from `first` on. Each page begins where the one before ended, so that a row that
 * stays is never missed, whatever is added or removed during the scan.
 */
export async function* inOrder<Row, Key>(
  first: Key,
  read: (from: Key) => Promise<Row[]>,
  after: (last: Row) => Key,
): AsyncGenerator<Row[]> {
  for (let from = first; ;) {
    const rows = await read(from)
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows
    from = after(last)
  }
}

/** A `ttl` where there is an end. */
export const withTtl = (expiresAt: number, now: number, never: number): { ttl?: number } =>
  expiresAt === never ? {} : { ttl: Math.max(1, expiresAt - now) }
