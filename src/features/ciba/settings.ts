/** The variables and the client metadata of backchannel authentication. docs/configuration.md */
import * as v from 'valibot'
import { signingAlgs } from '../../auth/registration.ts'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'
import { type Client, declareMetadata } from '../../models/client.ts'

export const cibaGrant = 'urn:openid:params:grant-type:ciba'

export const modes = ['poll', 'ping', 'push'] as const
export type Mode = (typeof modes)[number]

export const metadata = declareMetadata({
  backchannel_token_delivery_mode: v.optional(
    v.pipe(v.picklist(modes), v.description('How the client learns of the answer')),
  ),
  backchannel_client_notification_endpoint: v.optional(
    v.pipe(v.string(), v.maxLength(2000), v.description('An https URL, with ping and push')),
  ),
  backchannel_authentication_request_signing_alg: v.optional(v.picklist(signingAlgs)),
  backchannel_user_code_parameter: v.optional(v.literal(false, 'user codes are not supported')),
})

export const env = defineEntries([
  {
    name: 'CIBA_REQUEST_TTL',
    realm: 'own_or_server',
    schema: is.seconds(10, 3600),
    default: '300',
    help: 'How long a backchannel authentication request waits for the End-User, unless it asks for another time.',
  },
  {
    name: 'CIBA_MAX_REQUEST_TTL',
    realm: 'own_or_server',
    schema: is.seconds(10, 86_400),
    default: '3600',
    help: 'The longest time that a request may ask for (requested_expiry). A longer one is reduced to this.',
  },
  {
    name: 'CIBA_POLL_INTERVAL',
    realm: 'own_or_server',
    schema: is.seconds(1, 60),
    default: '5',
    help: 'Seconds that a client must wait between two polls.',
  },
  {
    name: 'CIBA_DELIVERY_MODES',
    realm: 'own_or_server',
    schema: is.someOf(...modes),
    default: 'poll ping push',
    profiles: { fapi2: 'poll ping' },
    help: 'How clients may learn of the answer. push sends them the tokens.',
  },
  {
    name: 'CIBA_NOTIFY_URL',
    realm: 'default',
    credentials: true,
    schema: is.webUrl,
    outbound: is.urlsIn,
    needs: 'CIBA_NOTIFY_SECRET',
    help: 'Receives a signed POST for each request, so that your service can notify the End-User (by mail or push message).',
  },
  {
    name: 'CIBA_NOTIFY_SECRET',
    realm: 'default',
    schema: is.bearer(32),
    secret: true,
    help: 'Signs the requests to CIBA_NOTIFY_URL: HMAC-SHA256 in the header Latchkey-Signature.',
  },
])

export const settings = (context: Context) => featureConfig(context.config, 'ciba', env)

/** The delivery mode (§4). Poll needs nothing of the client, so it is the default for a record without one. */
export const modeOf = (client: Client): Mode => metadata.of(client).backchannel_token_delivery_mode ?? 'poll'
