/** Token hashes (`at_hash`, `c_hash`), and the format of codes and tokens that are handles. */
import type { Random } from '../lib/random.ts'

/** The left half of the hash that the signature algorithm uses, for `at_hash` and `c_hash`. OIDC Core §3.1.3.6, EdDSA: SHA-512. */
export function leftHalfHash(value: string, alg: string): string {
  const hash = alg === 'EdDSA' ? 'sha512' : (`sha${alg.slice(2)}` as 'sha256')
  const digest = Buffer.from(Bun.CryptoHasher.hash(hash, value))
  return digest.subarray(0, digest.length / 2).toString('base64url')
}

/**
 * A handle begins with its kind, which secret scanners and the introspection endpoint recognise, and the id of its grant,
 * so that one round trip to the store fetches both records. The grant id is not secret; the rest is.
 */
export const handleKinds = { code: 'lkc_', access: 'lka_', refresh: 'lkr_' } as const
export type HandleKind = keyof typeof handleKinds

/** 120 bits of identifier: twenty characters. */
export const newGrantId = (random: Random): string => random(15)

/** Replaces the grant id in the handle of a token without a grant (client_credentials). */
export const noGrant = '-'.repeat(20)

const grantIdLength = 20
const prefixLength = 4

/** A code or an opaque access token: its kind, its grant id and 264 random bits. */
export const newHandle = (kind: 'code' | 'access', grantId: string, random: Random): string =>
  `${handleKinds[kind]}${grantId}${random(33)}`

const kindByPrefix = new Map(
  Object.entries(handleKinds).map(([kind, prefix]) => [prefix as string, kind as HandleKind]),
)

export const kindOf = (handle: string): HandleKind | undefined =>
  kindByPrefix.get(handle.slice(0, prefixLength))

/** The grant id in a handle; undefined when the format is not ours. Only the stored record proves that the handle is valid. */
export function grantIdOf(handle: string): string | undefined {
  const id = handle.slice(prefixLength, prefixLength + grantIdLength)
  return kindOf(handle) && id !== noGrant && /^[A-Za-z0-9_-]{20}$/.test(id) ? id : undefined
}
