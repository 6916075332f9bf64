/** A token for a person on the word of an issuer that an operator trusts. https://www.rfc-editor.org/rfc/rfc7523#section-2.1 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { Client, makeClient } from '../../src/models/client.ts'
import { User } from '../../src/models/user.ts'
import { endEverything } from '../../src/people/end_session.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { claimsOf, formPost, type Json, type TestClient } from '../support/client.ts'
import { type Laboratory, laboratory, type Stranger } from '../support/laboratory.ts'
import { failingStore, pausingStore } from '../support/odd_stores.ts'
import { type Provider, type ProviderOptions, provider, turnableClock } from '../support/provider.ts'

const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const issuer = 'https://workforce.example'

let lab: Laboratory
let server: Stranger
let keys: CryptoKeyPair
let others: CryptoKeyPair
let status: number
beforeAll(async () => {
  lab = laboratory()
  keys = await generateKeyPair('ES256')
  others = await generateKeyPair('ES256')
  const jwks: Record<string, JWK> = {
    '/jwks': { ...(await exportJWK(keys.publicKey)), kid: 'a' },
    '/others': { ...(await exportJWK(others.publicKey)), kid: 'a' },
  }
  server = await lab.https('localhost', ({ url = '' }, response) =>
    response.writeHead(status).end(JSON.stringify({ keys: [jwks[url]] })),
  )
})
afterAll(() => lab.close())
beforeEach(() => (status = 200))

const at = (options: Omit<ProviderOptions, 'env'> & { env?: Record<string, string> } = {}) =>
  provider({
    ...options,
    env: {
      JWT_BEARER_ISSUERS: `${issuer}=https://localhost:${server.port}/jwks https://other.example=https://localhost:${server.port}/others`,
      OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`,
      OUTBOUND_CA_PATH: lab.caPath,
      ...options.env,
    },
  })

async function service(op: Provider, more: Json = {}): Promise<TestClient> {
  const { client, secret } = makeClient(op.context, {
    client_id: 'service',
    grant_types: [grant_type, 'refresh_token'],
    response_types: [],
    scope: 'openid profile offline_access',
    ...more,
  })
  await Client.create(op.context, client)
  return { client_id: client.client_id, ...(secret && { client_secret: secret }), redirect_uri: '' }
}

let count = 0
interface Making {
  key?: CryptoKey
  header?: Json
}

/** Also claims that jose would not let be wrong. */
type Claims = Record<string, unknown>

function assertion(op: Provider, claims: Claims = {}, { key, header = {} }: Making = {}) {
  const now = Math.floor(op.clock.now() / 1000)
  const payload = { iss: issuer, sub: 'alice', aud: op.issuer, iat: now, exp: now + 300, jti: `${count++}` }
  return new SignJWT({ ...payload, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'a', ...header })
    .sign(key ?? keys.privateKey, { crit: { x: true } })
}

async function ask(op: Provider, client: TestClient, jwt: string, more: Record<string, string> = {}) {
  const answer = await op.fetch('/token', formPost(client, { grant_type, assertion: jwt, ...more }))
  return { status: answer.status, body: (await answer.json()) as Json }
}

for (const [sub, format] of [
  ['alice', 'jwt'],
  ['user-alice', 'opaque'],
] as const)
  test(`${format}: the person by name or by sub; no refresh token, no ID Token, no sign-in pretended`, async () => {
    const op = await at({ env: { ACCESS_TOKEN_FORMAT: format } })
    const client = await service(op)
    const { status, body } = await ask(op, client, await assertion(op, { sub }))
    expect(status).toBe(200)
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'openid profile',
    })
    const authorization = `Bearer ${body.access_token}`
    const said = (await (await op.fetch('/userinfo', { headers: { authorization } })).json()) as Json
    expect(said).toMatchObject({ sub: 'user-alice', name: 'Alice Adams' })
    const token = { token: String(body.access_token) }
    const read = async () => (await (await op.fetch('/introspect', formPost(client, token))).json()) as Json
    const about = await read()
    expect(about).not.toHaveProperty('auth_time')
    expect(about).toMatchObject({
      active: true,
      sub: 'user-alice',
      acr: '0',
      amr: [],
    })
    await op.fetch('/revoke', formPost(client, token))
    expect(await read()).toEqual({ active: false })
  })

