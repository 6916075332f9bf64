/** FAPI 1.0 Advanced for a client registered so: signed request objects, `code id_token` with s_hash and c_hash, certificate-bound tokens. https://openid.net/specs/openid-financial-api-part-2-1_0.html#section-5.2.2 */
import { afterAll, expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { leftHalfHash } from '../../src/auth/token.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { Client, makeClient } from '../../src/models/client.ts'
import { claimsOf, type ClientMembers, headerOf, type Json } from '../support/client.ts'
import { type ClientCertificate, makeAuthority } from '../support/client_certificates.ts'
import { person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const authority = makeAuthority()
afterAll(() => authority.remove())
const [bank, thief] = [authority.issue('/O=Example/CN=bank'), authority.issue('/O=Example/CN=thief')]

const key = await generateKeyPair('PS256', { extractable: true })
const jwk = await exportJWK(key.publicKey)
const client_id = 'fapi1-client'
const redirect_uri = 'https://bank.example/cb'
const proxy = '10.1.2.3'

/** As an operator registers it; everything else of this provider stays as it is. */
async function stage(): Promise<Provider> {
  const env = { MUTUAL_TLS: 'true', TRUSTED_PROXIES: proxy, MTLS_CA_PATH: authority.caPath }
  const op = await provider({ env, clock: turnableClock(Date.now() + 60_000) })
  const members: ClientMembers & { client_id: string } = {
    client_id,
    redirect_uris: [redirect_uri],
    response_types: ['code id_token'],
    grant_types: ['authorization_code', 'implicit', 'refresh_token'],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'PS256',
    id_token_signed_response_alg: 'PS256',
    request_object_signing_alg: 'PS256',
    require_signed_request_object: true,
    tls_client_certificate_bound_access_tokens: true,
    require_pkce: false,
    scope: 'openid profile',
    jwks: { keys: [{ ...jwk, kty: 'RSA' as const, n: jwk.n!, kid: 'f1', alg: 'PS256' }] },
  }
  const { client } = makeClient(op.context, members)
  await Client.create(op.context, client)
  return op
}

const seconds = (op: Provider) => Math.floor(op.clock.now() / 1000)
const sign = (claims: Json, typ?: string) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'PS256', kid: 'f1', ...(typ && { typ }) })
    .sign(key.privateKey)

async function requestUrl(op: Provider, more: Json = {}) {
  const params = {
    client_id,
    redirect_uri,
    response_type: 'code id_token',
    scope: 'openid profile',
    state: systemRandom(9),
    nonce: systemRandom(9),
  }
  const request = await sign(
    { ...params, iss: client_id, aud: op.issuer, nbf: seconds(op), exp: seconds(op) + 300, ...more },
    'oauth-authz-req+jwt',
  )
  const beside = { client_id, redirect_uri, response_type: 'code id_token', scope: 'openid' }
  return { url: `${op.issuer}/authorize?${new URLSearchParams({ ...beside, request })}`, params }
}

const shows = ({ der }: ClientCertificate) => ({ 'client-cert': `:${der.toString('base64')}:` })

async function token(op: Provider, fields: Record<string, string>, certificate?: ClientCertificate) {
  const client_assertion = await sign({
    iss: client_id,
    sub: client_id,
    aud: op.issuer,
    jti: systemRandom(12),
    exp: seconds(op) + 60,
  })
  const body = new URLSearchParams({
    ...fields,
    client_assertion,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  })
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    ...(certificate && shows(certificate)),
  }
  const answer = await op.fetch('/token', { method: 'POST', body: body.toString(), headers }, proxy)
  return { status: answer.status, body: (await answer.json()) as Json }
}

const userinfo = async (op: Provider, access_token: unknown, certificate?: ClientCertificate) =>
  (
    await op.fetch(
      '/userinfo',
      { headers: { authorization: `Bearer ${access_token}`, ...(certificate && shows(certificate)) } },
      proxy,
    )
  ).status

test('the whole flow, and what a thief of each part gets', async () => {
  const op = await stage()
  const { url, params } = await requestUrl(op)
  const location = await person(op.issuer, op.fetch).goThrough(url)
  const answer = Object.fromEntries(new URLSearchParams(location.hash.slice(1)))
  expect(answer).toMatchObject({ state: params.state, iss: op.issuer })
  expect(headerOf(answer.id_token).alg).toBe('PS256')
  expect(claimsOf(answer.id_token)).toMatchObject({
    nonce: params.nonce,
    c_hash: leftHalfHash(answer.code!, 'PS256'),
    s_hash: leftHalfHash(params.state, 'PS256'),
  })
  const fields = { grant_type: 'authorization_code', code: answer.code!, redirect_uri }
  expect((await token(op, fields)).status).toBe(400) // no certificate: nothing is issued, nothing is spent
  const { status, body } = await token(op, fields, bank)
  expect(status).toBe(200)
  expect(claimsOf(body.access_token).cnf).toHaveProperty('x5t#S256')
  expect(await userinfo(op, body.access_token, bank)).toBe(200)
  expect(await userinfo(op, body.access_token, thief)).toBe(401)
  expect(await userinfo(op, body.access_token)).toBe(401)
})

test('requests that are unsigned, stale, or not for us are refused', async () => {
  const op = await stage()
  const visitor = person(op.issuer, op.fetch)
  const refusal = async (target: string) =>
    new URLSearchParams((await visitor.open(target)).location!.hash.slice(1)).get('error')
  const plain = new URLSearchParams({
    client_id,
    redirect_uri,
    response_type: 'code id_token',
    scope: 'openid',
    nonce: 'n',
  })
  expect(await refusal(`${op.issuer}/authorize?${plain}`)).toBe('invalid_request')
  for (const wrong of [
    { exp: undefined },
    { nbf: undefined },
    { aud: undefined },
    { nbf: seconds(op) - 3700 },
    { aud: 'https://other.example' },
  ])
    expect([wrong, await refusal((await requestUrl(op, wrong)).url)]).toEqual([
      wrong,
      'invalid_request_object',
    ])
})
