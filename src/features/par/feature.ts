/** Pushed authorization requests: the request goes from server to server, the browser carries a reference. https://www.rfc-editor.org/rfc/rfc9126 */
import * as v from 'valibot'
import { OAuthError } from '../../auth/errors.ts'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../context.ts'
import { ask, requireTrustedRedirect } from '../../endpoints/authorization_flow.ts'
import { defineEndpoint } from '../../endpoints/endpoint.ts'
import { clientPost, object, ref, text, whole } from '../../endpoints/openapi_parts.ts'
import { type Call, form } from '../../http/call.ts'
import { authenticateClient } from '../../http/client_authentication.ts'
import { json } from '../../http/reply.ts'
import { seconds } from '../../lib/clock.ts'
import { sha256 } from '../../lib/hash.ts'
import type { Client } from '../../models/client.ts'
import { defineRecord } from '../../models/define_record.ts'
import { type AuthorizationParameter, defineFeature, type Params, type RequestSource } from '../feature.ts'

const env = defineEntries([
  {
    name: 'REQUIRE_PAR',
    schema: is.boolean,
    default: 'false',
    profiles: { fapi2: 'true' },
    help: 'Every authorization request must be pushed (RFC 9126 §5).',
  },
  {
    name: 'PAR_TTL',
    schema: is.seconds(5, 600),
    default: '90',
    help: 'Lifetime of a pushed request.',
  },
])

const settings = (context: Context) => featureConfig(context.config, 'par', env)

const Pushed = defineRecord(
  'pushed_request',
  v.object({ client_id: v.string(), params: v.record(v.string(), v.string()), exp: v.number() }),
)

const prefix = 'urn:ietf:params:oauth:request_uri:'

/** §2.1: authenticated as at the token endpoint, checked as at the authorization endpoint; nothing is kept of a bad one. */
const endpoint = defineEndpoint({
  name: 'pushed_authorization_request',
  path: '/par',
  methods: ['POST'],
  cors: 'client',
  limited: true,
  api: clientPost(
    'Push an authorization request; its reference goes to /authorize as request_uri, once',
    ref('AuthorizationRequest'),
    object({ request_uri: text('The reference'), expires_in: whole('Seconds') }, [
      'request_uri',
      'expires_in',
    ]),
    201,
  ),
  async handle(call, context) {
    const given = await form(call, context)
    const client = await authenticateClient(call, given, context)
    if (given.request_uri !== undefined)
      throw new OAuthError(
        'invalid_request',
        'request_uri may not be pushed (RFC 9126 2.1); push the request itself',
      )
    const pushed = {
      ...withoutAuthentication(given),
      client_id: client.client_id,
      ...(await boundParameters(call, given, client, context)),
    }
    const { params, redirect } = await requireTrustedRedirect(pushed, context)
    await ask(params, client, redirect, context, { params: given, pushed: true })
    const handle = context.random(33)
    const { parTtl } = settings(context)
    await Pushed.put(context, sha256(handle), {
      client_id: client.client_id,
      params: { ...params },
      exp: seconds(context.clock) + parTtl,
    })
    return json(201, { request_uri: `${prefix}${handle}`, expires_in: parTtl })
  },
})

const ofAuthentication = ['client_secret', 'client_assertion', 'client_assertion_type']

const withoutAuthentication = (params: Params): Params =>
  Object.fromEntries(Object.entries(params).filter(([name]) => !ofAuthentication.includes(name)))

/** A key proven at the push binds the code that comes of it (RFC 9449 §10.1). */
async function boundParameters(call: Call, given: Params, client: Client, context: Context): Promise<Params> {
  for (const binding of context.table.tokenBindings) {
    if (!binding.asParameters) continue
    const bound = await binding.bind(call, client, context)
    if (!bound) continue
    const parameters = binding.asParameters(bound)
    for (const [name, value] of Object.entries(parameters))
      if (given[name] !== undefined && given[name] !== value)
        throw new OAuthError('invalid_request', `${name} names another key than the one proven`)
    return parameters
  }
  return {}
}

/** §4: good once, for the client that pushed it. */
const source: RequestSource = {
  name: 'par',
  parameter: 'request_uri',
  accepts: (value) => value.startsWith(prefix),
  async resolve({ request_uri }, client, context) {
    const id = sha256(request_uri!.slice(prefix.length))
    const pushed = await Pushed.find(context, id)
    const mine = pushed?.client_id === client.client_id && (await Pushed.take(context, id))
    if (!mine)
      throw new OAuthError(
        'invalid_request_uri',
        'this request_uri is unknown, has expired, was used before or belongs to another client: push the request again',
      )
    return mine.params
  },
}

/** §5: the client, or this provider, takes nothing else. */
const duty: AuthorizationParameter = {
  name: 'require_pushed_authorization_requests',
  async read(_params, client, context, given) {
    const required = settings(context).requirePar || client.require_pushed_authorization_requests === true
    if (required && given && !given.pushed && !given.params.request_uri?.startsWith(prefix))
      throw new OAuthError(
        'invalid_request',
        'authorization requests must be pushed: POST them to /par first',
      )
    return undefined
  },
}

export const par = defineFeature({
  name: 'par',
  env,
  endpoints: [endpoint],
  requestSources: [source],
  authorizationParameters: [duty],
  clientMetadata: { require_pushed_authorization_requests: v.optional(v.boolean()) },
  clientDemands: (client, config) =>
    featureConfig(config, 'par', env).requirePar && client.redirect_uris.length > 0
      ? ['must push its authorization requests to /par']
      : [],
  metadata: (context) => ({ require_pushed_authorization_requests: settings(context).requirePar }),
})
