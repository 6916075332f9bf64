/** Whether the signing keys of a store can be opened, without changing anything. */
import type { Keys } from '../lib/secret_keys.ts'
import type { Store } from '../store/store.ts'
import { hasData } from './birth.ts'
import { openKeys } from './open_keys.ts'
import * as record from './signing_keys.ts'

/** Throws KeyRingError when there is a record of keys that this secret does not open. `plain` is the store below an encryption. */
export async function requireReadable(
  storage: Pick<Store, 'get'>,
  plain: Pick<Store, 'get'>,
  sealingKey: Keys,
): Promise<void> {
  const text = await storage.get(record.recordName)
  if (text !== undefined) openKeys(record.parseDocument(text), { sealingKey })
  else if ((await plain.get(record.recordName)) !== undefined)
    throw record.wrongSecret('the record of signing keys was')
}

/** Whether the store has data and no record of keys: without one a provider with data would make new keys. */
export const keysAreLost = async (store: Pick<Store, 'get' | 'range'>): Promise<boolean> =>
  (await store.get(record.recordName)) === undefined && (await hasData(store))

export const lostKeysWords =
  'the store has data, and no signing keys that this SECRET_KEY opens. Start with the SECRET_KEY of before, or restore the ' +
  'store from a backup. If they are lost, make new ones with latchkey keys replace: all tokens signed so far then stop ' +
  'verifying'