test('a sign-in that the issuer saw is passed on with its time', async () => {
  const op = await at()
  const auth_time = Math.floor(op.clock.now() / 1000) - 100
  const { body } = await ask(op, await service(op), await assertion(op, { auth_time }))
  expect(claimsOf(body.access_token)).toMatchObject({ auth_time, acr: '0', amr: [] })
  const { body: future } = await ask(
    op,
    { ...(await service(op, { client_id: 'second' })) },
    await assertion(op, { auth_time: auth_time + 1000 }),
  )
  expect(claimsOf(future.access_token)).not.toHaveProperty('auth_time')
})

test('it ends with the assertion, and the end of a session elsewhere does not touch it', async () => {
  const op = await at()
  const { body } = await ask(op, await service(op), await assertion(op))
  const authorization = `Bearer ${body.access_token}`
  op.clock.advance(299_000)
  expect((await op.fetch('/userinfo', { headers: { authorization } })).status).toBe(200)
  op.clock.advance(2_000)
  expect((await op.fetch('/userinfo', { headers: { authorization } })).status).toBe(401)
})

describe('assertions that are refused', () => {
  const now = () => Math.floor(Date.now() / 1000)
  const claims: [what: string, claims: (op: Provider) => Claims, making?: () => Making][] = [
    ['of an issuer nobody trusts', () => ({ iss: 'https://evil.example' })],
    ['of one issuer by the keys of another', () => ({}), () => ({ key: others.privateKey })],
    ['of the other issuer by our keys', () => ({ iss: 'https://other.example' })],
    ['for somebody else', () => ({ aud: 'https://somebody.example' })],
    ['for nobody', () => ({ aud: undefined })],
    ['for an endpoint that is not the token endpoint', (op) => ({ aud: `${op.issuer}/authorize` })],
    ['expired', () => ({ iat: now() - 400, exp: now() - 60 })],
    ['without an end', () => ({ exp: undefined })],
    ['that live longer than an hour', () => ({ exp: now() + 3_700 })],
    ['that were made to live longer than an hour', () => ({ iat: now() - 7_200, exp: now() + 60 })],
    ['from the future', () => ({ iat: now() + 60 })],
    ['not yet good', () => ({ nbf: now() + 60 })],
    ['with an empty jti', () => ({ jti: '' })],
    ['with a jti that is no string', () => ({ jti: 7 })],
    ['about nobody', () => ({ sub: undefined })],
    ['about a stranger', () => ({ sub: 'mallory' })],
    ['about a list', () => ({ sub: ['alice'] })],
    ['about a name in capitals and with a blank', () => ({ sub: 'ALICE ' })],
    ['about a name in capitals', () => ({ sub: 'Alice' })],
    ['about a name in full width', () => ({ sub: 'ａｌｉｃｅ' })],
    ['about a name with an invisible character', () => ({ sub: 'al\u200bice' })],
    ['about the subject with a blank', () => ({ sub: 'user-alice ' })],
    ['about an address', () => ({ sub: 'alice@example.com' })],
    ['for another client', () => ({ client_id: 'client123' })],
    ['that are access tokens', () => ({}), () => ({ header: { typ: 'at+jwt' } })],
    ['that are logout tokens', () => ({}), () => ({ header: { typ: 'logout+jwt' } })],
    ['with an unknown key', () => ({}), () => ({ header: { kid: 'b' } })],
    ['with an extension nobody knows', () => ({}), () => ({ header: { crit: ['x'], x: 1 } })],
  ]
  test.each(claims)('%s', async (_, make, making) => {
    const op = await at()
    const client = await service(op)
    const jwt = await assertion(op, make(op), making?.()).catch((error: Error) => error)
    if (jwt instanceof Error) throw jwt
    expect(await ask(op, client, jwt)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    // A good one beside it is good, so it was that one thing.
    expect((await ask(op, client, await assertion(op))).status).toBe(200)
  })

  test('unsigned, cut, and none at all', async () => {
    const op = await at()
    const client = await service(op)
    const good = await assertion(op)
    const unsigned = new UnsecuredJWT(claimsOf(good) as JWTPayload).encode()
    for (const bad of [
      unsigned,
      good.slice(0, -6),
      `${good.split('.').slice(0, 2).join('.')}.`,
      'x',
      'a.b.c',
    ])
      expect((await ask(op, client, bad)).body.error, bad).toBe('invalid_grant')
    const long = await assertion(op, { padding: 'x'.repeat(10_000) })
    expect((await ask(op, client, long)).body.error).toBe('invalid_grant')
    const none = await op.fetch('/token', formPost(client, { grant_type }))
    expect(((await none.json()) as Json).error).toBe('invalid_request')
    expect((await ask(op, client, good)).status).toBe(200)
  })

  test('an HMAC with the public key as its secret', async () => {
    const op = await at()
    const secret = new TextEncoder().encode(JSON.stringify(await exportJWK(keys.publicKey)))
    const now = Math.floor(op.clock.now() / 1000)
    const jwt = await new SignJWT({
      iss: issuer,
      sub: 'alice',
      aud: op.issuer,
      iat: now,
      exp: now + 60,
      jti: 'x',
    })
      .setProtectedHeader({ alg: 'HS256', kid: 'a' })
      .sign(secret)
    expect((await ask(op, await service(op), jwt)).body.error).toBe('invalid_grant')
  })
})

test('iat and jti are optional (RFC 7523 §3), and an assertion without jti is good once too', async () => {
  const op = await at()
  const client = await service(op)
  for (const without of [{ iat: undefined }, { jti: undefined }, { iat: undefined, jti: undefined }]) {
    const jwt = await assertion(op, { ...without, exp: Math.floor(op.clock.now() / 1000) + 60 })
    expect((await ask(op, client, jwt)).status).toBe(200)
    const again = await ask(op, client, jwt)
    expect([again.status, again.body.error]).toEqual([400, 'invalid_grant'])
    op.clock.advance(1_000)
  }
  const late = await assertion(op, { iat: undefined, exp: Math.floor(op.clock.now() / 1000) + 7_200 })
  expect((await ask(op, client, late)).body.error).toBe('invalid_grant')
})

test('once: of twenty-four on two instances one wins; the same jti of another issuer is another', async () => {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const [a, b] = [await at({ store, clock }), await at({ store, clock })]
  const client = await service(a)
  const jwt = await assertion(a, { jti: 'the one' })
  const all = await Promise.all(Array.from({ length: 24 }, (_, i) => ask(i % 2 ? a : b, client, jwt)))
  expect(all.filter(({ status }) => status === 200)).toHaveLength(1)
  for (const { status, body } of all) if (status !== 200) expect(body.error).toBe('invalid_grant')
  clock.advance(305_000) // its tolerance is not up
  expect((await ask(b, client, jwt)).body.error).toBe('invalid_grant')
  const again = await assertion(a, { jti: 'the one' })
  expect((await ask(b, client, again)).body.error).toBe('invalid_grant')
  const other = await assertion(
    a,
    { jti: 'the one', iss: 'https://other.example' },
    { key: others.privateKey },
  )
  expect((await ask(a, client, other)).status).toBe(200)
})

test('a refusal does not burn it', async () => {
  const op = await at()
  const client = await service(op)
  const jwt = await assertion(op)
  expect((await ask(op, client, jwt, { scope: 'email' })).body.error).toBe('invalid_scope')
  expect((await ask(op, client, jwt, { scope: 'openid offline_access' })).body.error).toBe('invalid_scope')
  expect((await ask(op, client, jwt, { scope: 'openid' })).body.scope).toBe('openid')
})

for (const [who, change] of [
  ['may not sign in', { disabled: true }],
  ['is leaving', { leaving_at: 2_000_000_000 }],
] as const)
  test(`a person who ${who} gets no token, and one who has become so loses it`, async () => {
    const op = await at()
    const client = await service(op)
    const { body } = await ask(op, client, await assertion(op))
    await User.update(op.context, 'user-alice', (user) => ({ ...user, ...change }))
    const authorization = `Bearer ${body.access_token}`
    expect((await op.fetch('/userinfo', { headers: { authorization } })).status).toBe(401)
    expect((await ask(op, client, await assertion(op))).body.error).toBe('invalid_grant')
  })

test('who may ask: registered for it, and with a secret or a key', async () => {
  const op = await at()
  const demo = { client_id: 'client123', client_secret: 'secret456', redirect_uri: '' }
  expect((await ask(op, demo, await assertion(op))).body.error).toBe('unauthorized_client')
  const anybody = await service(op, { client_id: 'anybody', token_endpoint_auth_method: 'none' })
  expect((await ask(op, anybody, await assertion(op))).body.error).toBe('unauthorized_client')
  const self = await op.fetch('/register', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ grant_types: [grant_type], response_types: [] }),
  })
  expect(self.status).toBe(400)
})

