/** DPoP: a stolen token is worth nothing without the key. https://www.rfc-editor.org/rfc/rfc9449 */
import { expect, test } from 'bun:test'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { sha256 } from '../../src/lib/hash.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { memoryStore } from '../../src/store/memory.ts'
import {
  authorizationUrl,
  browserClient,
  claimsOf,
  demo,
  formPost,
  type Json,
  type TestClient,
} from '../support/client.ts'
import { person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const makeKey = async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  return { privateKey, jwk, jkt: await calculateJwkThumbprint(jwk) }
}
type Key = Awaited<ReturnType<typeof makeKey>>

const proof = (op: Provider, key: Key, htm: string, path: string, more: Json = {}, header: Json = {}) =>
  new SignJWT({
    htm,
    htu: `${op.issuer}${path}`,
    jti: systemRandom(12),
    iat: Math.floor(op.clock.now() / 1000),
    ...more,
  })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk, ...header })
    .sign(key.privateKey)

async function codeFor(op: Provider, client: TestClient, more: Record<string, string> = {}) {
  const { url, code_verifier } = authorizationUrl(op.issuer, client, more)
  const location = await person(op.issuer, op.fetch).goThrough(url)
  return {
    grant_type: 'authorization_code',
    code: location.searchParams.get('code')!,
    redirect_uri: client.redirect_uri,
    code_verifier,
  }
}

const post = async (op: Provider, client: TestClient, fields: Record<string, string>, dpop: string) => {
  const answer = await op.fetch('/token', formPost(client, fields, { dpop }))
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Json }
}

const userinfo = (op: Provider, token: unknown, scheme: string, dpop?: string) =>
  op.fetch('/userinfo', {
    headers: { authorization: `${scheme} ${token}`, ...(dpop !== undefined && { dpop }) },
  })

for (const format of ['jwt', 'opaque'])
  test(`a ${format} token works with its key and with nothing else`, async () => {
    const op = await provider({ env: { ACCESS_TOKEN_FORMAT: format } })
    const [key, thief] = [await makeKey(), await makeKey()]
    const { status, body } = await post(
      op,
      demo,
      await codeFor(op, demo),
      await proof(op, key, 'POST', '/token'),
    )
    expect(status).toBe(200)
    expect(body.token_type).toBe('DPoP')
    if (format === 'jwt') expect(claimsOf(body.access_token)).toMatchObject({ cnf: { jkt: key.jkt } })
    const token = String(body.access_token)
    const ath = sha256(token)
    expect(
      (await userinfo(op, token, 'DPoP', await proof(op, key, 'GET', '/userinfo', { ath }))).status,
    ).toBe(200)

    expect((await userinfo(op, token, 'Bearer')).status).toBe(401)
    expect(
      (await userinfo(op, token, 'Bearer', await proof(op, key, 'GET', '/userinfo', { ath }))).status,
    ).toBe(401)
    expect((await userinfo(op, token, 'DPoP')).status).toBe(401)
    const refused = await userinfo(op, token, 'DPoP', await proof(op, thief, 'GET', '/userinfo', { ath }))
    expect(refused.headers.get('www-authenticate')).toContain('DPoP error="invalid_dpop_proof"')
    for (const wrong of [
      { ath: sha256('other') },
      {},
      { ath, htm: 'POST' },
      { ath, htu: `${op.issuer}/token` },
      { ath, iat: 1 },
    ])
      expect(
        (await userinfo(op, token, 'DPoP', await proof(op, key, 'GET', '/userinfo', wrong))).status,
      ).toBe(401)

    const introspected = await op.fetch('/introspect', formPost(demo, { token }))
    expect(await introspected.json()).toMatchObject({
      active: true,
      token_type: 'DPoP',
      cnf: { jkt: key.jkt },
    })
  })

test('a proof is good once, on whichever instance it arrives', async () => {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const [a, b] = [await provider({ store, clock }), await provider({ store, clock })]
  const key = await makeKey()
  const once = await proof(a, key, 'POST', '/token')
  const fields = { grant_type: 'client_credentials' }
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => post(i % 2 ? a : b, demo, fields, once)),
  )
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(answers.find(({ status }) => status !== 200)!.body.error).toBe('invalid_dpop_proof')
})

