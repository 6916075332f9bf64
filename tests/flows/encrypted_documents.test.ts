/** What a client asked to have encrypted arrives encrypted or not at all. https://openid.net/specs/openid-connect-core-1_0.html#Encryption */
import { describe, expect, test } from 'bun:test'
import {
  compactDecrypt,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  type JWK,
  jwtVerify,
} from 'jose'
import { keyFromSecret } from '../../src/features/encryption/algorithms.ts'
import { Client } from '../../src/models/client.ts'
import {
  authorizationUrl,
  claimsOf,
  type ClientMembers,
  type Json,
  type TestClient,
} from '../support/client.ts'
import {
  authorize,
  bearer,
  browser,
  operatorClient,
  post,
  read,
  redeem,
  refresh,
  tokensOf,
} from '../support/flow.ts'
import { laboratory } from '../support/laboratory.ts'
import { type Provider, provider } from '../support/provider.ts'

const redirect_uri = 'https://rp.example/cb'
type Key = CryptoKey | Uint8Array

async function pair(alg: string, kid: string, options: { crv?: string; use?: string } = {}) {
  const { privateKey, publicKey } = await generateKeyPair(alg, {
    extractable: true,
    crv: options.crv ?? 'P-256',
  })
  const use = options.use ?? 'enc'
  return {
    privateKey,
    jwk: { ...(await exportJWK(publicKey)), kid, use } as JWK & { kty: 'RSA' | 'EC' | 'OKP' },
  }
}
const rsa = await pair('RSA-OAEP-256', 'rsa')
const ec = await pair('ECDH-ES', 'ec')
const p521 = await pair('ECDH-ES', 'p521', { crv: 'P-521' })
const signing = await pair('ECDH-ES', 'sig', { use: 'sig' })

const register = async (op: Provider, metadata: Json) =>
  read(
    await op.fetch('/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [redirect_uri], ...metadata }),
    }),
  )

async function registered(op: Provider, metadata: Json): Promise<TestClient> {
  const { status, body, text } = await register(op, metadata)
  if (status !== 201) throw new Error(text)
  for (const [name, value] of Object.entries(metadata)) expect(body[name]).toEqual(value)
  return { client_id: String(body.client_id), client_secret: String(body.client_secret), redirect_uri }
}

async function opened(jwe: string, key: Key, alg: string, enc: string) {
  const { plaintext, protectedHeader } = await compactDecrypt(jwe, key, {
    keyManagementAlgorithms: [alg],
    contentEncryptionAlgorithms: [enc],
  })
  return { text: Buffer.from(plaintext).toString(), header: protectedHeader }
}

async function verified(op: Provider, jwt: string, client: TestClient, typ = 'JWT'): Promise<Json> {
  const keys = (await (await op.fetch('/jwks.json')).json()) as JSONWebKeySet
  const options = {
    issuer: op.issuer,
    audience: client.client_id,
    typ,
    currentDate: new Date(op.clock.now()),
  }
  return (await jwtVerify(jwt, createLocalJWKSet(keys), options)).payload
}

const table: [
  alg: string,
  enc: string | undefined,
  jwks: JWK[],
  key: CryptoKey | number,
  kid: string | undefined,
][] = [
  ['RSA-OAEP-256', undefined, [rsa.jwk, ec.jwk], rsa.privateKey, 'rsa'],
  ['RSA-OAEP-256', 'A256GCM', [ec.jwk, rsa.jwk], rsa.privateKey, 'rsa'],
  ['ECDH-ES', 'A128CBC-HS256', [signing.jwk, ec.jwk], ec.privateKey, 'ec'],
  ['ECDH-ES', 'A256CBC-HS512', [p521.jwk], p521.privateKey, 'p521'],
  ['ECDH-ES+A128KW', 'A128GCM', [rsa.jwk, ec.jwk], ec.privateKey, 'ec'],
  ['ECDH-ES+A256KW', 'A256CBC-HS512', [ec.jwk], ec.privateKey, 'ec'],
  ['dir', 'A128CBC-HS256', [], 256, undefined],
  ['dir', 'A256CBC-HS512', [], 512, undefined],
  ['dir', 'A128GCM', [], 128, undefined],
  ['A128KW', 'A256GCM', [], 128, undefined],
  ['A256KW', 'A128GCM', [], 256, undefined],
]

