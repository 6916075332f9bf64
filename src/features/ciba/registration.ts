/** The rules for client metadata of backchannel authentication. https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#registration */
import { OAuthError } from '../../auth/errors.ts'
import type { ClientMetadata } from '../../auth/registration.ts'
import type { Context } from '../../contracts/context.ts'
import { OutboundError } from '../../outbound/error.ts'
import { readTarget } from '../../outbound/target.ts'
import type { RegistrationRule } from '../../contracts/feature.ts'
import { cibaGrant, metadata, settings } from './settings.ts'

/** The first problem of the metadata, or undefined. */
export function problemOf(registered: ClientMetadata, context: Context): string | undefined {
  const {
    backchannel_token_delivery_mode: mode,
    backchannel_client_notification_endpoint: endpoint,
    backchannel_authentication_request_signing_alg: alg,
  } = metadata.of(registered)
  if (!registered.grant_types.includes(cibaGrant)) return undefined
  if (registered.token_endpoint_auth_method === 'none')
    return `grant_types: ${cibaGrant} is for clients that authenticate; token_endpoint_auth_method is none`
  if (mode === undefined) return `backchannel_token_delivery_mode is required with ${cibaGrant}`
  const offered: readonly string[] = settings(context).cibaDeliveryModes
  if (!offered.includes(mode)) return `backchannel_token_delivery_mode must be among ${offered.join(', ')}`
  if (mode !== 'poll') {
    if (endpoint === undefined) return `backchannel_client_notification_endpoint is required for ${mode}`
    const problem = unreachable(endpoint, context)
    if (problem !== undefined) return `backchannel_client_notification_endpoint ${problem}`
  }
  if (alg !== undefined) {
    if (!(context.config.signingAlgs as readonly string[]).includes(alg))
      return `backchannel_authentication_request_signing_alg must be among ${context.config.signingAlgs.join(', ')}`
    if (registered.jwks === undefined && registered.jwks_uri === undefined)
      return 'backchannel_authentication_request_signing_alg needs jwks or jwks_uri with the public keys'
  }
  return undefined
}

function unreachable(url: string, context: Context): string | undefined {
  try {
    readTarget(url, new Set(context.config.outboundAllowHosts))
    return undefined
  } catch (error) {
    if (error instanceof OutboundError) return error.message
    throw error
  }
}

export const registrationRule: RegistrationRule = {
  name: 'ciba',
  async check(context, registered) {
    const problem = problemOf(registered, context)
    if (problem !== undefined)
      throw new OAuthError('invalid_client_metadata', { rule: 'OpenID Connect CIBA §4', expected: problem })
  },
}
