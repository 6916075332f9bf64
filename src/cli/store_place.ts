/** Where the data of a store is by STORE_ENCRYPTION: as it is, sealed, or on its way. docs/decisions/0105-encryption-of-a-store-in-use.md */
import { SettingFault } from '../config/setting_fault.ts'
import type { Config } from '../config.ts'
import { createNameCipher, type NameCipher } from '../lib/name_cipher.ts'
import { systemRandom } from '../lib/random.ts'
import { resealed, seal, unseal } from '../lib/seal.ts'
import { deriveKeys, type SecretValues } from '../lib/secret_keys.ts'
import { hasData } from '../models/birth.ts'
import { recordName } from '../models/signing_keys.ts'
import { encryptionWords } from '../models/unfinished.ts'
import {
  decryptedWords,
  encryptedWords,
  isGivenUp,
  isOfEncryption,
  type MoveMark,
  parseMoveMark,
  unfinishedKey,
} from '../store/moving/mark.ts'
import { placeMadeOnWrite } from '../store/made_on_write.ts'
import { encryptedPlace, namesSecret, plainPlace } from '../store/named.ts'
import { sealedBackend } from '../store/sealed.ts'
import type { Backend } from '../store/store.ts'

const namesKeys = (values: SecretValues) => deriveKeys(values, namesSecret)
export const valuesKeys = (values: SecretValues) => deriveKeys(values, 'store')

/**
 * The secret of encrypted names, made once. It is random and sealed, so that a SECRET_KEY that has leaked and was replaced makes
 * no name, and a change of SECRET_KEY changes none.
 */
async function cipherOf(backend: Backend, { secretKey }: Config): Promise<NameCipher> {
  const keys = namesKeys(secretKey)
  const made = seal(keys, systemRandom(32), namesSecret)
  const text =
    (await backend.get(namesSecret)) ?? ((await backend.create(namesSecret, made)) ? made : undefined)
  const secret = unseal(keys, text ?? (await backend.get(namesSecret)) ?? '', namesSecret)
  if (secret === undefined)
    throw new SettingFault(
      'SECRET_KEY',
      'the names of records were not sealed with this SECRET_KEY. Start with the one of before. Without it, nothing in an encrypted store can be read: only an empty store starts',
    )
  return createNameCipher(secret)
}

/** Whether a former value of SECRET_KEY has sealed the secret of names; with `write`, the first value seals it anew. Undefined where there is none. */
export async function resealNames(
  backend: Backend,
  values: SecretValues,
  write: boolean,
): Promise<boolean | undefined> {
  const text = await backend.get(namesSecret)
  if (text === undefined) return undefined
  const next = resealed(namesKeys(values), text, namesSecret)
  if (next !== undefined && write) await backend.replace(namesSecret, text, next)
  return next !== undefined
}

/** What the place without encrypted names has. `sealed`: values that a release sealed which did not encrypt names. */
async function contentOf(plain: Backend): Promise<'nothing' | 'plain' | 'sealed'> {
  const [keys, birth] = [await plain.get(recordName), await plain.get('birth')]
  const text = keys ?? birth
  if (text !== undefined) return text.startsWith('s1.') ? 'sealed' : 'plain'
  return (await hasData(plain)) ? 'plain' : 'nothing'
}

const markOf = async (place: Backend): Promise<{ raw?: string; mark?: MoveMark }> => {
  const raw = await place.get(unfinishedKey)
  const mark = parseMoveMark(raw)
  return { ...(raw !== undefined && { raw }), ...(mark && isOfEncryption(mark) && { mark }) }
}

/** The mark of a place once `other` has all. */
export const givenUp = (other: string): string =>
  JSON.stringify({
    ...{ move: systemRandom(12), role: 'source', state: 'drained', other, run: 'none' },
  } satisfies MoveMark)

const fault = (problem: string): SettingFault => new SettingFault('STORE_ENCRYPTION', problem)

/** With STORE_ENCRYPTION=true: the place whose values are sealed, beneath that seal. */
async function sealedPlace(backend: Backend, config: Config): Promise<Backend> {
  const plain = plainPlace(backend)
  const { raw, mark } = await markOf(plain)
  if (mark && !isGivenUp(mark)) throw fault(encryptionWords(mark))
  const encrypted = async () => encryptedPlace(backend, await cipherOf(backend, config))
  if (mark) return encrypted()
  if (raw !== undefined) return plain // of a restore or a move, which the caller reads
  const content = await contentOf(plain)
  if (content === 'sealed') return plain
  if (content === 'plain')
    throw fault(
      'the store has data that is not encrypted. Set STORE_ENCRYPTION=migrate on every instance, run latchkey secrets seal, and set it to true afterwards',
    )
  return placeMadeOnWrite({
    empty: plain,
    look: async () => ((await plain.get(unfinishedKey)) === undefined ? undefined : encrypted()),
    async make() {
      const place = await encrypted()
      // In this order: a place that is given up always has another one.
      await plain.create(unfinishedKey, givenUp(encryptedWords))
      return place
    },
  })
}

/** The place in use, and the one into which its data would be moved. */
export interface Places {
  from: Backend
  to: Backend
}

/** With STORE_ENCRYPTION=migrate. Both give the values as they are. */
export async function bothPlaces(backend: Backend, config: Config): Promise<Places> {
  const keys = valuesKeys(config.secretKey)
  const cipher = await cipherOf(backend, config)
  const plain = plainPlace(backend)
  const { mark } = await markOf(plain)
  // The mark of the plain place alone decides, and it is given up before the other one is.
  if (mark && (isGivenUp(mark) || mark.role === 'target'))
    return {
      from: sealedBackend(encryptedPlace(backend, cipher), keys),
      to: plainPlace(backend, { second: true }),
    }
  return {
    from: (await contentOf(plain)) === 'sealed' ? sealedBackend(plain, keys) : plain,
    to: sealedBackend(encryptedPlace(backend, cipher, { second: true }), keys),
  }
}

/** Of the one with encrypted names, and of the other. */
export const nameOfPlace = (isEncrypted: boolean): string => (isEncrypted ? encryptedWords : decryptedWords)

/** The place of the settings with an encryption, beneath the seal of its values. The backend is closed when this throws, so that the process can end. */
export async function placeOf(backend: Backend, config: Config): Promise<Backend> {
  try {
    if (config.storeEncryption === 'true') return await sealedPlace(backend, config)
    throw fault(
      'expected true or false for this, got migrate: end that change first, by latchkey secrets seal or unseal',
    )
  } catch (error) {
    await backend.close()
    throw error
  }
}