test('an outage of the issuer: 503, and the assertion is still good afterwards', async () => {
  status = 500
  const op = await at()
  const client = await service(op)
  const jwt = await assertion(op)
  expect(await ask(op, client, jwt)).toMatchObject({
    status: 503,
    body: { error: 'temporarily_unavailable' },
  })
  status = 200
  op.clock.advance(11_000)
  expect((await ask(op, client, jwt)).status).toBe(200)
})

test('an outage of the store at any verb: 503 and no token, and each assertion at most once', async () => {
  const clock = turnableClock()
  const { store, failAfter, recover } = failingStore(memoryStore(clock))
  const op = await at({ store, clock })
  const client = await service(op)
  let passing = 0
  for (; passing < 20; passing++) {
    const jwt = await assertion(op)
    failAfter(passing)
    const { status, body } = await ask(op, client, jwt)
    recover()
    if (status === 200) break
    expect(status).toBe(503)
    expect(body.access_token).toBeUndefined()
    const retried = await ask(op, client, jwt)
    expect([200, 400]).toContain(retried.status)
    if (retried.status === 200) expect((await ask(op, client, jwt)).status).toBe(400)
  }
  expect(passing).toBeGreaterThan(3)
  expect(passing).toBeLessThan(20)
})

test('without issuers there is no such grant', async () => {
  const op = await provider()
  const metadata = (await (await op.fetch('/.well-known/openid-configuration')).json()) as Json
  expect(metadata.grant_types_supported).not.toContain(grant_type)
  const { body } = await ask(op, await service(op), await assertion(op))
  expect(body.error).toBe('unsupported_grant_type')
})

