/** What two stores have, by kind, to be compared without keeping either in the memory: eight bytes for each record. docs/decisions/0086-moves.md */
import { createHash } from 'node:crypto'
import { realmOf } from '../../store/realm.ts'
import type { Found, Store } from '../../store/store.ts'

/** A growing list of numbers, which sorts and has no number twice once it is `settled`. */
class Hashes {
  #held = new BigUint64Array(1024)
  #length = 0

  add(hash: bigint): void {
    if (this.#length === this.#held.length) {
      const next = new BigUint64Array(2 * this.#length)
      next.set(this.#held)
      this.#held = next
    }
    this.#held[this.#length++] = hash
  }

  /** A scan may tell of one record twice. */
  settled(): BigUint64Array {
    const sorted = this.#held.subarray(0, this.#length).sort()
    let last = 0
    for (let i = 1; i < sorted.length; i++) if (sorted[i] !== sorted[last]) sorted[++last] = sorted[i]!
    return sorted.subarray(0, Math.min(sorted.length, last + 1))
  }
}

/** Records that last for the whole comparison, and those that end before and may be gone on one side. */
interface Kind {
  lasting: Hashes
  ending: Hashes
}

export type Contents = ReadonlyMap<string, Kind>

/** The first part of a key is its kind; the rest may name a person. Of all realms together. */
function kindOf(found: Found): string {
  const inside = realmOf(found)?.inside
  if (inside) return `realm ${kindOf(inside)}`
  return found.kind === 'value'
    ? found.key.split(':', 1)[0]!.slice(0, 60)
    : `index ${found.index.split(':', 1)[0]!.slice(0, 60)}`
}

function hashOf(found: Found): bigint {
  const parts =
    found.kind === 'value' ? [found.key, found.value] : [found.index, found.member, `${found.score}`]
  // Whether it ends is a part of it; when it ends differs by the time that a copy takes.
  const text = JSON.stringify([...parts, found.ttl === undefined])
  return createHash('sha256').update(text).digest().readBigUInt64BE()
}

/** `endsAfter`: milliseconds left, as of a record that lasts. `isKept` leaves out what is of no concern. */
export async function contentsOf(
  store: Pick<Store, 'scan'>,
  { endsAfter, isKept }: { endsAfter(): number; isKept(found: Found): boolean },
): Promise<Contents> {
  const kinds = new Map<string, Kind>()
  for await (const page of store.scan())
    for (const found of page) {
      if (!isKept(found)) continue
      const name = kindOf(found)
      let kind = kinds.get(name)
      if (!kind) kinds.set(name, (kind = { lasting: new Hashes(), ending: new Hashes() }))
      const isLasting = found.ttl === undefined || found.ttl > endsAfter()
      kind[isLasting ? 'lasting' : 'ending'].add(hashOf(found))
    }
  return kinds
}

function has(sorted: BigUint64Array, hash: bigint): boolean {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! < hash) low = middle + 1
    else high = middle
  }
  return sorted[low] === hash
}

const none = new BigUint64Array(0)

export interface Compared {
  kind: string
  /** Records that last. Those that end within minutes are compared where both stores have them. */
  records: number
  /** SHA-256 over the hashes of those records, in their order, as the target has them. */
  sha256: string
  /** In the source and not in the target, or another value. */
  missing: number
  /** In the target and not in the source. */
  surplus: number
}

export function compare(source: Contents, target: Contents): Compared[] {
  const names = [...new Set([...source.keys(), ...target.keys()])].toSorted()
  return names.map((kind) => {
    const [ours, theirs] = [source.get(kind), target.get(kind)]
    const [lasting, ending] = [ours?.lasting.settled() ?? none, ours?.ending.settled() ?? none]
    const [lastingThere, endingThere] = [theirs?.lasting.settled() ?? none, theirs?.ending.settled() ?? none]
    const found = lasting.filter((hash) => has(lastingThere, hash) || has(endingThere, hash))
    const surplus = lastingThere.filter((hash) => !has(lasting, hash) && !has(ending, hash))
    return {
      kind,
      records: found.length,
      sha256: createHash('sha256').update(new Uint8Array(found.slice().buffer)).digest('hex'),
      missing: lasting.length - found.length,
      surplus: surplus.length,
    }
  })
}
