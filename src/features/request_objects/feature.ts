/** Request objects: the authorization request as a JWT, by value or by reference. https://www.rfc-editor.org/rfc/rfc9101, OpenID Connect Core §6 */
import { check } from '../../auth/check.ts'
import type { Params } from '../../auth/params.ts'
import { OAuthError } from '../../auth/errors.ts'
import { shown } from '../../auth/refusal.ts'
import { clientAlgs } from '../../auth/registration.ts'
import { type Config, defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'
import { SourceRefused } from '../../flow/read_request.ts'
import { OutboundError } from '../../outbound/error.ts'
import type { Client } from '../../models/client.ts'
import {
  type AuthorizationRule,
  defineFeature,
  type RegistrationRule,
  type RequestSource,
} from '../../contracts/feature.ts'
import { signingAlgRule } from '../../clients/signing_alg_rule.ts'
import { fapi1Advanced, isFapi1Advanced } from './fapi1_advanced.ts'
import { metadata } from './metadata.ts'

const env = defineEntries([
  {
    name: 'REQUIRE_SIGNED_REQUEST_OBJECT',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'false',
    help: 'Every authorization request must be a signed request object (RFC 9101 §10.5, FAPI 2.0 Message Signing).',
  },
  {
    name: 'REQUEST_OBJECT_MERGE',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'false',
    profiles: { classic: 'true' },
    help: 'Uses parameters outside a request object for what the object does not contain (OpenID Connect Core §6.1). RFC 9101 ignores them.',
  },
])

const settings = (context: Context) => featureConfig(context.config, 'request_objects', env)

const mustSign = (client: Client, context: Context): boolean =>
  settings(context).requireSignedRequestObject ||
  metadata.of(client).require_signed_request_object === true ||
  isFapi1Advanced(client, context)

async function resolve(object: string, outer: Params, client: Client, context: Context): Promise<Params> {
  const { readRequestObject } = await import('./read.ts')
  const strict = mustSign(client, context) || context.config.profile === 'fapi2'
  const unsigned = needNotSign(client, context)
  const { params: inside, refused } = await readRequestObject(object, client, context, { strict, unsigned })
  const { request: _, request_uri: __, ...outside } = outer
  // Where a signature is required, unsigned parameters outside the request object are ignored (RFC 9101 §10.5).
  const params = settings(context).requestObjectMerge && !strict ? { ...outside, ...inside } : inside
  if (refused) throw new SourceRefused(refused, client, params)
  // A parameter inside and outside the request object must have the same value (OpenID Connect Core §6.1).
  for (const name of ['response_type', 'client_id'])
    check(
      outer[name] === undefined || inside[name] === undefined || outer[name] === inside[name],
      () => new SourceRefused(differs(name), client, params),
    )
  return params
}

const differs = (name: string) =>
  new OAuthError('invalid_request_object', {
    rule: 'OpenID Connect Core §6.1',
    expected: `${name} inside the request object equals the one outside`,
    problem: `${name} inside the request object differs from the one outside`,
  })

const byValue: RequestSource = {
  name: 'request',
  parameter: 'request',
  resolve: (context, params, client) => resolve(params.request!, params, client, context),
}

/** Only a registered request_uri is fetched, so that a request cannot choose the URL (OpenID Connect Registration §2). */
const byReference: RequestSource = {
  name: 'request_uri',
  parameter: 'request_uri',
  accepts: (value) => /^https?:/i.test(value),
  async resolve(context, params, client) {
    const uri = params.request_uri!
    const registered = metadata.of(client).request_uris ?? []
    check(params.request === undefined, 'invalid_request', () => ({
      rule: 'RFC 9101 §5',
      expected: 'request and request_uri exclude each other',
    }))
    check(
      registered.some((each) => withoutFragment(each) === withoutFragment(uri)),
      'invalid_request_uri',
      () => ({
        rule: 'RFC 9101 §5.2',
        expected: `request_uri is among the request_uris this client registered: ${registered.join(', ') || 'none'}`,
        came: uri,
        wanted: registered,
        problem: `request_uri ${shown(uri)} is not among the request_uris this client registered`,
      }),
    )
    const accept = 'application/oauth-authz-req+jwt, application/jwt'
    const answer = await context.outbound
      .fetch(withoutFragment(uri), { purpose: 'request_object', accept })
      .catch((error: unknown) => {
        throw error instanceof OutboundError
          ? new OAuthError('invalid_request_uri', {
              rule: 'RFC 9101 §5.2.3',
              expected: 'request_uri answers with a request object',
              came: uri,
              problem: `request_uri ${error.told}`,
              detail: error.detail,
            })
          : error
      })
    check(answer.status === 200, 'invalid_request_uri', () => ({
      rule: 'RFC 9101 §5.2.3',
      expected: 'request_uri answers with status 200',
      came: answer.status,
      problem: `request_uri answered ${answer.status}, expected 200`,
    }))
    return resolve(answer.body.trim(), params, client, context)
  },
}

const withoutFragment = (uri: string): string => uri.split('#')[0]!

const signatureRequired: AuthorizationRule = {
  name: 'require_signed_request_object',
  check(context, { client, params }) {
    const isAsked = mustSign(client, context)
    check(
      !isAsked || params.request !== undefined || params.request_uri !== undefined,
      'invalid_request',
      () => ({
        rule: 'RFC 9101 §10.5',
        expected: 'a signed request object is required',
        held: isAsked ? undefined : 'a request may come without a signed request object',
        next: 'send the parameter request',
      }),
    )
  },
}

/** Only the profile classic offers unsigned request objects (Core §6.1), since they do not authenticate the client. */
const offersUnsigned = (context: Context): boolean =>
  context.config.profile === 'classic' && !settings(context).requireSignedRequestObject

/** Whether an unsigned request object is accepted from a client that registered `none`, possibly under another profile. */
const takesUnsigned = (client: Client, config: Config): boolean =>
  config.profile !== 'fapi2' &&
  !featureConfig(config, 'request_objects', env).requireSignedRequestObject &&
  metadata.of(client).require_signed_request_object !== true &&
  (config.profile === 'classic' || !client.self_registered)

/** A client without a registered algorithm may use any that is offered (OpenID Connect Registration §2), `none` included. */
function needNotSign(client: Client, context: Context): boolean {
  const { request_object_signing_alg: alg } = metadata.of(client)
  return (
    takesUnsigned(client, context.config) &&
    (alg === 'none' || (alg === undefined && offersUnsigned(context)))
  )
}

const unsigned: RegistrationRule = {
  name: 'unsigned_request_objects',
  async check(context, registered, { by }) {
    check(
      metadata.of(registered).request_object_signing_alg !== 'none' ||
        by !== 'client' ||
        offersUnsigned(context),
      'invalid_client_metadata',
      () => ({
        rule: 'OpenID Connect Registration §2',
        expected: 'request_object_signing_alg other than none',
        came: 'none',
        problem:
          'request_object_signing_alg: none is for clients that an operator registers; sign request objects',
      }),
    )
  },
}

export const requestObjects = defineFeature({
  name: 'request_objects',
  env,
  requestSources: [byValue, byReference],
  authorizationRules: [signatureRequired, fapi1Advanced],
  registrationRules: [signingAlgRule('request_objects', metadata, ['request_object_signing_alg']), unsigned],
  clientDemands: (client, config) =>
    metadata.of(client).request_object_signing_alg === 'none' && !takesUnsigned(client, config)
      ? ['must sign its request objects: it registered request_object_signing_alg none']
      : [],
  clientMetadata: metadata,
  metadata: (context) => ({
    request_parameter_supported: true,
    request_uri_parameter_supported: true,
    require_request_uri_registration: true,
    require_signed_request_object: settings(context).requireSignedRequestObject,
    request_object_signing_alg_values_supported: [
      ...clientAlgs(context.config.signingAlgs),
      ...(offersUnsigned(context) ? ['none'] : []),
    ],
  }),
})
