/** The OpenAPI document says what the table serves, and a live server answers as it says. https://spec.openapis.org/oas/v3.1.0 */
import { expect, test } from 'bun:test'
import { methodsOf } from '../../src/lib/http_method.ts'
import { describeApi } from '../../src/openapi/document.ts'
import { buildTable } from '../../src/table.ts'
import { authorizationUrl, demo, formPost, type Json } from '../support/client.ts'
import { problemsOf, type Schema } from '../support/json_schema.ts'
import { person } from '../support/person.ts'
import { provider } from '../support/provider.ts'

interface Described {
  operationId: string
  summary: string
  parameters?: { name: string; in: string; schema: Schema; required?: boolean }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<
    string,
    { $ref?: string; description?: string; content?: Record<string, { schema: Schema }> }
  >
  security?: Record<string, string[]>[]
}

interface Document {
  openapi: string
  servers: { url: string }[]
  paths: Record<string, Record<string, Described>>
  components: {
    schemas: Record<string, Schema>
    responses: Record<string, Described['responses'][string]>
    securitySchemes: Record<string, unknown>
  }
}

// With a provider to sign in with, the audit trail, realms and the paths of an older provider: otherwise their paths are not served.
const op = await provider({
  env: {
    UPSTREAM_GITHUB_CLIENT_ID: 'id',
    UPSTREAM_GITHUB_CLIENT_SECRET: 'secret',
    AUDIT_SIGNING_KEY: 'an-audit-signing-key-of-this-test',
    MIGRATION_PATHS: 'true',
    REALMS: 'true',
  },
})
const served = await op.fetch('/openapi.json')
const document = (await served.json()) as Document
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
)

/** Every object in the document. */
function* objectsIn(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield value as Record<string, unknown>
  for (const each of Object.values(value)) yield* objectsIn(each)
}

/** Endpoints that are no pages, and that only pages of this provider load or call. */
const ofPages = [
  'admin_live',
  'assets',
  'check_session_script',
  'classroom_board_live',
  'passkey_script',
  'passkey_sign_in_options',
]
/** Pages that a client or another site sends the browser to, by the parameters that the document describes. */
const pagesOfClients = ['authorization', 'end_session', 'check_session', 'initiate_login']

