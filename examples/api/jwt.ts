/** JWT access tokens: no request to the provider beyond its keys, and revocation is noticed when the token expires. https://www.rfc-editor.org/rfc/rfc9068#section-4 */
import { errors, jwtVerify, type JWTVerifyGetKey } from 'jose'
import { callerOf, type Verify } from './caller.ts'
import { Refused } from './refusal.ts'

/** Characters. A longer token is refused before anything of it is read. */
const longest = 8_192

/** `resource` is the URI of this API: a token for another API is refused, although the same provider issued it. */
export const byJwt =
  (issuer: string, resource: string, keys: JWTVerifyGetKey): Verify =>
  async (token) => {
    if (token.length > longest) throw new Refused(401, 'invalid_token', 'the token is too long')
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience: resource,
        typ: 'at+jwt', // an ID Token or a logout token is no access token
        algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'], // no MAC, no `none`
        requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id'],
        clockTolerance: 5,
      })
      return callerOf(payload)
    } catch (error) {
      if (error instanceof errors.JOSEError) throw new Refused(401, 'invalid_token', error.message)
      throw error
    }
  }
