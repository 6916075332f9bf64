/** The OpenAPI document: every path and method of the table that clients, APIs and operators call. https://spec.openapis.org/oas/v3.1.0 */
import { textOfRealm } from '../lib/realm_commands.ts'
import { methodsOf } from '../lib/http_method.ts'
import type { Described, DescribedEndpoint } from './described.ts'
import { jsonSchemaOf } from './json_schema.ts'
import {
  jsonReply,
  type ObjectShape,
  type Operation,
  type Operations,
  type Part,
  sharedResponses,
} from './parts.ts'
import { schemas } from './schemas.ts'

/** What is said of a method that its endpoint does not describe. */
const bare = (summary: string): Operation => ({
  summary,
  responses: { default: { description: 'Not described' } },
})

/** `/register/*` takes everything below it: a path parameter in OpenAPI. */
const templateOf = (path: string): string => path.replace(/\*$/, '{file}')

interface ObjectSchema {
  properties: Readonly<Record<string, Part>>
  required: readonly string[]
}

/** The parameters that the schema of a query names; the description belongs to the parameter. */
function queryParameters(query: ObjectShape | undefined): Part[] {
  if (query === undefined) return []
  const { properties, required } = jsonSchemaOf(query) as unknown as ObjectSchema
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    ...(description !== undefined && { description }),
    ...(required.includes(name) && { required: true }),
    schema,
  }))
}

const bodyTypes = { form: 'application/x-www-form-urlencoded', json: 'application/json' } as const

/** What an endpoint says of a method, with the schemas of its parsers in the terms of OpenAPI. */
function operationPart(operation: Operation): Part {
  const { query, form, json, answer, parameters = [], responses, ...words } = operation
  const all = [...parameters, ...queryParameters(query)]
  const shapes = Object.entries({ form, json } as const).flatMap(([kind, shape]) =>
    shape === undefined
      ? []
      : [[bodyTypes[kind as keyof typeof bodyTypes], { schema: jsonSchemaOf(shape) }] as const],
  )
  return {
    ...words,
    responses: {
      ...(answer && { [answer.status]: jsonReply(answer.description, jsonSchemaOf(answer.shape)) }),
      ...responses,
    },
    ...(all.length > 0 && { parameters: all }),
    ...(shapes.length > 0 && { requestBody: { required: true, content: Object.fromEntries(shapes) } }),
  }
}

/** The name of an operation is unique, so the second path of one endpoint numbers its own. */
function pathItem(endpoint: DescribedEndpoint, described: Operations, index: number): Part {
  return Object.fromEntries(
    methodsOf(endpoint).map((method) => {
      const operation = described[method] ?? bare(endpoint.name)
      const id = `${method.toLowerCase()}_${endpoint.name}${index === 0 ? '' : `_${index + 1}`}`
      return [method.toLowerCase(), { operationId: id, tags: [tagOf(endpoint)], ...operationPart(operation) }]
    }),
  )
}

const tagOf = (endpoint: DescribedEndpoint): string =>
  endpoint.page ? 'pages' : endpoint.limited ? 'protocol' : 'public'

const tags = [
  { name: 'protocol', description: 'Called by clients and APIs' },
  { name: 'pages', description: 'Where clients send the browser of the End-User' },
  { name: 'public', description: 'Read by anyone' },
  { name: 'administration', description: 'Called by administrators and their services' },
]

const isUsed = (paths: Readonly<Record<string, Part>>, tag: string): boolean =>
  Object.values(paths).some((item) =>
    Object.values(item as Readonly<Record<string, Operation>>).some((each) => each.tags?.includes(tag)),
  )

export function describeApi(context: Described): Record<string, unknown> {
  const { config, table } = context
  const paths = Object.fromEntries(
    table.endpoints.flatMap((endpoint) => {
      const { api, page } = endpoint
      if (api === false || (api === undefined && page)) return []
      const described = api?.(context) ?? {}
      return [endpoint.path, ...(endpoint.aliases ?? [])].map((path, index) => [
        templateOf(path),
        pathItem(endpoint, described, index),
      ])
    }),
  )
  return {
    openapi: '3.1.0',
    info: {
      title: 'Latchkey',
      version: '1.0.0', // of this document: which version serves it is for operators
      summary: 'An OpenID Connect provider',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: config.issuer }],
    tags: tags.filter(({ name }) => isUsed(paths, name)),
    paths,
    components: {
      schemas: schemas(context),
      responses: sharedResponses,
      securitySchemes: {
        client_secret_basic: {
          type: 'http',
          scheme: 'basic',
          description: 'client_id and client_secret, each form-encoded first (RFC 6749 §2.3.1)',
        },
        access_token: { type: 'http', scheme: 'bearer', description: 'An access token of this provider' },
        initial_access_token: {
          type: 'http',
          scheme: 'bearer',
          description: `REGISTRATION_INITIAL_ACCESS_TOKEN, or one that \`${textOfRealm(context.realm?.name, 'latchkey client token add')}\` made`,
        },
        metrics_token: { type: 'http', scheme: 'bearer', description: 'METRICS_TOKEN' },
        openid: {
          type: 'openIdConnect',
          openIdConnectUrl: `${config.issuer}/.well-known/openid-configuration`,
        },
      },
    },
  }
}
