/** Authenticated encryption of small texts. https://nvlpubs.nist.gov/nistpubs/Legacy/SP/nistspecialpublication800-38d.pdf */
import { createCipheriv, createDecipheriv, createHmac, randomFillSync } from 'node:crypto'
import { everyKey, firstKey, type Keys } from './secret_keys.ts'

const version = 's1.'
const saltBytes = 16
const nonceBytes = 12
const tagBytes = 16
const headBytes = saltBytes + nonceBytes

/**
 * AES-256-GCM under a key of its own for each text: HMAC-SHA256(`key`, salt). Random 96-bit nonces under one key
 * are safe for 2^32 texts only (SP 800-38D §8.3), which a busy provider writes in weeks; a 128-bit salt lifts that.
 */
function derive(key: Uint8Array, salt: Uint8Array): Buffer {
  if (key.length !== 32) throw new RangeError(`seal: expected a key of 32 bytes, got ${key.length}`)
  return createHmac('sha256', key).update('latchkey seal 1\0').update(salt).digest()
}

/** `s1.` and base64url of salt, nonce, ciphertext and tag. The first of `keys` seals; the same call never repeats its result. */
export function seal(keys: Keys, plaintext: string, associatedData: string): string {
  const head = randomFillSync(Buffer.allocUnsafe(headBytes))
  const cipher = createCipheriv(
    'aes-256-gcm',
    derive(firstKey(keys), head.subarray(0, saltBytes)),
    head.subarray(saltBytes),
  )
  cipher.setAAD(Buffer.from(associatedData))
  const body = cipher.update(plaintext, 'utf8')
  cipher.final()
  return version + Buffer.concat([head, body, cipher.getAuthTag()]).toString('base64url')
}

/** The plaintext, or undefined for anything that `seal` did not make with one of these keys and this associated data. */
export function unseal(keys: Keys, sealed: string, associatedData: string): string | undefined {
  for (const key of everyKey(keys)) {
    const plaintext = unsealWith(key, sealed, associatedData)
    if (plaintext !== undefined) return plaintext
  }
  return undefined
}

/**
 * The same plaintext sealed with the first key; undefined when the first key has sealed it already, or when no key opens it.
 */
export function resealed(keys: Keys, sealed: string, associatedData: string): string | undefined {
  if (unsealWith(firstKey(keys), sealed, associatedData) !== undefined) return undefined
  const plaintext = unseal(keys, sealed, associatedData)
  return plaintext === undefined ? undefined : seal(keys, plaintext, associatedData)
}

function unsealWith(key: Uint8Array, sealed: string, associatedData: string): string | undefined {
  if (!sealed.startsWith(version)) return undefined
  const bytes = Buffer.from(sealed.slice(version.length), 'base64url')
  if (bytes.length < headBytes + tagBytes) return undefined
  const end = bytes.length - tagBytes
  const decipher = createDecipheriv(
    'aes-256-gcm',
    derive(key, bytes.subarray(0, saltBytes)),
    bytes.subarray(saltBytes, headBytes),
    { authTagLength: tagBytes },
  )
  decipher.setAAD(Buffer.from(associatedData))
  decipher.setAuthTag(bytes.subarray(end))
  try {
    const plaintext = decipher.update(bytes.subarray(headBytes, end))
    decipher.final()
    return plaintext.toString('utf8')
  } catch {
    return undefined // a wrong key, the value of another record, or a changed byte
  }
}
