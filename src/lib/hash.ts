/** SHA-256, HMAC and key derivation from the platform. */
import { createHmac, hkdfSync } from 'node:crypto'

/** SHA-256 as base64url, 43 characters. */
export const sha256 = (data: string | Uint8Array): string => Bun.SHA256.hash(data, 'base64url') // a third of the time that a hasher of its own takes

/**
 * HMAC-SHA256 as base64url, 43 characters. Not by Bun.CryptoHasher: keyed, it throws what an earlier failure of
 * WebCrypto left behind, so that a stranger's point off its curve would fail somebody else's request.
 */
export const hmac = (key: Uint8Array, text: string): string =>
  createHmac('sha256', key).update(text).digest('base64url')

/** HKDF-SHA256 without salt, 32 bytes, so that one secret serves many purposes. https://www.rfc-editor.org/rfc/rfc5869 */
export const deriveKey = (secret: string, purpose: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', secret, '', `latchkey ${purpose}`, 32))
