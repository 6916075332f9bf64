/** The sign-in: away to the provider, and back with a code. https://datatracker.ietf.org/doc/html/draft-ietf-oauth-browser-based-apps */
import * as oidc from 'openid-client'
import { requireAtHash } from '../answers/at_hash.ts'
import { remember, take } from './kept.ts'
import { settings } from './settings.ts'

const { issuer, api } = settings

/** In memory alone: gone with the page, and never in a storage that a later visitor or another tab can read. */
export interface Session {
  sub: string
  person: oidc.UserInfoResponse
  idToken: string
  refreshToken: string | undefined
  /** Makes the proofs with which the tokens are used (RFC 9449). */
  proofs: oidc.DPoPHandle
  /** For the frame that watches the session at the provider. */
  sessionState: string | undefined
  accessTokens: Map<string, { token: string; expiresAt: number }>
  refreshing: Promise<string> | undefined
}

export interface Wanted {
  /** Without a page of the provider: for this person, or not at all. */
  silentlyFor?: string
  maxAge?: number
  acrValues?: string
}

/** After a reload: nothing of the person before may be shown to this one. */
export class OtherPerson extends Error {}

const redirectUri = `${location.origin}/callback`

/** Where the browser must go. A new key for each sign-in: tokens of different sign-ins have nothing in common. */
export async function addressOfSignIn(config: oidc.Configuration, wanted: Wanted = {}): Promise<URL> {
  const keys = await oidc.randomDPoPKeyPair('ES256', { extractable: false })
  const state = oidc.randomState()
  const pending = {
    keys,
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedNonce: oidc.randomNonce(),
    maxAge: wanted.maxAge,
    acrValues: wanted.acrValues,
    expectedSub: wanted.silentlyFor,
    startedAt: Date.now(),
  }
  await remember(state, pending)
  const scopes = ['openid', 'profile', 'email', ...(api === undefined ? [] : ['read:notes', 'write:notes'])]
  const params = new URLSearchParams({
    redirect_uri: redirectUri,
    scope: scopes.join(' '),
    code_challenge: await oidc.calculatePKCECodeChallenge(pending.pkceCodeVerifier),
    code_challenge_method: 'S256',
    // The code is of no use without the key, too (RFC 9449 §10).
    dpop_jkt: await oidc.getDPoPHandle(config, keys).calculateThumbprint(),
    state,
    nonce: pending.expectedNonce,
    ...(wanted.silentlyFor !== undefined && { prompt: 'none' }),
    ...(wanted.maxAge !== undefined && { max_age: `${wanted.maxAge}` }),
    ...(wanted.acrValues !== undefined && { acr_values: wanted.acrValues }),
  })
  // Each token is for one of these, so that one API cannot use it at another (RFC 8707).
  for (const resource of api === undefined ? [] : [issuer, api]) params.append('resource', resource)
  return oidc.buildAuthorizationUrl(config, params)
}

/** The library checks iss and state of the answer; signature, iss, aud, azp, exp, nonce and auth_time of the ID Token. */
export async function finishSignIn(config: oidc.Configuration, answer: URL): Promise<Session> {
  const state = answer.searchParams.get('state')
  const pending = state === null ? undefined : await take(state)
  if (!pending || state === null)
    throw new Error('this answer belongs to no sign-in of this browser, or was used already')
  const { maxAge, acrValues, expectedSub } = pending
  const proofs = oidc.getDPoPHandle(config, pending.keys)
  const checks = {
    pkceCodeVerifier: pending.pkceCodeVerifier,
    expectedNonce: pending.expectedNonce,
    expectedState: state,
    idTokenExpected: true,
    ...(maxAge !== undefined && { maxAge }),
  }
  const audience = api === undefined ? {} : { resource: issuer }
  const tokens = await oidc.authorizationCodeGrant(config, answer, checks, audience, { DPoP: proofs })
  const { id_token: idToken = '', access_token, refresh_token: refreshToken } = tokens
  const claims = tokens.claims()!
  if (tokens.token_type !== 'dpop')
    throw new Error('the access token is not bound to the key of this browser')
  await requireAtHash(idToken, access_token)
  if (expectedSub !== undefined && claims.sub !== expectedSub)
    throw new OtherPerson('another person is signed in at the provider')
  if (acrValues !== undefined && !acrValues.split(' ').includes(String(claims.acr)))
    throw new Error(`the sign-in has not the strength that was asked for (${acrValues})`)
  return {
    sub: claims.sub,
    person: await oidc.fetchUserInfo(config, access_token, claims.sub, { DPoP: proofs }),
    idToken,
    refreshToken,
    proofs,
    sessionState: answer.searchParams.get('session_state') ?? undefined,
    accessTokens: new Map([[issuer, { token: access_token, expiresAt: expiry(tokens.expiresIn()) }]]),
    refreshing: undefined,
  }
}

export const expiry = (seconds = 0): number => Date.now() + seconds * 1000
