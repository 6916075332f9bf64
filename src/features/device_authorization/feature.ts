/** Device authorization: for devices without a browser; the End-User approves on another device. https://www.rfc-editor.org/rfc/rfc8628 */
import { check } from '../../auth/check.ts'
import * as v from 'valibot'
import { optionalText } from '../../auth/params.ts'
import { parseScope, requireWithin, scopeValues, withoutIdleOffline } from '../../auth/scope.ts'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { clientPost, object, text, whole } from '../../openapi/parts.ts'
import { readExtra } from '../../flow/grant_extra.ts'
import { form, shape } from '../../http/call.ts'
import { authenticateClient } from '../../http/client_authentication.ts'
import { json } from '../../http/reply.ts'
import { countKept } from '../../people/rate_limit.ts'
import { seconds } from '../../lib/clock.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { deviceCode, deviceCodeGrant } from './grant.ts'
import { begin, retention, userCodeBytes } from './records.ts'
import { devicePath, verification } from './verification.ts'

const env = defineEntries([
  {
    name: 'DEVICE_CODE_TTL',
    realm: 'own_or_server',
    schema: is.seconds(60, 3600),
    default: '600',
    help: 'How long a device waits for the answer of the End-User.',
  },
  {
    name: 'DEVICE_POLL_INTERVAL',
    realm: 'own_or_server',
    schema: is.seconds(1, 60),
    default: '5',
    help: 'Seconds that a device must wait between two polls.',
  },
])

const Params = v.object({ scope: optionalText('Scopes that the device asks for, separated by spaces') })

/** §3.1 and §3.2. */
const endpoint = defineEndpoint({
  name: 'device_authorization',
  path: '/device_authorization',
  cors: 'client',
  limited: 'by_proof',
  api: () =>
    clientPost(
      'Begin a sign-in on a device without a browser',
      Params,
      object(
        {
          device_code: text('For the device, which polls /token with it until the End-User has answered'),
          user_code: text('The End-User types this code'),
          verification_uri: text('Where to type it'),
          verification_uri_complete: text('The URI with the code, for a QR code'),
          expires_in: whole('Seconds'),
          interval: whole('Seconds between two polls'),
        },
        ['device_code', 'user_code', 'verification_uri', 'expires_in', 'interval'],
      ),
    ),
  async post(call, context) {
    const params = await form(call, context)
    const client = await authenticateClient(call, params, context)
    check(client.grant_types.includes(deviceCodeGrant), 'unauthorized_client', () => ({
      rule: 'RFC 8628 §3.1',
      expected: `a client that registered the grant type ${deviceCodeGrant}`,
      came: client.grant_types,
      problem: `this client is not registered for ${deviceCodeGrant}`,
    }))
    const scope = withoutIdleOffline(parseScope(shape(Params, params).scope), client)
    requireWithin(scope, context.scopes, 'the scopes of this provider')
    requireWithin(scope, scopeValues(client.scope), 'the scopes this client registered')
    const extra = await readExtra(params, client, context)
    const { deviceCodeTtl, devicePollInterval } = featureConfig(context.config, 'device_authorization', env)
    const device_code = context.random(33)
    const expires_at = seconds(context.clock) + deviceCodeTtl
    const request = {
      client_id: client.client_id,
      scope,
      extra,
      status: 'pending' as const,
      interval: devicePollInterval,
      polled_at: 0,
      expires_at,
      exp: expires_at + retention,
    }
    await countKept(context, call.address, {
      what: 'device_requests',
      bytes: JSON.stringify(request).length + userCodeBytes,
      lifetime: deviceCodeTtl + retention,
    })
    const { user_code } = await begin(context, context.random, device_code, request)
    const verification_uri = `${context.config.issuer}${devicePath}`
    return json(200, {
      device_code,
      user_code,
      verification_uri,
      verification_uri_complete: `${verification_uri}?user_code=${user_code}`,
      expires_in: deviceCodeTtl,
      interval: devicePollInterval,
    })
  },
})

export const deviceAuthorization = defineFeature({
  name: 'device_authorization',
  env,
  endpoints: [endpoint, verification],
  grantTypes: [deviceCode],
})
