/** Access tokens for the API, got with the refresh token. https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2 */
import * as oidc from 'openid-client'
import { config } from './provider.ts'
import { end, isLive, type Session } from './sessions.ts'

/** The provider has ended what the person agreed to: sign in again. */
export class SessionEnded extends Error {}

/**
 * A token for the resource that is good for the next half minute. A refresh token is good for one use. Requests that come
 * at once wait for one refresh: a second use looks like that of a thief, and ends the session.
 */
export async function accessToken(session: Session, resource: string, isRefused?: string): Promise<string> {
  const { accessToken: kept, refreshing: running } = session
  const isGood = kept?.resource === resource && kept.token !== isRefused
  if (isGood && kept.expiresAt - Date.now() > 30_000) return kept.token
  if (running && running.resource !== resource) {
    await running.token.catch(() => {}) // of another API: its caller gets the error
    return accessToken(session, resource, isRefused)
  }
  const token = running?.token ?? refresh(session, resource).finally(() => delete session.refreshing)
  session.refreshing ??= { resource, token }
  return token
}

async function refresh(session: Session, resource: string): Promise<string> {
  if (session.refreshToken === undefined) throw new SessionEnded('there is no refresh token')
  try {
    const tokens = await oidc.refreshTokenGrant(config, session.refreshToken, { resource })
    const sub = tokens.claims()?.sub
    if (sub !== undefined && sub !== session.sub)
      throw new SessionEnded('the new tokens are about another person')
    if (!isLive(session)) throw new SessionEnded('the person has signed out meanwhile')
    session.refreshToken = tokens.refresh_token ?? session.refreshToken
    session.accessToken = {
      resource,
      token: tokens.access_token,
      expiresAt: Date.now() + (tokens.expiresIn() ?? 0) * 1000,
    }
    return tokens.access_token
  } catch (error) {
    // A provider that does not answer says nothing about the session: only this refusal ends it.
    const isOver = error instanceof oidc.ResponseBodyError && error.error === 'invalid_grant'
    if (!isOver && !(error instanceof SessionEnded)) throw error
    end(session)
    throw isOver ? new SessionEnded(error.error_description ?? error.error) : error
  }
}

/** The grant ends with its refresh token (RFC 7009 §2.1). When the provider cannot be reached, the session here ends all the same. */
export async function revoke({ refreshToken }: Session): Promise<void> {
  if (refreshToken === undefined) return
  await oidc
    .tokenRevocation(config, refreshToken)
    .catch((error: Error) => console.error('not revoked:', error.message))
}
