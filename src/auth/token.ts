/** What tokens say: the claims of ID Tokens and access tokens, and the spelling of handles. */
import type { Random } from '../lib/random.ts'

/** `at_hash`, `c_hash`: the left half of the hash that the signature algorithm uses. OIDC Core §3.1.3.6, EdDSA: SHA-512. */
export function leftHalfHash(value: string, alg: string): string {
  const hash = alg === 'EdDSA' ? 'sha512' : (`sha${alg.slice(2)}` as 'sha256')
  const digest = Buffer.from(Bun.CryptoHasher.hash(hash, value))
  return digest.subarray(0, digest.length / 2).toString('base64url')
}

/**
 * Handles name the grant they belong to, so that one round trip fetches both records, and a kind that secret
 * scanners and the introspection endpoint can tell apart. The grant id is no secret; the rest is.
 */
export const handleKinds = { code: 'lkc_', access: 'lka_', refresh: 'lkr_' } as const
export type HandleKind = keyof typeof handleKinds

/** 120 bits of identifier: twenty characters. */
export const newGrantId = (random: Random): string => random(15)

/** In the place of a grant's id in the handle of a token that is its own grant (client_credentials). */
export const noGrant = '-'.repeat(20)

const grantIdLength = 20
const prefixLength = 4

/** A code or an opaque access token: 66 hex digits of entropy behind the grant it belongs to. */
export const newHandle = (kind: 'code' | 'access', grantId: string, random: Random): string =>
  `${handleKinds[kind]}${grantId}${random(33)}`

export const kindOf = (handle: string): HandleKind | undefined =>
  (Object.keys(handleKinds) as HandleKind[]).find((kind) => handle.startsWith(handleKinds[kind]))

/** The grant a handle names; undefined when its shape is not ours. Proves nothing: the record does. */
export function grantIdOf(handle: string): string | undefined {
  const id = handle.slice(prefixLength, prefixLength + grantIdLength)
  return kindOf(handle) && id !== noGrant && /^[A-Za-z0-9_-]{20}$/.test(id) ? id : undefined
}
