/** Replaces all signing and decryption keys at once, for keys that were lost or that leaked. docs/deployment.md, "Lost keys" */
import { generateKey, type KeyAlg } from '../auth/jwk.ts'
import { type Clock, seconds } from '../lib/clock.ts'
import type { Keys } from '../lib/secret_keys.ts'
import type { KeyStorage } from './key_ring_options.ts'
import { type Document, emptyDocument, KeyRingError, newEntry, recordName } from './signing_keys.ts'

export interface Replacement {
  storage: KeyStorage
  /** Seal the private keys in the store. */
  sealingKey: Keys
  clock: Clock
  algs: readonly KeyAlg[]
  rsaBits?: number
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

/** Keys are not read, because no secret may open them. Running instances learn of the new record as of a rotation. */
export async function replaceKeys({
  storage,
  sealingKey,
  clock,
  algs,
  rsaBits,
}: Replacement): Promise<string[]> {
  const now = seconds(clock)
  const keys = await Promise.all(
    algs.map(async (alg) => newEntry(await generateKey(alg, rsaBits), alg, now, now, sealingKey)),
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
