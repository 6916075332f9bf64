/** Creates all tokens. Access tokens: RFC 9068 or opaque. ID Tokens: https://openid.net/specs/openid-connect-core-1_0.html#IDToken */
import { pick, requestedNames, withTheirValues } from '../auth/claims.ts'
import { sign } from '../auth/jws.ts'
import { accessTokenMark } from '../auth/jwt_type.ts'
import { formatScope } from '../auth/scope.ts'
import { leftHalfHash, newHandle, noGrant } from '../auth/token.ts'
import type { Context } from '../contracts/context.ts'
import { seconds } from '../lib/clock.ts'
import { AccessToken } from '../models/access_token.ts'
import { findClient } from '../clients/find_client.ts'
import { signerFor } from '../clients/signer.ts'
import type { Client } from '../models/client.ts'
import { refreshHandle } from '../models/refresh_token.ts'
import { wrapDocument } from './documents.ts'
import type { Bound, Issue, UserIssue } from '../contracts/grant_type.ts'
import { claimsOf, requestedClaims, sidOf, signInClaims, subjectOf } from './person.ts'

/** RFC 6749 §5.1 and OpenID Connect Core §3.1.3.3. `expires_in` in seconds. */
export interface TokenResponse {
  access_token: string
  token_type: string
  expires_in: number
  scope?: string
  refresh_token?: string
  id_token?: string
}

export async function mint(
  issue: Issue,
  client: Client,
  bound: Bound | undefined,
  context: Context,
): Promise<TokenResponse> {
  const access = await mintAccessToken(issue, client, bound, context)
  const response: TokenResponse = {
    access_token: access.token,
    token_type: bound?.token_type ?? 'Bearer',
    expires_in: access.expiresIn,
  }
  if (issue.scope.length > 0) response.scope = formatScope(issue.scope)
  if (issue.grant && issue.refresh !== undefined)
    response.refresh_token = refreshHandle(context.secrets.refresh, issue.grant.grant_id, issue.refresh)
  if (issue.grant && issue.idToken) {
    const { nonce, claims } = issue.idToken
    response.id_token = await mintIdToken(issue, client, context, {
      nonce,
      accessToken: access.token,
      withScopeClaims: readsIdTokens(client, context),
      claims,
    })
  }
  return issue.response ? { ...response, ...issue.response } : response
}

/** An access token. It expires no later than its grant. */
export async function mintAccessToken(
  issue: Issue,
  client: Client,
  bound: Bound | undefined,
  context: Context,
) {
  const iat = seconds(context.clock)
  const exp = Math.min(
    iat + context.config.accessTokenTtl,
    issue.grant?.exp ?? Infinity,
    issue.expiresAt ?? Infinity,
  )
  const aud = issue.audience ?? issue.copyOf?.aud ?? context.config.accessTokenAudience
  const token = {
    client_id: client.client_id,
    sub: issue.grant ? subjectOf(issue.user.sub, client, context) : issue.sub,
    scope: formatScope(issue.scope),
    aud,
    iat,
    exp,
    ...(issue.grant && { grant_id: issue.grant.grant_id }),
    ...(bound && { cnf: bound.cnf }),
    ...issue.claims,
  }
  const expiresIn = exp - iat
  if ((client.access_token_format ?? context.config.accessTokenFormat) === 'opaque') {
    const handle = newHandle('access', issue.grant?.grant_id ?? noGrant, context.random)
    await AccessToken.put(context, handle, token)
    return { token: handle, expiresIn }
  }
  const key = context.keys.signer(context.config.accessTokenAlg)
  const typ = await typFor({ aud, apis: issue.apis }, client, context)
  const claims = {
    iss: context.config.issuer,
    ...token,
    scope: token.scope === '' ? undefined : token.scope, // RFC 9068 §2.2.3: absent, not empty
    jti: context.random(15),
    ...(issue.grant && signInClaims(issue.grant)),
    ...(typ === 'JWT' && accessTokenMark),
  }
  const jwt = await sign(key, typ, claims)
  context.keys.remember(jwt, key.kid, typ, claims)
  return { token: jwt, expiresIn }
}

/**
 * A token whose audience is a client could pass there for an ID Token, so it has the type of access tokens in any case. What
 * a client source would have to fetch counts as a client: a token request causes no other, and an outage changes no type.
 */
async function typFor(
  { aud, apis = [] }: { aud: string | readonly string[]; apis: readonly string[] | undefined },
  client: Client,
  context: Context,
) {
  const { accessTokenTyp, accessTokenAudience } = context.config
  const typ = client.access_token_typ ?? accessTokenTyp
  if (typ !== 'JWT') return typ
  for (const name of [aud].flat()) {
    if (name === accessTokenAudience || apis.includes(name)) continue // the choice of the operator
    const isFetched = context.table.clientSources.some((each) => each.accepts(name))
    if (name === client.client_id || isFetched || (await findClient(context, name))) return 'at+jwt'
  }
  return typ
}

/** Whether the client reads the claims of its scopes from ID Tokens that it receives directly. */
const readsIdTokens = (client: Client, { config }: Context): boolean =>
  client.include_claims_in_id_token ?? config.idTokenClaims === 'every_client'

const idTokenAlg = 'id_token_signed_response_alg'

/** The parts of an ID Token that do not come from its grant. */
export interface IdTokenParts {
  nonce?: string | undefined
  accessToken?: string | undefined
  code?: string | undefined
  /** The ID Token has the claims that the scopes request: without an access token (§5.4), or as the client registered. */
  withScopeClaims?: boolean
  claims?: Record<string, unknown> | undefined
}

export async function mintIdToken(
  issue: UserIssue,
  client: Client,
  context: Context,
  parts: IdTokenParts,
): Promise<string> {
  const iat = seconds(context.clock)
  const key = signerFor(context, idTokenAlg, client[idTokenAlg])
  const scopes = parts.withScopeClaims ? issue.scope : []
  const requests = requestedClaims(issue.grant, issue.scope)?.id_token
  const isAsked = scopes.length > 0 || Object.keys(requests ?? {}).length > 0
  const all = isAsked ? await claimsOf(issue.user, client, context) : {}
  const names = requestedNames(scopes, withTheirValues(all, requests), context.scopeTable)
  const jwt = await sign(key, 'JWT', {
    ...pick(all, names, issue.grant.claims_locales),
    ...parts.claims,
    iss: context.config.issuer,
    sub: subjectOf(issue.user.sub, client, context),
    aud: client.client_id,
    iat,
    exp: iat + context.config.idTokenTtl,
    ...signInClaims(issue.grant),
    sid: sidOf(issue.grant.authentication.sid, client, context),
    ...(parts.nonce !== undefined && { nonce: parts.nonce }),
    ...(parts.accessToken !== undefined && { at_hash: leftHalfHash(parts.accessToken, key.alg) }),
    ...(parts.code !== undefined && { c_hash: leftHalfHash(parts.code, key.alg) }),
  })
  return (await wrapDocument(undefined, context, { kind: 'id_token', document: jwt, client }))?.body ?? jwt
}
