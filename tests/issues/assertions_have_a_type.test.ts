/** A request object with `sub` and `jti` authenticated its client; `["issuer"]` was an audience in every profile but one; a signed request for nobody in particular was read. Issue 8, A.13 */
import { expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { jwtBearerAssertion } from '../../src/auth/client_auth.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { authorizationUrl, type Json } from '../support/client.ts'
import { operatorClient, read } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kty: 'EC' as const, kid: 'c1', alg: 'ES256' }] }
const redirect_uri = 'https://rp.example/cb'

type Name = 'keyed' | 'shared'

async function start(env: Record<string, string> = {}) {
  const op = await provider({ env })
  const members = {
    redirect_uris: [redirect_uri],
    scope: 'openid',
    grant_types: ['authorization_code', 'client_credentials'],
    id_token_signed_response_alg: 'ES256' as const,
  }
  await operatorClient(op, {
    ...members,
    client_id: 'keyed',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks,
  })
  const shared = await operatorClient(op, {
    ...members,
    client_id: 'shared',
    token_endpoint_auth_method: 'client_secret_jwt',
  })
  const sign = (name: Name, claims: Json, typ?: unknown) =>
    new SignJWT(claims)
      .setProtectedHeader({
        alg: name === 'keyed' ? 'ES256' : 'HS256',
        ...(typ !== undefined && { typ: typ as string }),
      })
      .sign(name === 'keyed' ? privateKey : Buffer.from(shared.client_secret!))
  return { op, sign }
}

const now = (op: Provider) => Math.floor(op.clock.now() / 1000)

const assertionClaims = (op: Provider, name: Name, more: Json = {}): Json => ({
  iss: name,
  sub: name,
  aud: op.issuer,
  jti: systemRandom(9),
  iat: now(op),
  exp: now(op) + 60,
  ...more,
})

