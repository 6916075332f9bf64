/** The backchannel authentication endpoint: a client asks for the authentication of an End-User on another device. https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.7 */
import { check } from '../../auth/check.ts'
import * as v from 'valibot'
import { acrDemandOf, isKnownLevel, meetsAcr } from '../../auth/acr.ts'
import { OAuthError } from '../../auth/errors.ts'
import { optionalText } from '../../auth/params.ts'
import { secret, shown } from '../../auth/refusal.ts'
import { parseScope, requireWithin, scopeValues, withoutIdleOffline } from '../../auth/scope.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { clientPost, object, text, whole } from '../../openapi/parts.ts'
import { bind } from '../../endpoints/token.ts'
import { form, shape } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { authenticateClient } from '../../http/client_authentication.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { countKept, countTry } from '../../people/rate_limit.ts'
import { json } from '../../http/reply.ts'
import { seconds } from '../../lib/clock.ts'
import type { Client } from '../../models/client.ts'
import type { User } from '../../models/user.ts'
import type { Params } from '../../auth/params.ts'
import { schedule, deliverNow } from './deliveries.ts'
import { approvalsPath, notifications } from './notifications.ts'
import { userOfHint } from './hint.ts'
import {
  authReqId,
  type BackchannelRequest,
  newRequestId,
  storeRequest,
  retention,
  sealToken,
} from './records.ts'
import { problemOf } from './registration.ts'
import { readExtra } from '../../flow/grant_extra.ts'
import { cibaGrant, metadata, modeOf, settings } from './settings.ts'

/** Characters. */
const maxMessage = 100

/** What the list of the End-User and a queued delivery add to a request. */
const indexBytes = 200

const BackchannelParams = v.object({
  scope: optionalText('Separated by spaces; required, with openid'),
  login_hint: optionalText('A username; exactly one of login_hint and id_token_hint is required'),
  id_token_hint: optionalText('An ID Token that this client received'),
  login_hint_token: optionalText('Not supported'),
  user_code: optionalText('Not supported'),
  binding_message: optionalText(
    `One line of at most ${maxMessage} visible characters, shown to the End-User on both devices`,
  ),
  client_notification_token: optionalText('With ping and push: the bearer token of notifications'),
  requested_expiry: optionalText('Seconds'),
  acr_values: optionalText('Levels of authentication, separated by spaces, best first'),
})

export const backchannelAuthentication = defineEndpoint({
  name: 'backchannel_authentication',
  path: '/bc-authorize',
  limited: 'by_proof',
  api: () =>
    clientPost(
      'Ask an End-User to approve on another device',
      v.object({
        ...BackchannelParams.entries,
        request: optionalText('In place of the others: a JWT with them'),
      }),
      object(
        {
          auth_req_id: text('Poll /token with this, or wait for the notification'),
          expires_in: whole('Seconds'),
          interval: whole('Seconds between two polls; absent with push'),
        },
        ['auth_req_id', 'expires_in'],
      ),
    ),
  async post(call, context) {
    const submitted = await form(call, context)
    const client = await authenticateClient(call, submitted, context)
    requireRegistered(client, context)
    const { readParams } = await import('./signed_request.ts') // loads jose
    const { params, spend } = await readParams(submitted, client, context)
    const validated = {
      ...(await readRequest(params, client, context)),
      ...(await boundTo(call, client, context)),
    }
    const user = await userOfHint(shape(BackchannelParams, params), client, context)
    // Bounds the prompts, so that a client cannot wear the End-User down until one is approved.
    await countTry(context, 'backchannel_request', `${client.client_id} ${user.sub}`, 30, 300, {
      client_id: client.client_id,
      sub: user.sub,
    })
    const request = newRequest(validated, client, user, context)
    await countKept(context, call.address, {
      what: 'backchannel_requests',
      bytes: JSON.stringify(request).length + indexBytes,
      lifetime: settings(context).cibaMaxRequestTtl + retention,
    })
    await spend()
    return begin(request, context)
  },
})

/** The registration must satisfy today's rules, also when an operator wrote it or it is old. */
function requireRegistered(client: Client, context: Context): void {
  check(client.grant_types.includes(cibaGrant), 'unauthorized_client', () => ({
    rule: 'OpenID Connect CIBA §13',
    expected: `a client that registered the grant type ${cibaGrant}`,
    came: client.grant_types,
    problem: `this client is not registered for ${cibaGrant}`,
  }))
  const problem = problemOf(
    metadata.set(client, { backchannel_token_delivery_mode: modeOf(client) }),
    context,
  )
  check(problem === undefined, 'unauthorized_client', () => ({
    rule: 'OpenID Connect CIBA §4',
    expected: problem ?? 'the client can get its tokens in its mode of delivery',
  }))
}

type ReadRequest = Pick<BackchannelRequest, 'scope' | 'acr' | 'extra' | 'bound' | 'binding_message'> & {
  token: string | undefined
  lifetime: number
}

