/** Backchannel authentication (CIBA): a client asks, the End-User answers on a device of their own. https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html */
import { defineFeature } from '../../contracts/feature.ts'
import { approvals } from './approvals.ts'
import { backchannelAuthentication } from './backchannel_authentication.ts'
import { runDue } from './deliveries.ts'
import { notifications } from './notifications.ts'
import { ciba as grantType } from './grant.ts'
import { registrationRule } from './registration.ts'
import { env, metadata, settings } from './settings.ts'

export const ciba = defineFeature({
  name: 'ciba',
  env,
  endpoints: [backchannelAuthentication, approvals],
  grantTypes: [grantType],
  clientMetadata: metadata,
  registrationRules: [registrationRule],
  jobs: [
    {
      name: 'backchannel_deliveries',
      every: 5,
      async run(context) {
        void (await runDue(context, notifications)) // not awaited: a server that hangs must not delay the next run
      },
    },
  ],
  metadata: (context) => ({
    backchannel_token_delivery_modes_supported: settings(context).cibaDeliveryModes,
    backchannel_authentication_request_signing_alg_values_supported: context.config.signingAlgs,
    backchannel_user_code_parameter_supported: false,
  }),
})
