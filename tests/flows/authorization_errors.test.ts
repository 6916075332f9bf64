/** Where an error goes: a page for who cannot be trusted, back to the client with state and iss for all else. https://www.rfc-editor.org/rfc/rfc9700#section-4.11 */
import { describe, expect, test } from 'bun:test'
import { buildTable } from '../../src/table.ts'
import { authorizationUrl } from '../support/client.ts'
import { authorize, browser, demo, open, operatorClient, redeem, stage } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

/** Without features: what they serve is refused here. */
const { op, alice } = await stage({ table: buildTable([]) })

describe('a page, and nobody is sent anywhere', () => {
  test.each<[string, Record<string, string | undefined>]>([
    ['no client_id', { client_id: undefined }],
    ['an empty client_id', { client_id: '' }],
    ['an unknown client', { client_id: 'nobody' }],
    ['a client named like a prototype', { client_id: '__proto__' }],
    ['no redirect_uri', { redirect_uri: undefined }],
    ['a redirect nobody registered', { redirect_uri: 'https://evil.example/cb' }],
    ['a redirect that begins like ours', { redirect_uri: 'http://localhost:8080/callback/../evil' }],
    ['a redirect with one slash more', { redirect_uri: 'http://localhost:8080/callback/' }],
    ['a redirect with a query more', { redirect_uri: 'http://localhost:8080/callback?x=1' }],
    ['a redirect with a fragment', { redirect_uri: 'http://localhost:8080/callback#x' }],
    ['a redirect in other letters', { redirect_uri: 'http://LOCALHOST:8080/callback' }],
    ['a redirect with a user', { redirect_uri: 'http://localhost:8080@evil.example/callback' }],
    ['a redirect without a scheme', { redirect_uri: '//localhost:8080/callback' }],
    ['a script', { redirect_uri: 'javascript:alert(1)' }],
    ['a new line', { redirect_uri: 'http://localhost:8080/callback\r\nLocation: https://evil.example' }],
  ])('%s', async (_what, more) => {
    const answer = await op.fetch(authorizationUrl(op.issuer, demo, more).url)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('location')).toBeNull()
    expect(answer.headers.get('content-type')).toContain('text/html')
    const html = await answer.text()
    expect(html).not.toContain('<script>')
    expect(html).not.toMatch(/http-equiv="?refresh/i)
    expect(html).not.toMatch(/href="[^"]*evil/)
  })

  test('what came is shown as text, never as markup', async () => {
    const answer = await op.fetch(
      authorizationUrl(op.issuer, demo, { client_id: '<script>alert(1)</script>"><img src=x>' }).url,
    )
    const html = await answer.text()
    expect(html).not.toContain('<script>alert')
    expect(html).not.toContain('<img src=x')
  })

  test('duplicates of client_id or redirect_uri, or of anything', async () => {
    const { url } = authorizationUrl(op.issuer, demo)
    for (const extra of [
      'client_id=client123',
      'redirect_uri=https://evil.example',
      'state=other',
      'scope=openid',
    ]) {
      const answer = await op.fetch(`${url}&${extra}`)
      expect(answer.status).toBe(400)
      expect(answer.headers.get('location')).toBeNull()
    }
  })
})

