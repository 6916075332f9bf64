/** The caller of the API, by its access token. https://www.rfc-editor.org/rfc/rfc6750 https://www.rfc-editor.org/rfc/rfc9470 */
import { isAdminScope, scopesOfRole } from '../../auth/admin_roles.ts'
import { OAuthError } from '../../auth/errors.ts'
import { scopeValues } from '../../auth/scope.ts'
import { findClient } from '../../clients/find_client.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { LiveToken } from '../../contracts/live_token.ts'
import { findAccessToken } from '../../grants/live_token.ts'
import { challenge, invalidToken, presentedToken } from '../../http/bearer.ts'
import { countFurther } from '../../http/request_limit.ts'
import { type Meant, requireTokenFor } from '../../http/resource.ts'
import { isActive, User } from '../../models/user.ts'
import { audienceOf } from './api_head.ts'
import { type Actor, missingOf, roleOf, secondFactorAcr } from './actor.ts'
import type { Route } from './route.ts'
import { settingsOf } from './settings.ts'

/** No second API accepts the token, so none can use it here. */
const isForAdministration = (aud: string | readonly string[], context: Context): boolean =>
  [aud].flat().every((each) => each === audienceOf(context)) && aud.length > 0

const forAdministration: Meant = {
  audience: (context) => `${audienceOf(context)} alone: name it as resource when the token is requested`,
  isMeant: ({ claims }, _call, context) => isForAdministration(claims.aud, context),
}

/** Throws 401 with the challenge for a token that is not one of this API. */
export async function callerOf(call: Call, context: Context): Promise<Actor> {
  const live = await requireTokenFor(call, context, findAccessToken, forAdministration)
  return actorOf(call, context, live)
}

/**
 * The caller once more, later in one request: a role, a client or a token that was taken since is gone. A proof of
 * possession was checked at the beginning and counts once. `isFurther`: what it does now is one more request for its rate
 * limit. Throws 401 and 429.
 */
export async function callerStill(
  call: Call,
  context: Context,
  { isFurther }: { isFurther: boolean },
): Promise<Actor> {
  const { token } = await presentedToken(call, context)
  const live = await findAccessToken(context, token)
  if (live) {
    if (isFurther) await countFurther(call, context, live)
    return actorOf(call, context, live)
  }
  throw invalidToken(
    context,
    {
      rule: 'RFC 6750 §3.1',
      expected: 'an access token that is valid for the whole of the request',
      problem: 'the access token has expired or was revoked since the request began',
    },
    call,
  )
}

async function actorOf(call: Call, context: Context, { claims, grant }: LiveToken): Promise<Actor> {
  const client = await findClient(context, claims.client_id)
  if (!client || client.self_registered || 'act' in claims)
    throw invalidToken(
      context,
      {
        rule: 'RFC 9068 §4',
        expected: 'an access token that was issued, and not exchanged, to a client of an operator',
        came: 'act' in claims ? 'a token of a token exchange' : 'a token of a client that registered itself',
        problem: 'clients that registered themselves, and tokens of a token exchange, cannot administer',
      },
      call,
    )
  // What was taken from the client since ends with it.
  const registered = scopeValues(client.scope)
  const scopes = scopeValues(claims.scope)
    .filter(isAdminScope)
    .filter((each) => registered.includes(each))
  return grant
    ? personOf(call, context, { grant, scopes, clientId: client.client_id })
    : { clientId: client.client_id, scopes: new Set(scopes) }
}

async function personOf(
  call: Call,
  context: Context,
  token: { grant: NonNullable<LiveToken['grant']>; clientId: string; scopes: Parameters<typeof isHeld>[1][] },
): Promise<Actor> {
  const { sub, authentication } = token.grant
  const [user, role] = await Promise.all([User.find(context, sub), roleOf(context, sub)])
  if (!isActive(user))
    throw invalidToken(
      context,
      {
        rule: 'RFC 6750 §3.1',
        expected: 'an access token of an active account',
        problem: 'the account of this token does not exist any more or is disabled',
      },
      call,
    )
  return {
    sub,
    role,
    clientId: token.clientId,
    scopes: new Set(token.scopes.filter((each) => isHeld(role, each))),
    signIn: { at: authentication.auth_time, amr: authentication.amr },
  }
}

const isHeld = (role: Actor['role'], scope: ReturnType<typeof scopesOfRole>[number]): boolean =>
  scopesOfRole(role).includes(scope)

/** Throws 403 without the scope, and 401 (RFC 9470 §3) where the person must sign in with more, or anew. */
export function requireRight(call: Call, context: Context, actor: Actor, route: Route): void {
  const { scope, changes, noted } = route
  if (scope === undefined) return
  if (!actor.scopes.has(scope)) {
    const problem = problemOf(actor, scope)
    throw new OAuthError('insufficient_scope', {
      rule: 'RFC 6750 §3.1',
      expected: `the scope ${scope}`,
      came: [...actor.scopes].join(' '),
      problem,
      next:
        actor.signIn && actor.role === undefined
          ? 'an owner may give one, or latchkey admin grant USER'
          : undefined,
      headers: challenge(context, 'insufficient_scope', problem, call, [`scope="${scope}"`]),
    })
  }
  const missing = missingOf(actor, context, changes !== undefined || noted === true)
  if (missing === undefined) return
  const { adminFreshSignIn: seconds } = settingsOf(context.config)
  const [problem, wanted, setting] =
    missing === 'second_factor'
      ? [
          'an administrator signs in with two factors',
          `acr_values="${secondFactorAcr}"`,
          'ADMIN_SECOND_FACTOR',
        ]
      : [
          `${changes === undefined ? 'this' : 'a change'} needs a sign-in within the last ${seconds} seconds`,
          `max_age="${seconds}"`,
          'ADMIN_FRESH_SIGN_IN',
        ]
  throw new OAuthError('insufficient_user_authentication', {
    rule: 'RFC 9470 §3',
    expected: wanted.replaceAll('"', ''),
    came: missing === 'second_factor' ? actor.signIn?.amr.join(' ') : `auth_time ${actor.signIn?.at}`,
    problem,
    next: `send the person to the authorization endpoint with ${wanted.replaceAll('"', '')} (${setting})`,
    headers: challenge(context, 'insufficient_user_authentication', problem, call, [wanted]),
  })
}

function problemOf({ signIn, role }: Actor, scope: string): string {
  if (!signIn) return `the access token, or the client, lacks the scope ${scope}`
  return role === undefined
    ? 'the account has no administration role'
    : `the access token, or the role ${role}, lacks the scope ${scope}`
}
