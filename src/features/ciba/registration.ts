/** What a client registers for backchannel authentication. https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#registration */
import * as v from 'valibot'
import { OAuthError } from '../../auth/errors.ts'
import { signingAlgs } from '../../auth/registration.ts'
import type { Context } from '../../contracts/context.ts'
import { OutboundError } from '../../outbound/error.ts'
import { readTarget } from '../../outbound/target.ts'
import type { RegistrationRule } from '../../contracts/feature.ts'
import { cibaGrant, modes, settings } from './settings.ts'

export const clientMetadata = {
  backchannel_token_delivery_mode: v.optional(v.picklist(modes)),
  backchannel_client_notification_endpoint: v.optional(v.pipe(v.string(), v.maxLength(2000))),
  backchannel_authentication_request_signing_alg: v.optional(v.picklist(signingAlgs)),
  backchannel_user_code_parameter: v.optional(v.literal(false, 'user codes are not supported')),
}

interface Metadata {
  grant_types: readonly string[]
  token_endpoint_auth_method: string
  backchannel_token_delivery_mode?: (typeof modes)[number]
  backchannel_client_notification_endpoint?: string
  backchannel_authentication_request_signing_alg?: string
  jwks?: unknown
  jwks_uri?: unknown
}

/** The first thing that is wrong with it, or undefined. */
export function problemOf(metadata: Metadata, context: Context): string | undefined {
  const {
    backchannel_token_delivery_mode: mode,
    backchannel_client_notification_endpoint: endpoint,
    backchannel_authentication_request_signing_alg: alg,
  } = metadata
  if (!metadata.grant_types.includes(cibaGrant)) return undefined
  if (metadata.token_endpoint_auth_method === 'none')
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
    if (metadata.jwks === undefined && metadata.jwks_uri === undefined)
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
  async check(metadata, _attempt, context) {
    const problem = problemOf(metadata as Metadata, context)
    if (problem !== undefined) throw new OAuthError('invalid_client_metadata', problem)
  },
}
