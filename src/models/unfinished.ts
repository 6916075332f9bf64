/** The mark of a store that must not be served: a restore or a move fills it, or its data was moved away. docs/decisions/0080-backups.md, 0086-moves.md */
import {
  encryptedWords,
  isGivenUp,
  isOfEncryption,
  isWhileServing,
  type MoveMark,
  parseMoveMark,
  unfinishedKey,
} from '../store/moving/mark.ts'
import type { Store } from '../store/store.ts'

/** Why a store with this mark must not be served; undefined without one. */
export function unfinishedWords(raw: string | undefined): string | undefined {
  if (raw === undefined) return undefined
  const mark = parseMoveMark(raw)
  if (!mark)
    return 'a restore into this store did not end, so that it may have a part of the data: run the same command again with --replace --yes, until it ends'
  if (isOfEncryption(mark)) return encryptionWords(mark)
  if (mark.role === 'target')
    return `a move from ${mark.other} into this store did not end, so that it may have a part of the data: run the same latchkey migrate again, until it ends`
  if (isWhileServing(mark) && mark.state !== 'drained')
    return `its data is on the way to ${mark.other} while servers use both: set STORE_MOVE_TO to that store, or undo the move with latchkey migrate abort where it can still be undone`
  if (mark.state === 'copying')
    return `its data is on the way to ${mark.other}: run the same latchkey migrate again, until it ends, or undo it with latchkey migrate abort`
  return `its data was moved to ${mark.other}: name that store in STORE_URL`
}

/** Of a store whose values were or are being encrypted or decrypted, for a process that does not take part. */
export function encryptionWords(mark: MoveMark): string {
  const isEncrypting = (mark.other === encryptedWords) === (mark.role === 'source')
  if (!isGivenUp(mark))
    return `it is being ${isEncrypting ? 'encrypted' : 'decrypted'}: set STORE_ENCRYPTION=migrate, and run latchkey secrets ${isEncrypting ? 'seal' : 'unseal'} until it ends`
  return isEncrypting
    ? 'it is encrypted: set STORE_ENCRYPTION=true. To decrypt it, set STORE_ENCRYPTION=migrate on every instance, and run latchkey secrets unseal'
    : 'it is not encrypted: set STORE_ENCRYPTION=false. To encrypt it, set STORE_ENCRYPTION=migrate on every instance, and run latchkey secrets seal'
}

export const isUnfinished = async (plain: Pick<Store, 'get'>): Promise<boolean> =>
  (await plain.get(unfinishedKey)) !== undefined
