/** Which ID Tokens the client accepts. A line that a switch makes weak names the switch. https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation */
import {
  createRemoteJWKSet,
  decodeProtectedHeader,
  errors,
  exportSPKI,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose'
import type { Lab } from '../lab.ts'
import { Refused } from './refused.ts'
import type { Registration } from './registration.ts'

export interface Claims {
  iss: string
  sub: string
  name?: string
  nonce?: string
  email?: string
  email_verified?: boolean
}

export async function verified(
  lab: Lab,
  { issuer, clientId }: Registration,
  idToken: string,
): Promise<Claims> {
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks.json`))
  const options = { issuer, audience: clientId, requiredClaims: ['sub', 'exp', 'iat'] }
  try {
    const { payload, protectedHeader } = lab.weak('any_alg')
      ? // any_alg: the token says by which algorithm it is verified.
        await jwtVerify<Claims>(idToken, asTheTokenSays(keys), options)
      : // Strong: the client knows the algorithm, from its registration at the provider.
        await jwtVerify<Claims>(idToken, keys, { ...options, algorithms: ['RS256'] })
    lab.note({ what: 'client accepted an ID Token', sub: payload.sub, alg: protectedHeader.alg })
    return payload
  } catch (error) {
    const because = error instanceof errors.JOSEAlgNotAllowed ? 'alg' : 'id_token'
    throw new Refused(because, `The ID Token is not accepted: ${(error as Error).message}`)
  }
}

/** As libraries did in 2015: one function for every algorithm, and the text of the key file for its key. */
const asTheTokenSays =
  (keys: JWTVerifyGetKey): JWTVerifyGetKey =>
  async (header, token) => {
    if (!decodeProtectedHeader(token as never).alg?.startsWith('HS')) return keys(header, token)
    const publicKey = await keys({ ...header, alg: 'RS256' }, token)
    return new TextEncoder().encode(await exportSPKI(publicKey as CryptoKey))
  }
