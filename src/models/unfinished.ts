/** The mark of a store that must not be served: a restore or a move fills it, or its data was moved away. docs/decisions/0080-backups.md, 0086-moves.md */
import * as v from 'valibot'
import type { Store } from '../store/store.ts'

/** Not sealed, so that it is found whatever SECRET_KEY and STORE_ENCRYPTION are. */
export const unfinishedKey = 'unfinished_restore'

const MoveMark = v.object({
  /** The same in both stores. */
  move: v.string(),
  role: v.picklist(['source', 'target']),
  state: v.picklist(['copying', 'moved']),
  /** Where the other store is, without the password of its URL. */
  other: v.string(),
  /** The command that works on it: its machine, its process, and a random part. */
  run: v.string(),
})
/** What `latchkey migrate` leaves in both stores. The target has it until it is whole, the source for good. */
export type MoveMark = v.InferOutput<typeof MoveMark>

/** Undefined for no mark, and for that of a restore. */
export function parseMoveMark(raw: string | undefined): MoveMark | undefined {
  if (!raw?.startsWith('{')) return undefined
  try {
    return v.parse(MoveMark, JSON.parse(raw))
  } catch {
    return undefined
  }
}

/** Why a store with this mark must not be served; undefined without one. */
export function unfinishedWords(raw: string | undefined): string | undefined {
  if (raw === undefined) return undefined
  const mark = parseMoveMark(raw)
  if (!mark)
    return 'a restore into this store did not end, so that it may have a part of the data: run the same command again with --replace --yes, until it ends'
  if (mark.role === 'target')
    return `a move from ${mark.other} into this store did not end, so that it may have a part of the data: run the same latchkey migrate again, until it ends`
  if (mark.state === 'copying')
    return `its data is on the way to ${mark.other}: run the same latchkey migrate again, until it ends, or undo it with latchkey migrate abort`
  return `its data was moved to ${mark.other}: name that store in STORE_URL`
}

export const isUnfinished = async (plain: Pick<Store, 'get'>): Promise<boolean> =>
  (await plain.get(unfinishedKey)) !== undefined
