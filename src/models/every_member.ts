/** Reads a whole index page by page, and finds the member to delete when an index is full. docs/architecture.md, "Store". */
import type { RangeOptions, Scored, Store } from '../store/store.ts'

const page = 1_000

/** Members from the score `min` on, ascending. */
export async function everyMember(store: Store, index: string, min = -Infinity): Promise<string[]> {
  const all: string[] = []
  for await (const some of pagesOf(store, index, { min })) for (const { member } of some) all.push(member)
  return all
}

/** The whole of a range, a page at a time. What stays in the index comes once, whatever changes between two pages. */
export async function* pagesOf(
  store: Pick<Store, 'range'>,
  index: string,
  options: RangeOptions = {},
): AsyncGenerator<Scored[]> {
  const limit = options.limit ?? page
  for (let after = options.after; ;) {
    const some = await store.range(index, { ...options, limit, ...(after && { after }) })
    if (some.length > 0) yield some
    after = some.at(-1)
    if (after === undefined || some.length < limit) return
  }
}

/** The oldest member of an index that has more than `most`. A caller that deletes it after each `link` bounds the index. */
export async function oldestBeyond(store: Store, index: string, most: number): Promise<string | undefined> {
  const [surplus] = await store.range(index, { offset: most, limit: 1 })
  const [oldest] = surplus ? await store.range(index, { limit: 1 }) : []
  return oldest?.member
}

/** All that the pages have. */
export async function allOf<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = []
  for await (const page of pages) for (const each of page) all.push(each)
  return all
}

/** Records of an index in its order. */
export interface IndexPage<T> {
  items: T[]
  /** Where the next page begins; undefined on the last one. A page may be shorter than its limit, also empty, and not the last. */
  next?: Scored
}

/** Which part of an index one page has. */
export type PageOptions = Pick<RangeOptions, 'min' | 'descending'> & {
  after?: Scored | undefined
  limit: number
}

/** One page. A member without its record is left out. */
export async function pageOf<T>(
  store: Pick<Store, 'range'>,
  index: string,
  { after, limit, ...options }: PageOptions,
  find: (found: Scored) => Promise<T | undefined>,
): Promise<IndexPage<T>> {
  const more = await store.range(index, { ...options, limit: limit + 1, ...(after && { after }) })
  const members = more.slice(0, limit)
  const items = (await Promise.all(members.map(find))).filter((item) => item !== undefined)
  return { items, ...(more.length > limit && { next: members.at(-1)! }) }
}

/** The items of all pages. */
export async function listAll<T>(
  read: (at: { after: Scored | undefined; limit: number }) => Promise<IndexPage<T>>,
): Promise<T[]> {
  const all: T[] = []
  let after: Scored | undefined
  do {
    const { items, next } = await read({ after, limit: page })
    all.push(...items)
    after = next
  } while (after)
  return all
}
