/** A publisher vouches for what a client says of itself. https://www.rfc-editor.org/rfc/rfc7591#section-2.3 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose'
import { Client } from '../../src/models/client.ts'
import { type Laboratory, laboratory, type Stranger } from '../support/laboratory.ts'
import { type Provider, provider } from '../support/provider.ts'
import { manage, register, registered } from '../support/registration.ts'

const issuer = 'https://publisher.example'

interface Pair {
  privateKey: CryptoKey
  jwk: JWK
}
async function pair(kid: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } }
}

let lab: Laboratory
let server: Stranger
let op: Provider
let key: Pair
let published: unknown
let status: number

const env = (more: Record<string, string> = {}) => ({
  SOFTWARE_STATEMENT_ISSUERS: `https://other.example=https://localhost:${server.port}/other ${issuer}=https://localhost:${server.port}/jwks`,
  OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`,
  OUTBOUND_CA_PATH: lab.caPath,
  OUTBOUND_TIMEOUT_MS: '30000',
  ...more,
})

beforeAll(async () => {
  lab = laboratory()
  key = await pair('a')
  server = await lab.https('localhost', (request, response) => {
    response.writeHead(status).end(JSON.stringify(request.url === '/jwks' ? published : { keys: [] }))
  })
})
afterAll(() => lab.close())
beforeEach(async () => {
  ;[status, published] = [200, { keys: [key.jwk] }]
  op = await provider({ env: env() })
})

const said = {
  software_id: 'bank-app',
  client_name: 'Bank',
  redirect_uris: ['https://bank.example/cb'],
  logo_uri: 'https://bank.example/logo.png',
}

const sign = (claims: object, by = key, alg = 'ES256', kid = 'a') =>
  new SignJWT({ iss: issuer, ...claims }).setProtectedHeader({ alg, kid }).sign(by.privateKey)

const now = () => Math.floor(op.clock.now() / 1000)

test('its claims go before the body; both are said again, with the statement as it came', async () => {
  const software_statement = await sign(said)
  const body = await registered(op, {
    software_statement,
    client_name: 'Not the bank',
    'client_name#fr': 'La banque',
    redirect_uris: ['https://evil.example/cb'],
    client_uri: 'https://bank.example',
    scope: 'openid',
  })
  expect({ ...body }).toMatchObject({
    ...said,
    software_statement,
    client_uri: 'https://bank.example',
    scope: 'openid',
  })
  expect(body).not.toHaveProperty(['client_name#fr'])
  const kept = (await Client.find(op.context, String(body.client_id)))!
  expect(kept.redirect_uris).toEqual(said.redirect_uris)
})

test('a statement gives nothing that policy does not', async () => {
  const beyond = await register(op, { software_statement: await sign({ ...said, scope: 'openid admin' }) })
  expect(beyond.body.error).toBe('invalid_client_metadata')
  const privileges = { first_party: true, client_id: 'client123', resource_server: true, disabled: true }
  const body = await registered(op, { software_statement: await sign({ ...said, ...privileges }) })
  const kept = (await Client.find(op.context, String(body.client_id)))!
  expect([kept.first_party, kept.resource_server, kept.self_registered, kept.disabled]).toEqual([
    false,
    false,
    true,
    false,
  ])
  expect(body.client_id).not.toBe('client123')
})

test('keys that a publisher names take the place of keys that the client names otherwise', async () => {
  const { jwk } = await pair('mine')
  const software_statement = await sign({ ...said, jwks_uri: 'https://bank.example/jwks' })
  const body = await registered(op, { software_statement, jwks: { keys: [jwk] } })
  expect(body.jwks_uri).toBe('https://bank.example/jwks')
  expect(body).not.toHaveProperty('jwks')
})

describe('invalid_software_statement', () => {
  const plain = { redirect_uris: ['https://bank.example/cb'] }
  const refusedWith = async (software_statement: unknown): Promise<unknown> => {
    const before = (await Client.list(op.context)).length
    const answer = await register(op, { ...plain, software_statement })
    expect(answer.status).toBe(400)
    expect((await Client.list(op.context)).length).toBe(before)
    return answer.body.error
  }

  test.each<[string, () => unknown]>([
    ['no JWT', () => 'x'],
    ['nothing', () => ''],
    ['an object', () => ({ iss: issuer })],
    ['null', () => null],
    ['one too long', () => 'x'.repeat(10_001)],
    ['one by another key', async () => sign(said, await pair('a'))],
    ['one by a key that is not published', async () => sign(said, await pair('b'), 'ES256', 'b')],
    ['one that expired', () => sign({ ...said, exp: now() - 60 })],
    ['one from the future', () => sign({ ...said, nbf: now() + 60 })],
    ['one for somebody else', () => sign({ ...said, aud: 'https://elsewhere.example' })],
    [
      'one that was changed',
      async () =>
        (await sign(said)).replace(
          /\.[^.]+\./,
          `.${btoa(JSON.stringify({ ...said, iss: issuer, client_name: 'x' })).replaceAll('=', '')}.`,
        ),
    ],
    ['an unsigned one', () => new UnsecuredJWT({ ...said, iss: issuer }).encode()],
    [
      'one signed with the public key as a secret',
      () =>
        new SignJWT({ ...said, iss: issuer })
          .setProtectedHeader({ alg: 'HS256', kid: 'a' })
          .sign(Buffer.from(JSON.stringify(key.jwk))),
    ],
    [
      "one by a publisher under another publisher's name",
      () => sign({ ...said, iss: 'https://other.example' }),
    ],
  ])('%s', async (_, make) => {
    expect(await refusedWith(await make())).toBe('invalid_software_statement')
  })

  test('unapproved_software_statement: a publisher nobody named, or none', async () => {
    expect(await refusedWith(await sign({ ...said, iss: 'https://stranger.example' }))).toBe(
      'unapproved_software_statement',
    )
    expect(await refusedWith(await sign({ ...said, iss: undefined }))).toBe('unapproved_software_statement')
  })

  test('for us by name, and in time, it is good', async () => {
    const software_statement = await sign({ ...said, aud: [op.issuer, 'x'], exp: now() + 60, nbf: now() })
    expect((await registered(op, { software_statement })).client_name).toBe('Bank')
  })
})

test('a publisher that cannot be reached is no fault of the client: 503, try again', async () => {
  status = 500
  const answer = await register(op, { software_statement: await sign(said) })
  expect([answer.status, answer.body.error]).toEqual([503, 'temporarily_unavailable'])
  status = 200
  op.clock.advance(11_000)
  expect((await register(op, { software_statement: await sign(said) })).status).toBe(201)
})

test('keys rotate by kid', async () => {
  await registered(op, { software_statement: await sign(said) })
  const next = await pair('b')
  published = { keys: [next.jwk] }
  op.clock.advance(31_000)
  expect(
    (await registered(op, { software_statement: await sign(said, next, 'ES256', 'b') })).client_name,
  ).toBe('Bank')
})

describe('required', () => {
  test('nobody registers without, nor updates without', async () => {
    const strict = await provider({ env: env({ REQUIRE_SOFTWARE_STATEMENT: 'true' }) })
    const plain = { redirect_uris: ['https://bank.example/cb'] }
    expect((await register(strict, plain)).body.error).toBe('invalid_software_statement')
    const software_statement = await sign(said)
    const made = await registered(strict, { software_statement })
    const put = (body: object, token: unknown) =>
      manage(strict, 'PUT', made, token, { client_id: made.client_id, ...body })
    const without = await put(plain, made.registration_access_token)
    expect([without.status, without.body.error]).toEqual([400, 'invalid_software_statement'])
    const against = await put(
      { ...plain, client_name: 'Not the bank', software_statement },
      made.registration_access_token,
    )
    expect([against.status, against.body.client_name]).toEqual([200, 'Bank'])
  })

  test('where no publisher is trusted nobody comes in, and that is told when it starts', async () => {
    await expect(provider({ env: { REQUIRE_SOFTWARE_STATEMENT: 'true' } })).rejects.toThrow(
      'REQUIRE_SOFTWARE_STATEMENT',
    )
  })
})

test('without publishers a statement is passed over, as RFC 7591 §3.1.1 lets it be', async () => {
  const plain = await provider()
  const body = await registered(plain, {
    redirect_uris: ['https://app.example/cb'],
    software_statement: await sign(said),
  })
  expect(body).not.toHaveProperty('software_statement')
  expect(body.redirect_uris).toEqual(['https://app.example/cb'])
})

test.each(['publisher', 'https://p.example=http://p.example/jwks', '=https://p.example/jwks', 'a=b'])(
  'SOFTWARE_STATEMENT_ISSUERS=%s is refused',
  async (value) => {
    await expect(provider({ env: { SOFTWARE_STATEMENT_ISSUERS: value } })).rejects.toThrow(
      'SOFTWARE_STATEMENT_ISSUERS',
    )
  },
)
