/** Resource indicators: the client names the API a token is for, and the token is good there alone. https://www.rfc-editor.org/rfc/rfc8707 */
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

/** Resources of one request: each is stored with the grant and stands in each of its tokens. */
const mostResources = 50
/** Characters. */
const longestResource = 2000

/** The URIs asked for, each absolute and without fragment (§2); undefined when none was. */
function readResources(value: string | undefined, context: Context): string[] | undefined {
  if (value === undefined) return undefined
  const { resources } = featureConfig(context.config, 'resource_indicators', env)
  const asked = [...new Set(value.split(' ').filter(Boolean))]
  if (asked.length > mostResources)
    throw badTarget(`at most ${mostResources} resources may be asked for`, `${asked.length}`)
  for (const uri of asked) {
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
  return asked.length > 0 ? asked : undefined
}

const audienceOf = (resources: readonly string[]) => (resources.length === 1 ? resources[0]! : [...resources])

const parameter: AuthorizationParameter = {
  name: 'resource',
  async read(context, params) {
    const resource = readResources(params.resource, context)
    return resource && ofGrant.extra({ resource })
  },
}

/** §2.2: a token request may narrow what was authorized, never widen it. */
const rule: GrantRule = {
  name: 'resource',
  admit(grant, { raw, context }) {
    const asked = readResources(raw.resource, context)
    const { resource: granted } = ofGrant.of(grant)
    const beyond = asked?.find((each) => !granted?.includes(each))
    if (beyond !== undefined)
      throw badTarget(
        'resource is part of the authorization',
        beyond,
        `resource ${shown(beyond)} was not part of the authorization`,
      )
  },
  shape(issue, { raw, client, context }) {
    const asked = readResources(raw.resource, context)
    if (issue.copyOf) {
      requireGrantedToCopy(asked ?? [], issue, client)
      const audience = [...new Set([issue.audience ?? [], asked ?? []].flat())]
      return audience.length > 0 ? { ...issue, audience: audienceOf(audience) } : issue
    }
    if (issue.audience !== undefined) return issue
    const resources = asked ?? (issue.grant && ofGrant.of(issue.grant).resource)
    return resources ? { ...issue, audience: audienceOf(resources) } : issue
  },
}

/** A client that trades its own token of a person has no more of it than what was authorized, or an operator added. */
function requireGrantedToCopy(asked: readonly string[], { copyOf, grant }: Issue, client: Client): void {
  if (!grant || copyOf?.client_id !== client.client_id) return
  const { resource: granted = [] } = ofGrant.of(grant)
  const allowed = [granted, copyOf.aud, client.exchange_audiences ?? []].flat()
  const beyond = asked.find((each) => !allowed.includes(each))
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
