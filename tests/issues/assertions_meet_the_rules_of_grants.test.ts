/** A grant that an assertion or an exchanged token gives meets the rules of every grant, and a refusal spends no assertion. Issue 8 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { ClientMembers, Json, TestClient } from '../support/client.ts'
import { browser, introspect, operatorClient, post, tokensOf } from '../support/flow.ts'
import { type Laboratory, laboratory, type Stranger } from '../support/laboratory.ts'
import { type Provider, provider } from '../support/provider.ts'

const byAssertion = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const byExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const issuer = 'https://workforce.example'

let lab: Laboratory
let server: Stranger
let keys: CryptoKeyPair
beforeAll(async () => {
  lab = laboratory()
  keys = await generateKeyPair('ES256')
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'a' }] })
  server = await lab.https('localhost', (_, response) => response.end(jwks))
})
afterAll(() => lab.close())

const start = (env: Record<string, string> = {}, store?: Provider['context']['store']) =>
  provider({
    ...(store && { store }),
    env: {
      JWT_BEARER_ISSUERS: `${issuer}=https://localhost:${server.port}/jwks`,
      OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`,
      OUTBOUND_CA_PATH: lab.caPath,
      ...env,
    },
  })

const service = (op: Provider, more: ClientMembers = {}) =>
  operatorClient(op, {
    client_id: 'service',
    grant_types: [byAssertion, byExchange],
    response_types: [],
    redirect_uris: [],
    scope: 'openid profile',
    ...more,
  })

let count = 0
function assertion(op: Provider) {
  const iat = Math.floor(op.clock.now() / 1000)
  const claims = { iss: issuer, sub: 'alice', aud: op.issuer, iat, exp: iat + 300, jti: `${count++}` }
  return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'a' }).sign(keys.privateKey)
}

const ask = (op: Provider, client: TestClient, jwt: string, more: Record<string, string> = {}) =>
  post(op, '/token', client, { grant_type: byAssertion, assertion: jwt, ...more })

/** Another client still gets a token for it, from an instance on the same store whose settings refuse nothing. */
async function expectUnspent({ context }: Provider, jwt: string) {
  const op = await start({}, context.store)
  expect((await ask(op, await service(op, { client_id: 'other' }), jwt)).status).toBe(200)
}

test('a client with require_second_factor gets no token by an assertion, and the assertion stays unspent', async () => {
  const op = await start()
  const client = await service(op, { require_second_factor: true } as Json)
  const jwt = await assertion(op)
  expect(await ask(op, client, jwt)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  await expectUnspent(op, jwt)
})

const refused: [what: string, error: string, more: Record<string, string>, env: Record<string, string>][] = [
  [
    'a resource that is no API',
    'invalid_target',
    { resource: 'https://evil.example/' },
    { RESOURCES: 'https://api.example/' },
  ],
  ['a resource that is no URI', 'invalid_target', { resource: 'nope' }, {}],
  [
    'authorization_details of an unknown type',
    'invalid_authorization_details',
    { authorization_details: '[{"type":"x"}]' },
    {},
  ],
  [
    'authorization_details that no End-User granted',
    'invalid_authorization_details',
    { authorization_details: '[{"type":"payment"}]' },
    { AUTHORIZATION_DETAILS_TYPES: 'payment' },
  ],
  ['no proof of a key where one is needed', 'invalid_request', {}, { REQUIRE_SENDER_CONSTRAINED: 'true' }],
]
test.each(refused)('%s: the assertion stays unspent', async (_, error, more, env) => {
  const op = await start(env)
  const jwt = await assertion(op)
  expect((await ask(op, await service(op), jwt, more)).body.error).toBe(error)
  await expectUnspent(op, jwt)
})

test('a resource may be named in the request itself', async () => {
  const op = await start({ RESOURCES: 'https://api.example/' })
  const client = await service(op)
  const { body } = await ask(op, client, await assertion(op), { resource: 'https://api.example/' })
  expect((await introspect(op, String(body.access_token), client)).aud).toBe('https://api.example/')
})

test('a client with require_second_factor gets no token by exchange for a sign-in without one', async () => {
  const op = await start()
  const { access_token: subject_token } = await tokensOf(op, browser(op))
  const exchange = (client: TestClient) =>
    post(op, '/token', client, {
      grant_type: byExchange,
      subject_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    })
  const strict = await service(op, { resource_server: true, require_second_factor: true } as Json)
  expect(await exchange(strict)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  const other = await service(op, { client_id: 'other', resource_server: true } as Json)
  expect((await exchange(other)).status).toBe(200)
})
