/** Access tokens that were issued for this very server, and no other. https://www.rfc-editor.org/rfc/rfc9068#section-4 */
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'

/** Who asks, and for whom. */
export interface Caller {
  sub: string
  client_id: string
  scope: string
}

/** The keys could not be fetched: that says nothing about the token. */
const aboutKeys = ['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID']

/** `resource` is the URL of this server. What it returns answers undefined for a token that is not good here. */
export async function tokensFor(resource: string, issuer: string) {
  const discovery = await fetch(`${issuer}/.well-known/openid-configuration`)
  const { jwks_uri } = (await discovery.json()) as { jwks_uri: string }
  const keys = createRemoteJWKSet(new URL(jwks_uri))
  return async (token: string): Promise<Caller | undefined> => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience: resource, // a token that somebody else passes on to us names somebody else
        typ: 'at+jwt',
        algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
        requiredClaims: ['exp', 'sub', 'client_id'],
      })
      const { sub = '', client_id, scope } = payload
      return { sub, client_id: String(client_id), scope: String(scope ?? '') }
    } catch (error) {
      if (error instanceof errors.JOSEError && !aboutKeys.includes(error.code)) return undefined
      throw error
    }
  }
}
