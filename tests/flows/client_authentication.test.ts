/** Five ways for a client to prove itself, and what each refuses. https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication */
import { beforeAll, describe, expect, test } from 'bun:test'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { jwtBearerAssertion } from '../../src/auth/client_auth.ts'
import { systemRandom } from '../../src/lib/random.ts'
import type { Client } from '../../src/models/client.ts'
import { type Answer, browserClient, demo, operatorClient, read } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

let op: Provider
let keys: { publicKey: CryptoKey; privateKey: CryptoKey }
let ec: { publicKey: CryptoKey; privateKey: CryptoKey }
let pem: string

const machine = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] }
const secret = 'a-secret-of-more-than-thirty-two-characters'

beforeAll(async () => {
  op = await provider()
  keys = await generateKeyPair('PS256', { extractable: true })
  ec = await generateKeyPair('ES256', { extractable: true })
  pem = await exportSPKI(keys.publicKey)
  const jwks = {
    keys: [
      { ...(await exportJWK(keys.publicKey)), kty: 'RSA', kid: 'r' },
      { ...(await exportJWK(ec.publicKey)), kty: 'EC', kid: 'e' },
    ],
  } as Client['jwks']
  await operatorClient(op, {
    ...machine,
    client_id: 'keyed',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks,
  })
  await operatorClient(op, {
    ...machine,
    client_id: 'ec-only',
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks,
  })
  await operatorClient(op, {
    ...machine,
    client_id: 'hashed',
    token_endpoint_auth_method: 'client_secret_jwt',
  })
  await operatorClient(op, {
    ...machine,
    client_id: 'posting',
    token_endpoint_auth_method: 'client_secret_post',
  })
  await operatorClient(op, { ...machine, client_id: 'heading' })
  await operatorClient(op, { ...machine, client_id: 'odd:name %+', redirect_uris: [] })
})

/** A token request with nothing but what is given. */
async function ask(fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...fields }).toString()
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  return read(await op.fetch('/token', { method: 'POST', body, headers: { ...type, ...headers } }))
}

const basicOf = (id: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(password)}`).toString('base64')}`,
})

const secretOf = async (id: string): Promise<string> => {
  const { secretOf: open } = await import('../../src/clients/client_secret.ts')
  const { Client: clients } = await import('../../src/models/client.ts')
  return open((await clients.find(op.context, id))!, op.context)!
}

interface Bend {
  claims?: JWTPayload
  header?: { alg: string; kid?: string }
  key?: CryptoKey | Uint8Array
  without?: string[]
}

async function assertion(
  id: string,
  { claims = {}, header = { alg: 'PS256', kid: 'r' }, key, without = [] }: Bend = {},
) {
  const now = Math.floor(op.clock.now() / 1000)
  const payload: JWTPayload = {
    iss: id,
    sub: id,
    aud: op.issuer,
    iat: now,
    exp: now + 60,
    jti: systemRandom(9),
    ...claims,
  }
  for (const name of without) delete payload[name]
  return new SignJWT(payload).setProtectedHeader(header).sign(key ?? keys.privateKey)
}

const assert = (client_assertion: string, more: Record<string, string> = {}) =>
  ask({ client_assertion, client_assertion_type: jwtBearerAssertion, ...more })

const expectRefused = ({ status, body, headers }: Answer) => {
  expect(body.error).toBe('invalid_client')
  expect(status).toBe(401)
  expect(headers.get('www-authenticate')).toBe(`Basic realm="${op.issuer}"`)
  expect(headers.get('cache-control')).toBe('no-store')
}

