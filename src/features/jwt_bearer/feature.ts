/** The JWT bearer grant: access tokens for the End-User that an assertion of a trusted issuer names. https://www.rfc-editor.org/rfc/rfc7523#section-2.1 */
import { check } from '../../auth/check.ts'
import * as v from 'valibot'
import { parseScope, requireWithin, scopeValues } from '../../auth/scope.ts'
import { newGrantId } from '../../auth/token.ts'
import type { Config } from '../../config.ts'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'
import { defineGrantType } from '../../contracts/grant_type.ts'
import { admit } from '../../grants/grant_rules.ts'
import { seconds } from '../../lib/clock.ts'
import { type Client, isPublic } from '../../models/client.ts'
import { Grant } from '../../models/grant.ts'
import { onceWords } from '../../models/once.ts'
import { isActive, User } from '../../models/user.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { type Assertion, claim, readAssertion, refuse } from './assertion.ts'

const env = defineEntries([
  {
    name: 'JWT_BEARER_ISSUERS',
    realm: 'own_or_default',
    schema: is.issuersWithKeys,
    outbound: is.jwksUrisIn,
    default: '',
    help: 'Issuers whose assertions give clients tokens for the End-Users they name (RFC 7523 §2.1). Each issuer may name every End-User.',
  },
])

const issuersOf = (config: Config) => featureConfig(config, 'jwt_bearer', env).jwtBearerIssuers

const Params = v.object({
  assertion: v.pipe(v.string('a JWT'), v.description('Of an issuer in JWT_BEARER_ISSUERS')),
  scope: v.optional(v.string()),
})

const jwtBearerGrant = defineGrantType(
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
  Params,
  async (request) => {
    const { params, client, context } = request
    check(!isPublic(client), 'unauthorized_client', () => ({
      rule: 'RFC 7521 §4.1',
      expected: 'JWT bearer is for clients that authenticate',
    }))
    const scope = scopeFor(client, params.scope)
    const assertion = await readAssertion(
      params.assertion,
      issuersOf(context.config),
      client.client_id,
      context,
    )
    const user = await userOf(assertion.sub, context)
    const grant = grantOf(assertion, user, client, scope, context)
    await admit(grant, request)
    // Claimed after all other checks, so that a refused request does not use the assertion up.
    const problem = await claim(context, assertion)
    check(!problem, () =>
      refuse('an assertion that was not used before', undefined, onceWords('it', problem ?? 'used')),
    )
    await Grant.create(context, grant, grant.exp - seconds(context.clock))
    // Read again: an end of all access before this could not see the grant, and a later one ends it.
    return { scope, grant, user: await User.find(context, user.sub), expiresAt: grant.exp }
  },
)

/** The scope is limited to the registration, since no End-User can consent here; offline_access is excluded, since the client can send another assertion. */
function scopeFor(client: Client, asked: string | undefined): string[] {
  const registered = scopeValues(client.scope).filter((each) => each !== 'offline_access')
  const scope = asked === undefined ? registered : parseScope(asked)
  requireWithin(scope, registered, 'the scopes this client may have by assertion')
  return scope
}

/** RFC 7519 §4.1.2: `sub` is compared as it is, so another spelling of a username names no account. */
async function userOf(name: string, context: Context): Promise<User> {
  const named = async () => {
    const user = await User.findByUsername(context, name)
    // Of an account that was deleted, `sub` is not a name to take over.
    return user?.username === name && !(await User.wasDeleted(context, name)) ? user : undefined
  }
  const user = (await User.find(context, name)) ?? (await named())
  check(user && isActive(user), () =>
    refuse('sub names an active account', undefined, 'sub names no active account'),
  )
  return user
}

/**
 * The grant has no session; it ends at the latest with the assertion (RFC 7521 §4.1). The End-User did not sign in at this
 * provider: `acr` is 0, `amr` is empty (OpenID Connect Core §2), and `auth_time` is set only when the issuer states it.
 */
const grantOf = (
  { exp, authTime = 0 }: Assertion,
  user: User,
  client: Client,
  scope: string[],
  context: Context,
): Grant => ({
  grant_id: newGrantId(context.random),
  client_id: client.client_id,
  sub: user.sub,
  username: user.username,
  scope,
  authentication: { auth_time: authTime, acr: '0', amr: [], sid: '' },
  session_bound: false,
  exp: Math.max(
    seconds(context.clock) + 1,
    Math.min(exp, seconds(context.clock) + context.config.accessTokenTtl),
  ),
})

export const jwtBearer = defineFeature({
  name: 'jwt_bearer',
  when: (config) => issuersOf(config).length > 0,
  env,
  grantTypes: [jwtBearerGrant],
})
