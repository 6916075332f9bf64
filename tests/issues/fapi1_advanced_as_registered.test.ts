/** A client registered for FAPI 1.0 Advanced: what its signed request object says counts, and nothing outside; errors are JARM when it asks for JARM. */
import { expect, test } from 'bun:test'
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { systemRandom } from '../../src/lib/random.ts'
import { Client, makeClient } from '../../src/models/client.ts'
import type { ClientMembers, Json } from '../support/client.ts'
import { person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const key = await generateKeyPair('PS256', { extractable: true })
const other = await generateKeyPair('PS256')
const jwk = await exportJWK(key.publicKey)
const client_id = 'bank'
const redirect_uri = 'https://bank.example/cb'

const members: ClientMembers & { client_id: string } = {
  client_id,
  redirect_uris: [redirect_uri],
  response_types: ['code id_token', 'code'],
  grant_types: ['authorization_code', 'implicit', 'refresh_token'],
  token_endpoint_auth_method: 'private_key_jwt',
  id_token_signed_response_alg: 'PS256',
  authorization_signed_response_alg: 'PS256',
  request_object_signing_alg: 'PS256',
  require_signed_request_object: true,
  tls_client_certificate_bound_access_tokens: true,
  require_pkce: false,
  scope: 'openid profile',
  jwks: { keys: [{ ...jwk, kty: 'RSA' as const, n: jwk.n!, kid: 'f1', alg: 'PS256' }] },
}

async function stage(more: Json = {}, env: Record<string, string> = {}): Promise<Provider> {
  const op = await provider({ env: { MUTUAL_TLS: 'true', TRUSTED_PROXIES: '10.1.2.3', ...env } })
  const { client } = makeClient(op.context, { ...members, ...more })
  await Client.create(op.context, client)
  return op
}

const hybrid = { response_type: 'code id_token', scope: 'openid', state: 'inside', nonce: 'n' }
const jarm = { ...hybrid, response_type: 'code', response_mode: 'jwt' }

async function signed(op: Provider, claims: Json, signer = key.privateKey): Promise<string> {
  const now = Math.floor(op.clock.now() / 1000)
  const base = { client_id, redirect_uri, iss: client_id, aud: op.issuer, nbf: now, exp: now + 300 }
  return new SignJWT({ ...base, ...claims }).setProtectedHeader({ alg: 'PS256', kid: 'f1' }).sign(signer)
}

/** What the client receives: the members of the JARM response, or the parameters of the redirect. */
async function answered(op: Provider, request: string, beside: Record<string, string> = {}) {
  const query = new URLSearchParams({ client_id, request, ...beside })
  const { page, location } = await person(op.issuer, op.fetch).open(`${op.issuer}/authorize?${query}`)
  if (!location) return { status: page.status, page: new URL(page.url).pathname }
  const fields = Object.fromEntries(
    new URLSearchParams(location.hash === '' ? location.search : location.hash.slice(1)),
  )
  return fields.response === undefined
    ? { by: location.hash === '' ? 'query' : 'fragment', ...fields }
    : { by: 'jarm', ...decodeJwt(fields.response) }
}

test('a good request of either kind leads to the sign-in page', async () => {
  const op = await stage()
  for (const claims of [hybrid, jarm])
    expect(await answered(op, await signed(op, claims))).toMatchObject({ page: '/login' })
})

test('scope, nonce and response_mode outside of the request object do not count', async () => {
  const op = await stage()
  const outside = { ...jarm, redirect_uri, state: 'outside' }
  for (const name of ['scope', 'nonce'])
    for (const claims of [hybrid, jarm])
      expect([
        name,
        await answered(op, await signed(op, { ...claims, [name]: undefined }), {
          ...outside,
          response_type: claims.response_type,
        }),
      ]).toMatchObject([
        name,
        { error: 'invalid_request', state: 'inside', by: claims === jarm ? 'jarm' : 'fragment' },
      ])
  expect(await answered(op, await signed(op, { ...jarm, response_mode: undefined }), outside)).toMatchObject({
    by: 'query',
    error: 'invalid_request',
    state: 'inside',
  })
  expect(await answered(op, await signed(op, { ...jarm, redirect_uri: undefined }), outside)).toMatchObject({
    status: 400,
  })
})

test('response_type=code without JARM, and other response types, are refused for what they are', async () => {
  for (const response_types of [['code id_token'], ['code'], members.response_types!]) {
    const op = await stage({ response_types })
    for (const response_mode of [undefined, 'query', 'fragment', 'form_post'])
      expect(
        await answered(op, await signed(op, { ...hybrid, response_type: 'code', response_mode })),
      ).not.toHaveProperty('page', '/login')
    expect(await answered(op, await signed(op, { ...hybrid, response_type: 'code' }))).toMatchObject({
      error: 'invalid_request',
      state: 'inside',
    })
    for (const response_type of ['id_token', 'code token', 'id_token token'])
      expect(await answered(op, await signed(op, { ...hybrid, response_type }))).toMatchObject({
        error: 'unsupported_response_type',
      })
  }
})

test('a request object that the client signed decides how its own error is answered', async () => {
  const op = await stage()
  const now = Math.floor(op.clock.now() / 1000)
  const wrong: Json[] = [
    { exp: now - 60 },
    { exp: undefined },
    { exp: now + 7200 },
    { nbf: now + 600 },
    { nbf: undefined },
    { nbf: now - 7200 },
    { aud: 'https://other.example' },
    { aud: undefined },
    { iss: 'another' },
  ]
  for (const claims of wrong) {
    expect([claims, await answered(op, await signed(op, { ...jarm, ...claims }))]).toMatchObject([
      claims,
      { by: 'jarm', error: 'invalid_request_object', state: 'inside', aud: client_id, iss: op.issuer },
    ])
    expect([claims, await answered(op, await signed(op, { ...hybrid, ...claims }))]).toMatchObject([
      claims,
      { by: 'fragment', error: 'invalid_request_object', state: 'inside' },
    ])
  }
})

test('an object that another key signed decides nothing: the query does', async () => {
  const op = await stage()
  const forged = await signed(op, { ...jarm, state: 'forged' }, other.privateKey)
  expect(await answered(op, forged)).toMatchObject({ status: 400 })
  const beside = { redirect_uri, response_type: 'code', response_mode: 'jwt', state: 'outside' }
  expect(await answered(op, forged, beside)).toMatchObject({
    by: 'jarm',
    error: 'invalid_request_object',
    state: 'outside',
  })
  const elsewhere = await signed(op, { ...jarm, exp: 1, redirect_uri: 'https://elsewhere.example/cb' })
  expect(await answered(op, elsewhere)).toMatchObject({ status: 400 })
})

test('a pushed request needs PKCE', async () => {
  const op = await stage()
  const push = async (claims: Json) => {
    const assertion = { sub: client_id, jti: systemRandom(9), redirect_uri: undefined, client_id: undefined }
    const body = new URLSearchParams({
      request: await signed(op, claims),
      client_assertion: await signed(op, assertion),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await op.fetch('/par', { method: 'POST', body: body.toString(), headers })
    return [answer.status, ((await answer.json()) as Json).error]
  }
  expect(await push(hybrid)).toEqual([400, 'invalid_request'])
  const pkce = { code_challenge: 'a'.repeat(43), code_challenge_method: 'S256' }
  expect(await push({ ...hybrid, ...pkce })).toEqual([201, undefined])
  expect(await push({ ...hybrid, ...pkce, scope: undefined })).toEqual([400, 'invalid_request'])
})

test('query.jwt with tokens in the response is refused as a JWT', async () => {
  const op = await stage()
  expect(await answered(op, await signed(op, { ...hybrid, response_mode: 'query.jwt' }))).toMatchObject({
    by: 'jarm',
    error: 'invalid_request',
  })
})

test('an operator who knows better says so, and FAPI 2.0 has rules of its own', async () => {
  const plain = { ...hybrid, response_type: 'code', nonce: undefined }
  const by = await stage({ fapi1_advanced: false })
  expect(await answered(by, await signed(by, plain))).toMatchObject({ page: '/login' })
  const unbound = await stage({ tls_client_certificate_bound_access_tokens: undefined })
  expect(await answered(unbound, await signed(unbound, plain))).toMatchObject({ page: '/login' })
  const asked = await stage({ require_signed_request_object: undefined, fapi1_advanced: true })
  expect(await answered(asked, await signed(asked, plain))).toMatchObject({ error: 'invalid_request' })
})