/** Whether the client is authenticated at `path`: then only what else the request has is wrong. */
async function isBelieved(op: Provider, client_assertion: string, path = '/token'): Promise<boolean> {
  const body = new URLSearchParams({
    client_assertion,
    client_assertion_type: jwtBearerAssertion,
    grant_type: 'authorization_code',
    code: 'none',
    token: 'none',
  }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await read(await op.fetch(path, { method: 'POST', body, headers }))
  expect(answer.body.error === 'invalid_client').toBe(answer.status === 401)
  return answer.status !== 401
}

const names: Name[] = ['keyed', 'shared']
const paths = ['/token', '/par', '/introspect', '/revoke']

test.each(names)(
  '%s: a JWT of another type authenticates no client, wherever one is asked for',
  async (name) => {
    const { op, sign } = await start()
    for (const typ of [
      'oauth-authz-req+jwt',
      'application/oauth-authz-req+jwt',
      'dpop+jwt',
      'at+jwt',
      'authorization-grant+jwt',
      'logout+jwt',
      'text/jwt',
      '',
      7,
      null,
    ])
      for (const path of paths)
        expect([typ, await isBelieved(op, await sign(name, assertionClaims(op, name), typ), path)]).toEqual([
          typ,
          false,
        ])
    for (const typ of [
      undefined,
      'JWT',
      'jwt',
      'application/JWT',
      'client-authentication+jwt',
      'application/client-authentication+jwt',
    ])
      expect([typ, await isBelieved(op, await sign(name, assertionClaims(op, name), typ))]).toEqual([
        typ,
        true,
      ])
  },
)

test.each(names)('%s: a request object without a type authenticates no client either', async (name) => {
  const { op, sign } = await start()
  const { params } = authorizationUrl(op.issuer, { client_id: name, redirect_uri })
  const requests: Json[] = [
    params,
    { response_type: 'code' },
    { scope: 'openid' },
    { claims: { id_token: {} } },
    { login_hint: 'alice' },
    { id_token_hint: 'x' },
    { authorization_details: [] },
  ]
  for (const request of requests)
    for (const typ of [undefined, 'JWT'])
      expect([
        request,
        await isBelieved(op, await sign(name, assertionClaims(op, name, request), typ)),
      ]).toEqual([request, false])
})

/** A page, or an error for the client when the object is signed by it. Otherwise the sign-in page comes next. */
function isRefused({ status, headers }: Response): boolean {
  if (status !== 303) return true
  const { searchParams } = new URL(headers.get('location')!, redirect_uri)
  const error = searchParams.get('error')
  expect([null, 'invalid_request_object']).toContain(error)
  return error !== null
}

test('an assertion is no request object', async () => {
  const { op, sign } = await start()
  const { params } = authorizationUrl(op.issuer, { client_id: 'keyed', redirect_uri })
  for (const [claims, typ] of [
    [assertionClaims(op, 'keyed', params), 'JWT'],
    [{ ...assertionClaims(op, 'keyed', params), sub: undefined }, 'client-authentication+jwt'],
  ] as [Json, string][]) {
    const query = new URLSearchParams({ client_id: 'keyed', request: await sign('keyed', claims, typ) })
    expect(isRefused(await op.fetch(`/authorize?${query}`))).toBe(true)
  }
})

test.each<[Record<string, string>, boolean]>([
  [{}, false],
  [{ PROFILE: 'mcp' }, false],
  [{ PROFILE: 'fapi2' }, false],
  [{ CLIENT_ASSERTION_AUDIENCE: 'endpoint' }, false],
  [{ PROFILE: 'classic' }, true],
])('%j: a list with the issuer alone is an audience: %p', async (env, list) => {
  const { op, sign } = await start(env)
  const takes = async (aud: unknown) =>
    isBelieved(op, await sign('keyed', assertionClaims(op, 'keyed', { aud })))
  expect(await takes(op.issuer)).toBe(true)
  expect(await takes([op.issuer])).toBe(list)
  expect(await takes([op.issuer, op.issuer])).toBe(list)
  for (const aud of [
    [],
    [op.issuer, 'https://other.example'],
    [[op.issuer]],
    { 0: op.issuer },
    5,
    null,
    undefined,
  ])
    expect([aud, await takes(aud)]).toEqual([aud, false])
})

test.each<[Record<string, string>, Json, string[]]>([
  [{}, {}, ['aud']],
  [{ PROFILE: 'mcp' }, {}, ['aud']],
  [{ PROFILE: 'classic' }, {}, []],
  [{ PROFILE: 'fapi2', REQUIRE_PAR: 'false' }, {}, ['aud', 'exp', 'nbf']],
  [{ REQUIRE_SIGNED_REQUEST_OBJECT: 'true' }, {}, ['aud', 'exp', 'nbf']],
  [{ PROFILE: 'classic' }, { require_signed_request_object: true }, ['aud', 'exp', 'nbf']],
])('%j %j: a signed request object needs %j', async (env, metadata, needed) => {
  const { op, sign } = await start(env)
  await operatorClient(op, {
    client_id: 'signer',
    redirect_uris: [redirect_uri],
    token_endpoint_auth_method: 'private_key_jwt',
    scope: 'openid',
    jwks,
    ...metadata,
  })
  const { params } = authorizationUrl(op.issuer, { client_id: 'signer', redirect_uri }, { scope: 'openid' })
  const whole: Json = { ...params, iss: 'signer', aud: op.issuer, nbf: now(op), exp: now(op) + 60 }
  const takes = async (claims: Json) => {
    const query = new URLSearchParams({ client_id: 'signer', request: await sign('keyed', claims) })
    return !isRefused(await op.fetch(`/authorize?${query}`))
  }
  expect(await takes(whole)).toBe(true)
  for (const claim of ['aud', 'exp', 'nbf'])
    expect([claim, await takes({ ...whole, [claim]: undefined })]).toEqual([claim, !needed.includes(claim)])
})
