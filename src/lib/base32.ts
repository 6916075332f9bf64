/** Base32 without padding, and codes for End-Users in it. https://www.rfc-editor.org/rfc/rfc4648#section-6 */
import type { Random } from './random.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const bitsPerLetter = 5

/** The length of `bytes` must be a multiple of five. */
export function base32(bytes: Uint8Array): string {
  let letters = ''
  let held = 0
  let value = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    held += 8
    while (held >= bitsPerLetter) {
      held -= bitsPerLetter
      letters += alphabet[(value >> held) & 31]
      value &= (1 << held) - 1
    }
  }
  return letters
}

/** `bytes` random bytes, a multiple of five. */
export const randomLetters = (random: Random, bytes: number): string =>
  base32(Buffer.from(random(bytes), 'base64url'))

/** As an End-User reads and types a code: lower case, in groups of four. */
export const inGroups = (letters: string): string => letters.match(/.{4}/g)!.join('-').toLowerCase()
