/** The part of the trail that a verification of a period reads: from the signed checkpoint before it to the one after it. docs/audit.md */
import type { VerificationKeys } from '../../auth/jws.ts'
import { ownMember } from '../../lib/own_member.ts'
import type { Store } from '../../store/store.ts'
import { type Checkpoint, type Covered, readCheckpoint } from './checkpoint.ts'
import type { Newest } from './checkpoints.ts'
import { checkpointKey } from './stored.ts'

export interface Part {
  /** Numbers of checkpoints, both inclusive. */
  first: number
  last: number
  /** Where the entries of each chain begin: a signed checkpoint says what was before. */
  after: Readonly<Record<string, Covered>>
  /** The last batch of each chain that the last checkpoint covers. */
  until: Readonly<Record<string, number>>
}

interface Period {
  /** Milliseconds. */
  from: number
  to: number
}

/**
 * A checkpoint that is damaged, or is missing, is never an end of the part: a search that meets one makes the part longer, so
 * that its verification names it.
 * One checkpoint more is read at the end: an instance may have signed its entries a little later than another one.
 */
export async function partOf(
  { store, ring }: { store: Store; ring: VerificationKeys },
  newest: Newest,
  { from, to }: Period,
): Promise<Part> {
  const at = async (number: number): Promise<Checkpoint | undefined> => {
    const checkpoint = readCheckpoint(ring, (await store.get(checkpointKey(number))) ?? '')
    return checkpoint?.number === number ? checkpoint : undefined
  }
  const oldest = newest.checkpoint.first
  // The last one at or before the beginning.
  let [low, high] = [oldest - 1, newest.number]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const time = (await at(middle))?.time
    if (time !== undefined && time <= from) low = middle
    else high = middle - 1
  }
  const before = low < oldest ? undefined : await at(low)
  const first = before?.number ?? oldest
  // The first one at or after the end.
  ;[low, high] = [first, newest.number]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const time = (await at(middle))?.time
    if (time !== undefined && time >= to) high = middle
    else low = middle + 1
  }
  const later = low < newest.number ? await at(low + 1) : undefined
  const end = later ?? newest.checkpoint
  const after: Record<string, Covered> = {}
  for (const [chain, { base }] of Object.entries(newest.checkpoint.chains)) {
    const covered = ownMember(before?.chains ?? {}, chain)
    // What was dropped since then is not in the store any more.
    after[chain] = covered && covered.seq > base.seq ? covered : base
  }
  return {
    first,
    last: later?.number ?? newest.number,
    after,
    until: Object.fromEntries(Object.entries(end.chains).map(([chain, { batch }]) => [chain, batch])),
  }
}
