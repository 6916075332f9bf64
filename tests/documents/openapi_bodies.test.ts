/** Request bodies in the OpenAPI document are those that the endpoints parse: each comes from the schema of its parser. */
import { expect, test } from 'bun:test'
import { clientParameters } from '../../src/auth/client_auth.ts'
import { coreMetadata } from '../../src/auth/registration.ts'
import { defineGrantType } from '../../src/contracts/grant_type.ts'
import { defineFeature } from '../../src/contracts/feature.ts'
import { describeApi } from '../../src/openapi/document.ts'
import { buildTable, features } from '../../src/table.ts'
import * as v from 'valibot'
import { demo, formPost, type Json } from '../support/client.ts'
import { operatorClient, post } from '../support/flow.ts'
import { problemsOf, type Schema } from '../support/json_schema.ts'
import { provider } from '../support/provider.ts'

interface Body extends Schema {
  properties: Record<string, Schema>
  required: string[]
}
interface Document {
  paths: Record<string, Record<string, { requestBody: { content: Record<string, { schema: Body }> } }>>
  components: { schemas: Record<string, Schema> }
}

const everything = {
  JWT_BEARER_ISSUERS: 'https://issuer.example=https://issuer.example/jwks',
  SOFTWARE_STATEMENT_ISSUERS: 'https://issuer.example=https://issuer.example/jwks',
}
const op = await provider({ env: everything })
const document = (await (await op.fetch('/openapi.json')).json()) as Document
const formOf = (path: string, { paths } = document): Body =>
  paths[path]!.post!.requestBody.content['application/x-www-form-urlencoded']!.schema
const tokenRequests = formOf('/token').anyOf as Body[]
const grantOf = ({ properties }: Body) => String(properties.grant_type!.const)
const exchanged = [...op.context.table.grantTypes.values()].filter((each) => !each.withoutTokenRequest)

test('the token request of each grant type has the parameters that the grant type parses', () => {
  expect(tokenRequests.map(grantOf)).toEqual(exchanged.map(({ name }) => name))
  expect(exchanged.length).toBeGreaterThan(6)
  for (const [index, { params }] of exchanged.entries()) {
    const { properties } = tokenRequests[index]!
    expect(Object.keys(properties)).toContainValues([
      'grant_type',
      ...Object.keys(params!.entries),
      ...Object.keys(clientParameters),
    ])
  }
})

test('a token request without a parameter that is required there is refused, and names it', async () => {
  const client = await operatorClient(op, {
    client_id: 'every-grant-type',
    grant_types: exchanged.map(({ name }) => name),
    token_endpoint_auth_method: 'client_secret_basic',
  })
  let tried = 0
  for (const { required, properties } of tokenRequests) {
    const grant_type = String(properties.grant_type!.const)
    for (const left of required.filter((name) => name !== 'grant_type')) {
      const others = required.filter((name) => name !== left && name !== 'grant_type')
      const fields = { grant_type, ...Object.fromEntries(others.map((name) => [name, 'x'])) }
      const { status, body } = await post(op, '/token', client, fields)
      expect([status, body.error], `${grant_type} without ${left}`).toEqual([400, 'invalid_request'])
      expect(String(body.error_description)).toContain(left)
      tried++
    }
  }
  expect(tried).toBeGreaterThan(6)
})

test('a grant type that a feature adds is described by its own schema', async () => {
  const params = v.object({ voucher: v.pipe(v.string(), v.maxLength(8), v.description('From the shop')) })
  const voucher = defineGrantType('urn:example:voucher', params, async () => ({ sub: 'x', scope: [] }))
  const table = buildTable([...features, defineFeature({ name: 'voucher', grantTypes: [voucher] })])
  const { context } = await provider({ table })
  const requests = formOf('/token', describeApi(context) as unknown as Document).anyOf as Body[]
  const { properties, required } = requests.find((each) => grantOf(each) === 'urn:example:voucher')!
  expect(properties.voucher).toEqual({ type: 'string', maxLength: 8, description: 'From the shop' })
  expect(required).toEqual(['grant_type', 'voucher'])
})

test('introspection and revocation refuse what the document calls incomplete', async () => {
  for (const path of ['/introspect', '/revoke']) {
    expect(formOf(path).required).toEqual(['token'])
    const response = await op.fetch(path, formPost(demo, {}))
    expect(response.status, path).toBe(400)
    expect(((await response.json()) as Json).error_description).toContain('token')
  }
})

test('an authorization request has the parameters of the features, at each endpoint that takes one', () => {
  const ofFeatures = op.context.table.authorizationParameters.map(({ name }) => name)
  expect(ofFeatures.length).toBeGreaterThan(3)
  for (const path of ['/authorize', '/par'])
    expect(Object.keys(formOf(path).properties)).toContainValues([...ofFeatures, 'client_id', 'request'])
  expect(formOf('/authorize').required).toEqual(['client_id'])
  expect(formOf('/authorize').properties).toHaveProperty('request_uri')
  expect(formOf('/par').properties).not.toHaveProperty('request_uri')
})

test('without another source of parameters an authorization request needs redirect_uri and response_type', async () => {
  const { context } = await provider({ table: buildTable([]) })
  const form = formOf('/authorize', describeApi(context) as unknown as Document)
  expect(form.required).toEqual(['client_id', 'redirect_uri', 'response_type'])
})

test('client metadata is described member by member, and registration agrees with it', async () => {
  const { schemas } = document.components
  const { properties } = schemas.ClientMetadata as Body
  const known = { ...coreMetadata, ...op.context.table.clientMetadata }
  expect(Object.keys(properties).sort()).toEqual(Object.keys(known).sort())
  // {} takes anything: nothing is said of the member.
  for (const [name, schema] of Object.entries(properties)) expect(Object.keys(schema), name).not.toEqual([])
  const redirect_uris = ['https://app.example/callback']
  const wrong: Json[] = [
    { client_name: 'x'.repeat(201) },
    { default_max_age: -1 },
    { dpop_bound_access_tokens: 'yes' },
    { jwks: { keys: [] } },
    { id_token_encrypted_response_alg: 'RSA1_5' },
    { grant_types: ['password'] },
    { subject_type: 'secret' },
  ]
  for (const members of wrong) {
    const metadata = { redirect_uris, ...members }
    expect(problemsOf(metadata, schemas.ClientMetadata!, schemas), JSON.stringify(members)).not.toEqual([])
    const headers = { 'content-type': 'application/json' }
    const response = await op.fetch('/register', { method: 'POST', headers, body: JSON.stringify(metadata) })
    expect(response.status, JSON.stringify(members)).toBe(400)
  }
})

test('a start loads neither the document nor the converter of schemas; the first request does', () => {
  const program = `
    import { provider } from './tests/support/provider.ts'
    const op = await provider()
    const loaded = () => Object.keys(require.cache).filter((path) => /to-json-schema|openapi\\/document/.test(path)).length
    const before = loaded()
    const statuses = [(await op.fetch('/health')).status, (await op.fetch('/openapi.json')).status]
    console.log(JSON.stringify([before, ...statuses, loaded()]))
    process.exit(0)`
  const ran = Bun.spawnSync([process.execPath, '-e', program], { cwd: `${import.meta.dir}/../..` })
  expect(ran.stdout.toString(), ran.stderr.toString()).toContain('[0,200,200,2]')
})
