/** JWE as its specifications print it, opened by us, and nothing else opened. */
import { createPrivateKey } from 'node:crypto'
import { describe, expect, test } from 'bun:test'
import { compactDecrypt } from 'jose'
import { keyFromSecret } from '../../src/features/encryption/algorithms.ts'
import { openWith } from '../../src/features/encryption/decrypt.ts'
import { fromBase64url } from '../../src/lib/bytes.ts'
import rfc7516 from './rfc7516.json'
import rfc7520 from './rfc7520_jwe.json'

interface Vector {
  title: string
  plaintext: string
  opens: boolean
  jwk?: Record<string, string>
  k?: string
  jwe: string
}
const vectors: Vector[] = [...rfc7516, ...rfc7520]

const keyOf = ({ jwk, k }: Vector) =>
  jwk ? createPrivateKey({ key: jwk, format: 'jwk' }) : fromBase64url(k!)!

describe('encryption', () => {
  for (const vector of vectors) {
    test(vector.title, async () => {
      const key = keyOf(vector)
      expect(await openWith(key, vector.jwe)).toBe(vector.opens ? vector.plaintext : undefined)
      // What we refuse is not broken: the library, left to itself, opens it.
      expect(Buffer.from((await compactDecrypt(vector.jwe, key)).plaintext).toString()).toBe(vector.plaintext)
    })
    test(`${vector.title}: a bit changed in any part opens nothing`, async () => {
      const parts = vector.jwe.split('.')
      for (const [at, part] of parts.entries()) {
        if (part === '') continue
        const bytes = Buffer.from(part, 'base64url')
        bytes[bytes.length >> 1]! ^= 1
        const changed = parts.with(at, bytes.toString('base64url')).join('.')
        expect(await openWith(keyOf(vector), changed)).toBeUndefined()
      }
    })
  }
})

test('OpenID Connect Core §10.2: keys from a secret are the left of the shortest hash that is long enough', () => {
  const bytes = (hash: 'sha256' | 'sha512') => new Bun.CryptoHasher(hash).update('secret').digest()
  for (const [bits, hash] of [
    [128, 'sha256'],
    [256, 'sha256'],
    [512, 'sha512'],
  ] as const)
    expect(Buffer.from(keyFromSecret('secret', bits)).equals(bytes(hash).subarray(0, bits / 8))).toBe(true)
})
