/** Resource indicators: the client names the APIs that a token is for, and they become its audience. https://www.rfc-editor.org/rfc/rfc8707 */
import * as v from 'valibot'
import { OAuthError } from '../../auth/errors.ts'
import { shown } from '../../auth/refusal.ts'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'
import type { GrantRule, Issue } from '../../contracts/grant_type.ts'
import { isLoopbackHost } from '../../lib/address.ts'
import type { Client } from '../../models/client.ts'
import { declareGrantMembers } from '../../models/grant.ts'
import { type AuthorizationParameter, defineFeature } from '../../contracts/feature.ts'

const env = defineEntries([
  {
    name: 'RESOURCES',
    schema: is.words,
    default: '',
    help: 'URIs of the APIs that tokens may be requested for (RFC 8707). Empty: any https URI, and http on loopback.',
  },
])

const ofGrant = declareGrantMembers({ resource: v.array(v.string()) })

const badTarget = (expected: string, came: string, problem?: string) =>
  new OAuthError('invalid_target', { rule: 'RFC 8707 §2', expected, came, problem })

/** Resources of one request: each is stored in the grant and in each of its tokens. */
const mostResources = 50
/** Characters. */
const longestResource = 2000

/** The requested URIs, each absolute and without fragment (§2); undefined when there is none. */
function readResources(value: string | undefined, context: Context): string[] | undefined {
  if (value === undefined) return undefined
  const { resources } = featureConfig(context.config, 'resource_indicators', env)
  const requested = [...new Set(value.split(' ').filter(Boolean))]
  if (requested.length > mostResources)
    throw badTarget(`at most ${mostResources} resources may be requested`, `${requested.length}`)
  for (const uri of requested) {
    // First: parsing a host of combining marks takes time with the square of its length.
    if (uri.length > longestResource)
      throw badTarget(`a resource of at most ${longestResource} characters`, `${uri.length}`)
    const url = URL.parse(uri)
    if (!url || uri.includes('#')) throw badTarget('resource must be an absolute URI without fragment', uri)
    const known =
      resources.length > 0
        ? resources.includes(uri)
        : url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname))
    if (!known)
      throw badTarget(
        `resource is an API of this provider: ${resources.join(', ') || 'any https URI'}`,
        uri,
        `resource ${shown(uri)} is not an API of this provider`,
      )
  }
  return requested.length > 0 ? requested : undefined
}

const audienceOf = (resources: readonly string[]) => (resources.length === 1 ? resources[0]! : [...resources])

const schema = v.pipe(
  v.string(),
  v.description('Absolute URIs of APIs, separated by spaces or one in each parameter'),
)

const parameter: AuthorizationParameter = {
  name: 'resource',
  schema,
  async read(context, params) {
    const resource = readResources(params.resource, context)
    return resource && ofGrant.extra({ resource })
  },
}

/** §2.2: a token request may ask for a part of the authorized resources. */
const rule: GrantRule = {
  name: 'resource',
  params: { resource: v.optional(schema) },
  admit(grant, { raw, context }) {
    const requested = readResources(raw.resource, context)
    // A grant without a session, of an assertion, had no authorization request: this token request names its resources.
    if (grant.authentication.sid === '') return
    const { resource: granted } = ofGrant.of(grant)
    const beyond = requested?.find((each) => !granted?.includes(each))
    if (beyond !== undefined)
      throw badTarget(
        'resource is part of the authorization',
        beyond,
        `resource ${shown(beyond)} was not part of the authorization`,
      )
  },
  shape(issue, { raw, client, context }) {
    const requested = readResources(raw.resource, context)
    if (issue.copyOf) {
      requireGrantedToCopy(requested ?? [], issue, client)
      const audience = [...new Set([issue.audience ?? [], requested ?? []].flat())]
      return audience.length > 0 ? { ...issue, audience: audienceOf(audience) } : issue
    }
    if (issue.audience !== undefined) return issue
    const resources = requested ?? (issue.grant && ofGrant.of(issue.grant).resource)
    return resources ? { ...issue, audience: audienceOf(resources) } : issue
  },
}

/** In an exchange of its own token for an End-User, a client gets only authorized resources and those in exchange_audiences. */
function requireGrantedToCopy(requested: readonly string[], { copyOf, grant }: Issue, client: Client): void {
  if (!grant || copyOf?.client_id !== client.client_id) return
  const { resource: granted = [] } = ofGrant.of(grant)
  const allowed = [granted, copyOf.aud, client.exchange_audiences ?? []].flat()
  const beyond = requested.find((each) => !allowed.includes(each))
  if (beyond !== undefined)
    throw badTarget(
      'resource is part of the authorization, or of exchange_audiences of the client',
      beyond,
      `resource ${shown(beyond)} was not part of the authorization: an operator may allow it (exchange_audiences)`,
    )
}

export const resourceIndicators = defineFeature({
  name: 'resource_indicators',
  env,
  authorizationParameters: [parameter],
  grantRules: [rule],
  repeatable: ['resource'],
})
