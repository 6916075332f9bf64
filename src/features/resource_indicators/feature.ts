/** Resource indicators: the client names the APIs that a token is for, and they become its audience. https://www.rfc-editor.org/rfc/rfc8707 */
import { check } from '../../auth/check.ts'
import * as v from 'valibot'
import { OAuthError } from '../../auth/errors.ts'
import { repeated } from '../../auth/params.ts'
import { shown } from '../../auth/refusal.ts'
import { isAmong, resourceKey, resourceProblem } from '../../auth/resource_uri.ts'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context, Table } from '../../contracts/context.ts'
import type { GrantRule, GrantUse, Issue } from '../../contracts/grant_type.ts'
import { isLoopbackHost } from '../../lib/address.ts'
import type { Client } from '../../models/client.ts'
import { declareGrantMembers } from '../../models/grant.ts'
import { type AuthorizationParameter, defineFeature, type RegistrationRule } from '../../contracts/feature.ts'

const env = defineEntries([
  {
    name: 'RESOURCES',
    realm: 'own_or_default',
    schema: is.words,
    default: '',
    help: 'URIs of the APIs that clients may request tokens for (RFC 8707). An operator may allow one client others: `latchkey client add … --allow-resource URI`.',
  },
  {
    name: 'DEFAULT_RESOURCE',
    realm: 'own_or_server',
    schema: is.oneOf('none', 'only_one'),
    default: 'none',
    profiles: { mcp: 'only_one' },
    help: 'Which API the tokens of a request without `resource` are for. none: none, so that their `aud` is ACCESS_TOKEN_AUDIENCE. only_one: the one in RESOURCES, if there is no other and ACCESS_TOKEN_AUDIENCE is not set; with the scope openid also the issuer, for /userinfo.',
  },
])

const ofGrant = declareGrantMembers({ resource: v.array(v.string()) })

const badTarget = (expected: string, came: string | undefined, problem?: string) =>
  new OAuthError('invalid_target', { rule: 'RFC 8707 §2', expected, came, problem })

/** Resources of one request: each is stored in the grant and in each of its tokens. */
const mostResources = 50
/** `client.allowed_resources` with this value allows any https URI, and http on loopback. */
const any = '*'

/** The URI as the operator wrote it, because APIs compare `aud` character by character; undefined when it is not allowed. */
function listedAs(uri: string, allowed: readonly string[]): string | undefined {
  if (allowed.includes(uri)) return uri
  const key = resourceKey(uri)
  const listed = allowed.find((each) => resourceKey(each) === key)
  const { protocol, hostname } = new URL(uri)
  const isWeb = protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname))
  return listed ?? (isWeb && allowed.includes(any) ? uri : undefined)
}

const memo = new WeakMap<Table, readonly string[]>()

/** The paths of our own resources (RFC 9728), found once: a table has some hundred endpoints. */
function resourcePaths(table: Table): readonly string[] {
  let paths = memo.get(table)
  if (!paths) {
    paths = table.endpoints
      .filter(({ resourceScopes }) => resourceScopes !== undefined)
      .map(({ path, resource = path }) => resource)
    memo.set(table, paths)
  }
  return paths
}

/** This provider, its own resources, and the audience of tokens that name none: each client may name them. */
const ownAudience = ({ config, table }: Context): string[] => [
  config.issuer,
  config.accessTokenAudience,
  ...resourcePaths(table).map((path) => `${config.issuer}${path}`),
]

/** What a request without `resource` names; undefined where it names nothing. docs/decisions/0072 */
function defaultResource(scope: readonly string[], { config }: Context): string[] | undefined {
  const { resources, defaultResource: which } = featureConfig(config, 'resource_indicators', env)
  const [only, ...others] = resources
  const isChosen = config.accessTokenAudience !== config.issuer
  if (which === 'none' || isChosen || only === undefined || only === any || others.length > 0)
    return undefined
  return scope.includes('openid') ? [only, config.issuer] : [only]
}

/** The listed URI that `uri` was meant to be, where they differ in a slash at the end, in case or in a default port. */
function meantBy(uri: string, allowed: readonly string[]): string | undefined {
  const plain = (text: string) => (URL.parse(text)?.href ?? text).replace(/\/$/, '').toLowerCase()
  return allowed.find((each) => plain(each) === plain(uri))
}

/** What the operator listed, for all clients and for this one, and what is ours. */
const listedFor = (client: Client, context: Context): string[] => [
  ...ownAudience(context),
  ...featureConfig(context.config, 'resource_indicators', env).resources,
  ...(client.allowed_resources ?? []),
]

/**
 * The requested URIs, each absolute and without fragment (§2); undefined when there is none. `more` are further URIs that
 * an operator allowed for this request.
 */
function readResources(
  value: string | undefined,
  client: Client,
  context: Context,
  more: () => readonly string[] = () => [],
): string[] | undefined {
  if (value === undefined) return undefined
  const { resources } = featureConfig(context.config, 'resource_indicators', env)
  const allowed = [...listedFor(client, context), ...more()]
  const named = [...new Set(value.split(repeated))]
  check(named.length <= mostResources, () =>
    badTarget(`at most ${mostResources} resources may be requested`, `${named.length}`),
  )
  const requested = named.map((uri) => {
    const problem = resourceProblem(uri)
    check(problem === undefined, () => badTarget(problem ?? 'an absolute URI without a fragment', uri))
    const listed = listedAs(uri, allowed)
    check(listed !== undefined, () =>
      badTarget(
        `resource is an API of this provider: ${resources.join(', ') || 'none'}`,
        uri,
        notAnApi(uri, meantBy(uri, allowed)),
      ),
    )
    return listed
  })
  return [...new Set(requested)]
}