describe('secrets', () => {
  test('client_secret_basic, form-encoded inside', async () => {
    expect((await ask({}, basicOf('client123', 'secret456'))).status).toBe(200)
    expect((await ask({}, basicOf('odd:name %+', await secretOf('odd:name %+')))).status).toBe(200)
  })

  test('client_secret_post', async () => {
    const client_secret = await secretOf('posting')
    expect((await ask({ client_id: 'posting', client_secret })).status).toBe(200)
    expectRefused(await ask({ client_id: 'posting', client_secret: `${client_secret}x` }))
    expectRefused(await ask({ client_id: 'posting', client_secret: client_secret.slice(0, -1) }))
  })

  test('each client in the one way it registered', async () => {
    expectRefused(await ask({ client_id: 'heading', client_secret: await secretOf('heading') }))
    expectRefused(await ask({}, basicOf('posting', await secretOf('posting'))))
    expectRefused(await ask({}, basicOf('hashed', await secretOf('hashed'))))
    expectRefused(await ask({ client_id: 'client123' }))
    expectRefused(await ask({ client_id: 'public-client', client_secret: 'x' }))
    expectRefused(await ask({}, basicOf('public-client', 'x')))
  })

  test('wrong, unknown, missing, malformed', async () => {
    expectRefused(await ask({}, basicOf('client123', 'wrong')))
    expectRefused(await ask({}, basicOf('client123', '')))
    expectRefused(await ask({}, basicOf('nobody', 'secret456')))
    expectRefused(await ask({}, { authorization: 'Basic !!!' }))
    expectRefused(await ask({}, { authorization: 'Basic' }))
    expectRefused(await ask({}))
    expectRefused(await ask({ client_id: '__proto__' }))
  })

  test('two ways at once are one too many', async () => {
    const both = await ask(
      { client_id: 'client123', client_secret: 'secret456' },
      basicOf('client123', 'secret456'),
    )
    expect([both.status, both.body.error]).toEqual([400, 'invalid_request'])
    const jwt = await assertion('keyed')
    const mixed = await ask(
      { client_assertion: jwt, client_assertion_type: jwtBearerAssertion },
      basicOf('client123', 'secret456'),
    )
    expect([mixed.status, mixed.body.error]).toEqual([400, 'invalid_request'])
  })

  test('a disabled client is nobody', async () => {
    const gone = await operatorClient(op, { ...machine, client_id: 'gone', disabled: true })
    expectRefused(await ask({}, basicOf('gone', gone.client_secret!)))
  })
})

test('a public client acts for people, never for itself', async () => {
  const { status, body } = await ask({ client_id: browserClient.client_id })
  expect([status, body.error]).toEqual([400, 'unauthorized_client'])
})