/** All parameters but the hint, validated. */
async function readRequest(given: Params, client: Client, context: Context): Promise<ReadRequest> {
  const params = shape(BackchannelParams, given)
  check(params.scope !== undefined, 'invalid_request', () => ({
    rule: 'OpenID Connect CIBA §7.1',
    expected: 'scope is required and must have openid',
  }))
  const scope = withoutIdleOffline(parseScope(params.scope), client)
  check(scope.includes('openid'), 'invalid_scope', () => ({
    rule: 'OpenID Connect CIBA §7.1',
    expected: 'scope must have openid',
    came: params.scope,
  }))
  requireWithin(scope, context.scopes, 'the scopes of this provider')
  requireWithin(scope, scopeValues(client.scope), 'the scopes this client registered')
  check(params.user_code === undefined, 'invalid_request', () => ({
    rule: 'OpenID Connect CIBA §7.1',
    expected: 'a request without user_code',
    problem: 'user_code is not supported',
  }))
  check((params.acr_values ?? '').length <= 1000, 'invalid_request', () => ({
    rule: 'OpenID Connect CIBA §7.1',
    expected: 'acr_values may have at most 1000 characters',
    came: params.acr_values?.length,
  }))
  const acr = readAcr(params.acr_values, context)
  const read = {
    scope,
    ...(acr && { acr }),
    binding_message: readBindingMessage(params.binding_message),
    token: notificationTokenOf(params.client_notification_token, client),
    lifetime: readLifetime(params.requested_expiry, context),
  }
  return { ...read, extra: await readExtra(given, client, context) }
}

/** The levels of `acr_values`. Throws if no sign-in here reaches one of them, as `/authorize` does (RFC 9470 §5). */
function readAcr(acr_values: string | undefined, { acrValues, config }: Context): string[] | undefined {
  const { requested } = acrDemandOf({ acr_values }, undefined, {})
  if (!requested) return undefined
  const isOffered = requested.some((wanted) => acrValues.some((reached) => meetsAcr(reached, wanted)))
  if (isOffered) return [...requested]
  if (config.unknownAcrValues === 'ignore' && !requested.some(isKnownLevel)) return undefined
  throw new OAuthError('unmet_authentication_requirements', {
    rule: 'OpenID Unmet Authentication Requirements §1',
    expected: `acr_values among ${acrValues.join(', ')}`,
    came: acr_values,
    problem: `no sign-in here reaches acr ${shown(requested.join(' '))}`,
  })
}

/** A message that could not be shown exactly as sent is refused: no invisible characters, no truncation. */
function readBindingMessage(message: string | undefined): string | undefined {
  check(
    message === undefined || foreignText(message, maxMessage) === message,
    'invalid_binding_message',
    () => ({
      rule: 'OpenID Connect CIBA §7.1',
      expected: `binding_message must be one line of at most ${maxMessage} visible characters`,
      came: secret(message), // it may quote an order or an amount of the End-User
    }),
  )
  return message
}
/** §7.1: as RFC 6750 §2.1 spells it, at most 1024 characters. */
function notificationTokenOf(token: string | undefined, client: Client): string | undefined {
  const mode = modeOf(client)
  if (mode === 'poll') return undefined
  check(
    token !== undefined && token.length <= 1024 && /^[\w\-.~+/]+=*$/.test(token),
    'invalid_request',
    () => ({
      rule: 'OpenID Connect CIBA §7.1',
      expected: `client_notification_token is required for ${mode}: at most 1024 characters of A-Z a-z 0-9 - . _ ~ + /`,
      came: secret(token),
    }),
  )
  return token
}

function readLifetime(requested: string | undefined, context: Context): number {
  const { cibaRequestTtl, cibaMaxRequestTtl } = settings(context)
  if (requested === undefined) return Math.min(cibaRequestTtl, cibaMaxRequestTtl)
  check(/^[1-9]\d{0,8}$/.test(requested), 'invalid_request', () => ({
    rule: 'OpenID Connect CIBA §7.1',
    expected: 'requested_expiry must be a positive integer',
    came: requested,
  }))
  return Math.min(Number(requested), cibaMaxRequestTtl)
}

/** In push mode the client sends no token request, so pushed tokens are bound to the key proven here. */
async function boundTo(call: Call, client: Client, context: Context): Promise<Pick<ReadRequest, 'bound'>> {
  if (modeOf(client) !== 'push') return {}
  const bound = await bind(call, client, context)
  return bound ? { bound } : {}
}

function newRequest(
  { token, lifetime, ...validated }: ReadRequest,
  client: Client,
  user: User,
  context: Context,
): BackchannelRequest {
  const id = newRequestId(context)
  const expires_at = seconds(context.clock) + lifetime
  return {
    ...validated,
    id,
    client_id: client.client_id,
    sub: user.sub,
    mode: modeOf(client),
    ...(token !== undefined && { notification_token: sealToken(token, id, context) }),
    status: 'pending',
    interval: settings(context).cibaPollInterval,
    polled_at: 0,
    expires_at,
    exp: expires_at + retention,
  }
}

async function begin(request: BackchannelRequest, context: Context) {
  const { cibaPollInterval, cibaNotifyUrl } = settings(context)
  const { id, client_id, sub, mode, expires_at } = request
  await storeRequest(context, request)
  if (mode === 'push') await schedule(context, 'client', id, expires_at * 1000) // so that an expiry is delivered too
  if (cibaNotifyUrl !== undefined) {
    await schedule(context, 'person', id, context.clock.now())
    void deliverNow(context, notifications, 'person', id)
  }
  const approval_url = context.config.issuer + approvalsPath
  context.log.info('approval_awaited', {
    client_id,
    sub,
    mode,
    ...(context.config.environment === 'development' && { approval_url }),
  })
  return json(200, {
    auth_req_id: authReqId(id, context),
    expires_in: expires_at - seconds(context.clock),
    ...(mode !== 'push' && { interval: cibaPollInterval }),
  })
}