test('every path and method of the table is described, apart from pages that no client calls', () => {
  // The teaching lab is documented in docs/lab.md.
  const table = buildTable().endpoints.filter(({ name, page, path }) =>
    page ? pagesOfClients.includes(name) : !ofPages.includes(name) && !path.startsWith('/lab/'),
  )
  const expected = table.flatMap((endpoint) =>
    [endpoint.path, ...(endpoint.aliases ?? [])].flatMap((path) =>
      methodsOf(endpoint).map((method) => `${method} ${path.replace('/*', '/{file}')}`),
    ),
  )
  const described = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`)
  expect(described.sort()).toEqual(expected.sort())
  const words = 'give the endpoint `api`'
  for (const { operation, path } of operations) {
    expect(operation.responses, `${path}: ${words}`).not.toHaveProperty('default')
    expect(operation.summary.length, path).toBeGreaterThan(5)
  }
})

test('an endpoint that a feature brings describes itself, says that it does not, or is left out', async () => {
  const answer = () => ({ status: 200, body: null, headers: {} })
  const api = () => ({ GET: { summary: 'A described one', responses: { 200: { description: 'Yes' } } } })
  const table = buildTable([
    {
      name: 'example',
      endpoints: [
        { name: 'described', path: '/described', api, get: answer },
        { name: 'bare', path: '/bare', post: answer },
        { name: 'page', path: '/page', page: true, get: answer },
        { name: 'part', path: '/part', api: false, get: answer },
      ],
    },
  ])
  const { context } = await provider({ table })
  const { paths } = describeApi(context) as unknown as Document
  expect(paths['/described']!.get!.summary).toBe('A described one')
  expect(paths['/bare']!.post!.responses).toHaveProperty('default')
  expect(paths).not.toHaveProperty(['/page'])
  expect(paths).not.toHaveProperty(['/part'])
})

test('the document holds together', () => {
  expect(document.openapi).toBe('3.1.0')
  expect(document.servers).toEqual([{ url: op.issuer }])
  const ids = operations.map(({ operation }) => operation.operationId)
  expect(new Set(ids).size).toBe(ids.length)
  const root = document as unknown as Record<string, unknown>
  for (const { $ref } of objectsIn(document)) {
    if ($ref === undefined) continue
    const target = String($ref)
      .split('/')
      .slice(1)
      .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], root)
    expect(target, String($ref)).toBeObject()
  }
  for (const { path, operation } of operations) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    const named = operation.parameters?.filter((each) => each.in === 'path') ?? []
    expect(named.map(({ name, required }) => required && name)).toEqual(inPath)
    for (const [status, { $ref, description }] of Object.entries(operation.responses)) {
      expect(status).toMatch(/^[2345]\d\d$/)
      expect($ref ?? description, `${path} ${status}`).toBeString()
    }
    for (const scheme of (operation.security ?? []).flatMap((each) => Object.keys(each)))
      expect(document.components.securitySchemes).toHaveProperty(scheme)
  }
})

/** The answer of a live server, checked against what is written of its path, method and status. */
async function answers(path: string, status: number, init: RequestInit = {}): Promise<Json> {
  const response = await op.fetch(path, init)
  expect(response.status, path).toBe(status)
  const operation = document.paths[path.split('?')[0]!]![(init.method ?? 'GET').toLowerCase()]!
  const named = operation.responses[status]
  expect(named, `${path} ${status} is not described`).toBeObject()
  const described = named!.$ref ? document.components.responses[named!.$ref.split('/').at(-1)!]! : named!
  const type = response.headers.get('content-type')?.split(';')[0]
  if (type === undefined) {
    expect(described.content).toBeUndefined()
    return {}
  }
  expect(Object.keys(described.content ?? {}), path).toEqual([type])
  if (!type.endsWith('json')) return {}
  const value = (await response.json()) as Json
  expect(problemsOf(value, described.content![type]!.schema, document.components.schemas), path).toEqual([])
  return value
}

test('a live server answers as the document says', async () => {
  for (const path of [
    '/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server',
    '/jwks.json',
    '/.well-known/jwks.json',
    '/health',
    '/openapi.json',
    '/metrics',
  ])
    await answers(path, 200)

  const { url, code_verifier } = authorizationUrl(op.issuer, demo)
  await answers(url.slice(op.issuer.length), 303)
  const back = await person(op.issuer, op.fetch).goThrough(url)
  const exchange = {
    grant_type: 'authorization_code',
    code: back.searchParams.get('code')!,
    redirect_uri: demo.redirect_uri,
    code_verifier,
  }
  const tokens = await answers('/token', 200, formPost(demo, exchange))
  const bearer = { headers: { authorization: `Bearer ${tokens.access_token}` } }
  await answers('/userinfo', 200, bearer)
  await answers('/userinfo', 200, { ...bearer, method: 'POST' })
  await answers('/introspect', 200, formPost(demo, { token: String(tokens.access_token) }))
  await answers('/introspect', 200, formPost(demo, { token: 'unknown' }))
  await answers('/revoke', 200, formPost(demo, { token: String(tokens.refresh_token) }))
  await answers('/token', 200, formPost(demo, { grant_type: 'client_credentials' }))
})

test('and refuses as the document says', async () => {
  const wrong = { ...demo, client_secret: 'wrong' }
  await answers('/token', 400, formPost(demo, { grant_type: 'authorization_code', code: 'x' }))
  await answers('/token', 401, formPost(wrong, { grant_type: 'client_credentials' }))
  await answers('/introspect', 401, formPost(wrong, { token: 'x' }))
  await answers('/revoke', 401, formPost(wrong, { token: 'x' }))
  await answers('/userinfo', 401)
  const own = await answers('/token', 200, formPost(demo, { grant_type: 'client_credentials' }))
  await answers('/userinfo', 403, { headers: { authorization: `Bearer ${own.access_token}` } })
  await answers('/authorize?client_id=nobody', 400)
  await answers('/logout?id_token_hint=unknown', 400)
})

test('registration takes and gives what the document says', async () => {
  const send = (metadata: Json) => ({
    method: 'POST',
    body: JSON.stringify(metadata),
    headers: { 'content-type': 'application/json' },
  })
  const metadata = { client_name: 'Documented', redirect_uris: ['https://app.example/callback'] }
  const body = document.paths['/register']!.post!.requestBody!.content['application/json']!
  expect(problemsOf(metadata, body.schema, document.components.schemas)).toEqual([])
  await answers('/register', 201, send(metadata))
  await answers('/register', 400, send({ redirect_uris: ['https://app.example/#fragment'] }))
})

test('the checker itself finds what is wrong', () => {
  const schemas = document.components.schemas
  expect(
    problemsOf({ keys: [{ kty: 'oct', use: 'any' }, {}] }, schemas.Jwks!, schemas).length,
  ).toBeGreaterThan(3)
  expect(problemsOf({ token_type: 1 }, schemas.TokenResponse!, schemas).length).toBe(3)
  expect(problemsOf('text', { kind: 'odd' }, schemas)).toEqual(['$: unknown keyword kind'])
})
