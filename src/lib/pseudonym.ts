/** Another name for an identifier, different under each key, that only the key turns back. https://nvlpubs.nist.gov/nistpubs/FIPS/NIST.FIPS.197-upd1.pdf */
import { createCipheriv, createDecipheriv } from 'node:crypto'

const idBytes = 15
const idShape = /^[\w-]{20}$/
const pseudonymShape = /^[\w-]{22}$/

const block = (cipher: ReturnType<typeof createCipheriv>, bytes: Uint8Array): Buffer =>
  cipher.setAutoPadding(false).update(bytes)

/**
 * One block of AES-256: of the same 15 random bytes, names under two keys say nothing of each other. No mode is needed,
 * as there is but one block, and no randomness, as the name must be the same each time. `id` is 15 bytes in base64url,
 * and so 20 characters; anything else stays as it is. The name has 22.
 */
export function pseudonymOf(key: Uint8Array, id: string): string {
  if (!idShape.test(id)) return id
  const padded = Buffer.alloc(idBytes + 1)
  padded.write(id, 'base64url')
  return block(createCipheriv('aes-256-ecb', key, null), padded).toString('base64url')
}

/** The identifier; undefined for what `pseudonymOf` did not make with this key. */
export function behindPseudonym(key: Uint8Array, name: string): string | undefined {
  if (!pseudonymShape.test(name)) return undefined
  const bytes = block(createDecipheriv('aes-256-ecb', key, null), Buffer.from(name, 'base64url'))
  return bytes[idBytes] === 0 ? bytes.subarray(0, idBytes).toString('base64url') : undefined
}
