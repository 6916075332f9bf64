/** Issue 9, line 35: clients of the first edition of MCP send no `resource`, and their tokens were for no tool server. Decision 72. */
import { describe, expect, test } from 'bun:test'
import { claimsOf, demo, type Json, type TestClient } from '../support/client.ts'
import { pageOf } from '../support/authenticator.ts'
import { alice, authorize, browser, open, operatorClient, post } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'
import { asClient, registered } from '../support/registration.ts'

const tools = 'https://tools.example/mcp'
const mcp = { PROFILE: 'mcp', RESOURCES: tools, RATE_LIMITING_ENABLED: 'false' }
const published = {
  redirect_uris: ['http://127.0.0.1/cb'],
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  scope: 'openid profile',
}

async function signIn(op: Provider, client: TestClient, more: Record<string, string> = {}): Promise<Json> {
  const { redirect_uri } = client
  const { code, code_verifier } = await authorize(op, browser(op), client, more)
  const grant = { grant_type: 'authorization_code', code, code_verifier, redirect_uri }
  const { status, body } = await post(op, '/token', client, grant)
  expect(status).toBe(200)
  return body
}

const userinfo = async (op: Provider, { access_token }: Json) =>
  (await op.fetch('/userinfo', { headers: { authorization: `Bearer ${String(access_token)}` } })).status

const ofStranger = async (op: Provider): Promise<TestClient> => ({
  ...asClient(await registered(op, published)),
  redirect_uri: 'http://127.0.0.1/cb',
})

test('the only entry of RESOURCES, and with openid the issuer for /userinfo, in refreshed tokens too', async () => {
  const op = await provider({ env: mcp })
  for (const client of [await ofStranger(op), demo]) {
    const first = await signIn(op, client, { scope: 'openid profile' })
    expect(claimsOf(first.access_token).aud).toEqual([tools, op.issuer])
    expect(await userinfo(op, first)).toBe(200)
    const again = await post(op, '/token', client, {
      grant_type: 'refresh_token',
      refresh_token: String(first.refresh_token),
    })
    expect(claimsOf(again.body.access_token).aud).toEqual([tools, op.issuer])
    expect(claimsOf((await signIn(op, client, { scope: 'profile' })).access_token).aud).toBe(tools)
  }
})

test('a request that names a resource gets that one alone, and its token opens no /userinfo', async () => {
  const op = await provider({ env: mcp })
  const made = await signIn(op, await ofStranger(op), { scope: 'openid', resource: tools })
  expect(claimsOf(made.access_token).aud).toBe(tools)
  expect(await userinfo(op, made)).toBe(401)
  const own = await signIn(op, demo, { scope: 'openid', resource: op.issuer })
  expect(claimsOf(own.access_token).aud).toBe(op.issuer)
})

test('the consent page names the tool server, and not this provider', async () => {
  const op = await provider({ env: mcp })
  const visitor = browser(op)
  const page = pageOf(await open(op, visitor, { scope: 'openid' }))
  const { html } = pageOf(await visitor.press(page, 'login', alice))
  expect(html).toContain(`<bdi>${tools}</bdi>`)
  expect(html).not.toContain(`<bdi>${op.issuer}</bdi>`)
})

test('a service of an operator has it; a client that registered itself has no token of its own for an API', async () => {
  const allowed = 'authorization_code refresh_token client_credentials'
  const op = await provider({ env: { ...mcp, REGISTRATION_ALLOWED_GRANT_TYPES: allowed } })
  const service = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] }
  const known = await operatorClient(op, { client_id: 'job', ...service, scope: '' })
  const stranger = asClient(await registered(op, service))
  const ask = async (client: TestClient) =>
    claimsOf((await post(op, '/token', client, { grant_type: 'client_credentials' })).body.access_token).aud
  expect(await ask(known)).toBe(tools)
  expect(await ask(stranger)).toBe(op.issuer)
})

describe('nothing is added', () => {
  test.each<[string, Record<string, string>]>([
    ['with two tool servers', { RESOURCES: `${tools} https://other.example/mcp` }],
    ['with none', { RESOURCES: '' }],
    ['where any is allowed', { RESOURCES: '*' }],
    ['by choice', { DEFAULT_RESOURCE: 'none' }],
    ['in another profile', { PROFILE: 'oauth21' }],
  ])('%s', async (_, env) => {
    const op = await provider({ env: { ...mcp, ...env } })
    expect(claimsOf((await signIn(op, demo, { scope: 'openid' })).access_token).aud).toBe(op.issuer)
  })

  test('where ACCESS_TOKEN_AUDIENCE is set', async () => {
    const op = await provider({ env: { ...mcp, ACCESS_TOKEN_AUDIENCE: 'https://api.example' } })
    const made = await signIn(op, demo, { scope: 'openid' })
    expect(claimsOf(made.access_token).aud).toBe('https://api.example')
  })
})

describe('a resource that nearly is the listed one is refused with the listed one', () => {
  test.each([
    [tools, `${tools}/`],
    [`${tools}/`, tools],
    [tools, 'https://TOOLS.example/mcp'],
    [tools, 'https://tools.example:443/mcp'],
  ])('%s: %s', async (listed, resource) => {
    const op = await provider({ env: { ...mcp, RESOURCES: listed } })
    const service = await operatorClient(op, {
      client_id: 'job',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    })
    const { status, body } = await post(op, '/token', service, { grant_type: 'client_credentials', resource })
    expect([status, body.error]).toEqual([400, 'invalid_target'])
    expect(String(body.error_description)).toEndWith(`send ${listed}`)
  })

  test('another one is refused without', async () => {
    const op = await provider({ env: mcp })
    const { body } = await post(op, '/token', demo, {
      grant_type: 'client_credentials',
      resource: `${tools}/other`,
    })
    expect(String(body.error_description)).toContain('an operator may add it')
    expect(String(body.error_description)).not.toContain('send')
  })
})
