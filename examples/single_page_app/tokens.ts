/** Access tokens, got with the refresh token, and the calls that they are for. https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2 */
import * as oidc from 'openid-client'
import { expiry, type Session, type Wanted } from './sign_in.ts'

/** The provider has ended what the person agreed to. */
export class SessionEnded extends Error {}

/**
 * A new access token for the resource. A refresh token is good for one use: calls that come at once wait for one refresh.
 * Tabs have sign-ins of their own, so that none takes the token of another.
 */
export function renew(config: oidc.Configuration, session: Session, resource: string): Promise<string> {
  session.refreshing ??= refresh(config, session, resource).finally(() => {
    session.refreshing = undefined
  })
  return session.refreshing
}

async function refresh(config: oidc.Configuration, session: Session, resource: string): Promise<string> {
  const { refreshToken, proofs, accessTokens, sub } = session
  if (refreshToken === undefined) throw new SessionEnded('there is no refresh token')
  const tokens = await oidc
    .refreshTokenGrant(config, refreshToken, { resource }, { DPoP: proofs })
    .catch((error: unknown) => {
      // A provider that does not answer says nothing about the session: only this refusal ends it.
      const isOver = error instanceof oidc.ResponseBodyError && error.error === 'invalid_grant'
      throw isOver ? new SessionEnded('the session has ended', { cause: error }) : error
    })
  const about = tokens.claims()?.sub
  if (about !== undefined && about !== sub) throw new SessionEnded('the new tokens are about another person')
  session.refreshToken = tokens.refresh_token ?? refreshToken
  accessTokens.set(resource, { token: tokens.access_token, expiresAt: expiry(tokens.expiresIn()) })
  return tokens.access_token
}

async function tokenFor(config: oidc.Configuration, session: Session, resource: string): Promise<string> {
  for (;;) {
    const kept = session.accessTokens.get(resource)
    if (kept && kept.expiresAt - Date.now() > 30_000) return kept.token
    if (!session.refreshing) return renew(config, session, resource)
    await session.refreshing // it may be for another resource
  }
}

export interface ApiCall {
  resource: string
  path: string
  method: string
  body: string | undefined
}

export async function callApi(
  config: oidc.Configuration,
  session: Session,
  { resource, path, method, body }: ApiCall,
): Promise<Response> {
  const token = await tokenFor(config, session, resource)
  const headers = new Headers(body === undefined ? {} : { 'content-type': 'application/json' })
  const options = { DPoP: session.proofs }
  return oidc.fetchProtectedResource(config, token, new URL(path, resource), method, body, headers, options)
}

/** Which sign-in the API asks for (RFC 9470 §3); undefined when that is not what it says. */
export function stepUp(error: unknown): Wanted | undefined {
  const challenge =
    error instanceof oidc.WWWAuthenticateChallengeError ? error.cause[0]?.parameters : undefined
  if (challenge?.error !== 'insufficient_user_authentication') return undefined
  const { max_age = '', acr_values } = challenge
  return {
    ...(/^\d{1,9}$/.test(max_age) && { maxAge: Number(max_age) }),
    ...(acr_values !== undefined && { acrValues: acr_values }),
  }
}
