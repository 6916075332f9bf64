/** A request object pushed with a DPoP proof lost the key of the proof, and could name another key. Issue 8, A.3; RFC 9449 §10.1 */
import { expect, test } from 'bun:test'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { jwtBearerAssertion } from '../../src/auth/client_auth.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { authorizationUrl, formPost, type Json, type TestClient } from '../support/client.ts'
import { operatorClient } from '../support/flow.ts'
import { person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const makeKey = async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  return { privateKey, jwk, jkt: await calculateJwkThumbprint(jwk) }
}
const [own, thief, clientKey] = await Promise.all([makeKey(), makeKey(), makeKey()])

const client: TestClient = { client_id: 'signer', redirect_uri: 'https://rp.example/cb' }

async function start(env: Record<string, string>): Promise<Provider> {
  const op = await provider({ env })
  await operatorClient(op, {
    client_id: client.client_id,
    redirect_uris: [client.redirect_uri],
    scope: 'openid profile',
    token_endpoint_auth_method: 'private_key_jwt',
    id_token_signed_response_alg: 'ES256',
    jwks: { keys: [{ ...clientKey.jwk, kty: 'EC', kid: 'c1', alg: 'ES256' }] },
  })
  return op
}

const now = (op: Provider) => Math.floor(op.clock.now() / 1000)

const sign = (claims: Json, typ?: string) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: 'c1', ...(typ !== undefined && { typ }) })
    .sign(clientKey.privateKey)

const proof = (op: Provider, key: typeof own, path: string) =>
  new SignJWT({ htm: 'POST', htu: `${op.issuer}${path}`, jti: systemRandom(12), iat: now(op) })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk })
    .sign(key.privateKey)

async function post(op: Provider, path: string, fields: Record<string, string>, key?: typeof own) {
  const { client_id } = client
  const client_assertion = await sign({
    iss: client_id,
    sub: client_id,
    aud: op.issuer,
    jti: systemRandom(9),
    exp: now(op) + 60,
  })
  const headers = key && { dpop: await proof(op, key, path) }
  const all = { ...fields, client_assertion_type: jwtBearerAssertion, client_assertion }
  const answer = await op.fetch(path, formPost(client, all, headers))
  return { status: answer.status, body: (await answer.json()) as Json }
}

/** Pushes a request object that has `inside`, with `beside` as fields of the form and a proof by `key`. */
async function push(op: Provider, inside: Json, beside: Record<string, string>, key?: typeof own) {
  const { params, code_verifier } = authorizationUrl(op.issuer, client, { scope: 'openid profile' })
  const times = { nbf: now(op), exp: now(op) + 300 }
  const request = await sign(
    { ...params, iss: client.client_id, aud: op.issuer, ...times, ...inside },
    'oauth-authz-req+jwt',
  )
  return { ...(await post(op, '/par', { request, ...beside }, key)), code_verifier }
}

/** Whether the code of a pushed request is redeemed under the key `by`. */
async function redeem(op: Provider, pushed: Awaited<ReturnType<typeof push>>, by: typeof own) {
  expect(pushed.status).toBe(201)
  const query = new URLSearchParams({
    client_id: client.client_id,
    request_uri: String(pushed.body.request_uri),
  })
  const location = await person(op.issuer, op.fetch).goThrough(`${op.issuer}/authorize?${query}`)
  const { code_verifier } = pushed
  const { status, body } = await post(
    op,
    '/token',
    {
      grant_type: 'authorization_code',
      code: location.searchParams.get('code')!,
      redirect_uri: client.redirect_uri,
      code_verifier,
    },
    by,
  )
  return status === 200 ? 'redeemed' : body.error
}

const profiles = [{}, { PROFILE: 'fapi2' }, { PROFILE: 'classic' }] as Record<string, string>[]

for (const env of profiles) {
  const named = JSON.stringify(env)

  test(`${named}: the proof binds the code of a request object`, async () => {
    const op = await start(env)
    expect(await redeem(op, await push(op, {}, {}, own), thief)).toBe('invalid_grant')
    expect(await redeem(op, await push(op, {}, {}, own), own)).toBe('redeemed')
    expect(await redeem(op, await push(op, { dpop_jkt: own.jkt }, {}, own), thief)).toBe('invalid_grant')
    expect(await redeem(op, await push(op, { dpop_jkt: own.jkt }, {}, own), own)).toBe('redeemed')
  })

  test(`${named}: dpop_jkt of another key than that of the proof is refused, inside and beside`, async () => {
    const op = await start(env)
    for (const [inside, beside] of [
      [{ dpop_jkt: thief.jkt }, {}],
      [{}, { dpop_jkt: thief.jkt }],
      [{ dpop_jkt: thief.jkt }, { dpop_jkt: own.jkt }],
      [{ dpop_jkt: own.jkt }, { dpop_jkt: thief.jkt }],
    ] as [Json, Record<string, string>][]) {
      const { status, body } = await push(op, inside, beside, own)
      expect([status, body.error]).toEqual([400, 'invalid_request'])
    }
  })

  test(`${named}: dpop_jkt that the client pushes beside the request object binds the code as well`, async () => {
    const op = await start(env)
    expect(await redeem(op, await push(op, {}, { dpop_jkt: own.jkt }), thief)).toBe('invalid_grant')
    expect(await redeem(op, await push(op, {}, { dpop_jkt: own.jkt }), own)).toBe('redeemed')
    const two = await push(op, { dpop_jkt: own.jkt }, { dpop_jkt: thief.jkt })
    expect([two.status, two.body.error]).toEqual([400, 'invalid_request'])
  })
}
