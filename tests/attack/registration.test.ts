/** A client that registers itself asks for more than it may have. https://www.rfc-editor.org/rfc/rfc7591#section-5 */
import { beforeAll, describe, expect, test } from 'bun:test'
import { generateKeyPairSync } from 'node:crypto'
import { Client } from '../../src/models/client.ts'
import { authorizationUrl, demo, formPost, type Json } from '../support/client.ts'
import { alice, person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { errorOf } from './attacker.ts'

let op: Provider
beforeAll(async () => void (op = await provider({ env: { LOG_LEVEL: 'error', SCOPES: 'payments admin' } })))

const register = (metadata: unknown, on = op, headers: Record<string, string> = {}) =>
  on.fetch('/register', {
    method: 'POST',
    body: typeof metadata === 'string' ? metadata : JSON.stringify(metadata),
    headers: { 'content-type': 'application/json', ...headers },
  })
const plain = { redirect_uris: ['https://app.example/cb'] }

async function registered(metadata: object): Promise<Client> {
  const answer = await register({ ...plain, ...metadata })
  expect(answer.status).toBe(201)
  const found = await Client.find(op.context, String(((await answer.json()) as Json).client_id))
  return found!
}

describe('a redirect that could send a code to somebody else', () => {
  test.each([
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https://app.example/x',
    'about:blank',
    'view-source:https://app.example',
    'ws://app.example',
    'mailto:a@b.example',
    'app:/cb',
    'http://app.example/cb',
    'http://localhost.evil.example/cb',
    'http://127.0.0.1.evil.example/cb',
    'http://localhost@evil.example/cb',
    'http://localhost.:8080/cb',
    'http://127.1/cb',
    'http://0x7f000001/cb',
    'http://2130706433/cb',
    'http://[0:0:0:0:0:0:0:1]/cb',
    'http://0.0.0.0/cb',
    'https://*.app.example/cb',
    'https://app.example/*',
    'https://app.example/cb#fragment',
    'https://app.example/cb#',
    'https://user@app.example/cb',
    'https://:@app.example/cb',
    'https://@app.example/cb',
    'https:app.example/cb',
    'https:/app.example/cb',
    'https:///app.example/cb',
    'https:\\\\app.example/cb',
    'https://app.example\\@evil.example/cb',
    'https://ex%61mple.com/cb',
    'https://app。example/cb',
    'https://app.example/../cb',
    'https://app.example/%2e%2e/cb',
    'https://app.example/.%2E/cb',
    'https://app.example/a b',
    'https://app.example/\r\nx',
    'https://app.example/\u0000',
    'https://',
    'https://:443/cb',
    '//app.example/cb',
    '/cb',
    '',
    'null',
  ])('%j', async (uri) => {
    expect(await errorOf(await register({ redirect_uris: [uri] }))).toBe('400 invalid_redirect_uri')
    expect(await errorOf(await register({ redirect_uris: ['https://app.example/cb', uri] }))).toBe(
      '400 invalid_redirect_uri',
    )
    expect(await errorOf(await register({ ...plain, post_logout_redirect_uris: [uri] }))).toBe(
      '400 invalid_client_metadata',
    )
  })

  test('or none at all, too many, too long', async () => {
    for (const redirect_uris of [[], undefined])
      expect(await errorOf(await register({ redirect_uris }))).toBe('400 invalid_redirect_uri')
    const many = Array.from({ length: 51 }, (_, i) => `https://app.example/${i}`)
    expect((await register({ redirect_uris: many })).status).toBe(400)
    expect((await register({ redirect_uris: [`https://app.example/${'a'.repeat(2000)}`] })).status).toBe(400)
    for (const redirect_uris of [
      'https://app.example/cb',
      { 0: 'https://app.example/cb' },
      [null],
      [['https://app.example/cb']],
      [{}],
    ])
      expect((await register({ redirect_uris })).status).toBe(400)
  })
})

describe('what only an operator gives', () => {
  test('is dropped: trust, other people’s tokens, no PKCE, a client_id or secret of its choice', async () => {
    const client = await registered({
      client_id: 'client123',
      client_secret: 'chosen',
      sealed_secret: 's1.x',
      secret_mac: 'x',
      client_id_issued_at: 1,
      client_secret_expires_at: 1,
      self_registered: false,
      first_party: true,
      resource_server: true,
      require_pkce: false,
      may_impersonate: true,
      lab_client: true,
      disabled: false,
      registration_access_token: 'x',
      software_statement: 'eyJhbGciOiJub25lIn0.eyJmaXJzdF9wYXJ0eSI6dHJ1ZX0.',
    })
    expect(client).toMatchObject({
      self_registered: true,
      first_party: false,
      resource_server: false,
    })
    expect([client.require_pkce ?? true, client.may_impersonate ?? false]).toEqual([true, false])
    expect(client.lab_client ?? false).toBe(false)
    expect(client.client_id).toMatch(/^[\w-]{24}$/)
    expect(client.client_id_issued_at).toBeGreaterThan(1)
    expect(client.secret_mac).not.toBe('x')
    expect((await Client.find(op.context, 'client123'))?.redirect_uris).not.toContain(
      'https://app.example/cb',
    )
  })

  test('and none of it is shown', async () => {
    const text = await (await register(plain)).text()
    for (const name of [
      'sealed_secret',
      'secret_mac',
      'self_registered',
      'require_pkce',
      'first_party',
      'resource_server',
      'disabled',
    ])
      expect(text).not.toContain(name)
  })

  test('no consent page is skipped, and it says that nobody checked', async () => {
    const { client_id } = await registered({
      redirect_uris: [demo.redirect_uri],
      first_party: true,
      token_endpoint_auth_method: 'none',
    })
    const browser = person(op.issuer, op.fetch)
    const login = (
      await browser.open(authorizationUrl(op.issuer, { client_id, redirect_uri: demo.redirect_uri }).url)
    ).page!
    const consent = (await browser.press(login, 'login', alice)).page!
    expect(consent.forms.flatMap((form) => form.buttons)).toEqual(['allow', 'deny'])
    expect(consent.html).toContain('hasn’t been verified')
  })

  test('a private-use scheme is asked for every time, whatever the client calls itself', async () => {
    for (const more of [{}, { application_type: 'native' }]) {
      const { client_id } = await registered({
        redirect_uris: ['com.example.app:/cb'],
        token_endpoint_auth_method: 'none',
        ...more,
      })
      const client = { client_id, redirect_uri: 'com.example.app:/cb' }
      const browser = person(op.issuer, op.fetch)
      await browser.goThrough(authorizationUrl(op.issuer, client).url)
      const again = await browser.open(authorizationUrl(op.issuer, client).url)
      expect(again.page?.forms.flatMap((form) => form.buttons)).toContain('allow')
      const silent = await browser.open(authorizationUrl(op.issuer, client, { prompt: 'none' }).url)
      expect(silent.location?.searchParams.get('error')).toBe('consent_required')
    }
  })
})

describe('beyond policy', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const privateJwk = privateKey.export({ format: 'jwk' })
  const publicJwk = publicKey.export({ format: 'jwk' })
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })

  test.each<[string, object]>([
    ['a scope of the house', { scope: 'openid payments' }],
    ['a scope of nobody', { scope: 'openid root' }],
    ['a scope with a quote', { scope: 'openid "x"' }],
    ['acting for itself', { grant_types: ['authorization_code', 'client_credentials'] }],
    ['passwords', { grant_types: ['password'] }],
    ['a grant type of the prototype', { grant_types: ['constructor'] }],
    ['tokens from the authorization endpoint', { response_types: ['token'] }],
    ['another way to authenticate', { token_endpoint_auth_method: 'tls_client_auth_of_mine' }],
    ['alg none for ID Tokens', { id_token_signed_response_alg: 'none' }],
    ['HS256 for ID Tokens', { id_token_signed_response_alg: 'HS256' }],
    ['alg none for assertions', { token_endpoint_auth_signing_alg: 'none' }],
    ['private_key_jwt without keys', { token_endpoint_auth_method: 'private_key_jwt' }],
    ['a private key', { jwks: { keys: [privateJwk] } }],
    ['a private key of one member', { jwks: { keys: [{ ...publicJwk, d: '' }] } }],
    ['a symmetric key', { jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } }],
    ['a symmetric key that calls itself RSA', { jwks: { keys: [{ ...publicJwk, k: 'AAAA' }] } }],
    ['a short key', { jwks: { keys: [small] } }],
    ['no keys', { jwks: { keys: [] } }],
    ['many keys', { jwks: { keys: Array.from({ length: 21 }, () => publicJwk) } }],
    ['keys as text', { jwks: JSON.stringify({ keys: [publicJwk] }) }],
    ['a name of blanks', { client_name: '   ' }],
    ['a name of 201', { client_name: 'x'.repeat(201) }],
    ['a name that is no text', { client_name: { toString: 'x' } }],
    ['a script as its page', { client_uri: 'javascript:alert(1)' }],
    ['data as its policy', { policy_uri: 'data:text/html,x' }],
    ['a logo over http', { logo_uri: 'http://app.example/logo.png' }],
    ['a logo with a script', { logo_uri: 'https:javascript:alert(1)' }],
    ['31 contacts', { contacts: Array.from({ length: 31 }, () => 'a@b.example') }],
    ['a negative max_age', { default_max_age: -1 }],
    ['a max_age that is no number', { default_max_age: '0' }],
  ])('%s', async (_, metadata) => {
    expect(await errorOf(await register({ ...plain, ...metadata }))).toBe('400 invalid_client_metadata')
  })

  test('asking for nothing in particular gives what policy allows and no more', async () => {
    const client = await registered({})
    expect(client.scope.split(' ').sort()).toEqual([
      'address',
      'email',
      'offline_access',
      'openid',
      'phone',
      'profile',
    ])
    expect(client.grant_types).toEqual(['authorization_code'])
    const landing = await person(op.issuer, op.fetch).open(
      authorizationUrl(
        op.issuer,
        { client_id: client.client_id, redirect_uri: 'https://app.example/cb' },
        { scope: 'openid payments' },
      ).url,
    )
    expect([landing.page?.status, landing.page?.html.includes('invalid_scope')]).toEqual([400, true])
  })

  test('a registered client gets no tokens for itself and reads nobody’s', async () => {
    const { client_id, client_secret } = (await (await register(plain)).json()) as Record<string, string>
    const client = { client_id: client_id!, client_secret: client_secret!, redirect_uri: '' }
    expect(
      await errorOf(await op.fetch('/token', formPost(client, { grant_type: 'client_credentials' }))),
    ).toBe('400 unauthorized_client')
    const { access_token } = (await (
      await op.fetch('/token', formPost(demo, { grant_type: 'client_credentials' }))
    ).json()) as Record<string, string>
    expect(await (await op.fetch('/introspect', formPost(client, { token: access_token! }))).json()).toEqual({
      active: false,
    })
  })
})

