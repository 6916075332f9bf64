/** Token exchange: a service exchanges a token that it received for a narrower one to send to another service. https://www.rfc-editor.org/rfc/rfc8693 */
import { check } from '../../auth/check.ts'
import * as v from 'valibot'
import { OAuthError } from '../../auth/errors.ts'
import { optionalText } from '../../auth/params.ts'
import { secret, shown } from '../../auth/refusal.ts'
import { parseScope, requireWithin, scopeValues } from '../../auth/scope.ts'
import type { Context } from '../../contracts/context.ts'
import { type Bound, defineGrantType } from '../../contracts/grant_type.ts'
import { isForApi } from '../../grants/accepting_api.ts'
import { findAccessToken } from '../../grants/live_token.ts'
import type { LiveToken } from '../../contracts/live_token.ts'
import { findClient } from '../../clients/find_client.ts'
import { declareTokenClaims } from '../../models/access_token.ts'
import { type Client, isPublic } from '../../models/client.ts'
import type { Grant } from '../../models/grant.ts'
import { type ActiveUser, isActive, User } from '../../models/user.ts'
import { defineFeature } from '../../contracts/feature.ts'

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const jwtType = 'urn:ietf:params:oauth:token-type:jwt'
const tokenTypes: readonly string[] = [accessTokenType, jwtType]

const Params = v.object({
  subject_token: v.string('a token'),
  subject_token_type: v.string(`${accessTokenType}`),
  actor_token: optionalText('An access token of the client that acts'),
  actor_token_type: v.optional(v.string()),
  requested_token_type: v.optional(v.string()),
  scope: optionalText('Within the scopes of subject_token'),
  audience: v.optional(v.string()),
})

/** §4.1: the current actor, and the chain of earlier actors. */
type Actor = { sub: string; act?: Actor | undefined }
const Actor: v.GenericSchema<Actor> = v.object({ sub: v.string(), act: v.optional(v.lazy(() => Actor)) })
const ofToken = declareTokenClaims({ act: Actor })

const maxChain = 5
const maxAudience = 10

const tokenExchange = defineGrantType(
  'urn:ietf:params:oauth:grant-type:token-exchange',
  Params,
  async ({ params, client, context, bound }) => {
    check(!isPublic(client), 'unauthorized_client', () => ({
      rule: 'RFC 8693 §2.1',
      expected: 'token exchange is for clients that authenticate',
    }))
    checkTypes(params, client, context)
    const subject = await requireLive(params.subject_token, 'subject_token', context)
    requireTypeOf(subject, 'subject_token_type', params.subject_token_type)
    requireMayExchange(subject, client, context)
    requireKeyOf(subject, client, bound)
    const actor =
      params.actor_token === undefined ? undefined : await requireActor(params.actor_token, client, context)
    const granted = scopeValues(subject.claims.scope)
    if (actor) requireTypeOf(actor, 'actor_token_type', params.actor_token_type)
    const scope = params.scope === undefined ? granted : parseScope(params.scope)
    requireWithin(scope, granted, 'the scopes of the subject_token')
    const audience = await readAudience(params.audience, { subject, client, context })
    if (audience !== undefined) requireGranted(audience, subject, client)
    const act = actingFor(subject, client, actor)
    return {
      scope,
      ...(subject.grant
        ? { grant: subject.grant, user: await userOf(subject.grant, context) }
        : { sub: subject.claims.sub }),
      copyOf: { ...subject.claims },
      expiresAt: subject.claims.exp, // a copy never outlives the subject token
      ...(audience !== undefined && { audience }),
      ...(act && { claims: { act } }),
      response: { issued_token_type: params.requested_token_type ?? accessTokenType },
    }
  },
)

function checkTypes(params: v.InferOutput<typeof Params>, client: Client, { config }: Context): void {
  const { subject_token_type, actor_token, actor_token_type, requested_token_type } = params
  for (const [name, type] of Object.entries({ subject_token_type, actor_token_type, requested_token_type }))
    check(type === undefined || tokenTypes.includes(type), 'invalid_request', () => ({
      rule: 'RFC 8693 §3',
      expected: `${name} must be ${tokenTypes.join(' or ')}`,
      came: type,
    }))
  check(
    requested_token_type !== jwtType || (client.access_token_format ?? config.accessTokenFormat) === 'jwt',
    'invalid_request',
    () => ({
      rule: 'RFC 8693 §2.1',
      expected: `requested_token_type ${accessTokenType}, or a client that gets JWT access tokens`,
      came: requested_token_type,
      problem: 'this client gets opaque access tokens, which are no JWT',
      next: 'an operator may register access_token_format jwt for it',
    }),
  )
  check((actor_token === undefined) === (actor_token_type === undefined), 'invalid_request', () => ({
    rule: 'RFC 8693 §2.1',
    expected: 'actor_token and actor_token_type come together or not at all (RFC 8693 2.1)',
  }))
}

async function requireLive(token: string, name: string, context: Context): Promise<LiveToken> {
  const live = await findAccessToken(context, token)
  // §2.2.2: a bad subject or actor token is invalid_request.
  check(live, 'invalid_request', () => ({
    rule: 'RFC 8693 §2.2.2',
    expected: `${name} is an active access token of this provider`,
    came: secret(token),
    problem: `${name} is not an active access token of this provider`,
  }))
  return live
}

/** §2.1: the type says what the token is. Each JWT is also an access token (§3). */
function requireTypeOf({ format }: LiveToken, name: string, type: string | undefined): void {
  if (type !== jwtType || format === 'jwt') return
  throw new OAuthError('invalid_request', {
    rule: 'RFC 8693 §2.1',
    expected: `${name} is ${accessTokenType} for a token that is no JWT`,
    came: type,
  })
}

