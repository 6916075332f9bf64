/** Checks the keys that a client registers by value, and that its algorithms have a key. https://www.rfc-editor.org/rfc/rfc7591#section-2 */
import { OAuthError } from './errors.ts'
import { fits, isKnownKind, keyProblem } from './public_key.ts'
import { type ClientMetadata, clientAlgs, signingAlgs } from './registration.ts'

const refuse = (expected: string, came?: unknown, problem?: string) =>
  new OAuthError('invalid_client_metadata', { rule: 'RFC 7591 §2', expected, came, problem })

const isSymmetric = (alg: string): boolean => alg.startsWith('HS')

/** Throws `invalid_client_metadata` for a key that cannot verify anything, so that the client learns of it now. */
export function requireUsableKeys(metadata: ClientMetadata): void {
  const { token_endpoint_auth_method: method, token_endpoint_auth_signing_alg: alg, jwks } = metadata
  if (alg !== undefined && method === (isSymmetric(alg) ? 'private_key_jwt' : 'client_secret_jwt'))
    throw refuse(
      `token_endpoint_auth_signing_alg that ${method} signs with`,
      alg,
      `token_endpoint_auth_signing_alg ${alg} contradicts token_endpoint_auth_method ${method}`,
    )
  if (jwks === undefined) return
  const known = jwks.keys.filter(isKnownKind)
  for (const key of known) {
    const problem = keyProblem(key)
    if (problem !== undefined)
      throw refuse('jwks with public keys that are whole', key.kid ?? key.kty, `jwks: ${problem}`)
    if (key.kid !== undefined && known.some((other) => other !== key && isSame(other, key)))
      throw refuse('jwks in which no two keys of a kind have one kid', key.kid)
  }
  const offered = alg === undefined ? clientAlgs(signingAlgs) : [alg]
  if (method === 'private_key_jwt' && !known.some((key) => offered.some((each) => signs(key, each))))
    throw refuse(
      `jwks with a key that signs with ${offered.join(' or ')}`,
      undefined,
      `jwks has no key that signs with ${offered.join(' or ')}, which private_key_jwt needs`,
    )
}

type Key = Readonly<Record<string, unknown>>

const isSame = (one: Key, other: Key): boolean =>
  one.kid === other.kid && one.kty === other.kty && one.crv === other.crv && one.alg === other.alg

/** EdDSA has two names for one algorithm (RFC 9864). */
const signs = (key: Key, alg: string): boolean =>
  fits(key, alg) && (key.alg === undefined || key.alg === alg || key.crv === 'Ed25519')
