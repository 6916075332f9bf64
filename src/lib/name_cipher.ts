/** Deterministic encryption of names of records: one name has one text, which only the secret can make or read. https://www.rfc-editor.org/rfc/rfc5297 */
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { equalInConstantTime } from './equal.ts'
import { deriveKey } from './hash.ts'

export interface NameCipher {
  seal(name: string): string
  /** Undefined for a text that `seal` did not make with this secret. */
  open(text: string): string | undefined
}

const ivBytes = 16
const kindOf = /^[a-z0-9_]+:/

/**
 * The construction of RFC 5297 (a MAC of the name is the nonce of its encryption), with HMAC-SHA256, cut to 128 bits, and
 * AES-256-CTR. What stands before the first colon is the kind of the record and stays readable, as does a name without a colon. `secret` has at least 256 bits.
 */
export function createNameCipher(secret: string): NameCipher {
  const keyFor = (purpose: string): KeyObject => createSecretKey(deriveKey(secret, purpose))
  const [macKey, cipherKey] = [keyFor('mac of names'), keyFor('cipher of names')]
  const ivOf = (name: string): Buffer =>
    createHmac('sha256', macKey).update(name).digest().subarray(0, ivBytes)
  return {
    seal(name) {
      const kind = kindOf.exec(name)?.[0]
      if (kind === undefined) return name
      const iv = ivOf(name)
      const body = createCipheriv('aes-256-ctr', cipherKey, iv).update(name.slice(kind.length), 'utf8')
      return kind + Buffer.concat([iv, body]).toString('base64url')
    },
    open(text) {
      const kind = kindOf.exec(text)?.[0]
      if (kind === undefined) return text
      const bytes = Buffer.from(text.slice(kind.length), 'base64url')
      if (bytes.length < ivBytes) return undefined
      const iv = bytes.subarray(0, ivBytes)
      const rest = createDecipheriv('aes-256-ctr', cipherKey, iv).update(bytes.subarray(ivBytes))
      const name = kind + rest.toString('utf8')
      return equalInConstantTime(ivOf(name).toString('base64url'), iv.toString('base64url'))
        ? name
        : undefined
    },
  }
}