test('the sub of an account that was deleted is not taken over by a username', async () => {
  const op = await at()
  const client = await service(op)
  await User.remove(op.context, (await User.find(op.context, 'user-alice'))!)
  const made = { sub: 'eve', username: 'user-alice', claims: {}, created_at: 1, updated_at: 1 }
  expect(await User.create(op.context, made)).toBe(true)
  expect((await ask(op, client, await assertion(op, { sub: 'user-alice' }))).status).toBe(400)
  expect((await ask(op, client, await assertion(op, { sub: 'eve' }))).status).toBe(200)
})

test('an account that is disabled in between has no token, at each verb of the store in turn', async () => {
  const survivors: number[] = []
  for (let verbs = 0; ; verbs++) {
    const clock = turnableClock()
    const pausing = pausingStore(memoryStore(clock))
    const op = await at({ store: pausing.store, clock })
    const client = await service(op)
    await ask(op, client, await assertion(op)) // fetches the keys of the issuer
    const jwt = await assertion(op)
    const { paused, go } = pausing.pauseAfter(verbs)
    const asking = ask(op, client, jwt)
    const isPaused = await Promise.race([paused.then(() => true), asking.then(() => false)])
    if (isPaused) {
      await User.update(op.context, 'user-alice', (user) => ({ ...user, disabled: true }))
      await endEverything('user-alice', op.context)
    }
    go()
    const { body } = await asking
    if (!isPaused) break
    const token = { token: String(body.access_token) }
    const about = (await (await op.fetch('/introspect', formPost(client, token))).json()) as Json
    if (about.active !== false) survivors.push(verbs)
  }
  expect(survivors).toEqual([])
}, 240_000) // a provider for each verb