describe('back to the client', () => {
  test.each<[string, Record<string, string | undefined>, string]>([
    ['no response_type', { response_type: undefined }, 'invalid_request'],
    ['an unknown response_type', { response_type: 'token' }, 'unsupported_response_type'],
    ['the implicit flow', { response_type: 'id_token token' }, 'unsupported_response_type'],
    ['an unknown scope', { scope: 'openid admin' }, 'invalid_scope'],
    ['a malformed scope', { scope: 'openid "x"' }, 'invalid_scope'],
    ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['a malformed challenge', { code_challenge: 'short' }, 'invalid_request'],
    ['prompt none with login', { prompt: 'none login' }, 'invalid_request'],
    ['an unknown prompt', { prompt: 'enter' }, 'invalid_request'],
    ['a bad max_age', { max_age: 'x' }, 'invalid_request'],
    ['bad claims', { claims: '{' }, 'invalid_request'],
    ['a forged hint', { id_token_hint: 'a.b.c' }, 'invalid_request'],
    ['an unknown response_mode', { response_mode: 'carrier_pigeon' }, 'invalid_request'],
    ['a request object', { request: 'a.b.c' }, 'request_not_supported'],
    ['a request_uri', { request_uri: 'https://a.example/r' }, 'request_uri_not_supported'],
    ['a registration', { registration: '{}' }, 'registration_not_supported'],
  ])('%s', async (_what, more, error) => {
    const state = 'state with spaces & <odd> ünïcode#'
    const { location } = await open(op, alice, { state, ...more })
    expect(location!.origin + location!.pathname).toBe(demo.redirect_uri)
    expect(location!.hash).toBe('')
    expect(Object.fromEntries(location!.searchParams)).toMatchObject({ error, state, iss: op.issuer })
    expect(location!.searchParams.get('error_description')).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
    expect(location!.searchParams.has('code')).toBe(false)
  })

  test('without a state when none came', async () => {
    const { location } = await open(op, alice, { state: undefined, scope: 'nope' })
    expect(location!.searchParams.has('state')).toBe(false)
    expect(location!.searchParams.get('iss')).toBe(op.issuer)
  })

  test('beside the query that its redirect has', async () => {
    const client = await operatorClient(op, {
      client_id: 'with-query',
      redirect_uris: ['https://app.example/cb?tenant=a'],
    })
    const { location } = await open(op, alice, { scope: 'nope' }, client)
    expect(location!.searchParams.get('tenant')).toBe('a')
    expect(location!.searchParams.get('error')).toBe('invalid_scope')
  })

  test('when the person says no', async () => {
    const fresh = browser(op)
    const { page } = await open(op, fresh, { state: 's' })
    const consent = await fresh.press(page!, 'login', { username: 'bob', password: 'bobpassword' })
    const { location } = await fresh.press(consent.page!, 'deny')
    expect(Object.fromEntries(location!.searchParams)).toMatchObject({
      error: 'access_denied',
      state: 's',
      iss: op.issuer,
    })
  })

  test('with 303, so that no browser posts a password to the client', async () => {
    const answer = await op.fetch(authorizationUrl(op.issuer, demo, { scope: 'nope' }).url)
    expect(answer.status).toBe(303)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
  })

  test('a loopback address on whatever port the app has', async () => {
    const native = await operatorClient(op, {
      client_id: 'native',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1/cb'],
    })
    const { location } = await open(
      op,
      alice,
      { redirect_uri: 'http://127.0.0.1:51234/cb', scope: 'nope' },
      native,
    )
    expect(location!.host).toBe('127.0.0.1:51234')
  })
})

test('development teaches, production is terse', async () => {
  const description = async (env: Record<string, string>) => {
    const { fetch, issuer, context } = await provider({ env })
    const client = await operatorClient({ context } as Parameters<typeof operatorClient>[0], {
      client_id: 'any',
    })
    const answer = await fetch(authorizationUrl(issuer, client, { scope: 'openid admin' }).url)
    return new URL(answer.headers.get('location')!).searchParams.get('error_description')
  }
  expect(await description({})).toContain("'admin' is not among")
  const production = {
    NODE_ENV: 'production',
    ISSUER_URL: 'https://id.example',
    SECRET_KEY: 'q8Zt3VnW1xYb6Lr0PcKd9MfHs5Ga2JeTu7Ro4Ni',
    STORE_URL: 'sqlite:./never-opened.db',
  }
  expect(await description(production)).toBe('The requested scope is unknown or not allowed')
})

test('PROFILE=classic: a scope that nobody knows is passed over, one that the client may not have is refused', async () => {
  const { op, alice } = await stage({ env: { PROFILE: 'classic' } })
  const narrow = await operatorClient(op, { client_id: 'narrow', scope: 'openid email' })
  const authorized = await authorize(op, alice, narrow, { scope: 'openid made_up email' })
  const { body } = await redeem(op, narrow, authorized)
  expect(body.scope).toBe('openid email')
  for (const scope of ['openid phone', 'made_up', 'openid "x"']) {
    const { location } = await open(op, alice, { scope }, narrow)
    expect([scope, location!.searchParams.get('error')]).toEqual([scope, 'invalid_scope'])
  }
})