test('malformed proofs are refused with invalid_dpop_proof', async () => {
  const op = await provider()
  const key = await makeKey()
  const privateJwk = { ...(await exportJWK(key.privateKey)) }
  const fields = { grant_type: 'client_credentials' }
  const bad = [
    'nonsense',
    await proof(op, key, 'POST', '/token', {}, { typ: 'JWT' }),
    await proof(op, key, 'POST', '/token', {}, { jwk: undefined }),
    await proof(op, key, 'POST', '/token', {}, { jwk: privateJwk }),
    await proof(op, key, 'POST', '/token', { jti: undefined }),
    await proof(op, key, 'POST', '/token', { iat: Math.floor(op.clock.now() / 1000) - 3600 }),
    await proof(op, key, 'POST', '/token', { iat: Math.floor(op.clock.now() / 1000) + 3600 }),
    `${await proof(op, key, 'POST', '/token')}, ${await proof(op, key, 'POST', '/token')}`,
    (await proof(op, key, 'POST', '/token')).replace(/\.[^.]+$/, '.AAAA'),
  ]
  for (const dpop of bad) {
    const { status, body } = await post(op, demo, fields, dpop)
    expect([status, body.error]).toEqual([400, 'invalid_dpop_proof'])
  }
})

test('a code asked for with dpop_jkt is redeemed with that key alone, and failing does not burn it', async () => {
  const op = await provider()
  const [key, thief] = [await makeKey(), await makeKey()]
  const fields = await codeFor(op, demo, { dpop_jkt: key.jkt })
  expect((await post(op, demo, fields, await proof(op, thief, 'POST', '/token'))).body.error).toBe(
    'invalid_grant',
  )
  expect((await post(op, demo, fields, await proof(op, key, 'POST', '/token'))).status).toBe(200)
})

test("a public client's refresh token is bound to its key; a confidential client may change keys", async () => {
  const op = await provider()
  const [key, other] = [await makeKey(), await makeKey()]
  for (const [client, expected] of [
    [browserClient, 400],
    [demo, 200],
  ] as const) {
    const { body } = await post(op, client, await codeFor(op, client), await proof(op, key, 'POST', '/token'))
    const fields = { grant_type: 'refresh_token', refresh_token: String(body.refresh_token) }
    const changed = await post(op, client, fields, await proof(op, other, 'POST', '/token'))
    expect(changed.status).toBe(expected)
    if (expected === 400)
      expect((await post(op, client, fields, await proof(op, key, 'POST', '/token'))).status).toBe(200)
  }
})

test('with DPOP_REQUIRE_NONCE the server hands out a nonce and accepts it on any instance, for a while', async () => {
  const op = await provider({ env: { DPOP_REQUIRE_NONCE: 'true' } })
  const key = await makeKey()
  const fields = { grant_type: 'client_credentials' }
  const first = await post(op, demo, fields, await proof(op, key, 'POST', '/token'))
  expect([first.status, first.body.error]).toEqual([400, 'use_dpop_nonce'])
  const nonce = first.headers.get('dpop-nonce')!
  expect((await post(op, demo, fields, await proof(op, key, 'POST', '/token', { nonce }))).status).toBe(200)
  op.clock.advance(10 * 60_000)
  expect((await post(op, demo, fields, await proof(op, key, 'POST', '/token', { nonce }))).body.error).toBe(
    'use_dpop_nonce',
  )
  expect(
    (await post(op, demo, fields, await proof(op, key, 'POST', '/token', { nonce: 'made-up' }))).body.error,
  ).toBe('use_dpop_nonce')
})

test('dpop_bound_access_tokens makes the proof a duty', async () => {
  const op = await provider()
  const registered = await op.fetch('/register', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [demo.redirect_uri], dpop_bound_access_tokens: true }),
  })
  const client = { ...((await registered.json()) as TestClient), redirect_uri: demo.redirect_uri }
  const fields = await codeFor(op, client)
  // RFC 9449 §10.1: at the push a proof is the client's choice; the duty is of token requests (§5.2).
  const { params } = authorizationUrl(op.issuer, client)
  const asked = Object.fromEntries(
    Object.entries(params).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])),
  )
  expect((await op.fetch('/par', formPost(client, asked))).status).toBe(201)
  const bare = await op.fetch('/token', formPost(client, fields))
  expect(((await bare.json()) as Json).error).toBe('invalid_dpop_proof')
  expect((await post(op, client, fields, await proof(op, await makeKey(), 'POST', '/token'))).status).toBe(
    200,
  )
})
