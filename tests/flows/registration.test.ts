/** A client registers itself, within what policy allows. https://www.rfc-editor.org/rfc/rfc7591 */
import { describe, expect, test } from 'bun:test'
import type { Json, TestClient } from '../support/client.ts'
import { authorize, browser, open, outcome, post, read, redeem, stage, tokensOf } from '../support/flow.ts'
import { provider, type Provider } from '../support/provider.ts'

const register = async (op: Provider, body: unknown, headers: Record<string, string> = {}) =>
  read(
    await op.fetch('/register', {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    }),
  )

const asClient = (body: Json): TestClient => ({
  client_id: String(body.client_id),
  redirect_uri: (body.redirect_uris as string[])[0]!,
  ...(typeof body.client_secret === 'string' && { client_secret: body.client_secret }),
})

const spa = {
  client_name: 'spa-app',
  redirect_uris: ['http://localhost:3000/callback'],
  grant_types: ['authorization_code'],
  response_types: ['code'],
  scope: 'openid profile email',
}
const mobile = {
  client_name: 'mobile-app',
  redirect_uris: ['com.myapp://callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  scope: 'openid profile email',
}

const { op, alice } = await stage()

describe('the walkthrough', () => {
  test('spa-app: 201, everything as registered, the secret this once, and it works', async () => {
    const { status, body, headers } = await register(op, spa)
    expect(status).toBe(201)
    expect(headers.get('cache-control')).toBe('no-store')
    // A copy: Bun's toMatchObject leaves its matchers behind in what it looked at.
    expect({ ...body }).toMatchObject({
      ...spa,
      client_id: expect.stringMatching(/^[A-Za-z0-9_-]{24}$/),
      client_secret: expect.stringMatching(/^[A-Za-z0-9_-]{43,}$/),
      client_secret_expires_at: 0,
      client_id_issued_at: Math.floor(op.clock.now() / 1000),
      token_endpoint_auth_method: 'client_secret_basic',
    })
    for (const name of ['sealed_secret', 'self_registered', 'first_party', 'resource_server', 'disabled'])
      expect(body).not.toHaveProperty(name)
    const tokens = await tokensOf(op, alice, asClient(body))
    expect(tokens).not.toHaveProperty('refresh_token')
  })

  test('mobile-app: com.myapp://callback gets its code and its tokens', async () => {
    const { status, body } = await register(op, mobile)
    expect(status).toBe(201)
    const client = asClient(body)
    const authorized = await authorize(op, alice, client)
    expect(authorized.location.href).toStartWith('com.myapp://callback?code=')
    const { status: redeemed, body: tokens } = await redeem(op, client, authorized)
    expect(redeemed).toBe(200)
    expect(tokens.refresh_token).toBeString()
  })

  test('a public one gets no secret', async () => {
    const { body } = await register(op, { ...mobile, token_endpoint_auth_method: 'none' })
    expect(body).not.toHaveProperty('client_secret')
    expect(body).not.toHaveProperty('client_secret_expires_at')
    expect((await tokensOf(op, alice, asClient(body))).id_token).toBeString()
  })
})

test('consent says that nobody vouches for it, and its name is text', async () => {
  const name = 'Bank <b>of</b> "Trust"\u202E'
  const { body } = await register(op, { ...spa, client_name: name })
  const { page } = await open(op, alice, {}, asClient(body))
  expect(page!.html).toContain('registered itself')
  expect(page!.html).not.toContain('<b>of</b>')
  expect(page!.html).not.toContain('\u202E')
})

test('a private-use scheme proves nobody: without a secret it is asked for each time', async () => {
  const { body } = await register(op, { ...mobile, token_endpoint_auth_method: 'none' })
  await tokensOf(op, alice, asClient(body))
  expect(await outcome(op, alice, {}, asClient(body))).toBe('consent')
  expect(await outcome(op, alice, { prompt: 'none' }, asClient(body))).toBe('error:consent_required')
})

describe('refused', () => {
  test.each<[string, unknown, string]>([
    ['no JSON', '{', 'invalid_client_metadata'],
    ['an array', '[]', 'invalid_redirect_uri'],
    ['nothing', '', 'invalid_client_metadata'],
    ['no redirect', { ...spa, redirect_uris: undefined }, 'invalid_redirect_uri'],
    ['a fragment', { ...spa, redirect_uris: ['https://a.example/#x'] }, 'invalid_redirect_uri'],
    ['a wildcard', { ...spa, redirect_uris: ['https://*.a.example/'] }, 'invalid_redirect_uri'],
    ['http off loopback', { ...spa, redirect_uris: ['http://a.example/'] }, 'invalid_redirect_uri'],
    ['a script', { ...spa, redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
    [
      'a bad redirect after logout',
      { ...spa, post_logout_redirect_uris: ['data:x'] },
      'invalid_client_metadata',
    ],
    ['client_credentials', { ...spa, grant_types: ['client_credentials'] }, 'invalid_client_metadata'],
    ['a scope beyond policy', { ...spa, scope: 'openid admin' }, 'invalid_client_metadata'],
    ['an unknown method', { ...spa, token_endpoint_auth_method: 'x' }, 'invalid_client_metadata'],
    ['alg none', { ...spa, id_token_signed_response_alg: 'none' }, 'invalid_client_metadata'],
    [
      'a private key',
      { ...spa, jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'a', y: 'b', d: 'c' }] } },
      'invalid_client_metadata',
    ],
  ])('%s', async (_what, body, error) => {
    const answer = await register(op, body)
    expect([answer.status, answer.body.error]).toEqual([400, error])
    expect(answer.body.error_description).toBeString()
  })

  test('null says nothing: as if the member were not there, but one that is needed', async () => {
    const { status, body } = await register(op, {
      ...spa,
      logo_uri: null,
      jwks: null,
      require_signed_request_object: null,
    })
    expect(status).toBe(201)
    for (const name of ['logo_uri', 'jwks', 'require_signed_request_object'])
      expect(body).not.toHaveProperty(name)
    expect((await register(op, { ...spa, redirect_uris: null })).body.error).toBe('invalid_redirect_uri')
  })

  test('as a form, or too large', async () => {
    const wrongType = await register(op, 'client_name=x', {
      'content-type': 'application/x-www-form-urlencoded',
    })
    expect([wrongType.status, wrongType.body.error]).toEqual([400, 'invalid_client_metadata'])
    expect((await register(op, { ...spa, x: 'x'.repeat(70_000) })).status).toBe(413)
  })

  test('what only an operator may give has no effect', async () => {
    const more = {
      first_party: true,
      resource_server: true,
      require_pkce: false,
      client_id: 'mine',
      self_registered: false,
    }
    const { body } = await register(op, { ...spa, ...more })
    expect(body.client_id).not.toBe('mine')
    const client = asClient(body)
    expect(await outcome(op, alice, {}, client)).toBe('consent')
    const noChallenge = { code_challenge: undefined, code_challenge_method: undefined }
    expect(await outcome(op, alice, noChallenge, client)).toBe('error:invalid_request')
    const { access_token } = await tokensOf(op, browser(op))
    expect((await post(op, '/introspect', client, { token: access_token })).body).toEqual({ active: false })
  })
})

