/** Pseudonyms of identifiers: different under each key, and reversible only with the key. https://nvlpubs.nist.gov/nistpubs/FIPS/NIST.FIPS.197-upd1.pdf */
import { createCipheriv, createDecipheriv } from 'node:crypto'

const idBytes = 15
const idShape = /^[\w-]{20}$/
const pseudonymShape = /^[\w-]{22}$/

const block = (cipher: ReturnType<typeof createCipheriv>, bytes: Uint8Array): Buffer =>
  cipher.setAutoPadding(false).update(bytes)

/**
 * One block of AES-256: the pseudonyms of one `id` under two keys cannot be linked. There is only one block, so no mode is
 * needed, and no randomness, because the pseudonym must be the same each time. `id` is 15 random bytes in base64url (20
 * characters); any other text is returned unchanged. The pseudonym has 22 characters.
 */
export function pseudonymOf(key: Uint8Array, id: string): string {
  if (!idShape.test(id)) return id
  const padded = Buffer.alloc(idBytes + 1)
  padded.write(id, 'base64url')
  return block(createCipheriv('aes-256-ecb', key, null), padded).toString('base64url')
}

/** The identifier of a pseudonym; undefined for text that `pseudonymOf` did not make with this key. */
export function identifierOf(key: Uint8Array, name: string): string | undefined {
  if (!pseudonymShape.test(name)) return undefined
  const bytes = block(createDecipheriv('aes-256-ecb', key, null), Buffer.from(name, 'base64url'))
  return bytes[idBytes] === 0 ? bytes.subarray(0, idBytes).toString('base64url') : undefined
}