/**
 * A client that registered itself gets no token of its own for an API: there is no End-User who agreed, and no operator.
 */
function requireKnown(
  requested: readonly string[],
  { grant }: Issue,
  client: Client,
  context: Context,
): void {
  if (grant || !client.self_registered || requested.length === 0) return
  const allowed = [ownAudience(context), client.allowed_resources ?? []].flat()
  const beyond = requested.find((each) => !isAmong(each, allowed))
  check(beyond === undefined, () =>
    badTarget(
      'an End-User, or a client that an operator registered',
      beyond,
      `resource ${shown(beyond)} is not for a client that registered itself, without an End-User: an operator may register the client`,
    ),
  )
}

const notAnApi = (uri: string, meant: string | undefined): string =>
  meant === undefined
    ? `resource ${shown(uri)} is not an API of this provider: an operator may add it (RESOURCES, or --allow-resource for one client)`
    : `resource ${shown(uri)} is not an API of this provider, because it is compared character by character: send ${meant}`

const audienceOf = (resources: readonly string[]) => (resources.length === 1 ? resources[0]! : [...resources])

const schema = v.pipe(
  v.string(),
  v.description('The absolute URI of an API; the parameter may come more than once'),
)

const parameter: AuthorizationParameter = {
  name: 'resource',
  schema,
  async read(context, params, client) {
    const resource =
      readResources(params.resource, client, context) ??
      defaultResource(params.scope?.split(' ') ?? [], context)
    return resource && ofGrant.extra({ resource })
  },
  audience: (extra) => ofGrant.of(extra).resource ?? [],
}

/** §2.2: a token request may ask for a part of the authorized resources. */
const rule: GrantRule = {
  name: 'resource',
  params: { resource: v.optional(schema) },
  admit(grant, { raw, client, context }) {
    const { resource: granted } = ofGrant.of(grant)
    const requested = readResources(raw.resource, client, context, () => granted ?? [])
    // A grant without a session, of an assertion, had no authorization request: this token request names its resources.
    if (grant.authentication.sid === '') return
    const beyond = requested?.find((each) => !isAmong(each, granted ?? []))
    check(beyond === undefined, () =>
      badTarget(
        'resource is part of the authorization',
        beyond,
        `resource ${shown(beyond)} was not part of the authorization`,
      ),
    )
  },
  shape(issue, use) {
    const shaped = withAudience(issue, use)
    const audience = shaped.audience ?? shaped.copyOf?.aud
    if (audience === undefined) return shaped // most tokens name no API, and the list walks all endpoints
    const listed = listedFor(use.client, use.context)
    return { ...shaped, apis: [audience].flat().filter((each) => listed.includes(each)) }
  },
}

/** With the requested resources, else with those of the grant. */
function withAudience(issue: Issue, { raw, client, context }: GrantUse): Issue {
  const granted = issue.grant && ofGrant.of(issue.grant).resource
  const more = () => [
    ...(granted ?? []),
    ...(issue.copyOf ? [issue.copyOf.aud, client.exchange_audiences ?? []].flat() : []),
  ]
  const requested = readResources(raw.resource, client, context, more)
  requireKnown(requested ?? [], issue, client, context)
  if (issue.copyOf) {
    requireGrantedToCopy(requested ?? [], issue, client)
    const audience = [...new Set([issue.audience ?? [], requested ?? []].flat())]
    return audience.length > 0 ? { ...issue, audience: audienceOf(audience) } : issue
  }
  if (issue.audience !== undefined) return issue
  const ofService = !issue.grant && !client.self_registered
  const resources = requested ?? granted ?? (ofService ? defaultResource(issue.scope, context) : undefined)
  return resources ? { ...issue, audience: audienceOf(resources) } : issue
}

/** In an exchange of its own token for an End-User, a client gets only authorized resources and those in exchange_audiences. */
function requireGrantedToCopy(requested: readonly string[], { copyOf, grant }: Issue, client: Client): void {
  if (!grant || copyOf?.client_id !== client.client_id) return
  const { resource: granted = [] } = ofGrant.of(grant)
  const allowed = [granted, copyOf.aud, client.exchange_audiences ?? []].flat()
  const beyond = requested.find((each) => !isAmong(each, allowed))
  check(beyond === undefined, () =>
    badTarget(
      'resource is part of the authorization, or of exchange_audiences of the client',
      beyond,
      `resource ${shown(beyond)} was not part of the authorization: an operator may allow it (exchange_audiences)`,
    ),
  )
}

/** A client that ties itself to the API of another would learn of the End-Users of that API. */
const operatorTies: RegistrationRule = {
  name: 'resource_uris',
  async check(_context, { resource_uris: asked }, { by, current }) {
    if (by === 'operator' || asked === undefined || Bun.deepEquals(asked, current?.resource_uris)) return
    throw new OAuthError('invalid_client_metadata', {
      rule: 'RFC 7662 §4',
      expected: 'no resource_uris: an operator ties a client to an API (latchkey client add --resource-uri)',
      came: asked,
      problem: 'resource_uris is set by an operator (latchkey client add --resource-uri)',
    })
  },
}

export const resourceIndicators = defineFeature({
  name: 'resource_indicators',
  env,
  problems: (config) =>
    featureConfig(config, 'resource_indicators', env)
      .resources.filter((uri) => uri !== any)
      .flatMap((uri) => {
        const problem = resourceProblem(uri)
        return problem === undefined ? [] : [`RESOURCES: ${problem}, got ${JSON.stringify(uri)}`]
      }),
  authorizationParameters: [parameter],
  grantRules: [rule],
  registrationRules: [operatorTies],
  repeatable: ['resource'],
})
