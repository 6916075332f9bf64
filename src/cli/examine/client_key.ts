/** Proofs of the test client by a key: `private_key_jwt`, and DPoP. https://www.rfc-editor.org/rfc/rfc7523, https://www.rfc-editor.org/rfc/rfc9449 */
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import { systemRandom } from '../../lib/random.ts'
import { UsageError } from '../failure.ts'
import type { ClientKey, DpopKey, Sight } from './sight.ts'

const algs: Readonly<Record<string, string>> = {
  RSA: 'PS256',
  'P-256': 'ES256',
  'P-384': 'ES384',
  Ed25519: 'EdDSA',
}

/** Throws UsageError, which quotes nothing of the key. */
export async function readClientKey(text: string): Promise<ClientKey> {
  const wrong = new UsageError('--client-key: expected a file with one private JWK (RSA, EC or Ed25519)')
  try {
    const jwk = JSON.parse(text) as JWK
    const alg = jwk.alg ?? algs[jwk.crv ?? jwk.kty ?? '']
    if (alg === undefined || typeof jwk.d !== 'string') throw wrong
    return { alg, kid: jwk.kid, key: (await importJWK(jwk, alg)) as CryptoKey }
  } catch {
    throw wrong
  }
}

export async function makeDpopKey(): Promise<DpopKey> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  return { key: privateKey, jwk: await exportJWK(publicKey) }
}

const now = ({ reach }: Sight): number => Math.floor(reach.now() / 1000)

/** `wrong`: signed by a key that is not the client's. */
export async function assertion(
  sight: Sight,
  client_id: string,
  { alg, kid, key }: ClientKey,
  wrong: boolean,
): Promise<Record<string, string>> {
  const signer = wrong ? (await generateKeyPair(alg)).privateKey : key
  const jwt = await new SignJWT({})
    .setProtectedHeader({ alg, typ: 'JWT', ...(kid !== undefined && { kid }) })
    .setIssuer(client_id)
    .setSubject(client_id)
    .setAudience(sight.issuer)
    .setIssuedAt(now(sight))
    .setExpirationTime(now(sight) + 60)
    .setJti(systemRandom(15))
    .sign(signer)
  const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  return { client_id, client_assertion: jwt, client_assertion_type }
}

export const dpopProof = (
  sight: Sight,
  url: string,
  { key, jwk }: DpopKey,
  nonce: string | undefined,
): Promise<string> =>
  new SignJWT({ htm: 'POST', htu: url, ...(nonce !== undefined && { nonce }) })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
    .setIssuedAt(now(sight))
    .setJti(systemRandom(15))
    .sign(key)
