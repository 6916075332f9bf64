/** What the JOSE specifications print, computed by us; where they print no vector, jose and we check each other. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { describe, expect, test } from 'bun:test'
import { calculateJwkThumbprint, compactVerify, CompactSign } from 'jose'
import { generateKey, publicJwk, type SigningAlg, thumbprint } from '../../src/auth/jwk.ts'
import { sign, signingKey, verificationKey, verify } from '../../src/auth/jws.ts'
import { signingAlgs } from '../../src/auth/registration.ts'
import { fromBase64url } from '../../src/lib/bytes.ts'
import rfc7515 from './rfc7515.json'
import rfc7520 from './rfc7520.json'
import rfc7638 from './rfc7638.json'
import rfc8037 from './rfc8037.json'

interface Vector {
  title: string
  alg: string
  deterministic: boolean
  jwk: Record<string, string | undefined>
  input: string
  signature: string
}
const signatures: Vector[] = [...rfc7515, ...rfc7520, ...rfc8037]

const bytes = (text: string): Uint8Array => {
  const decoded = fromBase64url(text)
  if (!decoded) throw new Error('the vector is not base64url')
  return decoded
}

describe('thumbprints', () => {
  for (const { title, jwk, thumbprint: expected } of rfc7638) {
    test(title, () => expect(thumbprint(jwk)).toBe(expected))
  }
  for (const alg of signingAlgs) {
    test(`${alg}: jose finds the same, from either half`, async () => {
      const key = await generateKey(alg)
      const jwk = createPublicKey(key).export({ format: 'jwk' })
      expect(thumbprint(key.export({ format: 'jwk' }))).toBe(thumbprint(jwk))
      expect(await calculateJwkThumbprint(jwk as Parameters<typeof calculateJwkThumbprint>[0])).toBe(
        thumbprint(jwk),
      )
    })
  }
})

describe('signatures', () => {
  for (const { title, alg: name, jwk, input, signature, deterministic } of signatures) {
    const alg = name as SigningAlg
    test(`${title}: the printed signature holds, and no other`, () => {
      const key = verificationKey('vector', alg, createPublicKey({ key: jwk, format: 'jwk' }))
      expect(key.holds(input, bytes(signature))).toBe(true)
      expect(key.holds(`${input}A`, bytes(signature))).toBe(false)
      const changed = bytes(signature)
      changed[10]! ^= 1
      expect(key.holds(input, changed)).toBe(false)
    })
    if (jwk.d === undefined) continue
    test(`${title}: ${deterministic ? 'we sign exactly so' : 'ours holds too'}`, async () => {
      const secret = createPrivateKey({ key: jwk, format: 'jwk' })
      const made = await signingKey('vector', alg, secret).sign(input)
      if (deterministic) expect(made).toBe(signature)
      expect(verificationKey('vector', alg, secret).holds(input, bytes(made))).toBe(true)
    })
  }

  for (const alg of signingAlgs) {
    test(`${alg}: jose accepts ours and we accept jose's`, async () => {
      const secret = await generateKey(alg)
      const jwk = publicJwk(secret.export({ format: 'jwk' }), alg)
      const ours = await sign(signingKey(jwk.kid, alg, secret), 'JWT', { iss: 'joe', name: 'Zoë' })
      const checked = await compactVerify(ours, createPublicKey(secret), { algorithms: [alg] })
      expect(checked.protectedHeader).toEqual({ alg, typ: 'JWT', kid: jwk.kid })
      expect(JSON.parse(new TextDecoder().decode(checked.payload))).toEqual({ iss: 'joe', name: 'Zoë' })

      const theirs = await new CompactSign(new TextEncoder().encode('{"iss":"jane"}'))
        .setProtectedHeader({ kid: jwk.kid, alg, typ: 'JWT' })
        .sign(secret)
      const key = verificationKey(jwk.kid, alg, secret)
      expect(verify({ find: () => key }, theirs, { typ: 'JWT' })).toEqual({ iss: 'jane' })
    })
  }
})
