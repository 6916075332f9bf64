/** A client whose keys are at its own URL: rotated by `kid`, kept for a while, and gone when its server is. https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { type Laboratory, laboratory, type Stranger } from '../support/laboratory.ts'
import { type Provider, provider } from '../support/provider.ts'

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

interface Pair {
  kid: string
  privateKey: CryptoKey
  jwk: JWK
  privateJwk: JWK
}

async function pair(kid: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const named = { kid, alg: 'ES256', use: 'sig' }
  return {
    kid,
    privateKey,
    jwk: { ...(await exportJWK(publicKey)), ...named },
    privateJwk: { ...(await exportJWK(privateKey)), ...named },
  }
}

let lab: Laboratory
let server: Stranger
let op: Provider
let uri: string
/** What the client's server answers, and how often it was asked. */
let published: unknown
let status = 200
let requests = 0
let silent = false

beforeEach(async () => {
  lab = laboratory()
  ;[status, requests, silent] = [200, 0, false]
  server = await lab.https('localhost', (request, response) => {
    requests++
    if (request.url?.startsWith('/healthy')) response.end(JSON.stringify(published))
    else if (!silent) response.writeHead(status).end(JSON.stringify(published))
  })
  uri = `https://localhost:${server.port}/jwks.json`
  op = await provider({
    env: {
      REGISTRATION: 'open',
      REGISTRATION_ALLOWED_GRANT_TYPES: 'authorization_code client_credentials',
      OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`,
      OUTBOUND_CA_PATH: lab.caPath,
      OUTBOUND_TIMEOUT_MS: '2000',
      RATE_LIMITING_ENABLED: 'false',
    },
  })
})
afterEach(() => lab.close())

const register = (metadata: object) =>
  op.fetch('/register', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      grant_types: ['client_credentials'],
      response_types: [],
      token_endpoint_auth_method: 'private_key_jwt',
      ...metadata,
    }),
  })

async function registered(metadata: object = { jwks_uri: uri }): Promise<string> {
  const response = await register(metadata)
  expect(response.status).toBe(201)
  return ((await response.json()) as { client_id: string }).client_id
}

let jti = 0
async function assertion(clientId: string, key: Pair, header: { kid?: string } = { kid: key.kid }) {
  const now = Math.floor(op.clock.now() / 1000)
  return new SignJWT({ jti: `${jti++}` })
    .setProtectedHeader({ alg: 'ES256', ...header })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(op.issuer)
    .setIssuedAt(now)
    .setExpirationTime(now + 60)
    .sign(key.privateKey)
}

/** `200`, or the status and the error. */
async function authenticate(clientId: string, key: Pair, header?: { kid?: string }): Promise<string> {
  const response = await op.fetch('/token', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: assertionType,
      client_assertion: await assertion(clientId, key, header),
    }).toString(),
  })
  const body = (await response.json()) as { error?: string; error_description?: string }
  description = body.error_description ?? ''
  return response.status === 200 ? '200' : `${response.status} ${body.error}`
}
let description = ''

describe('registration', () => {
  test('says back the jwks_uri', async () => {
    const response = await register({ jwks_uri: uri })
    expect(await response.json()).toMatchObject({ jwks_uri: uri })
    expect(requests).toBe(0)
  })

  test.each([
    ['http', { jwks_uri: 'http://rp.example/jwks' }],
    ['no URL', { jwks_uri: 'jwks' }],
    ['both', { jwks_uri: 'https://rp.example/jwks', jwks: 'ours' }],
    ['neither', {}],
  ])('refuses %s', async (_, metadata) => {
    const { jwk } = await pair('a')
    const response = await register('jwks' in metadata ? { ...metadata, jwks: { keys: [jwk] } } : metadata)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: 'invalid_client_metadata' })
  })
})

describe('keys', () => {
  test('are fetched once for many requests, at the same time and after another', async () => {
    const a = await pair('a')
    published = { keys: [a.jwk] }
    const client = await registered()
    const all = await Promise.all(Array.from({ length: 8 }, () => authenticate(client, a)))
    expect(all).toEqual(Array(8).fill('200'))
    expect(await authenticate(client, a)).toBe('200')
    expect(requests).toBe(1)
  })

  test('rotate: a kid we do not know has them fetched again, the old one goes', async () => {
    const [a, b] = [await pair('a'), await pair('b')]
    published = { keys: [a.jwk] }
    const client = await registered()
    expect(await authenticate(client, a)).toBe('200')
    published = { keys: [b.jwk] }
    op.clock.advance(31_000)
    expect(await authenticate(client, b)).toBe('200')
    expect(requests).toBe(2)
    op.clock.advance(31_000)
    expect(await authenticate(client, a)).toBe('401 invalid_client')
    expect(await authenticate(client, b)).toBe('200')
  })

  test('an invented kid costs the client one request in thirty seconds, however often it comes', async () => {
    const [a, stranger] = [await pair('a'), await pair('x')]
    published = { keys: [a.jwk] }
    const client = await registered()
    expect(await authenticate(client, a)).toBe('200')
    for (let i = 0; i < 10; i++)
      expect(await authenticate(client, stranger, { kid: `invented-${i}` })).toBe('401 invalid_client')
    expect(requests).toBe(1)
    op.clock.advance(30_000)
    const burst = Array.from({ length: 10 }, (_, i) => authenticate(client, stranger, { kid: `burst-${i}` }))
    expect(new Set(await Promise.all(burst))).toEqual(new Set(['401 invalid_client']))
    expect(requests).toBe(2)
    expect(await authenticate(client, a)).toBe('200')
  })

  test('are believed for ten minutes', async () => {
    const a = await pair('a')
    published = { keys: [a.jwk] }
    const client = await registered()
    expect(await authenticate(client, a)).toBe('200')
    published = { keys: [] }
    op.clock.advance(599_000)
    expect(await authenticate(client, a)).toBe('200')
    op.clock.advance(1_000)
    expect(await authenticate(client, a)).toBe('401 invalid_client')
  })

  test('of one client do not sign for another', async () => {
    const [a, b] = [await pair('same'), await pair('same')]
    published = { keys: [a.jwk] }
    const client = await registered()
    const other = await registered({ jwks: { keys: [b.jwk] } })
    expect(await authenticate(client, b)).toBe('401 invalid_client')
    expect(await authenticate(other, a)).toBe('401 invalid_client')
    expect(await authenticate(other, b)).toBe('200')
  })

  test('for encryption do not sign', async () => {
    const a = await pair('a')
    published = { keys: [{ ...a.jwk, use: 'enc' }] }
    expect(await authenticate(await registered(), a)).toBe('401 invalid_client')
  })

  test('of kinds we do not take are passed over, the others count', async () => {
    const a = await pair('a')
    const weak = { kty: 'RSA', kid: 'weak', n: 'AQAB', e: 'AQAB' }
    published = { keys: [{ kty: 'AKP', kid: 'pq', alg: 'ML-DSA-44', pub: 'AA' }, weak, a.jwk] }
    expect(await authenticate(await registered(), a)).toBe('200')
  })
})

describe('a set that shows too much or is none', () => {
  const sets: [what: string, set: (key: Pair) => unknown][] = [
    ['its private key', (a) => ({ keys: [a.privateJwk] })],
    ['another private key', (a) => ({ keys: [a.jwk, { ...a.privateJwk, kid: 'b' }] })],
    ['a shared secret', (a) => ({ keys: [a.jwk, { kty: 'oct', k: 'AAAA' }] })],
    [
      '21 keys',
      (a) => ({ keys: Array.from({ length: 21 }, (_, i) => ({ ...a.jwk, kid: i ? `${i}` : 'a' })) }),
    ],
    ['more than 64 KB', (a) => ({ keys: [a.jwk], padding: 'x'.repeat(65_536) })],
    ['an array', (a) => [a.jwk]],
    ['null', () => null],
    ['text', () => 'keys'],
    ['keys that are none', () => ({ keys: [null, 1, 'x'] })],
  ]
  test.each(sets)('%s', async (_, set) => {
    const a = await pair('a')
    published = set(a)
    expect(await authenticate(await registered(), a)).toBe('401 invalid_client')
    expect(description).toContain('jwks_uri')
  })
})

describe('an outage of the client', () => {
  const outages: [what: string, begin: () => void][] = [
    ['answers 500', () => (status = 500)],
    ['redirects', () => (status = 302)],
    ['hangs', () => (silent = true)],
  ]
  test.each(outages)('whose server %s: invalid_client, and asked once in ten seconds', async (_, begin) => {
    const a = await pair('a')
    published = { keys: [a.jwk] }
    const client = await registered()
    begin()
    for (let i = 0; i < 5; i++) expect(await authenticate(client, a)).toBe('401 invalid_client')
    expect(requests).toBe(1)
    ;[status, silent] = [200, false]
    op.clock.advance(10_000)
    expect(await authenticate(client, a)).toBe('200')
  })

  test('that begins later: known keys still sign', async () => {
    const [a, b] = [await pair('a'), await pair('b')]
    published = { keys: [a.jwk] }
    const client = await registered()
    expect(await authenticate(client, a)).toBe('200')
    status = 500
    op.clock.advance(31_000)
    expect(await authenticate(client, b)).toBe('401 invalid_client')
    expect(await authenticate(client, a)).toBe('200')
  })

  test('hurts nobody else, not even at the same host', async () => {
    const a = await pair('a')
    published = { keys: [a.jwk] }
    const [hung, healthy, local] = [
      await registered(),
      await registered({ jwks_uri: uri.replace('/jwks.json', '/healthy.json') }),
      await registered({ jwks: { keys: [a.jwk] } }),
    ]
    silent = true
    let givenUp = 0
    const waiting = Array.from({ length: 20 }, () => authenticate(hung, a).finally(() => givenUp++))
    expect(await authenticate(local, a)).toBe('200')
    expect(await authenticate(healthy, a)).toBe('200')
    expect(givenUp).toBe(0)
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['401 invalid_client']))
  })

  test('what the caller hears says nothing of our network', async () => {
    const a = await pair('a')
    const client = await registered({ jwks_uri: 'https://127.0.0.1:9443/jwks' })
    expect(await authenticate(client, a)).toBe('401 invalid_client')
    expect(description).toBe('jwks_uri of this client must lead to a public address')
  })
})
