/** The encryption algorithms and the key that each needs: one row each. https://www.rfc-editor.org/rfc/rfc7518#section-4, #section-5 */
import { createHash } from 'node:crypto'
import type { ClientJwk } from '../../auth/client_jwks.ts'
import type { DecryptionAlg } from '../../auth/jwk.ts'
import { contentEncryptions, type encryptionAlgs } from '../../clients/encryption_metadata.ts'

/** Content encryption, and the bits of its key (RFC 7518 §5.1). */
const keyBits: Readonly<Record<Enc, number>> = {
  'A128CBC-HS256': 256,
  'A256CBC-HS512': 512,
  A128GCM: 128,
  A256GCM: 256,
}
export type Enc = (typeof contentEncryptions)[number]
export const defaultEnc: Enc = contentEncryptions[0]

/** Encryption to a public key: the client keys that fit, and the algorithm of this provider's own keys. */
interface ToKey {
  fits(jwk: ClientJwk): boolean
  ours: DecryptionAlg
}

/** Encryption with the shared client secret: the bits of the derived key. */
interface UnderSecret {
  bits(enc: Enc): number
}

const rsa: ToKey = { fits: ({ kty }) => kty === 'RSA', ours: 'RSA-OAEP-256' }
const curves: readonly unknown[] = ['P-256', 'P-384', 'P-521', 'X25519']
const agreement: ToKey = { fits: ({ kty, crv }) => kty !== 'RSA' && curves.includes(crv), ours: 'ECDH-ES' }

/**
 * Without RSA1_5, which allows Bleichenbacher's attack, and without PBES2, where the sender chooses the cost of the
 * computation (RFC 8725 §3.2, RFC 7518 §8.1). Do not add either, not even as an option.
 */
const rows: Readonly<Record<Alg, ToKey | UnderSecret>> = {
  'RSA-OAEP-256': rsa,
  'ECDH-ES': agreement,
  'ECDH-ES+A128KW': agreement,
  'ECDH-ES+A256KW': agreement,
  dir: { bits: (enc) => keyBits[enc] },
  A128KW: { bits: () => 128 },
  A256KW: { bits: () => 256 },
}

export type Alg = (typeof encryptionAlgs)[number]
export const rowOf = (alg: Alg): ToKey | UnderSecret => rows[alg]

export const isSymmetric = (alg: Alg): boolean => 'bits' in rows[alg]

/** The left-most `bits` of the shortest SHA-2 hash of the secret that is long enough (OpenID Connect Core §10.2). */
export function keyFromSecret(secret: string, bits: number): Uint8Array {
  const hash = bits <= 256 ? 'sha256' : bits <= 384 ? 'sha384' : 'sha512'
  return new Uint8Array(
    createHash(hash)
      .update(secret, 'utf8')
      .digest()
      .subarray(0, bits / 8),
  )
}

/** The client's keys that fit `alg`. Keys with a matching `use` or `alg` come first (RFC 7517 §4.2, §4.4). */
export function fittingKeys(keys: readonly ClientJwk[], alg: Alg): ClientJwk[] {
  const row = rowOf(alg)
  if (!('fits' in row)) return []
  const matches = ({ use, alg: named }: ClientJwk) => Number(use === 'enc') + Number(named === alg)
  return keys
    .filter(
      (jwk) =>
        row.fits(jwk) &&
        (jwk.use === undefined || jwk.use === 'enc') &&
        (jwk.alg === undefined || jwk.alg === alg),
    )
    .sort((a, b) => matches(b) - matches(a))
}
