/** The mark of a store that must not be served: a restore or a move fills it, or its data was moved away. docs/decisions/0080-backups.md, 0086-moves.md */
import { isWhileServing, parseMoveMark, unfinishedKey } from '../store/moving/mark.ts'
import type { Store } from '../store/store.ts'

/** Why a store with this mark must not be served; undefined without one. */
export function unfinishedWords(raw: string | undefined): string | undefined {
  if (raw === undefined) return undefined
  const mark = parseMoveMark(raw)
  if (!mark)
    return 'a restore into this store did not end, so that it may have a part of the data: run the same command again with --replace --yes, until it ends'
  if (mark.role === 'target')
    return `a move from ${mark.other} into this store did not end, so that it may have a part of the data: run the same latchkey migrate again, until it ends`
  if (isWhileServing(mark) && mark.state !== 'drained')
    return `its data is on the way to ${mark.other} while servers use both: set STORE_MOVE_TO to that store, or undo the move with latchkey migrate abort where it can still be undone`
  if (mark.state === 'copying')
    return `its data is on the way to ${mark.other}: run the same latchkey migrate again, until it ends, or undo it with latchkey migrate abort`
  return `its data was moved to ${mark.other}: name that store in STORE_URL`
}

export const isUnfinished = async (plain: Pick<Store, 'get'>): Promise<boolean> =>
  (await plain.get(unfinishedKey)) !== undefined
