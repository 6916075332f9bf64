/** A client without registration: its client_id is the URL of its metadata document. https://datatracker.ietf.org/doc/draft-ietf-oauth-client-id-metadata-document/ */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { Client, makeClient } from '../../src/models/client.ts'
import { Consent } from '../../src/models/consent.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { authorizationUrl, formPost, type Json, type TestClient } from '../support/client.ts'
import { type Laboratory, laboratory, type Stranger } from '../support/laboratory.ts'
import { alice, person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const redirect_uri = 'https://app.example/callback'

let lab: Laboratory
let server: Stranger
let clientId: string
/** What the client's server answers, and how often it was asked. */
let published: unknown
let headers: Record<string, string>
let status: number
let requests: number

beforeAll(async () => {
  lab = laboratory()
  server = await lab.https('localhost', (_, response) => {
    requests++
    response
      .writeHead(status, { 'content-type': 'application/json', location: `${clientId}2`, ...headers })
      .end(typeof published === 'string' ? published : JSON.stringify(published))
  })
})
afterAll(() => lab.close())
beforeEach(() => {
  clientId = `https://localhost:${server.port}/client.json`
  ;[status, requests, headers] = [200, 0, {}]
  published = document()
})

const document = (more: Json = {}): Json => ({
  client_id: clientId,
  client_name: 'Tool Box',
  redirect_uris: [redirect_uri],
  grant_types: ['authorization_code', 'refresh_token', 'urn:example:grant-type:of-another-server'],
  scope: 'openid profile offline_access something:of-another-server',
  ...more,
})

const settings = (more: Record<string, string> = {}) => ({
  PROFILE: 'mcp',
  OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`,
  OUTBOUND_CA_PATH: lab.caPath,
  OUTBOUND_TIMEOUT_MS: '30000',
  RATE_LIMITING_ENABLED: 'false',
  ...more,
})
const op = (env: Record<string, string> = {}) => provider({ env: settings(env) })

const client = (): TestClient => ({ client_id: clientId, redirect_uri })

const redeem = (at: Provider, code: string, code_verifier: string, more: Record<string, string> = {}) =>
  at.fetch(
    '/token',
    formPost(client(), { grant_type: 'authorization_code', code, code_verifier, redirect_uri, ...more }),
  )

async function signIn(at: Provider, who = person(at.issuer, at.fetch)): Promise<Json> {
  const { url, code_verifier } = authorizationUrl(at.issuer, client(), { scope: 'openid profile' })
  const code = (await who.goThrough(url)).searchParams.get('code')!
  const answer = await redeem(at, code, code_verifier)
  expect(answer.status).toBe(200)
  return (await answer.json()) as Json
}

/** The error page of an authorization request. */
async function refusal(at: Provider, client_id = clientId): Promise<string> {
  const { url } = authorizationUrl(at.issuer, { client_id, redirect_uri }, { scope: 'openid' })
  const answer = await at.fetch(url)
  const text = await answer.text()
  expect(answer.status, text).toBe(400)
  expect(answer.headers.get('location')).toBeNull()
  return text
}

const userinfo = (at: Provider, { access_token }: Json) =>
  at.fetch('/userinfo', { headers: { authorization: `Bearer ${access_token}` } })

test('signs an End-User in; its tokens work, are refreshed and revoked like those of any client', async () => {
  const at = await op()
  const tokens = await signIn(at)
  expect(((await (await userinfo(at, tokens)).json()) as Json).sub).toBe('user-alice')
  const renewed = await at.fetch(
    '/token',
    formPost(client(), { grant_type: 'refresh_token', refresh_token: String(tokens.refresh_token) }),
  )
  expect(renewed.status).toBe(200)
  const next = (await renewed.json()) as Json
  expect(next.scope).toBe('openid profile')
  await at.fetch('/revoke', formPost(client(), { token: String(next.refresh_token) }))
  expect((await userinfo(at, next)).status).toBe(401)
  expect(requests).toBe(1)
})

test('opaque tokens: those issued by one instance are valid at another with the same store', async () => {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const options = { env: settings({ ACCESS_TOKEN_FORMAT: 'opaque' }), store, clock }
  const [a, b] = [await provider(options), await provider(options)]
  expect((await userinfo(b, await signIn(a))).status).toBe(200)
})

test('the consent page names the host of the client_id, and consent is remembered under it', async () => {
  const at = await op()
  const who = person(at.issuer, at.fetch)
  const { url } = authorizationUrl(at.issuer, client(), { scope: 'openid profile' })
  const { page } = await who.press((await who.open(url)).page!, 'login', alice)
  expect(page!.html).toContain('This app hasn’t been verified.')
  expect(page!.html).toContain(`It claims to belong to <bdi class="host">localhost:${server.port}</bdi>`)
  expect(page!.html).toContain('you’ll be redirected to <bdi class="host">app.example</bdi>')
  expect(page!.html).toContain('Tool Box')
  await who.press(page!, 'allow')
  expect((await Consent.find(at.context, 'user-alice', clientId))?.scope).toEqual(['openid', 'profile'])
  expect(await Consent.find(at.context, 'user-alice', `${clientId}x`)).toBeUndefined()
  expect((await who.open(url)).location?.searchParams.get('code')).toBeTruthy()
  await Consent.withdraw(at.context, 'user-alice', clientId)
  expect((await who.open(url)).page?.forms[0]?.buttons).toContain('allow')
})

test('a loopback redirect does not identify the client: consent is asked each time', async () => {
  const at = await op()
  published = document({ redirect_uris: ['http://127.0.0.1/callback'], application_type: 'web' })
  const who = person(at.issuer, at.fetch)
  const local = { client_id: clientId, redirect_uri: 'http://127.0.0.1:33418/callback' }
  for (let i = 0; i < 2; i++) {
    const { url } = authorizationUrl(at.issuer, local, { scope: 'openid' })
    let { page } = await who.open(url)
    if (i === 0) ({ page } = await who.press(page!, 'login', alice))
    expect(page!.forms[0]!.buttons).toContain('allow')
    expect((await who.press(page!, 'allow')).location?.host).toBe('127.0.0.1:33418')
  }
})

test('PKCE is required, whatever REQUIRE_PKCE is', async () => {
  const at = await op({ REQUIRE_PKCE: 'false' })
  const { publicKey } = await generateKeyPair('ES256')
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'a' }] }
  published = document({ token_endpoint_auth_method: 'private_key_jwt', jwks })
  const { url } = authorizationUrl(at.issuer, client(), {
    scope: 'openid',
    code_challenge: undefined,
    code_challenge_method: undefined,
  })
  const answer = await at.fetch(url)
  expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('code_challenge')])
})

test('a client with private_key_jwt must sign with its own key', async () => {
  const at = await op()
  const [own, other] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')]
  const jwks = { keys: [{ ...(await exportJWK(own.publicKey)), kid: 'a' }] }
  published = document({ token_endpoint_auth_method: 'private_key_jwt', jwks })
  const assertion = async (key: CryptoKey) => {
    const now = Math.floor(at.clock.now() / 1000)
    return new SignJWT({ jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid: 'a' })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(at.issuer)
      .setExpirationTime(now + 60)
      .sign(key)
  }
  const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  const { url, code_verifier } = authorizationUrl(at.issuer, client(), { scope: 'openid' })
  const code = (await person(at.issuer, at.fetch).goThrough(url)).searchParams.get('code')!
  expect((await redeem(at, code, code_verifier)).status).toBe(401)
  const forged = { client_assertion_type, client_assertion: await assertion(other.privateKey) }
  expect((await redeem(at, code, code_verifier, forged)).status).toBe(401)
  const good = { client_assertion_type, client_assertion: await assertion(own.privateKey) }
  expect((await redeem(at, code, code_verifier, good)).status).toBe(200)
})

describe('documents that are refused', () => {
  const documents: [what: string, document: () => unknown, says: RegExp][] = [
    ['another client_id', () => document({ client_id: `${clientId}2` }), /must be its own URL/],
    ['its URL in another spelling', () => document({ client_id: clientId.toUpperCase() }), /its own URL/],
    ['no client_id', () => document({ client_id: undefined }), /its own URL/],
    ['a secret', () => document({ client_secret: 'x' }), /client_secret/],
    ['the end of a secret', () => document({ client_secret_expires_at: 0 }), /client_secret_expires_at/],
    [
      'a method with a secret',
      () => document({ token_endpoint_auth_method: 'client_secret_basic' }),
      /token_endpoint_auth_method/,
    ],
    [
      'a method that signs with a secret',
      () => document({ token_endpoint_auth_method: 'client_secret_jwt' }),
      /token_endpoint_auth_method/,
    ],
    [
      'a private key',
      () => document({ jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'a', y: 'b', d: 'c' }] } }),
      /private members/,
    ],
    ['no redirect', () => document({ redirect_uris: [] }), /redirect_uris/],
    ['http off loopback', () => document({ redirect_uris: ['http://app.example/'] }), /http off loopback/],
    ['a fragment', () => document({ redirect_uris: ['https://app.example/#x'] }), /fragment/],
    ['too much', () => document({ padding: 'x'.repeat(5_000) }), /more than 5120 bytes/],
    ['an array', () => [document()], /not a JSON object/],
    ['no JSON', () => '<html>', /no JSON/],
  ]
  test.each(documents)('%s', async (_, make, says) => {
    published = make()
    const at = await op()
    expect(await refusal(at)).toMatch(says)
    // Remembered for ten seconds alone: then the document is fetched again.
    published = document()
    at.clock.advance(10_001)
    expect((await at.fetch(authorizationUrl(at.issuer, client(), { scope: 'openid' }).url)).status).toBe(303)
  })

  test('members that only an operator may set have no effect', async () => {
    published = document({
      first_party: true,
      resource_server: true,
      may_impersonate: true,
      require_pkce: false,
      self_registered: false,
      described_at: 'https://bank.example/',
      disabled: false,
      secret_mac: 'x',
    })
    const at = await op()
    const who = person(at.issuer, at.fetch)
    const { url } = authorizationUrl(at.issuer, client(), { scope: 'openid' })
    const { page } = await who.press((await who.open(url)).page!, 'login', alice)
    expect(page!.forms[0]!.buttons).toContain('allow')
    expect(page!.html).toContain(`localhost:${server.port}`)
    expect(page!.html).not.toContain('bank.example')
    expect(await at.context.clients.get(clientId, async () => undefined)).toMatchObject({
      first_party: false,
      resource_server: false,
      require_pkce: true,
      self_registered: true,
    })
  })
})

describe('responses that are refused', () => {
  test.each([301, 302, 307, 201, 206, 404, 500])('status %p', async (code) => {
    status = code
    const at = await op()
    await refusal(at)
    expect(requests).toBe(1)
    status = 200
    at.clock.advance(10_001)
    await signIn(at)
  })
  test.each(['text/plain', 'text/html', 'application/jsonp', ''])('as %p', async (type) => {
    headers = { 'content-type': type }
    expect(await refusal(await op())).toContain('application/json')
  })
  test('but as any +json', async () => {
    headers = { 'content-type': 'application/client-metadata+json; charset=utf-8' }
    await signIn(await op())
  })
})

describe('URLs that are not a client_id, and addresses that are not fetched', () => {
  const here = () => `localhost:${server.port}`
  const urls: [url: () => string][] = [
    [() => `https://${here()}`],
    [() => `https://${here()}/client.json?x=1`],
    [() => `https://${here()}/client.json#x`],
    [() => `https://user@${here()}/client.json`],
    [() => `https://user:password@${here()}/client.json`],
    [() => `https://${here()}/a/../client.json`],
    [() => `https://${here()}/./client.json`],
    [() => `https://${here()}/a/%2e%2E/client.json`],
    [() => `https://${here()}/..`],
    [() => `https://${here()}\\client.json`],
    [() => `https://${here()}/cli\u00EBnt.json`],
    [() => `https://${here()}/${'x'.repeat(500)}`],
    [() => `http://${here()}/client.json`], // speaks TLS, so nothing comes of it
    [() => 'http://app.example/client.json'],
    [() => `https://127.0.0.1:${server.port}/client.json`],
    [() => `https://127.1:${server.port}/client.json`],
    [() => `https://0x7f000001:${server.port}/client.json`],
    [() => `https://2130706433:${server.port}/client.json`],
    [() => `https://[::1]:${server.port}/client.json`],
    [() => `https://[::ffff:127.0.0.1]:${server.port}/client.json`],
    [() => 'https://169.254.169.254/latest/meta-data/'],
    [() => 'https://10.0.0.1/client.json'],
    [() => 'https://metadata.google.internal/computeMetadata/v1/'],
    [() => 'file:///etc/passwd'],
    [() => 'javascript:alert(1)'],
  ]
  test('none of them is fetched as a client', async () => {
    const at = await op()
    for (const [make] of urls) await refusal(at, make())
    expect(requests).toBe(0)
    expect(await refusal(at, clientId.replace('localhost', 'LOCALHOST'))).toContain('must be its own URL')
    expect(at.lines.filter((line) => line.includes('"unexpected"'))).toEqual([])
  })
})

