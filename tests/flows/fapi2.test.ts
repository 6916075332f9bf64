/** FAPI 2.0 in one switch: pushed, PKCE, bound tokens, keys instead of secrets. https://openid.net/specs/fapi-security-profile-2_0-final.html */
import { expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { systemRandom } from '../../src/lib/random.ts'
import { Client, makeClient } from '../../src/models/client.ts'
import { authorizationUrl, claimsOf, headerOf, type Json } from '../support/client.ts'
import { person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const key = await generateKeyPair('PS256', { extractable: true })
const jwks = {
  keys: [
    {
      ...(await exportJWK(key.publicKey)),
      kty: 'RSA' as const,
      n: (await exportJWK(key.publicKey)).n!,
      alg: 'PS256',
      kid: 'fapi',
    },
  ],
}
const dpopKey = await generateKeyPair('ES256', { extractable: true })
const dpopJwk = await exportJWK(dpopKey.publicKey)
const client_id = 'bank-app'
const redirect_uri = 'https://app.example/cb'

async function stage(metadata: Json = {}): Promise<Provider> {
  const op = await provider({ env: { PROFILE: 'fapi2' } })
  const { client } = makeClient(op.context, {
    client_id,
    redirect_uris: [redirect_uri],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'private_key_jwt',
    id_token_signed_response_alg: 'PS256',
    scope: 'openid profile',
    jwks,
    ...metadata,
  })
  await Client.create(op.context, client)
  return op
}

const now = (op: Provider) => Math.floor(op.clock.now() / 1000)

const assertion = (op: Provider, more: Json = {}, alg = 'PS256') =>
  new SignJWT({
    iss: client_id,
    sub: client_id,
    aud: op.issuer,
    jti: systemRandom(12),
    iat: now(op),
    exp: now(op) + 60,
    ...more,
  })
    .setProtectedHeader({ alg, kid: 'fapi' })
    .sign(key.privateKey)

const proof = (op: Provider, htm: string, path: string, more: Json = {}) =>
  new SignJWT({ htm, htu: `${op.issuer}${path}`, jti: systemRandom(12), iat: now(op), ...more })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: dpopJwk })
    .sign(dpopKey.privateKey)

async function post(
  op: Provider,
  path: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
  client_assertion?: string,
) {
  const body = new URLSearchParams({
    ...fields,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: client_assertion ?? (await assertion(op)),
  })
  const answer = await op.fetch(path, {
    method: 'POST',
    body: body.toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  })
  return { status: answer.status, body: (await answer.json()) as Json }
}

async function codeFor(op: Provider) {
  const { params, code_verifier } = authorizationUrl(
    op.issuer,
    { client_id, redirect_uri },
    { scope: 'openid profile' },
  )
  const fields = Object.fromEntries(
    Object.entries(params).filter((each): each is [string, string] => each[1] !== undefined),
  )
  const { body } = await post(op, '/par', fields)
  const location = await person(op.issuer, op.fetch).goThrough(
    `${op.issuer}/authorize?${new URLSearchParams({ client_id, request_uri: String(body.request_uri) })}`,
  )
  expect(location.searchParams.get('iss')).toBe(op.issuer)
  return {
    grant_type: 'authorization_code',
    code: location.searchParams.get('code')!,
    redirect_uri,
    code_verifier,
  }
}

test('the whole flow: pushed, proven, bound; refresh tokens stay as they are', async () => {
  const op = await stage()
  const fields = await codeFor(op)
  const bare = await post(op, '/token', fields)
  expect([bare.status, bare.body.error]).toEqual([400, 'invalid_request'])
  const { body } = await post(op, '/token', fields, { dpop: await proof(op, 'POST', '/token') })
  expect(body.token_type).toBe('DPoP')
  expect(headerOf(body.id_token).alg).toBe('PS256')
  expect(headerOf(body.access_token).alg).toBe('PS256')
  expect(claimsOf(body.access_token).cnf).toBeDefined()
  const refresh = () => ({ grant_type: 'refresh_token', refresh_token: String(body.refresh_token) })
  for (let i = 0; i < 3; i++) {
    const again = await post(op, '/token', refresh(), { dpop: await proof(op, 'POST', '/token') })
    expect(again.status).toBe(200)
    expect(again.body.refresh_token).toBe(body.refresh_token)
  }
  expect((await post(op, '/token', refresh())).body.error).toBe('invalid_request')
})

test('what the profile refuses', async () => {
  const op = await stage()
  const { url } = authorizationUrl(op.issuer, { client_id, redirect_uri }, { scope: 'openid' })
  const unpushed = await op.fetch(url)
  expect(new URL(unpushed.headers.get('location')!).searchParams.get('error')).toBe('invalid_request')
  const secret = await op.fetch('/par', {
    method: 'POST',
    body: 'response_type=code',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${btoa('client123:secret456')}`,
    },
  })
  expect(secret.status).toBe(401)
  for (const wrong of [
    { aud: [op.issuer, 'https://other.example'] },
    { aud: `${op.issuer}/token` },
    { iat: now(op) + 120 },
    { nbf: now(op) + 120 },
    { exp: now(op) - 60 },
  ])
    expect([wrong, (await post(op, '/par', {}, {}, await assertion(op, wrong))).status]).toEqual([wrong, 401])
  expect(
    (await post(op, '/par', {}, {}, await assertion(op, { nbf: now(op) + 8, iat: now(op) + 8 }))).status,
  ).toBe(400) // authenticated, then no response_type
})

test('discovery says what holds', async () => {
  const op = await stage()
  const metadata = (await (await op.fetch('/.well-known/openid-configuration')).json()) as Json
  expect(metadata).toMatchObject({
    response_types_supported: ['code'],
    require_pushed_authorization_requests: true,
    code_challenge_methods_supported: ['S256'],
    id_token_signing_alg_values_supported: ['PS256', 'ES256', 'EdDSA'],
    authorization_response_iss_parameter_supported: true,
  })
  const methods = metadata.token_endpoint_auth_methods_supported as string[]
  expect(methods).toContain('private_key_jwt')
  for (const weak of ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'none'])
    expect(methods).not.toContain(weak)
  expect(metadata.token_endpoint_auth_signing_alg_values_supported).not.toContain('RS256')
})
