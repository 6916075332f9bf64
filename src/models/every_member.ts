/** All of an index, however long: the store reads a page of it at a time. docs/architecture.md, "Store". */
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
