/** JWTs that the driver signs itself, one for each request: DPoP proofs and client assertions. RFC 9449, RFC 7523 §2.2 */
import { createPrivateKey, randomBytes, sign } from 'node:crypto'

/** A P-256 key pair as JWK; `d` is the private half. */
export interface SigningKey {
  kty: string
  crv: string
  x: string
  y: string
  d: string
}

export const publicHalf = ({ kty, crv, x, y }: SigningKey): Omit<SigningKey, 'd'> => ({ kty, crv, x, y })

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

type Sign = (claims: Record<string, unknown>) => string

/** Each with a `jti` and `iat` of its own. Synchronous: a thread pool would only add to what the driver costs. */
function createSigner(jwk: SigningKey, header: object): Sign {
  const key = createPrivateKey({ key: { ...jwk }, format: 'jwk' })
  const head = encode({ alg: 'ES256', ...header })
  return (claims) => {
    const iat = Math.floor(Date.now() / 1000)
    const signed = `${head}.${encode({ iat, jti: randomBytes(12).toString('base64url'), ...claims })}`
    const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' })
    return `${signed}.${signature.toString('base64url')}`
  }
}

/** A function that makes the next proof for POST to `url`. */
export function createProver(jwk: SigningKey, url: string): () => string {
  const next = createSigner(jwk, { typ: 'dpop+jwt', jwk: publicHalf(jwk) })
  return () => next({ htm: 'POST', htu: url })
}

/** A function that makes the next assertion that authenticates `clientId` to `issuer`. */
export function createAsserter(jwk: SigningKey, clientId: string, issuer: string): () => string {
  const next = createSigner(jwk, {})
  return () => next({ iss: clientId, sub: clientId, aud: issuer, exp: Math.floor(Date.now() / 1000) + 60 })
}
