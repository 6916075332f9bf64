/** The provider as this application knows it: its metadata, and the checks that are made of each answer. https://github.com/panva/openid-client */
import * as oidc from 'openid-client'
import { requireAtHash } from '../answers/at_hash.ts'

const { ISSUER = 'http://localhost:5000', CLIENT_ID = 'native-app', API } = process.env

export const issuer = ISSUER
export const clientId = CLIENT_ID
/** The URI of the API that the application uses; undefined without one. */
export const api = API

/** What the person is asked for. Each token is for one of the resources, so that one API cannot use it at another (RFC 8707). */
export function asked(): URLSearchParams {
  const scopes = [
    'openid',
    'profile',
    'email',
    'offline_access',
    ...(API === undefined ? [] : ['read:notes']),
  ]
  const params = new URLSearchParams({ scope: scopes.join(' ') })
  for (const resource of API === undefined ? [] : [ISSUER, API]) params.append('resource', resource)
  return params
}

/** For the token request: the one resource that the access token is for. */
export const audience = (resource: string): Record<string, string> => (API === undefined ? {} : { resource })

export async function discover(): Promise<oidc.Configuration> {
  const config = await oidc.discovery(new URL(ISSUER), CLIENT_ID, undefined, oidc.None(), {
    execute: [
      // The signature of each ID Token is verified, although it came over a connection to the provider.
      oidc.enableNonRepudiationChecks,
      // A provider at http://localhost is for development; any other must speak TLS.
      ...(ISSUER.startsWith('http://localhost:') ? [oidc.allowInsecureRequests] : []),
    ],
  })
  config.timeout = 10
  return config
}

export interface AccessToken {
  token: string
  /** Milliseconds since 1970. */
  expiresAt: number
}

export interface SignedIn {
  sub: string
  name: string
  /** By the resource that each is for. */
  accessTokens: Record<string, AccessToken>
  refreshToken: string | undefined
}

type Answer = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers

const accessTokenOf = (tokens: Answer): AccessToken => ({
  token: tokens.access_token,
  expiresAt: Date.now() + (tokens.expiresIn() ?? 0) * 1000,
})

/** Checks what the library leaves to its caller, and asks UserInfo, whose `sub` must be that of the ID Token. */
export async function signedIn(config: oidc.Configuration, tokens: Answer): Promise<SignedIn> {
  const claims = tokens.claims()
  if (!claims || tokens.id_token === undefined) throw new Error('the answer has no ID Token')
  await requireAtHash(tokens.id_token, tokens.access_token)
  const person = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
  return {
    sub: claims.sub,
    name: person.name ?? person.preferred_username ?? person.sub, // only `sub` is always there
    accessTokens: { [ISSUER]: accessTokenOf(tokens) },
    refreshToken: tokens.refresh_token,
  }
}

/** A new access token for the resource. Each refresh token is good for one use: the answer has the next one (RFC 9700 §4.14.2). */
export async function refreshed(
  config: oidc.Configuration,
  before: SignedIn,
  resource: string,
): Promise<SignedIn> {
  if (before.refreshToken === undefined) throw new Error('there is no refresh token')
  const tokens = await oidc.refreshTokenGrant(config, before.refreshToken, audience(resource))
  const sub = tokens.claims()?.sub
  if (sub !== undefined && sub !== before.sub) throw new Error('the new tokens are about another person')
  return {
    ...before,
    accessTokens: { ...before.accessTokens, [resource]: accessTokenOf(tokens) },
    refreshToken: tokens.refresh_token ?? before.refreshToken,
  }
}