describe('an ID Token, signed and then encrypted', () => {
  test.each(table)('%s with %s', async (alg, enc, keys, key, kid) => {
    const op = await provider()
    const client = await registered(op, {
      id_token_encrypted_response_alg: alg,
      ...(enc !== undefined && { id_token_encrypted_response_enc: enc }),
      ...(keys.length > 0 && { jwks: { keys } }),
    })
    const { id_token, access_token, nonce } = await tokensOf(op, browser(op), client)
    const private_ = typeof key === 'number' ? keyFromSecret(client.client_secret!, key) : key
    const { text, header } = await opened(id_token, private_, alg, enc ?? 'A128CBC-HS256')
    const { epk: _, ...rest } = header
    expect(rest).toEqual({ alg, enc: enc ?? 'A128CBC-HS256', cty: 'JWT', ...(kid !== undefined && { kid }) })
    expect(await verified(op, text, client)).toMatchObject({ nonce, sub: expect.any(String) })
    expect(access_token).not.toContain(id_token)
  })
})

test('userinfo: claims alone as JSON in a JWE, signed ones as a JWT in it', async () => {
  const op = await provider()
  const jwks = { keys: [ec.jwk] }
  const bare = await registered(op, { userinfo_encrypted_response_alg: 'ECDH-ES', jwks })
  const both = await registered(op, {
    userinfo_encrypted_response_alg: 'ECDH-ES',
    userinfo_encrypted_response_enc: 'A128GCM',
    userinfo_signed_response_alg: 'ES256',
    jwks,
  })
  const ask = async (client: TestClient) => {
    const { access_token } = await tokensOf(op, browser(op), client)
    const answer = await read(await op.fetch('/userinfo', bearer(access_token)))
    expect(answer.headers.get('content-type')).toBe('application/jwt')
    return answer.text
  }
  const plain = await opened(await ask(bare), ec.privateKey, 'ECDH-ES', 'A128CBC-HS256')
  expect(plain.header.cty).toBeUndefined()
  expect(JSON.parse(plain.text)).toMatchObject({ email: 'alice@example.com' })
  const nested = await opened(await ask(both), ec.privateKey, 'ECDH-ES', 'A128GCM')
  expect(nested.header.cty).toBe('JWT')
  expect(await verified(op, nested.text, both)).toMatchObject({ email: 'alice@example.com' })
})

test('introspection: a JWT inside, whatever the caller says it accepts', async () => {
  const op = await provider()
  const metadata = { introspection_encrypted_response_alg: 'RSA-OAEP-256', jwks: { keys: [rsa.jwk] } }
  const client = await registered(op, metadata)
  const { access_token } = await tokensOf(op, browser(op), client)
  for (const accept of ['application/json', 'application/token-introspection+jwt']) {
    const { text, headers } = await post(op, '/introspect', client, { token: access_token }, { accept })
    expect(headers.get('content-type')).toBe('application/token-introspection+jwt')
    const { text: jwt } = await opened(text, rsa.privateKey, 'RSA-OAEP-256', 'A128CBC-HS256')
    expect(await verified(op, jwt, client, 'token-introspection+jwt')).toMatchObject({
      token_introspection: { active: true, client_id: client.client_id },
    })
  }
})

test('the authorization response (JARM): code and errors alike', async () => {
  const op = await provider()
  const metadata = { authorization_encrypted_response_alg: 'ECDH-ES+A256KW', jwks: { keys: [ec.jwk] } }
  const client = await registered(op, metadata)
  const inside = async (location: URL) => {
    expect([...location.searchParams.keys()]).toEqual(['response'])
    const jwe = location.searchParams.get('response')!
    const { text } = await opened(jwe, ec.privateKey, 'ECDH-ES+A256KW', 'A128CBC-HS256')
    return verified(op, text, client)
  }
  const { url, params, code_verifier } = authorizationUrl(op.issuer, client, { response_mode: 'jwt' })
  const { code, state } = await inside(await browser(op).goThrough(url))
  expect(state).toBe(params.state!)
  expect((await redeem(op, client, { code: String(code), code_verifier })).status).toBe(200)
  const refused = await browser(op).open(
    authorizationUrl(op.issuer, client, { response_mode: 'jwt', prompt: 'none' }).url,
  )
  expect(await inside(refused.location!)).toMatchObject({ error: 'login_required' })
})