/** The client may exchange its own tokens and those that it may accept as an API. */
function requireMayExchange({ claims }: LiveToken, client: Client, context: Context): void {
  check(
    claims.client_id === client.client_id || isForApi(claims.aud, client, context),
    'invalid_request',
    () => ({
      rule: 'RFC 8693 §2.2.2',
      expected: `a subject_token whose client_id is ${client.client_id}, or whose aud is one of its resource_uris`,
      came: { client_id: claims.client_id, aud: claims.aud },
      problem: 'the subject_token was neither issued to this client nor meant for it',
    }),
  )
}

/** A bound token of the client itself needs a proof by its key. Otherwise a stolen one could be exchanged for a bearer token. */
function requireKeyOf({ claims }: LiveToken, client: Client, bound: Bound | undefined): void {
  if (
    claims.cnf === undefined ||
    claims.client_id !== client.client_id ||
    Bun.deepEquals(claims.cnf, bound?.cnf)
  )
    return
  throw new OAuthError('invalid_request', {
    rule: 'RFC 9449 §5',
    expected: 'a proof by the key that the subject_token is bound to',
    came: bound?.cnf,
    problem: 'the subject_token is bound to a key of this client: prove that key in this request',
  })
}

/** The actor token must be one of the requesting client: a token of another client does not identify the actor. */
async function requireActor(token: string, client: Client, context: Context): Promise<LiveToken> {
  const actor = await requireLive(token, 'actor_token', context)
  check(actor.claims.client_id === client.client_id, 'invalid_request', () => ({
    rule: 'RFC 8693 §2.1',
    expected: `an actor_token that was issued to ${client.client_id}`,
    came: actor.claims.client_id,
    wanted: client.client_id,
    problem: 'the actor_token was issued to another client',
  }))
  return actor
}

/** The End-User of the subject_token. RFC 8693 §2.2.2 wants `invalid_request` for a token that is not accepted. */
async function userOf({ sub }: Grant, context: Context): Promise<ActiveUser> {
  const user = await User.find(context, sub)
  if (isActive(user)) return user
  throw new OAuthError('invalid_request', {
    rule: 'RFC 8693 §2.2.2',
    expected: 'a subject_token of an active End-User',
    problem: 'the End-User of the subject_token does not exist or is not active',
  })
}

/**
 * Delegation (§1.1) adds the actor at the head of the chain. No actor is added when the client only narrows its own token,
 * or when the operator allows it to impersonate.
 */
function actingFor(subject: LiveToken, client: Client, actor: LiveToken | undefined): Actor | undefined {
  const before = ofToken.of(subject.claims).act
  const own = subject.claims.client_id === client.client_id
  if (!actor && (own || client.may_impersonate === true)) return before
  const act: Actor = { sub: actor?.claims.sub ?? client.client_id, ...(before && { act: before }) }
  check(depth(act) <= maxChain, 'invalid_request', () => ({
    rule: 'RFC 8693 §4.1',
    expected: `at most ${maxChain} actors`,
    came: depth(act),
    problem: `the chain of actors would be longer than ${maxChain}`,
  }))
  return act
}

const depth = (actor: Actor | undefined): number => (actor ? 1 + depth(actor.act) : 0)

/**
 * `audience` (§2.1) names clients of this provider; URIs belong in `resource`. Without an End-User, a client that registered
 * itself names none that an operator registered.
 */
async function readAudience(
  audience: string | undefined,
  { subject, client, context }: { subject: LiveToken; client: Client; context: Context },
): Promise<string | string[] | undefined> {
  if (audience === undefined) return undefined
  const names = [...new Set(audience.split(/[ \n]/))]
  // Bounded, because each name is looked up, and a client_id that is a URL may be fetched.
  check(names.length <= maxAudience, 'invalid_target', () => ({
    rule: 'RFC 8693 §2.2.2',
    expected: `audience may name at most ${maxAudience} clients`,
    came: names.length,
  }))
  for (const name of names) {
    const named = await findClient(context, name)
    check(named, 'invalid_target', () => ({
      rule: 'RFC 8693 §2.2.2',
      expected: 'audience names clients of this provider',
      came: name,
      problem: `audience ${shown(name)} is not a client of this provider`,
    }))
    check(subject.grant || !client.self_registered || named.self_registered, 'invalid_target', () => ({
      rule: 'RFC 8693 §2.2.2',
      expected: 'a subject_token of an End-User, or a client that an operator registered',
      came: name,
      problem: `audience ${shown(name)} is not for a client that registered itself, without an End-User`,
    }))
  }
  return names.length === 1 ? names[0] : names
}

/**
 * A client that exchanges its own token gets only the authorized audiences and exchange_audiences (RFC 8707 §2.2). A service
 * that received a token is not limited here: its new token has `act`.
 */
function requireGranted(audience: string | string[], { claims, grant }: LiveToken, client: Client): void {
  if (!grant || claims.client_id !== client.client_id) return
  const allowed = [claims.aud, client.client_id, client.exchange_audiences ?? []].flat()
  const beyond = [audience].flat().find((each) => !allowed.includes(each))
  check(beyond === undefined, 'invalid_target', () => ({
    rule: 'RFC 8707 §2.2',
    expected: `audience is among ${allowed.join(', ')}`,
    came: beyond ?? audience,
    wanted: allowed,
    problem: `audience ${shown(beyond)} was not part of the authorization: an operator may allow it (exchange_audiences)`,
  }))
}

export const tokenExchangeFeature = defineFeature({
  name: 'token_exchange',
  grantTypes: [tokenExchange],
  repeatable: ['audience'],
})