describe('who may', () => {
  const advertised = async (one: Provider) =>
    ((await (await one.fetch('/.well-known/openid-configuration')).json()) as Json).registration_endpoint

  test('nobody when it is closed, which discovery does not hide', async () => {
    const closed = await provider({ env: { REGISTRATION: 'closed' } })
    const { status, body } = await register(closed, spa)
    expect([status, body.error]).toEqual([403, 'access_denied'])
    expect(await advertised(closed)).toBeUndefined()
    expect(await advertised(op)).toBe(`${op.issuer}/register`)
  })

  test('whoever holds the initial access token', async () => {
    const token = 'an-initial-access-token-of-some-length'
    const env = { REGISTRATION: 'token', REGISTRATION_INITIAL_ACCESS_TOKEN: token }
    const guarded = await provider({ env })
    for (const authorization of [
      '',
      'Bearer',
      `Bearer ${token}x`,
      `Bearer ${token.slice(1)}`,
      `Basic ${token}`,
    ]) {
      const refused = await register(guarded, spa, authorization ? { authorization } : {})
      expect([refused.status, refused.body.error]).toEqual([401, 'invalid_token'])
      expect(refused.headers.get('www-authenticate')).toStartWith('Bearer ')
    }
    expect((await register(guarded, spa, { authorization: `Bearer ${token}` })).status).toBe(201)
    expect(await advertised(guarded)).toBe(`${guarded.issuer}/register`)
  })

  test('within the scopes and grant types of the policy', async () => {
    const env = {
      SCOPES: 'read',
      REGISTRATION_ALLOWED_SCOPES: 'openid read',
      REGISTRATION_ALLOWED_GRANT_TYPES: 'authorization_code client_credentials',
    }
    const other = await provider({ env })
    expect((await register(other, { ...spa, scope: 'openid read' })).status).toBe(201)
    expect((await register(other, { ...spa, scope: undefined })).body.scope).toBe('openid read')
    expect((await register(other, spa)).body.error).toBe('invalid_client_metadata')
    const machine = { grant_types: ['client_credentials'], response_types: [], scope: 'read' }
    const { body } = await register(other, machine)
    const client = { ...asClient({ ...body, redirect_uris: [''] }) }
    expect((await post(other, '/token', client, { grant_type: 'client_credentials' })).body.scope).toBe(
      'read',
    )
    expect(
      (await register(other, { ...spa, grant_types: ['authorization_code', 'refresh_token'] })).status,
    ).toBe(400)
  })
})