describe('private_key_jwt', () => {
  test('with each key it registered', async () => {
    expect((await assert(await assertion('keyed'))).status).toBe(200)
    expect((await assert(await assertion('keyed', { header: { alg: 'PS256' } }))).status).toBe(200)
    const es = { header: { alg: 'ES256', kid: 'e' }, key: ec.privateKey }
    expect((await assert(await assertion('keyed', es))).status).toBe(200)
    expect((await assert(await assertion('keyed'), { client_id: 'keyed' })).status).toBe(200)
  })

  test('once: a replay is refused, one of a hundred at the same time gets through', async () => {
    const jwt = await assertion('keyed')
    expect((await assert(jwt)).status).toBe(200)
    expectRefused(await assert(jwt))
    const raced = await assertion('keyed')
    const answers = await Promise.all(Array.from({ length: 100 }, () => assert(raced)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('a replay is still known when the assertion has nearly expired', async () => {
    const jwt = await assertion('keyed')
    expect((await assert(jwt)).status).toBe(200)
    op.clock.advance(65_000) // past exp, within the tolerance for clocks
    expectRefused(await assert(jwt))
  })

  test.each<[string, Bend]>([
    ['for another audience', { claims: { aud: 'https://other.example' } }],
    ['for the token endpoint of another', { claims: { aud: ['https://other.example/token'] } }],
    ['without audience', { without: ['aud'] }],
    ['expired', { claims: { exp: 1 } }],
    ['without exp', { without: ['exp'] }],
    ['good for a year', { claims: { exp: 4_000_000_000 } }],
    ['not yet good', { claims: { nbf: 4_000_000_000 } }],
    ['without jti', { without: ['jti'] }],
    ['by another issuer', { claims: { iss: 'client123' } }],
    ['without issuer', { without: ['iss'] }],
  ])('%s: refused', async (_what, bend) => expectRefused(await assert(await assertion('keyed', bend))))

  test('signed by somebody else: refused', async () => {
    const other = await generateKeyPair('PS256')
    expectRefused(await assert(await assertion('keyed', { key: other.privateKey })))
    expectRefused(await assert(await assertion('keyed', { key: other.privateKey, header: { alg: 'PS256' } })))
    const jwt = await assertion('keyed')
    expectRefused(await assert(`${jwt.slice(0, -6)}AAAAAA`))
  })

  test('with the public key as HMAC secret, or without any signature: refused', async () => {
    const confused = { header: { alg: 'HS256' }, key: new TextEncoder().encode(pem) }
    expectRefused(await assert(await assertion('keyed', confused)))
    const [, payload] = (await assertion('keyed')).split('.')
    for (const alg of ['none', 'None', 'NONE', '']) {
      const head = Buffer.from(JSON.stringify({ alg })).toString('base64url')
      expectRefused(await assert(`${head}.${payload}.`))
    }
  })

  test('in another algorithm than the client registered: refused', async () => {
    expectRefused(await assert(await assertion('ec-only')))
    const es = { header: { alg: 'ES256', kid: 'e' }, key: ec.privateKey }
    expect((await assert(await assertion('ec-only', es))).status).toBe(200)
  })

  test('for one client, presented as another: refused', async () => {
    expectRefused(await assert(await assertion('keyed'), { client_id: 'client123' }))
    expectRefused(await assert(await assertion('client123')))
    expectRefused(await assert(await assertion('nobody')))
  })

  test('of an unknown type, or no JWT at all: refused', async () => {
    const client_assertion = await assertion('keyed')
    expectRefused(await ask({ client_assertion }))
    expectRefused(await ask({ client_assertion, client_assertion_type: 'urn:x' }))
    expectRefused(await assert('not.a.jwt'))
    expectRefused(await ask({ client_assertion_type: jwtBearerAssertion }))
  })
})

describe('client_secret_jwt', () => {
  const hs = async (alg = 'HS256', text?: string): Promise<Bend> => ({
    header: { alg },
    key: new TextEncoder().encode(text ?? (await secretOf('hashed'))),
  })

  test('with its secret', async () => {
    for (const alg of ['HS256', 'HS384', 'HS512'])
      expect((await assert(await assertion('hashed', await hs(alg)))).status).toBe(200)
  })

  test('with another secret, or a key: refused', async () => {
    expectRefused(await assert(await assertion('hashed', await hs('HS256', secret))))
    expectRefused(await assert(await assertion('hashed')))
  })

  test('once', async () => {
    const jwt = await assertion('hashed', await hs())
    expect((await assert(jwt)).status).toBe(200)
    expectRefused(await assert(jwt))
  })
})

test('the same way at revocation and introspection', async () => {
  const client_assertion_type = jwtBearerAssertion
  for (const path of ['/revoke', '/introspect']) {
    const body = async () =>
      new URLSearchParams({
        token: 'x',
        client_assertion_type,
        client_assertion: await assertion('keyed'),
      }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await op.fetch(path, { method: 'POST', body: await body(), headers })).status).toBe(200)
    const bare = await read(await op.fetch(path, { method: 'POST', body: 'token=x', headers }))
    expectRefused(bare)
  }
})

test('demo credentials do not exist in production', async () => {
  const production = await provider({
    env: {
      NODE_ENV: 'production',
      ISSUER_URL: 'https://id.example',
      SECRET_KEY: 'q8Zt3VnW1xYb6Lr0PcKd9MfHs5Ga2JeTu7Ro4Ni',
      STORE_URL: 'sqlite:./never-opened.db',
    },
  })
  const answer = await production.fetch('/token', {
    method: 'POST',
    body: 'grant_type=client_credentials',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...basicOf(demo.client_id, 'secret456') },
  })
  expect(answer.status).toBe(401)
  expect(await answer.json()).toEqual({
    error: 'invalid_client',
    error_description: 'Client authentication failed',
  })
})