describe('no usable key: an error, and nothing in the clear', () => {
  const offCurve = { ...ec.jwk, y: ec.jwk.x! }
  const unusable: [string, ClientMembers][] = [
    ['none at all', {}],
    ['a signing key', { jwks: { keys: [signing.jwk] } }],
    ['another kind', { jwks: { keys: [rsa.jwk] } }],
    ['for another algorithm', { jwks: { keys: [{ ...ec.jwk, alg: 'ECDH-ES+A128KW' }] } }],
    ['a point that is not on the curve', { jwks: { keys: [offCurve] } }],
    ['a jwks_uri nobody answers', { jwks_uri: 'https://127.0.0.1:9/jwks.json' }],
  ]
  test.each(unusable)('%s', async (name, keys) => {
    const op = await provider()
    const client = await operatorClient(op, {
      client_id: `odd ${name}`,
      id_token_encrypted_response_alg: 'ECDH-ES',
      userinfo_encrypted_response_alg: 'ECDH-ES',
      introspection_encrypted_response_alg: 'ECDH-ES',
      authorization_encrypted_response_alg: 'ECDH-ES',
      ...keys,
    })
    const who = browser(op)
    const answer = await redeem(op, client, await authorize(op, who, client))
    expect(answer.status).toBe(400)
    expect(answer.body.error).toBe('invalid_request')
    expect(answer.body.id_token).toBeUndefined()
    const asked = await post(op, '/introspect', client, { token: 'lka_x' })
    expect([asked.status, asked.body.error]).toEqual([400, 'invalid_request'])
    const landing = await who.open(authorizationUrl(op.issuer, client, { response_mode: 'jwt' }).url)
    expect(landing.location).toBeUndefined()
    expect(landing.page!.status).toBe(400)
  })

  test.each([
    ['no key', {}],
    ['a broken one', { jwks: { keys: [offCurve] } }],
  ])('%s spends no code and no refresh token: with a key they are still good', async (_, broken) => {
    const op = await provider()
    const good = { jwks: { keys: [ec.jwk] } }
    const client = await operatorClient(op, {
      client_id: 'careless',
      id_token_encrypted_response_alg: 'ECDH-ES',
      ...broken,
    })
    const change = async (keys: ClientMembers) => {
      await Client.update(op.context, 'careless', ({ jwks: _old, ...rest }) => ({ ...rest, ...keys }))
      op.clock.advance(2_000)
    }
    const authorized = await authorize(op, browser(op), client, { scope: 'openid offline_access' })
    expect((await redeem(op, client, authorized)).body.error).toBe('invalid_request')
    await change(good)
    const first = await redeem(op, client, authorized)
    expect(first.status).toBe(200)
    await change(broken)
    expect((await refresh(op, client, String(first.body.refresh_token))).body.error).toBe('invalid_request')
    op.clock.advance(60_000) // beyond the grace of an honest retry
    await change(good)
    expect((await refresh(op, client, String(first.body.refresh_token))).status).toBe(200)
  })

  test('a secret that is gone', async () => {
    const op = await provider()
    const id_token_encrypted_response_alg = 'dir'
    const client = await operatorClient(op, { client_id: 'without', id_token_encrypted_response_alg })
    const authorized = await authorize(op, browser(op), client)
    await Client.update(op.context, 'without', ({ sealed_secret: _, ...rest }) => rest)
    op.clock.advance(2_000)
    expect((await redeem(op, client, authorized)).body).toMatchObject({ error: 'invalid_request' })
  })
})

