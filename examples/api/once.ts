/** Remembers which proofs were used. In one process a Map will do; processes behind one address need a store that they share. */
import { Unavailable } from './ask.ts'

/** True for the first caller with this key, and for no other. In Redis: `SET key 1 NX PX ms`. */
export type UseOnce = (owner: string, id: string) => boolean | Promise<boolean>

interface Bounds {
  /** Milliseconds for which a key is remembered: longer than a proof is good, with the clock of its client ahead. */
  ms: number
  most: number
  /** Of one owner, so that one client cannot use up the memory for all. */
  mostOfOne: number
}

const usual: Bounds = { ms: 200_000, most: 200_000, mostOfOne: 10_000 }

export function createUseOnce({ ms, most, mostOfOne }: Bounds = usual, now = Date.now): UseOnce {
  // All are remembered for the same time, so the first of the Map is the oldest.
  const used = new Map<string, { owner: string; until: number }>()
  const counts = new Map<string, number>()
  const count = (owner: string, change: 1 | -1) => {
    const next = (counts.get(owner) ?? 0) + change
    if (next > 0) counts.set(owner, next)
    else counts.delete(owner)
  }
  return (owner, id) => {
    for (const [key, { owner: of, until }] of used) {
      if (until > now()) break
      used.delete(key)
      count(of, -1)
    }
    const key = `${owner} ${id}`
    if (used.has(key)) return false
    // A full memory refuses: to forget a proof that is still good would let it in twice.
    if (used.size >= most || (counts.get(owner) ?? 0) >= mostOfOne) throw new Unavailable('too many proofs')
    used.set(key, { owner, until: now() + ms })
    count(owner, 1)
    return true
  }
}
