/** The grant type authorization_code: redeems a code once, for the client and redirect_uri it was issued to. https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3 */
import { check } from '../auth/check.ts'
import * as v from 'valibot'
import { type Grounds, secret } from '../auth/refusal.ts'
import { sha256 } from '../lib/hash.ts'
import { optionalText } from '../auth/params.ts'
import { matchRedirectUri } from '../auth/redirect_uri.ts'
import { pkceHolds } from '../auth/pkce.ts'
import { grantIdOf } from '../auth/token.ts'
import type { Context } from '../contracts/context.ts'
import { seconds } from '../lib/clock.ts'
import { AuthorizationCode } from '../models/authorization_code.ts'
import { type Client, isPublic } from '../models/client.ts'
import { Grant } from '../models/grant.ts'
import { Session } from '../models/session.ts'
import { User } from '../models/user.ts'
import { admit } from './grant_rules.ts'
import { noteReplay } from './replay.ts'
import { type Bound, defineGrantType, type UserIssue } from '../contracts/grant_type.ts'

const Params = v.object({
  code: v.string('a code'),
  redirect_uri: optionalText('As in the authorization request'),
  code_verifier: optionalText('What code_challenge is the hash of'),
})

/** Only clients that registered the grant type refresh_token get refresh tokens. */
const mayRefresh = (client: Client): boolean => client.grant_types.includes('refresh_token')

/** Seconds a grant is valid after it is redeemed. */
export const grantLifetime = (client: Client, context: Context): number =>
  mayRefresh(client)
    ? context.config.refreshTokenTtl
    : Math.max(context.config.accessTokenTtl, context.config.idTokenTtl)

/**
 * The grant after the client has redeemed its code or other handle. The grant of a public client is bound to the key that
 * the request proves, because the client has no other means to protect its refresh tokens (RFC 9449 §5).
 */
export const redeemed = (
  unredeemed: Grant,
  client: Client,
  bound: Bound | undefined,
  context: Context,
): Grant => ({
  ...unredeemed,
  ...(isPublic(client) ? bound && { cnf: bound.cnf } : { authenticated: true }),
  ...(mayRefresh(client) && { refresh: { generation: 0, rotated_at: context.clock.now() } }),
  exp: seconds(context.clock) + grantLifetime(client, context),
})