test('http is allowed for OUTBOUND_ALLOW_HOSTS alone', async () => {
  const plain = await lab.http((_, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(published)),
  )
  clientId = `http://localhost:${plain.port}/client.json`
  published = document()
  await refusal(await op())
  await signIn(await op({ OUTBOUND_ALLOW_HOSTS: `localhost:${plain.port}` }))
})

test('without the switch there are no such clients, nothing is fetched and nothing advertised', async () => {
  const at = await op({ PROFILE: 'oauth21' })
  expect(await refusal(at)).toContain('is not registered here')
  expect(requests).toBe(0)
  const metadata = async (which: Provider) =>
    ((await (await which.fetch('/.well-known/openid-configuration')).json()) as Json)
      .client_id_metadata_document_supported
  expect(await metadata(at)).toBeUndefined()
  expect(await metadata(await op())).toBe(true)
})

describe('a document that changes', () => {
  test('takes effect when the cache expires; grants stay, and the End-User is asked under the new name', async () => {
    headers = { 'cache-control': 'max-age=60' }
    const at = await op()
    const who = person(at.issuer, at.fetch)
    const tokens = await signIn(at, who)
    published = document({ client_name: 'Tool Box 2', logo_uri: 'https://app.example/logo.png' })
    at.clock.advance(59_000)
    await userinfo(at, tokens)
    expect(requests).toBe(1)
    at.clock.advance(2_000)
    expect((await userinfo(at, tokens)).status).toBe(200)
    expect(requests).toBe(2)
    const { url } = authorizationUrl(at.issuer, client(), { scope: 'openid profile' })
    expect((await who.open(url)).page?.html).toContain('Tool Box 2')
  })

  test('without the document the client and its tokens are invalid until it is back', async () => {
    const at = await op()
    const tokens = await signIn(at)
    status = 404
    at.clock.advance(599_000)
    expect((await userinfo(at, tokens)).status).toBe(200)
    at.clock.advance(2_000)
    expect((await userinfo(at, tokens)).status).toBe(401)
    await refusal(at)
    status = 200
    at.clock.advance(10_001)
    expect((await userinfo(at, tokens)).status).toBe(200)
  })

  test('between request and code: a removed redirect URI or a weaker authentication method is refused', async () => {
    headers = { 'cache-control': 'no-store' }
    const at = await op()
    const who = person(at.issuer, at.fetch)
    const { url, code_verifier } = authorizationUrl(at.issuer, client(), { scope: 'openid' })
    const { page } = await who.press((await who.open(url)).page!, 'login', alice)
    published = document({ redirect_uris: ['https://elsewhere.example/'] })
    at.clock.advance(11_000)
    const pressed = await who.press(page!, 'allow')
    expect(pressed.page?.status).toBe(400)
    expect(pressed.page?.html).toContain('is not registered for this client')

    published = document()
    at.clock.advance(11_000)
    const code = (await who.goThrough(url)).searchParams.get('code')!
    const { publicKey } = await generateKeyPair('ES256')
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'a' }] }
    published = document({ token_endpoint_auth_method: 'private_key_jwt', jwks })
    at.clock.advance(11_000)
    expect((await redeem(at, code, code_verifier)).status).toBe(401)
    published = document()
    at.clock.advance(11_000)
    const moved = await redeem(at, code, code_verifier, { redirect_uri: 'https://elsewhere.example/' })
    expect(((await moved.json()) as Json).error).toBe('invalid_grant')
    expect((await redeem(at, code, code_verifier)).status).toBe(200)
  })
})

test('50 concurrent requests fetch it once', async () => {
  const at = await op()
  const all = await Promise.all(
    Array.from({ length: 50 }, () =>
      at.fetch(authorizationUrl(at.issuer, client(), { scope: 'openid' }).url),
    ),
  )
  expect(new Set(all.map((answer) => answer.status))).toEqual(new Set([303]))
  expect(requests).toBe(1)
})

test('a client that the operator registered under such a URL is not fetched, and may be disabled', async () => {
  const at = await op()
  const { client: own } = makeClient(at.context, {
    client_id: clientId,
    client_name: 'Known here',
    redirect_uris: [redirect_uri],
    token_endpoint_auth_method: 'none',
    scope: 'openid',
    disabled: true,
  })
  await Client.create(at.context, own)
  expect(await refusal(at)).toContain('is not registered here')
  expect(requests).toBe(0)
})
