/** Hashes do not depend on an earlier failure in the process. */
import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'bun:test'
import { hmac, hmacOfLength } from '../../../src/lib/hash.ts'

const key = new Uint8Array(32).fill(1)

test('an HMAC is correct right after WebCrypto refused a point that is not on its curve', async () => {
  const coordinate = Buffer.alloc(32, 7).toString('base64url')
  const jwk = { kty: 'EC', crv: 'P-256', x: coordinate, y: coordinate }
  const curve = { name: 'ECDH', namedCurve: 'P-256' }
  expect(await crypto.subtle.importKey('jwk', jwk, curve, true, []).catch(({ name }: Error) => name)).toBe(
    'DataError',
  )
  expect(hmac(key, 'text')).toBe(createHmac('sha256', key).update('text').digest('base64url'))
})

describe('HMAC of texts of one length', () => {
  // https://www.rfc-editor.org/rfc/rfc4231#section-4
  test.each([
    ['Hi There', Buffer.alloc(20, 0x0b), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      'what do ya want for nothing?',
      Buffer.from('Jefe'),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
  ])('RFC 4231 §4: %s', (text, secret, expected) => {
    const mac = hmacOfLength(secret, text.length)(text)!
    expect(Buffer.from(mac, 'base64url').toString('hex')).toBe(expected)
  })

  test('is that of the platform, one after the other and under several keys', () => {
    const keys = [0, 1, 31, 32, 64].map((bytes) => Buffer.alloc(bytes, 0xa5))
    const macs = keys.map((each) => hmacOfLength(each, 86))
    for (let i = 0; i < 50; i += 1)
      for (const [at, mac] of macs.entries()) {
        const text = Bun.hash(`${i} ${at}`).toString(36).padEnd(86, '-_aZ09')
        expect(mac(text)).toBe(createHmac('sha256', keys[at]!).update(text).digest('base64url'))
      }
  })

  test('has no answer for a text of another length, and takes no key that must be hashed first', () => {
    expect(hmacOfLength(key, 86)('short')).toBeUndefined()
    expect(() => hmacOfLength(Buffer.alloc(65), 86)).toThrow('at most 64 bytes')
  })
})
