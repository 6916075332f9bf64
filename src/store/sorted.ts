/** The members of an index in their order, as chunks: to insert one of a million moves a thousand pointers at most. docs/architecture.md, "Store". */
import { compareScored } from './bounds.ts'
import type { Scored } from './store.ts'

/** No chunk is empty. All members of one are before those of the next. */
export type Chunks = Scored[][]

const mostInChunk = 1000

/** The first position in a sorted array from which `holds` is true; its length when there is none. */
function firstAt<T>(sorted: readonly T[], holds: (each: T) => boolean): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(sorted[middle] as T)) high = middle
    else low = middle + 1
  }
  return low
}

const lastOf = (chunk: readonly Scored[]): Scored => chunk[chunk.length - 1] as Scored

/** How many members are before the first one for which `holds`; once true in the order, it stays true. */
export function countBefore(chunks: Chunks, holds: (scored: Scored) => boolean): number {
  const found = firstAt(chunks, (chunk) => holds(lastOf(chunk)))
  let count = found < chunks.length ? firstAt(chunks[found]!, holds) : 0
  for (let i = 0; i < found; i++) count += chunks[i]!.length
  return count
}

/** Members from the position `start` to before `end`. */
export function between(chunks: Chunks, start: number, end: number): Scored[] {
  const found: Scored[] = []
  let first = 0
  for (const chunk of chunks) {
    if (first >= end) break
    if (first + chunk.length > start)
      for (const each of chunk.slice(Math.max(0, start - first), end - first)) found.push(each)
    first += chunk.length
  }
  return found
}

export function insert(chunks: Chunks, scored: Scored): void {
  const isAtOrAfter = (other: Scored) => compareScored(other, scored) >= 0
  const at = Math.min(
    firstAt(chunks, (chunk) => isAtOrAfter(lastOf(chunk))),
    chunks.length - 1,
  )
  const chunk = chunks[at]
  if (!chunk) return void chunks.push([scored])
  chunk.splice(firstAt(chunk, isAtOrAfter), 0, scored)
  if (chunk.length <= mostInChunk) return
  // What comes in order fills the last chunk: then it stays full, and a new one begins.
  const isInOrder = at === chunks.length - 1 && lastOf(chunk) === scored
  chunks.splice(at + 1, 0, chunk.splice(isInOrder ? mostInChunk : mostInChunk / 2))
}

/** `scored` is in the chunks. */
export function remove(chunks: Chunks, scored: Scored): void {
  const isAtOrAfter = (other: Scored) => compareScored(other, scored) >= 0
  const at = firstAt(chunks, (chunk) => isAtOrAfter(lastOf(chunk)))
  const chunk = chunks[at]!
  chunk.splice(firstAt(chunk, isAtOrAfter), 1)
  if (chunk.length === 0) chunks.splice(at, 1)
}

/** Removes the first `count` members and returns them. */
export function removeFirst(chunks: Chunks, count: number): Scored[] {
  const removed = between(chunks, 0, count)
  let left = count
  while (left > 0 && chunks[0]) {
    left -= chunks[0].splice(0, left).length
    if (chunks[0].length === 0) chunks.shift()
  }
  return removed
}
