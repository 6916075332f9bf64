/** The checks that the library leaves out, because it trusts the connection to the provider. https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation */
import { createRemoteJWKSet, jwtVerify } from 'jose'
import type { MetadataService, User } from 'oidc-client-ts'

export interface Expected {
  issuer: string
  clientId: string
}

const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA']

/** Before the code is sent anywhere: the document and the answer come from the issuer that was asked (RFC 9207 §2.4). */
export async function requireIssuer(
  metadata: MetadataService,
  issuer: string,
  answer?: URLSearchParams,
): Promise<void> {
  if ((await metadata.getIssuer()) !== issuer) throw new Error('the discovery document names another issuer')
  if (answer && answer.get('iss') !== issuer) throw new Error('the answer comes from another issuer')
}

/** Signature, issuer, audience and times of the ID Token. The library has compared nonce and sub. */
export async function requireIdToken(
  user: User,
  metadata: MetadataService,
  { issuer, clientId }: Expected,
): Promise<void> {
  const keys = createRemoteJWKSet(new URL((await metadata.getKeysEndpoint()) ?? ''))
  const { payload } = await jwtVerify(user.id_token ?? '', keys, {
    issuer,
    audience: clientId,
    algorithms,
    clockTolerance: 60,
    requiredClaims: ['sub', 'exp', 'iat'],
  })
  if (Array.isArray(payload.aud) && payload.aud.length > 1)
    throw new Error('the ID Token is for other clients, too')
}
