/** Hashes do not depend on an earlier failure in the process. */
import { createHmac } from 'node:crypto'
import { expect, test } from 'bun:test'
import { hmac } from '../../../src/lib/hash.ts'

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
