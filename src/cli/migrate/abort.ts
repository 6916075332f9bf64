/** `latchkey migrate abort` and `status`. docs/decisions/0086-moves.md */
import { unfinishedKey } from '../../store/moving/mark.ts'
import type { MoveMark } from '../../store/moving/mark.ts'
import type { Store } from '../../store/store.ts'
import { clear, isOfLooks } from '../backup/fill.ts'
import { Refusal } from '../failure.ts'
import { heldBy, placeOf, requireEnded, requireSourceOf, takeOver } from './marks.ts'
import type { Stores } from './stores.ts'

/** Nothing was given up: the source has everything. */
function requireUndoable({ state }: MoveMark, to: string): void {
  if (state === 'moved' || state === 'drained')
    throw new Refusal(`the data was moved to ${to}, where it may have changed since`)
  if (state === 'moving')
    throw new Refusal(
      `servers use both stores by now: run latchkey migrate --while-serving until it ends, and move back afterwards`,
    )
}

/** The target is empty afterwards, and the source is as it was. Refused once the source was given up. */
export async function abort({ from, to }: Stores, gone: readonly string[]): Promise<void> {
  const [ours, theirs] = [await heldBy(from), await heldBy(to)]
  const isTarget = theirs?.mark.role === 'target' && theirs.mark.other === placeOf(from)
  if (!ours && !isTarget) throw new Refusal(`${placeOf(from)} has no move that could be undone`)
  if (ours) {
    requireSourceOf(ours, { from, to })
    requireUndoable(ours.mark, placeOf(to))
    requireEnded(ours.mark, gone)
    requireUndoable((await takeOver(from, ours)).mark, placeOf(to))
  }
  if (isTarget && (!ours || theirs.mark.move === ours.mark.move)) {
    requireEnded(theirs.mark, gone)
    await clear(to.plain)
    await to.plain.take(unfinishedKey)
  }
  await from.plain.take(unfinishedKey)
}

export const placesOf = ({ from, to }: Stores): { from: string; to: string } => ({
  from: placeOf(from),
  to: placeOf(to),
})

export interface Standing {
  state: 'none' | MoveMark['state']
  from: string
  to: string
  run?: string
  /** Records of each, without marks. */
  source: number
  target: number
}

/** Reads both stores from end to end. */
export async function standing({ from, to }: Stores): Promise<Standing> {
  const held = await heldBy(from)
  const count = async (store: Store): Promise<number> => {
    let records = 0
    for await (const page of store.scan()) records += page.filter((found) => !isOfLooks(found)).length
    return records
  }
  const [source, target] = await Promise.all([count(from.plain), count(to.plain)])
  return {
    state: held?.mark.role === 'source' ? held.mark.state : 'none',
    ...placesOf({ from, to }),
    ...(held && { run: held.mark.run.slice(0, held.mark.run.lastIndexOf('/')) }),
    source,
    target,
  }
}
