/** Reads a whole index page by page, and finds the member to delete when an index is full. docs/architecture.md, "Store". */
import type { Store } from '../store/store.ts'

const page = 1_000

/** Members from the score `min` on, ascending. */
export async function everyMember(store: Store, index: string, min = -Infinity): Promise<string[]> {
  const all: string[] = []
  for (;;) {
    const some = await store.range(index, { min, limit: page, offset: all.length })
    for (const { member } of some) all.push(member)
    if (some.length < page) return all
  }
}

/** The oldest member of an index that has more than `most`. A caller that deletes it after each `link` bounds the index. */
export async function oldestBeyond(store: Store, index: string, most: number): Promise<string | undefined> {
  const [surplus] = await store.range(index, { offset: most, limit: 1 })
  const [oldest] = surplus ? await store.range(index, { limit: 1 }) : []
  return oldest?.member
}
