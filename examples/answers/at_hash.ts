/** Compares the access token with `at_hash` of the ID Token, so that neither can be replaced alone. https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowTokenValidation */
import { base64url, decodeJwt, decodeProtectedHeader } from 'jose'

const hashes: Readonly<Record<string, string>> = {
  RS256: 'SHA-256',
  PS256: 'SHA-256',
  ES256: 'SHA-256',
  EdDSA: 'SHA-512',
  Ed25519: 'SHA-512',
}

/** Call it after the ID Token is verified. With a code, `at_hash` is optional (§3.1.3.6): a token without it passes. */
export async function requireAtHash(idToken: string, accessToken: string): Promise<void> {
  const { at_hash } = decodeJwt(idToken)
  if (at_hash === undefined) return
  const { alg = '' } = decodeProtectedHeader(idToken)
  const hash = hashes[alg]
  if (hash === undefined) throw new Error(`at_hash: the hash of ${alg} is not known`)
  const digest = new Uint8Array(await crypto.subtle.digest(hash, new TextEncoder().encode(accessToken)))
  if (base64url.encode(digest.subarray(0, digest.length / 2)) !== at_hash)
    throw new Error('at_hash of the ID Token is the hash of another access token')
}
