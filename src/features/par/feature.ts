/** Pushed authorization requests: the client posts the request to the provider, and the browser carries a reference to it. https://www.rfc-editor.org/rfc/rfc9126 */
import { check } from '../../auth/check.ts'
import type { Params } from '../../auth/params.ts'
import * as v from 'valibot'
import type { AuthorizationRequest } from '../../auth/authorization_request.ts'
import { OAuthError } from '../../auth/errors.ts'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'
import { readRequest, requireTrustedRedirect, resolveSources } from '../../flow/read_request.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { pushedRequest } from '../../openapi/authorization.ts'
import { clientPost, object, text, whole } from '../../openapi/parts.ts'
import { form } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { authenticateClient } from '../../http/client_authentication.ts'
import { json } from '../../http/reply.ts'
import { keepWithin } from '../../people/rate_limit.ts'
import { rememberedMs, seconds } from '../../lib/clock.ts'
import { useOnce } from '../../models/once.ts'
import { sha256 } from '../../lib/hash.ts'
import { deriveKeys, isMacOf, type Keys, macOf } from '../../lib/secret_keys.ts'
import { type Client, declareMetadata } from '../../models/client.ts'
import { defineRecord } from '../../models/define_record.ts'
import { type AuthorizationRule, defineFeature, type RequestSource } from '../../contracts/feature.ts'

const env = defineEntries([
  {
    name: 'REQUIRE_PAR',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'false',
    profiles: { fapi2: 'true' },
    help: 'Every authorization request must be pushed (RFC 9126 §5).',
  },
  {
    name: 'PAR_TTL',
    realm: 'own_or_server',
    schema: is.seconds(5, 600),
    default: '90',
    help: 'Lifetime of a pushed authorization request.',
  },
])

const settings = (context: Context) => featureConfig(context.config, 'par', env)

const metadata = declareMetadata({ require_pushed_authorization_requests: v.optional(v.boolean()) })

const Pushed = defineRecord(
  'pushed_request',
  v.object({
    client_id: v.string(),
    params: v.record(v.string(), v.string()),
    /** Not `exp` less PAR_TTL, which may change while the request waits. */
    pushed_at: v.number(),
    exp: v.number(),
  }),
)

const prefix = 'urn:ietf:params:oauth:request_uri:'

/** §2.1: client authentication as at the token endpoint, checks as at the authorization endpoint. An invalid request is not stored. */
const endpoint = defineEndpoint({
  name: 'pushed_authorization_request',
  path: '/par',
  cors: 'client',
  limited: 'by_proof',
  api: (described) =>
    clientPost(
      'Push an authorization request; use its request_uri at /authorize, once',
      pushedRequest(described),
      object({ request_uri: text('The reference'), expires_in: whole('Seconds') }, [
        'request_uri',
        'expires_in',
      ]),
      201,
    ),
  async post(call, context) {
    const submitted = await form(call, context)
    const client = await authenticateClient(call, submitted, context)
    check(submitted.request_uri === undefined, 'invalid_request', () => ({
      rule: 'RFC 9126 §2.1',
      expected: 'a pushed request without request_uri',
      problem: 'request_uri may not be pushed (RFC 9126 2.1); push the request itself',
    }))
    const pushed = { ...withoutAuthentication(submitted), client_id: client.client_id }
    const requested = await resolveSources(context, pushed, client)
    const params = { ...requested, ...(await keyParameters(call, [submitted, requested], client, context)) }
    const redirect = requireTrustedRedirect(client, params)
    await readRequest(context, { client, params, redirect }, { client, params: submitted, pushed: true })
    const handle = context.random(33)
    const { parTtl } = settings(context)
    const id = sha256(handle)
    const pushed_at = seconds(context.clock)
    const record = { client_id: client.client_id, params: { ...params }, pushed_at, exp: pushed_at + parTtl }
    await keepWithin(context, call.address, {
      what: 'pushed_requests',
      bytes: JSON.stringify(params).length,
      lifetime: parTtl,
      write: () => Pushed.put(context, id, record),
      undo: () => Pushed.take(context, id),
    })
    return json(201, { request_uri: `${prefix}${handle}`, expires_in: parTtl })
  },
})

const authenticationParameters = ['client_secret', 'client_assertion', 'client_assertion_type']

const withoutAuthentication = (params: Params): Params =>
  Object.fromEntries(Object.entries(params).filter(([name]) => !authenticationParameters.includes(name)))

/**
 * The parameters that bind the code to a key (RFC 9449 §10.1), from the proof, the form and the request object. A
 * parameter outside the request object counts too: the client pushed it, and it only restricts the use of the code.
 * Throws `invalid_request` when two of them differ.
 */
