/** Protected resource metadata of this provider's own resources. https://www.rfc-editor.org/rfc/rfc9728 */
import { HttpError } from '../../auth/errors.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import { metadata as serverMetadata } from '../../endpoints/discovery.ts'
import { defineEndpoint, type Endpoint } from '../../contracts/endpoint.ts'
import { jsonReply, object, type Operations, ref, text, words } from '../../openapi/parts.ts'
import { publicJson } from '../../http/reply.ts'
import { defineFeature } from '../../contracts/feature.ts'

const wellKnown = '/.well-known/oauth-protected-resource'

/** The path of the resource. */
const resourceOf = ({ path, resource = path }: Endpoint): string => resource

const isResource = (endpoint: Endpoint): boolean => endpoint.resourceScopes !== undefined

/** §3.1: the well-known path is between the host and the path of the resource. */
function metadataUrl(path: string, { config, basePath }: Context): string {
  return `${new URL(config.issuer).origin}${wellKnown}${basePath}${path}`
}

/** Members with the same meaning in resource metadata (§2) and authorization server metadata. */
const shared = [
  'dpop_signing_alg_values_supported',
  'tls_client_certificate_bound_access_tokens',
  'authorization_details_types_supported',
]

/** The document of one endpoint, or of all together as the resource `issuer` when `path` is empty. */
function document(path: string, call: Call, context: Context): Record<string, unknown> {
  const resources = context.table.endpoints.filter(
    (endpoint) => isResource(endpoint) && (endpoint.exists?.(call, context) ?? true),
  )
  const concerned = path === '' ? resources : resources.filter((endpoint) => resourceOf(endpoint) === path)
  if (concerned.length === 0)
    throw new HttpError('not_found', {
      expected: 'the path of a resource that accepts access tokens',
      came: path,
      problem: `${path} is not a resource that accepts access tokens`,
    })
  const server = serverMetadata(context)
  return {
    resource: context.config.issuer + path,
    resource_name: [context.looks.brand.name, ...(path === '' ? [] : [wordsOf(concerned[0]!.name)])].join(
      ': ',
    ),
    authorization_servers: [context.config.issuer],
    scopes_supported: [...new Set(concerned.flatMap((endpoint) => endpoint.resourceScopes ?? []))],
    bearer_methods_supported: concerned.every((endpoint) => endpoint.post !== undefined && !endpoint.problems)
      ? ['header', 'body']
      : ['header'],
    ...Object.fromEntries(shared.filter((name) => name in server).map((name) => [name, server[name]])),
  }
}

const isBelow = (path: string, { resource }: Endpoint): boolean =>
  resource !== undefined && path.startsWith(`${resource}/`)

const wordsOf = (name: string): string => name.replaceAll('_', ' ')

const open = { cors: 'any', advertised: false } as const

const endpoint = defineEndpoint({
  ...open,
  name: 'protected_resource_metadata',
  path: wellKnown,
  api: () => describe([]),
  get: (call, context) => reply('', call, context),
})

const below = defineEndpoint({
  ...open,
  name: 'protected_resource_metadata_of',
  path: `${wellKnown}/*`,
  api: () => describe([{ name: 'file', in: 'path', required: true, schema: { type: 'string' } }]),
  get: (call, context) => reply(call.path.slice(wellKnown.length), call, context),
})

const reply = (path: string, call: Call, context: Context) =>
  publicJson(JSON.stringify(document(path, call, context)), context.config.jwksMaxAge)

function describe(parameters: Operations[string]['parameters']): Operations {
  const schema = object(
    {
      resource: text('The resource, as in aud of tokens'),
      resource_name: text('Its name for people'),
      authorization_servers: words('Issuers whose tokens it accepts'),
      scopes_supported: words('Scopes that it requires'),
      bearer_methods_supported: words('Ways to send a bearer token'),
    },
    ['resource', 'authorization_servers'],
  )
  const responses = {
    200: jsonReply('The metadata', schema),
    404: jsonReply('No such resource', ref('Error')),
  }
  return {
    GET: {
      summary: 'The metadata of a protected resource',
      parameters: parameters ?? [],
      responses,
    },
  }
}

export const protectedResource = defineFeature({
  name: 'protected_resource',
  endpoints: [endpoint, below],
  headers: {
    challenge(call, context): Record<string, string> {
      const found = context.table.endpoints.find(
        (each) => isResource(each) && (call.path === resourceOf(each) || isBelow(call.path, each)),
      )
      return found ? { resource_metadata: metadataUrl(resourceOf(found), context) } : {} // §5.1
    },
  },
})
