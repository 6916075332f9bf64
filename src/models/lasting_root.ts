/**
 * The root of keys that stay the same when SECRET_KEY changes: names that clients keep (pairwise subjects, `sid`) and names of
 * records are derived from it. It opens nothing. docs/decisions/0081-several-secret-keys.md
 */
import { createHmac } from 'node:crypto'
import { resealed, seal, unseal } from '../lib/seal.ts'
import { deriveKey } from '../lib/hash.ts'
import { deriveKeys, type SecretValues } from '../lib/secret_keys.ts'
import type { Store } from '../store/store.ts'
import { parseDocument, recordName, sealedIn, wrongSecret } from './signing_keys.ts'

const name = 'lasting_root'

type Place = Pick<Store, 'get' | 'create' | 'replace' | 'take'>

const sealingKeys = (values: SecretValues) => deriveKeys(values, name)

/** The first half of HKDF (RFC 5869 §2.2) without salt: `lastingKey` of it is `deriveKey` of the value. */
export const rootOf = (value: string): Uint8Array =>
  createHmac('sha256', new Uint8Array(32)).update(value).digest()

/** The second half of HKDF (§2.3), 32 bytes. */
export const lastingKey = (root: Uint8Array, purpose: string): Uint8Array =>
  createHmac('sha256', root).update(`latchkey ${purpose}`).update(Uint8Array.of(1)).digest()

/** The value that sealed the oldest key of the store: the one that was in force before this record existed. */
async function oldestValue(store: Place, values: SecretValues): Promise<string> {
  const text = values.length > 1 ? await store.get(recordName) : undefined
  const [oldest] =
    text === undefined ? [] : parseDocument(text).keys.sort((a, b) => a.created_at - b.created_at)
  const sealed = oldest && sealedIn(oldest)
  const opens = (value: string) =>
    sealed !== undefined &&
    unseal(deriveKey(value, 'signing keys'), sealed.text, sealed.context) !== undefined
  return values.find(opens) ?? values[0]
}

/**
 * The root of this store, made at the first start from the SECRET_KEY of then, so that names stay as they were. Of instances
 * that start at once, the root of one is kept. Throws WrongSecretError when none of `values` opens it.
 */
export async function openLastingRoot(store: Place, values: SecretValues): Promise<Uint8Array> {
  const keys = sealingKeys(values)
  let text = await store.get(name)
  if (text === undefined) {
    const made = seal(keys, Buffer.from(rootOf(await oldestValue(store, values))).toString('base64url'), name)
    if (await store.create(name, made)) text = made
    else text = await store.get(name)
  }
  const opened = text === undefined ? undefined : unseal(keys, text, name)
  if (opened === undefined) throw wrongSecret('the root of lasting names was')
  return Buffer.from(opened, 'base64url')
}

/** Where SECRET_KEY was lost, the root was too: it is removed, and the next start makes another. */
export async function forgetLostRoot(store: Place, values: SecretValues): Promise<void> {
  const text = await store.get(name)
  if (text === undefined || unseal(sealingKeys(values), text, name) === undefined) await store.take(name)
}

/** Whether a former value has sealed the root; with `write`, the first value seals it anew. */
export async function resealLastingRoot(
  store: Place,
  values: SecretValues,
  write: boolean,
): Promise<boolean> {
  const text = await store.get(name)
  const next = text === undefined ? undefined : resealed(sealingKeys(values), text, name)
  if (text === undefined || next === undefined) return false
  if (write) await store.replace(name, text, next)
  return true
}
