/** The mark of a store that a restore or a move has begun to fill: it is not served until it is whole. docs/decisions/0080-backups.md */
import type { Store } from '../store/store.ts'

/** Not sealed, so that it is found whatever SECRET_KEY and STORE_ENCRYPTION are. */
export const unfinishedKey = 'unfinished_restore'

export const unfinishedWords =
  'a restore or a move into this store did not end, so that it may have a part of the data: run the same command again with --replace --yes, until it ends'

export const isUnfinished = async (plain: Pick<Store, 'get'>): Promise<boolean> =>
  (await plain.get(unfinishedKey)) !== undefined