test('a key that was just added at jwks_uri is found, and the one withdrawn is not used again', async () => {
  const lab = laboratory()
  try {
    let keys: JWK[] = [signing.jwk]
    const server = await lab.https('localhost', (_, response) => response.end(JSON.stringify({ keys })))
    const op = await provider({
      env: { OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`, OUTBOUND_CA_PATH: lab.caPath },
    })
    const jwks_uri = `https://localhost:${server.port}/jwks.json`
    const client = await registered(op, { id_token_encrypted_response_alg: 'ECDH-ES', jwks_uri })
    const attempt = async () => redeem(op, client, await authorize(op, browser(op), client))
    expect((await attempt()).body.error).toBe('invalid_request')
    keys = [signing.jwk, ec.jwk]
    op.clock.advance(31_000)
    const first = (await attempt()).body.id_token
    expect((await opened(String(first), ec.privateKey, 'ECDH-ES', 'A128CBC-HS256')).header.kid).toBe('ec')
    keys = [p521.jwk]
    op.clock.advance(601_000)
    const second = (await attempt()).body.id_token
    expect((await opened(String(second), p521.privateKey, 'ECDH-ES', 'A128CBC-HS256')).header.kid).toBe(
      'p521',
    )
  } finally {
    await lab.close()
  }
})

describe('registration refuses what cannot be kept', () => {
  const jwks = { keys: [ec.jwk] }
  test.each<[string, Json]>([
    ['enc without alg', { id_token_encrypted_response_enc: 'A128GCM' }],
    ['enc without alg, to us', { request_object_encryption_enc: 'A128GCM' }],
    ['no keys', { id_token_encrypted_response_alg: 'ECDH-ES' }],
    ['keys of another kind', { userinfo_encrypted_response_alg: 'RSA-OAEP-256', jwks }],
    ['keys to sign with', { id_token_encrypted_response_alg: 'ECDH-ES', jwks: { keys: [signing.jwk] } }],
    ['no secret', { id_token_encrypted_response_alg: 'dir', token_endpoint_auth_method: 'none' }],
    [
      'no secret beside keys',
      { request_object_encryption_alg: 'A256KW', token_endpoint_auth_method: 'private_key_jwt', jwks },
    ],
    ['RSA1_5', { id_token_encrypted_response_alg: 'RSA1_5', jwks: { keys: [rsa.jwk] } }],
    ['PBES2', { id_token_encrypted_response_alg: 'PBES2-HS256+A128KW' }],
    ['an unknown enc', { id_token_encrypted_response_alg: 'dir', id_token_encrypted_response_enc: 'XC20P' }],
  ])('%s', async (_, metadata) => {
    const { status, body } = await register(await provider(), metadata)
    expect([status, body.error]).toEqual([400, 'invalid_client_metadata'])
  })
})

test('discovery says exactly which algorithms; the core alone says none', async () => {
  const op = await provider({ env: { ENCRYPTION_ALGS: 'RSA-OAEP-256 ECDH-ES' } })
  const { body } = await read(await op.fetch('/.well-known/openid-configuration'))
  const algs = [...new Set(table.map(([alg]) => alg))]
  for (const name of ['id_token', 'userinfo', 'introspection', 'authorization', 'request_object']) {
    expect((body[`${name}_encryption_alg_values_supported`] as string[]).toSorted()).toEqual(algs.toSorted())
    expect((body[`${name}_encryption_enc_values_supported`] as string[]).toSorted()).toEqual(
      ['A128CBC-HS256', 'A256CBC-HS512', 'A128GCM', 'A256GCM'].toSorted(),
    )
  }
  const { keys } = (await read(await op.fetch('/jwks.json'))).body as { keys: Json[] }
  const ours = keys.filter(({ use }) => use === 'enc')
  expect(ours.map(({ kty, alg }) => [kty, alg])).toEqual([
    ['RSA', 'RSA-OAEP-256'],
    ['EC', undefined],
  ])
  expect(keys.every(({ use, d }) => (use === 'sig' || use === 'enc') && d === undefined)).toBe(true)
  const { id_token } = await tokensOf(op, browser(op)) // and who registered nothing gets what they always got
  expect(claimsOf(id_token).iss).toBe(op.issuer)
})
