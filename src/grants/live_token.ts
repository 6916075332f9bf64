/** Validates access tokens for userinfo, introspection and revocation. https://www.rfc-editor.org/rfc/rfc9068#section-4 */
import type { Claims } from '../auth/jws.ts'
import { isMarkedAccessToken } from '../auth/jwt_type.ts'
import { grantIdOf, kindOf } from '../auth/token.ts'
import type { Context } from '../contracts/context.ts'
import type { LiveToken } from '../contracts/live_token.ts'
import { AccessToken } from '../models/access_token.ts'
import { findClient } from '../clients/find_client.ts'
import { Grant } from '../models/grant.ts'

/** Undefined unless it is a valid access token of this provider. Independent reads share a round trip to the store. */
export async function findAccessToken(context: Context, token: string): Promise<LiveToken | undefined> {
  const live = await (kindOf(token) === 'access' ? findOpaque(context, token) : findJwt(context, token))
  // A token of a removed or disabled client is not valid. Checked last: clients in use are cached.
  const client = live && (await findClient(context, live.claims.client_id))
  // Nor is that of a removed client for a later one with its client_id.
  return client && live.claims.iat >= (client.tokens_since ?? 0) ? live : undefined
}

async function findOpaque(context: Context, handle: string): Promise<LiveToken | undefined> {
  const grantId = grantIdOf(handle)
  const [claims, grant, since] = await Promise.all([
    AccessToken.find(context, handle),
    grantId === undefined ? undefined : Grant.find(context, grantId),
    grantId === undefined ? context.birth.since() : undefined, // an older copy of the store may have it although it was revoked
  ])
  return claims && claims.grant_id === grantId && claims.iat >= (since?.dated ?? 0) && isAlive(claims, grant)
    ? { format: 'opaque', claims, grant }
    : undefined
}

/** Both types are accepted, whatever is configured now. One of the type of ID Tokens counts with its mark alone. */
async function verified({ keys }: Context, jwt: string): Promise<Claims | undefined> {
  const typed = await keys.verify(jwt, { typ: 'at+jwt' })
  if (typed) return typed
  const plain = await keys.verify(jwt, { typ: 'JWT' })
  return plain && isMarkedAccessToken(plain) ? plain : undefined
}

async function findJwt(context: Context, jwt: string): Promise<LiveToken | undefined> {
  const payload = await verified(context, jwt)
  if (!payload || payload.iss !== context.config.issuer || typeof payload.exp !== 'number') return undefined
  if (payload.exp * 1000 <= context.clock.now()) return undefined
  const { token_use: _, ...said } = payload
  const claims = { ...said, scope: said.scope ?? '' } as LiveToken['claims'] & { jti: string }
  const [revoked, grant, since] = await Promise.all([
    AccessToken.isRevoked(context, claims.jti),
    claims.grant_id === undefined ? undefined : Grant.find(context, claims.grant_id),
    claims.grant_id === undefined ? context.birth.since() : undefined,
  ])
  return !revoked && claims.iat >= (since?.dated ?? 0) && isAlive(claims, grant)
    ? { format: 'jwt', claims, grant }
    : undefined
}

const isAlive = (claims: LiveToken['claims'], grant: Grant | undefined): boolean =>
  claims.grant_id === undefined || grant?.grant_id === claims.grant_id