describe('who may register', () => {
  test('nobody, when it is closed, and discovery does not say where', async () => {
    const closed = await provider({ env: { REGISTRATION: 'closed', LOG_LEVEL: 'error' } })
    expect(await errorOf(await register(plain, closed))).toBe('403 access_denied')
    const discovery = (await (await closed.fetch('/.well-known/openid-configuration')).json()) as Json
    expect(discovery.registration_endpoint).toBeUndefined()
  })

  test('whoever holds the initial access token, exactly it, in the header', async () => {
    const token = 'initial-access-token-of-32-characters-or-more'
    const own = await provider({
      env: { REGISTRATION: 'token', REGISTRATION_INITIAL_ACCESS_TOKEN: token, LOG_LEVEL: 'error' },
    })
    for (const authorization of [
      '',
      'Bearer',
      'Bearer x',
      `Basic ${token}`,
      `Bearer ${token}x`,
      `Bearer ${token.slice(1)}`,
      `Bearer ${token} x`,
      `Bearer ${token.toUpperCase()}`,
      'Bearer undefined',
    ])
      expect(await errorOf(await register(plain, own, { authorization }))).toBe('401 invalid_token')
    expect(await errorOf(await register({ ...plain, access_token: token }, own))).toBe('401 invalid_token')
    expect(
      (
        await own.fetch(`/register?access_token=${token}`, {
          method: 'POST',
          body: JSON.stringify(plain),
          headers: { 'content-type': 'application/json' },
        })
      ).status,
    ).toBe(401)
    expect((await register(plain, own, { authorization: `Bearer ${token}` })).status).toBe(201)
  })
})
