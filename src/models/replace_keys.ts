/** Replaces all signing and decryption keys at once, for keys that were lost or that leaked. docs/deployment.md, "Lost keys" */
import { generateKey, type KeyAlg } from '../auth/jwk.ts'
import { type Clock, seconds } from '../lib/clock.ts'
import type { Keys } from '../lib/secret_keys.ts'
import type { KeyStorage } from './key_ring_options.ts'
import type { RemoteKeys } from './remote_keys.ts'
import {
  type Document,
  emptyDocument,
  kidOfKey,
  KeyRingError,
  newEntry,
  type NewKey,
  recordName,
} from './signing_keys.ts'

export interface Replacement {
  storage: KeyStorage
  /** Seal the private keys in the store. */
  sealingKey: Keys
  clock: Clock
  algs: readonly KeyAlg[]
  rsaBits?: number
  /** Services that keep keys. */
  remote?: RemoteKeys
}

const maxAttempts = 20

/** The names of the keys of a record, so that a key file does not bring one back. A record that is damaged has none. */
function namesIn(text: string | undefined): string[] {
  try {
    const { keys = [], retired = [] } = JSON.parse(text ?? '{}') as Partial<Document>
    return [...retired, ...keys.map(({ kid }) => kid)].filter((kid) => typeof kid === 'string')
  } catch {
    return []
  }
}

/** A key of a service is one that the record does not name. Rejects with KeyRingError where the operator must make it first. */
async function nextKey(
  alg: KeyAlg,
  { rsaBits, remote }: Pick<Replacement, 'rsaBits' | 'remote'>,
  former: readonly string[],
): Promise<NewKey> {
  if (remote?.sourceOf(alg) === undefined) return generateKey(alg, rsaBits)
  const newest = await remote.newest(alg)
  const key = former.includes(kidOfKey(newest)) ? await remote.make(alg) : newest
  await remote.tryOut(alg, key)
  return key
}

/** Keys are not read, because no secret may open them. Running instances learn of the new record as of a rotation. */
export async function replaceKeys({
  storage,
  sealingKey,
  clock,
  algs,
  ...ways
}: Replacement): Promise<string[]> {
  const now = seconds(clock)
  const former = namesIn(await storage.get(recordName))
  const keys = await Promise.all(
    algs.map(async (alg) => newEntry(await nextKey(alg, ways, former), alg, now, now, sealingKey)),
  )
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const before = await storage.get(recordName)
    const after = JSON.stringify({ ...emptyDocument, keys, retired: namesIn(before) } satisfies Document)
    const won =
      before === undefined
        ? await storage.create(recordName, after)
        : await storage.replace(recordName, before, after)
    if (won) return namesIn(before)
  }
  throw new KeyRingError(
    'the record of signing keys could not be replaced. With STORE_ENCRYPTION=true, nothing in the store can be read ' +
      'with another SECRET_KEY: start with the SECRET_KEY that sealed it, or with an empty store',
  )
}
