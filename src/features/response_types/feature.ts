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
import { noteTokens } from '../../grants/tokens_issued.ts'
import { code as codeAlone } from '../../http/authorization_response.ts'
import { seconds } from '../../lib/clock.ts'
import type { Client } from '../../models/client.ts'
import { Grant } from '../../models/grant.ts'
import { Session } from '../../models/session.ts'
import { defineFeature, type Granted, type ResponseType } from '../../contracts/feature.ts'

const env = defineEntries([
  {
    name: 'IMPLICIT_AND_HYBRID',
    realm: 'own_or_server',
    schema: is.oneOf('off', 'by_client', 'on'),
    default: 'by_client',
    profiles: { classic: 'on', fapi2: 'off', mcp: 'off' },
    help: 'Response types that put tokens into the redirect. off: for no client. by_client: for clients that an operator registered with them. on: for all clients.',
  },
])

const setting = (config: Config) => featureConfig(config, 'response_types', env).implicitAndHybrid

/**
 * What a token request would issue for this grant, after the rules of all features. A redirect cannot prove a key, so clients
 * whose tokens must be bound are refused.
 */
async function unbound(
  { grant, user }: Granted,
  scope: readonly string[],
  client: Client,
  context: Context,
): Promise<Issue> {
  if (context.table.tokenBindings.some((binding) => binding.isRequired?.(client)))
    throw new OAuthError('unauthorized_client', {
      rule: 'RFC 9449 §5',
      expected: 'response_type code for a client that registered for tokens bound to a key',
      problem: 'this client registered for tokens bound to a key, and a redirect cannot prove one',
      next: 'use response_type code',
    })
  const use = { params: {}, raw: {}, client, context, bound: undefined }
  return settled({ scope, grant, user }, use)
}

const ended = () =>
  new OAuthError('access_denied', {
    rule: 'RFC 6749 §4.2.2.1',
    expected: 'a session that has not ended, and a password that has not changed since',
    problem: 'the End-User signed out, or changed the password',
  })

async function activate(inactive: Grant, context: Context): Promise<Grant> {
  const exp = seconds(context.clock) + context.config.accessTokenTtl
  const active = await Grant.prolong(context, inactive, (current) => ({ ...current, exp }))
  if (!active) throw ended()
  return active
}

/**
 * Throws if the session has ended or has outlived a change of the password since the request read it. Looked at after the
 * grant is kept: an end of all access before that could not see the grant, and a later one ends it. A code is looked at so
 * when it is redeemed.
 */
async function requireSession({ authentication, session_epoch }: Grant, context: Context): Promise<void> {
  const session = await Session.find(context, authentication.sid)
  if (!session || session.epoch !== session_epoch) throw ended()
}

/** Issues the parts of the response type. The ID Token comes last, because it has the hashes of the others (Core §3.3.2.11). */
const answer =
  (parts: readonly string[]): ResponseType['answer'] =>
  async (context, { request, client, user, grant: inactiveGrant }) => {
    const answered: Record<string, string> = {}
    const withToken = parts.includes('token')
    const issued = withToken
      ? await unbound({ grant: inactiveGrant, user }, request.scope, client, context)
      : undefined
    // A token issued here needs an active grant; no code has been redeemed to activate it.
    const grant = withToken ? await activate(inactiveGrant, context) : inactiveGrant
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
    await requireSession(grant, context)
    noteTokens(undefined, context, request.responseType, client, issue)
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

/** Clients register this grant type, but it has no token request (OpenID Connect Registration §2). */
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
  // `off` also applies to clients that were registered under another profile.
  when: (config) => setting(config) !== 'off',
  responseTypes,
  grantTypes: [implicit],
})
