/** PKCE: the vector of the RFC, and every way a challenge or verifier can be wrong. https://www.rfc-editor.org/rfc/rfc7636 */
import { describe, expect, test } from 'bun:test'
import { OAuthError } from '../../../src/auth/errors.ts'
import { generatePkce, pkceHolds, readCodeChallenge } from '../../../src/auth/pkce.ts'
import { sha256 } from '../../../src/lib/hash.ts'
import { systemRandom } from '../../../src/lib/random.ts'
import vector from '../../vectors/rfc7636.json'

const S256 = { code_challenge: vector.code_challenge, code_challenge_method: 'S256' }

const refusal = (run: () => unknown): OAuthError => {
  try {
    run()
  } catch (error) {
    if (error instanceof OAuthError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('RFC 7636 Appendix B', () => {
  test('the verifier is the octets as base64url', () => {
    expect(Buffer.from(vector.octets).toString('base64url')).toBe(vector.code_verifier)
    expect(generatePkce(() => Buffer.from(vector.octets).toString('base64url'))).toEqual({
      code_verifier: vector.code_verifier,
      code_challenge: vector.code_challenge,
    })
  })

  test('the challenge is the SHA-256 of the verifier, and the pair holds', () => {
    expect([...Buffer.from(vector.code_challenge, 'base64url')]).toEqual(vector.sha256)
    expect(sha256(vector.code_verifier)).toBe(vector.code_challenge)
    expect(pkceHolds(vector.code_challenge, vector.code_verifier)).toBe(true)
  })
})

describe('a challenge', () => {
  test('is kept when it is S256', () => {
    expect(readCodeChallenge(S256, true)).toBe(vector.code_challenge)
    expect(readCodeChallenge(S256, false)).toBe(vector.code_challenge)
  })

  test('may be absent only where it is not required', () => {
    expect(readCodeChallenge({}, false)).toBeUndefined()
    expect(refusal(() => readCodeChallenge({}, true)).code).toBe('invalid_request')
  })

  test('is never plain, neither named nor by default', () => {
    const { code_challenge } = S256
    for (const method of ['plain', 's256', 'S512', 'S256 ', undefined]) {
      const params =
        method === undefined ? { code_challenge } : { code_challenge, code_challenge_method: method }
      const error = refusal(() => readCodeChallenge(params, false))
      expect(error.code).toBe('invalid_request')
      expect(error.publicDescription).toContain('S256')
    }
  })

  test('is 43 base64url characters', () => {
    for (const code_challenge of [
      vector.code_challenge.slice(1),
      `${vector.code_challenge}A`,
      `${vector.code_challenge}=`,
      vector.code_challenge.replace('-', '+'),
      `${vector.code_challenge}\n`,
    ])
      expect(refusal(() => readCodeChallenge({ ...S256, code_challenge }, true)).code).toBe('invalid_request')
  })

  test('method without a challenge is a mistake worth telling', () => {
    expect(
      refusal(() => readCodeChallenge({ code_challenge_method: 'S256' }, false)).publicDescription,
    ).toContain('without a code_challenge')
  })
})

describe('a verifier', () => {
  test('fits its own challenge and no other', () => {
    const a = generatePkce(systemRandom)
    const b = generatePkce(systemRandom)
    expect(pkceHolds(a.code_challenge, a.code_verifier)).toBe(true)
    expect(pkceHolds(a.code_challenge, b.code_verifier)).toBe(false)
    expect(pkceHolds(a.code_challenge, undefined)).toBe(false)
  })

  test('is not the challenge itself: plain would have passed', () => {
    expect(pkceHolds(vector.code_challenge, vector.code_challenge)).toBe(false)
  })

  test('for a code without challenge is a downgrade and does not hold', () => {
    expect(pkceHolds(undefined, vector.code_verifier)).toBe(false)
    expect(pkceHolds(undefined, undefined)).toBe(true)
  })

  test('has 43 to 128 unreserved characters even when its hash fits', () => {
    for (const verifier of ['a'.repeat(42), 'a'.repeat(129), `${'a'.repeat(50)} `, `${'a'.repeat(50)}ä`, ''])
      expect(pkceHolds(sha256(verifier), verifier)).toBe(false)
    for (const verifier of ['a'.repeat(43), '~'.repeat(128)])
      expect(pkceHolds(sha256(verifier), verifier)).toBe(true)
  })
})
