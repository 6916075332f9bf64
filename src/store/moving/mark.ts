/** The mark that a move leaves in both stores, by which all processes agree how far it is. docs/decisions/0086-moves.md */
import * as v from 'valibot'
import type { Found } from '../store.ts'

/** Not sealed, so that it is found whatever SECRET_KEY and STORE_ENCRYPTION are. The mark of a restore has this key too. */
export const unfinishedKey = 'unfinished_restore'

/**
 * Without servers: `copying`, then `moved`. While serving: `announced`, then `closing` for a moment in which no verb runs, then
 * `moving`, then `drained`.
 */
const State = v.picklist(['copying', 'moved', 'announced', 'closing', 'moving', 'drained'])

const MoveMark = v.object({
  /** The same in both stores. */
  move: v.string(),
  role: v.picklist(['source', 'target']),
  state: State,
  /** Of one attempt to close: what agreed to another one does not count. */
  turn: v.optional(v.string()),
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

export const isWhileServing = ({ state }: MoveMark): boolean =>
  ['announced', 'closing', 'moving', 'drained'].includes(state)

/** The index of handles that take part in a move while serving, in the source. Scored by their last sign, in seconds. */
export const handlesIndex = 'move_handles'
/** What a handle says once none of its verbs is under way: the turn that it has read. */
export const closedKey = (handle: string): string => `move_closed:${handle}`

/** In the target: the move that has brought its data while serving, by which a process knows that it has the right one. */
export const arrivedKey = 'move_arrived'

/** Of the processes that use a store (models/presence.ts): it stays where it is. */
export const presentIndex = 'present'
export const leftKey = 'all_left'
export const isOfPresence = (name: string): boolean => name === presentIndex || name === leftKey

/** A record that a move itself has left. */
export const isMark = (key: string): boolean =>
  key === unfinishedKey || key === arrivedKey || key.startsWith(closedKey(''))

/** Whether a scan found what a move itself has left there. */
export const isOfMove = (found: Found): boolean =>
  found.kind === 'member' ? found.index === handlesIndex : isMark(found.key)

/** What `other` of a mark says where both places are in one store, which is being encrypted or decrypted. */
export const encryptedWords = 'STORE_ENCRYPTION=true'
export const decryptedWords = 'STORE_ENCRYPTION=false'

export const isOfEncryption = ({ other }: MoveMark): boolean =>
  other === encryptedWords || other === decryptedWords

/** A place with this mark has nothing any more: the other one has all. */
export const isGivenUp = ({ role, state }: MoveMark): boolean =>
  role === 'source' && (state === 'moved' || state === 'drained')