export const authorizationCode = defineGrantType('authorization_code', Params, async (request) => {
  const { params, client, context, bound } = request
  const grantId = grantIdOf(params.code)
  check(grantId !== undefined, 'invalid_grant', () => ({
    rule: 'RFC 6749 §4.1.3',
    expected: 'code is an authorization code of this provider',
    came: secret(params.code),
    problem: 'the value of code is not an authorization code of this provider',
  }))
  const [code, loaded] = await Promise.all([
    AuthorizationCode.find(context, params.code),
    Grant.load(context, grantId),
  ])
  check(code && code.grant_id === grantId, 'invalid_grant', () => ({
    rule: 'RFC 6749 §4.1.2',
    expected: `a code that was issued at most ${context.config.authorizationCodeTtl} seconds ago`,
    came: secret(params.code),
    problem: 'the code is unknown or has expired',
  }))
  check(code.client_id === client.client_id, 'invalid_grant', () => ({
    rule: 'RFC 6749 §4.1.3',
    expected: 'a code that was issued to this client',
    came: client.client_id,
    wanted: code.client_id,
    problem: 'the code was issued to another client',
  }))
  check(params.redirect_uri === code.redirect_uri, 'invalid_grant', () => ({
    rule: 'RFC 6749 §4.1.3',
    expected: `redirect_uri is the one of the authorization request: ${code.redirect_uri}`,
    came: params.redirect_uri,
    wanted: code.redirect_uri,
    problem:
      params.redirect_uri === undefined
        ? 'redirect_uri is required: the one of the authorization request'
        : 'redirect_uri differs from the one of the authorization request',
  }))
  // Removed from the registration since the authorization request: the code was sent to an address the client disowns.
  check(matchRedirectUri(client.redirect_uris, code.redirect_uri, client), 'invalid_grant', () => ({
    rule: 'RFC 6749 §4.1.3',
    expected: `redirect_uri is one that this client registered: ${client.redirect_uris.join(', ') || 'none'}`,
    came: code.redirect_uri,
    wanted: client.redirect_uris,
    problem: 'redirect_uri is no longer registered for this client',
  }))
  // The client has become public since the authorization request: without a secret or PKCE any caller could redeem the code.
  check(!isPublic(client) || code.code_challenge !== undefined, 'invalid_grant', () => ({
    rule: 'RFC 9700 §2.1.1',
    expected: 'a code_challenge in the authorization request of a public client',
    problem:
      'a public client needs PKCE to redeem a code, and the authorization request had no code_challenge',
  }))
  check(pkceHolds(code.code_challenge, params.code_verifier), 'invalid_grant', () =>
    pkceProblem(code.code_challenge, params.code_verifier),
  )
  check(loaded, 'invalid_grant', () => ({
    rule: 'RFC 6749 §4.1.2',
    expected: 'a code whose authorization is still valid',
    came: secret(params.code),
    problem: 'the authorization has ended: the End-User signed out, or the code was used before',
  }))
  await admit(loaded.record, request)
  const { sub, authentication } = loaded.record
  // Used last: a request that fails above neither uses up the code nor ends the grant. Of concurrent requests one succeeds.
  const once = (current: Grant) =>
    current.code_used ? undefined : { ...redeemed(current, client, bound, context), code_used: true }
  const [grant, session, user] = await Promise.all([
    Grant.prolong(context, loaded.record, once, loaded),
    Session.find(context, authentication.sid),
    User.find(context, sub),
  ])
  const lives = grant && session && session.epoch === grant.session_epoch
  // A replay (RFC 6749 §4.1.2), or a code that is redeemed after the End-User signed out.
  if (!lives) await Grant.end(context, grantId)
  if (!grant) noteReplay(context, 'authorization_code', loaded.record)
  check(grant, 'invalid_grant', () => ({
    rule: 'RFC 6749 §4.1.2',
    expected: 'a code that was not used before',
    came: secret(params.code),
    problem: 'the code was used before; all its tokens are revoked',
  }))
  check(lives, 'invalid_grant', () => ({
    rule: 'RFC 6749 §5.2',
    expected: 'a session that has not ended, and a password that has not changed since',
    problem: 'the End-User signed out, or changed the password',
  }))
  return firstIssue(grant, user, code.nonce)
})

/** A code_verifier without a code_challenge is a sign of a PKCE downgrade attack. */
function pkceProblem(challenge: string | undefined, verifier: string | undefined): Grounds {
  if (challenge === undefined)
    return {
      rule: 'RFC 9700 §4.8.2',
      expected: 'no code_verifier without a code_challenge in the authorization request',
      came: secret(verifier),
      problem: 'code_verifier came, but the authorization request had no code_challenge',
    }
  return {
    rule: 'RFC 7636 §4.6',
    expected: `a code_verifier whose SHA-256 in base64url is the code_challenge ${challenge}`,
    // A hash, and not the verifier: the challenge is no secret.
    came: verifier === undefined ? undefined : sha256(verifier),
    wanted: challenge,
    problem:
      verifier === undefined
        ? 'code_verifier is required: the request had a code_challenge'
        : 'code_verifier does not fit the code_challenge',
  }
}

/** What the first redemption of a grant issues: an ID Token if the scope has openid. */
export const firstIssue = (
  grant: Grant,
  user: User | undefined,
  nonce?: string,
): UserIssue<User | undefined> => ({
  scope: grant.scope,
  grant,
  user,
  ...(grant.refresh && { refresh: 0 }),
  ...(grant.scope.includes('openid') && { idToken: { nonce } }),
})
