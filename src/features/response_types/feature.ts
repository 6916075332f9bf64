/** Implicit and hybrid flows, for clients that still need them. https://openid.net/specs/oauth-v2-multiple-response-types-1_0.html */
import { OAuthError } from '../../auth/errors.ts'
import { formatScope } from '../../auth/scope.ts'
import { leftHalfHash } from '../../auth/token.ts'
import { type Config, defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'
import { settled } from '../../grants/grant_rules.ts'
import type { GrantType, Issue, UserIssue } from '../../contracts/grant_type.ts'
import { mintAccessToken, mintIdToken } from '../../grants/mint.ts'
import { code as codeAlone } from '../../http/authorization_response.ts'
import { seconds } from '../../lib/clock.ts'
import type { Client } from '../../models/client.ts'
import { Grant } from '../../models/grant.ts'
import { defineFeature, type Granted, type ResponseType } from '../../contracts/feature.ts'

const env = defineEntries([
  {
    name: 'IMPLICIT_AND_HYBRID',
    schema: is.oneOf('off', 'by_client', 'on'),
    default: 'by_client',
    profiles: { classic: 'on', fapi2: 'off', mcp: 'off' },
    help: 'Response types that put tokens into the redirect. off: for no client. by_client: for clients that an operator registered with them. on: for all clients.',
  },
])

const setting = (config: Config) => featureConfig(config, 'response_types', env).implicitAndHybrid

/**
 * What a token request would issue for this grant, by every feature's rule. No key can be proven in a redirect: those
 * whose tokens must be bound get none here.
 */
async function unbound(
  { grant, user }: Granted,
  scope: readonly string[],
  client: Client,
  context: Context,
): Promise<Issue> {
  if (context.table.tokenBindings.some((binding) => binding.isDuty?.(client)))
    throw new OAuthError('unauthorized_client', {
      rule: 'RFC 9449 §5',
      expected: 'response_type code for a client that registered for tokens bound to a key',
      problem: 'this client registered for tokens bound to a key, and a redirect carries none',
      next: 'use response_type code',
    })
  const asked = { params: {}, raw: {}, client, context, bound: undefined }
  return settled({ scope, grant, user }, asked)
}

/** Whatever a type names, in the order of the specification; each part is bound to those before it (Core §3.3.2.11). */
const answer =
  (parts: readonly string[]): ResponseType['answer'] =>
  async (context, { request, client, user, grant: waiting }) => {
    const answered: Record<string, string> = {}
    const withToken = parts.includes('token')
    const issued = withToken
      ? await unbound({ grant: waiting, user }, request.scope, client, context)
      : undefined
    // Without a code to redeem nothing else would bring the grant to life.
    const grant = withToken ? await live(waiting, context.config.accessTokenTtl) : waiting
    async function live({ grant_id }: Grant, lifetime: number): Promise<Grant> {
      const exp = seconds(context.clock) + lifetime
      const lives = await Grant.update(context, grant_id, (current) => ({ ...current, exp }))
      if (!lives)
        throw new OAuthError('access_denied', {
          rule: 'RFC 6749 §4.2.2.1',
          expected: 'a session that lives',
          problem: 'the person signed out meanwhile',
        })
      return lives
    }
    if (parts.includes('code'))
      Object.assign(answered, await codeAlone.answer(context, { request, grant, user, client }))
    const issue: UserIssue = { scope: request.scope, ...issued, grant, user }
    if (withToken) {
      const { token, expiresIn } = await mintAccessToken(issue, client, undefined, context)
      Object.assign(answered, {
        access_token: token,
        token_type: 'Bearer',
        expires_in: `${expiresIn}`,
        scope: formatScope(request.scope),
      })
    }
    if (parts.includes('id_token'))
      answered.id_token = await mintIdToken(issue, client, context, {
        nonce: request.nonce,
        accessToken: answered.access_token,
        code: answered.code,
        withScopeClaims: parts.length === 1,
        claims:
          request.state === undefined
            ? undefined
            : { s_hash: leftHalfHash(request.state, client.id_token_signed_response_alg) },
      })
    return answered
  }

const responseTypes = [
  'id_token',
  'id_token token',
  'code id_token',
  'code token',
  'code id_token token',
].map((name): ResponseType => ({
  name,
  defaultMode: 'fragment',
  offered: ({ config }) => setting(config) === 'on',
  answer: answer(name.split(' ')),
}))

/** A client registers for it; nobody redeems it (OpenID Connect Registration §2). */
const implicit: GrantType = {
  name: 'implicit',
  offered: ({ config }) => setting(config) === 'on',
  withoutTokenRequest: true,
  async answer(): Promise<never> {
    throw new OAuthError('unsupported_grant_type', {
      rule: 'RFC 6749 §4.2',
      expected: 'a grant type with a token request',
      problem: 'implicit has no token request: its tokens come with the redirect',
    })
  },
}

export const responseTypesFeature = defineFeature({
  name: 'response_types',
  env,
  // Off is off: not even for a client that was registered under another profile.
  when: (config) => setting(config) !== 'off',
  responseTypes,
  grantTypes: [implicit],
})
