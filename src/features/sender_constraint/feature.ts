/** Sender-constrained tokens: every access token is bound to a key of its client. https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3.2.1 */
import { OAuthError } from '../../auth/errors.ts'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { GrantRule, GrantUse } from '../../contracts/grant_type.ts'
import { defineFeature } from '../../contracts/feature.ts'

const env = defineEntries([
  {
    name: 'REQUIRE_SENDER_CONSTRAINED',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'false',
    profiles: { fapi2: 'true' },
    help: 'Issues tokens only to requests that prove possession of a key (DPoP or mutual TLS).',
  },
])

function requireBound({ bound, context }: GrantUse): void {
  const { requireSenderConstrained } = featureConfig(context.config, 'sender_constraint', env)
  if (!requireSenderConstrained || bound) return
  const ways = context.table.tokenBindings.map((binding) => binding.name).join(' or ')
  throw new OAuthError('invalid_request', {
    rule: 'FAPI 2.0 §5.3.2.1',
    expected: 'a token request that proves a key of the client',
    problem: 'this provider issues only tokens bound to a key of the client',
    next: `prove one by ${ways}`,
  })
}

const rule: GrantRule = {
  name: 'sender_constraint',
  admit: (_grant, request) => requireBound(request), // before anything is spent
  shape(issue, request) {
    requireBound(request)
    return issue
  },
}

export const senderConstraint = defineFeature({
  name: 'sender_constraint',
  env,
  grantRules: [rule],
  clientDemands: (client, config) =>
    featureConfig(config, 'sender_constraint', env).requireSenderConstrained && client.grant_types.length > 0
      ? ['must prove a key with each token request: DPoP or mutual TLS']
      : [],
})