async function keyParameters(
  call: Call,
  requests: readonly Params[],
  client: Client,
  context: Context,
): Promise<Params> {
  const found: Record<string, string> = {}
  for (const binding of context.table.tokenBindings) {
    if (!binding.codeParameter) continue
    const { name, of } = binding.codeParameter
    const bound = await binding.bind(call, context, client)
    const [value, ...others] = [bound && of(bound), ...requests.map((each) => each[name])].filter(
      (each) => each !== undefined,
    )
    const other = others.find((each) => each !== value)
    if (value === undefined) continue
    check(other === undefined, 'invalid_request', () => ({
      rule: 'RFC 9449 §10.1',
      expected: `${name} names one key: ${value}`,
      came: other,
      problem: bound
        ? `${name} names another key than the one proven`
        : `${name} outside the request object names another key than the one inside`,
    }))
    found[name] = value
  }
  return found
}

/**
 * The internal parameter that holds the id of the pushed request until its answer spends it. Opening the page does not
 * spend it, because a reload, a link preview or a virus scanner opens it too (§4, FAPI 2.0 §5.3.2.2). It has a MAC, because a
 * browser could send a parameter of this name.
 */
const idParameter = 'pushed_request'

/** `pushedAt` in seconds. */
function seal(id: string, pushedAt: number, context: Context): string {
  const text = `${id}.${pushedAt}`
  return `${text}.${macOf(keysOf(context), text)}`
}

const keysOf = ({ config }: Context): Keys => deriveKeys(config.secretKey, 'pushed requests')

/** The id of the pushed request of these parameters, and when it was pushed; undefined for a request that was not pushed. */
function pushedBy(params: Params, context: Context): { id: string; pushedAt: number } | undefined {
  const [id = '', at = '', mac = '', ...more] = params[idParameter]?.split('.') ?? []
  const pushedAt = Number(at)
  return id !== '' && more.length === 0 && isMacOf(keysOf(context), `${id}.${at}`, mac)
    ? { id, pushedAt }
    : undefined
}

const spent = () =>
  new OAuthError('invalid_request_uri', {
    rule: 'RFC 9126 §4',
    expected: 'a request_uri that was pushed by this client, and that no answer has used',
    problem: 'this request_uri is unknown, has expired, was used before or belongs to another client',
    next: 'push the request again',
  })

/** Of all interactions of one pushed request, only the first is answered. */
async function spend(context: Context, { params }: AuthorizationRequest): Promise<void> {
  const pushed = pushedBy(params, context)
  if (!pushed) return
  const { parTtl } = settings(context)
  // As long as interactions of the same request may still be open.
  const ttl = rememberedMs(context.clock, seconds(context.clock) + parTtl + context.config.interactionTtl)
  const { id, pushedAt } = pushed
  check(!(await useOnce(context, `pushed_request_used:${id}`, ttl, { at: pushedAt })), spent)
  await Pushed.take(context, id)
}

/** §4: resolves a reference for the client that pushed it; `spend` makes the answer single-use. */
const source: RequestSource = {
  name: 'par',
  parameter: 'request_uri',
  accepts: (value) => value.startsWith(prefix),
  async resolve(context, { request_uri }, client) {
    const id = sha256(request_uri!.slice(prefix.length))
    const pushed = await Pushed.find(context, id)
    check(pushed?.client_id === client.client_id, spent)
    return { ...pushed.params, [idParameter]: seal(id, pushed.pushed_at, context) }
  },
}

const pushedRequests: AuthorizationRule = {
  name: 'pushed_authorization_requests',
  /** §5: refuses other requests when the client or the provider requires PAR. */
  check(context, { client, params, pushed }) {
    const required =
      settings(context).requirePar || metadata.of(client).require_pushed_authorization_requests === true
    check(!required || pushed || params.request_uri?.startsWith(prefix), 'invalid_request', () => ({
      rule: 'RFC 9126 §5',
      expected: 'a request_uri of a pushed request',
      held: required ? undefined : 'a request may come without being pushed',
      problem: 'authorization requests must be pushed',
      next: 'POST them to /par first',
    }))
  },
  answered: spend,
}

export const par = defineFeature({
  name: 'par',
  env,
  endpoints: [endpoint],
  requestSources: [source],
  authorizationRules: [pushedRequests],
  clientMetadata: metadata,
  clientDemands: (client, config) =>
    featureConfig(config, 'par', env).requirePar && client.redirect_uris.length > 0
      ? ['must push its authorization requests to /par']
      : [],
  metadata: (context) => ({ require_pushed_authorization_requests: settings(context).requirePar }),
})
