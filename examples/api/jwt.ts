/** JWT access tokens: no request to the provider beyond its keys, and revocation is noticed when the token expires. https://www.rfc-editor.org/rfc/rfc9068#section-4 */
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import { Refused, type Verify } from './refusal.ts'

/** The keys could not be fetched: that says nothing about the token. */
const aboutKeys = ['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID']

export async function byJwt(issuer: string, audience: string): Promise<Verify> {
  const discovery = await fetch(`${issuer}/.well-known/openid-configuration`)
  const { jwks_uri } = (await discovery.json()) as { jwks_uri: string }
  const keys = createRemoteJWKSet(new URL(jwks_uri)) // cached, and fetched again when an unknown key appears
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        typ: 'at+jwt', // an ID Token is not an access token
        algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
        requiredClaims: ['exp', 'sub', 'client_id'],
      })
      return {
        sub: String(payload.sub),
        client_id: String(payload.client_id),
        scope: String(payload.scope ?? ''),
        auth_time: typeof payload.auth_time === 'number' ? payload.auth_time : undefined,
        acr: typeof payload.acr === 'string' ? payload.acr : undefined,
      }
    } catch (error) {
      const aboutToken = error instanceof errors.JOSEError && !aboutKeys.includes(error.code)
      throw aboutToken ? new Refused(401, 'invalid_token') : error
    }
  }
}
