/** Handles and hashes. https://openid.net/specs/openid-connect-core-1_0.html#CodeIDToken */
import { expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { grantIdOf, kindOf, leftHalfHash, newGrantId, newHandle, noGrant } from '../../../src/auth/token.ts'
import { systemRandom } from '../../../src/lib/random.ts'

test('at_hash and c_hash are the left half of the hash of the signature algorithm', () => {
  // OpenID Connect Core, Appendix A.4 (at_hash) and A.6 (c_hash).
  expect(leftHalfHash('jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y', 'RS256')).toBe('77QmUPtjPfzWtF2AnpK9RQ')
  expect(leftHalfHash('Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk', 'RS256')).toBe(
    'LDktKdoQak3Pk0cnXxCltA',
  )
  const half = (alg: string) => {
    const digest = createHash(alg).update('token').digest()
    return digest.subarray(0, digest.length / 2).toString('base64url')
  }
  expect(leftHalfHash('token', 'ES256')).toBe(half('sha256'))
  expect(leftHalfHash('token', 'PS256')).toBe(half('sha256'))
  expect(leftHalfHash('token', 'EdDSA')).toBe(half('sha512'))
})

test('a handle names its kind and its grant', () => {
  const grantId = newGrantId(systemRandom)
  expect(grantId).toHaveLength(20)
  expect(grantId).not.toBe(noGrant)
  for (const kind of ['code', 'access'] as const) {
    const handle = newHandle(kind, grantId, systemRandom)
    expect(kindOf(handle)).toBe(kind)
    expect(grantIdOf(handle)).toBe(grantId)
    expect(handle).toMatch(/^lk[ca]_[A-Za-z0-9_-]{64}$/) // 264 random bits behind the grant
  }
})

test('a client_credentials handle belongs to no grant', () => {
  expect(grantIdOf(newHandle('access', noGrant, systemRandom))).toBeUndefined()
})

test.each([
  '',
  'lkc_',
  'lkc_short',
  'lkx_AAAAAAAAAAAAAAAAAAAA',
  'lkc_AAAAAAAAAA:AAAAAAAAA',
  'lkc_AAAAAAAAAA AAAAAAAAA',
])('%j names no grant', (handle) => expect(grantIdOf(handle)).toBeUndefined())
