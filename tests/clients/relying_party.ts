/** What every client library's test needs: one real server that lets a registered client do all that is offered. */
import type { CryptoKey } from 'openid-client'
import { spawnProvider, type SpawnedProvider } from '../support/provider.ts'

export const callback = 'http://localhost:8080/callback'

/** The `alg` values an ID Token may be signed with, and a key for `private_key_jwt` in WebCrypto's words. */
const keysToMake = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048 },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', modulusLength: 2048 },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  EdDSA: { name: 'Ed25519' },
} as const
export type Alg = keyof typeof keysToMake
export const algs = Object.keys(keysToMake) as Alg[]

/** A provider as a process, whose registered clients may use every grant type. */
export const spawnOpenProvider = (env: Record<string, string> = {}): Promise<SpawnedProvider> =>
  spawnProvider({
    REGISTRATION: 'open',
    REGISTRATION_ALLOWED_GRANT_TYPES: 'authorization_code refresh_token client_credentials',
    ...env,
  })

/** A key pair and the JWK Set a client registers. WebCrypto's Ed25519 signs under that name (RFC 9864), not as EdDSA. */
export async function clientKeys(
  idTokenAlg: Alg,
): Promise<{ key: CryptoKey; kid: string; alg: string; jwks: { keys: object[] } }> {
  const alg = idTokenAlg === 'EdDSA' ? 'Ed25519' : idTokenAlg
  const algorithm = { publicExponent: new Uint8Array([1, 0, 1]), ...keysToMake[idTokenAlg] }
  const pair = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as {
    privateKey: CryptoKey
    publicKey: CryptoKey
  }
  const kid = `client-${alg}`
  const { kty, n, e, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  return { key: pair.privateKey, kid, alg, jwks: { keys: [{ kty, n, e, crv, x, y, kid, alg, use: 'sig' }] } }
}

/** Everything a client can do, with every grant type. */
export const everything = {
  client_name: 'A client under test',
  redirect_uris: [callback],
  post_logout_redirect_uris: ['http://localhost:8080/'],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  response_types: ['code'],
  scope: 'openid profile email offline_access',
}
