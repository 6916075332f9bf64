/** What was fetched for one purpose is no answer to another, and what fails or hangs for one does not stop another. */
import { afterEach, beforeEach, expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { authorizationUrl } from '../support/client.ts'
import { guarded, type Laboratory, laboratory, type Stranger } from '../support/laboratory.ts'
import { type Provider, provider } from '../support/provider.ts'

const redirect_uri = 'https://app.example/callback'

let lab: Laboratory
let server: Stranger
let op: Provider
let base: string
let pages: Record<string, () => { type: string; body: unknown } | undefined>

beforeEach(async () => {
  lab = laboratory()
  pages = {}
  server = await lab.https('localhost', (request, response) => {
    const page = pages[request.url!]?.()
    if (page) response.writeHead(200, { 'content-type': page.type }).end(JSON.stringify(page.body))
  })
  base = `https://localhost:${server.port}`
  op = await provider({
    env: {
      PROFILE: 'mcp',
      REGISTRATION: 'open',
      REGISTRATION_ALLOWED_GRANT_TYPES: 'authorization_code client_credentials',
      OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`,
      OUTBOUND_CA_PATH: lab.caPath,
      OUTBOUND_TIMEOUT_MS: '30000',
      RATE_LIMITING_ENABLED: 'false',
    },
  })
})
afterEach(() => lab.close())

async function register(metadata: object): Promise<Response> {
  const body = JSON.stringify({
    grant_types: ['client_credentials'],
    response_types: [],
    token_endpoint_auth_method: 'private_key_jwt',
    ...metadata,
  })
  return op.fetch('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
}

async function keyedClient(jwks_uri: string) {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const answer = await register({ jwks_uri })
  expect(answer.status).toBe(201)
  const { client_id } = (await answer.json()) as { client_id: string }
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'a', alg: 'ES256' }] }
  let jti = 0
  const authenticate = async (): Promise<number> => {
    const now = Math.floor(op.clock.now() / 1000)
    const client_assertion = await new SignJWT({ jti: `${jti++}` })
      .setProtectedHeader({ alg: 'ES256', kid: 'a' })
      .setIssuer(client_id)
      .setSubject(client_id)
      .setAudience(op.issuer)
      .setIssuedAt(now)
      .setExpirationTime(now + 60)
      .sign(privateKey)
    const answer = await op.fetch('/token', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion,
      }).toString(),
    })
    return answer.status
  }
  return { jwks, authenticate }
}

const authorize = (client_id: string) =>
  op.fetch(authorizationUrl(op.issuer, { client_id, redirect_uri }, { scope: 'openid' }).url)

test('a text file that was fetched as jwks_uri does not become a client', async () => {
  const url = `${base}/upload.txt`
  const { authenticate, jwks } = await keyedClient(url)
  const document = {
    client_id: url,
    client_name: 'Upload',
    redirect_uris: [redirect_uri],
    token_endpoint_auth_method: 'none',
    ...jwks,
  }
  pages['/upload.txt'] = () => ({ type: 'text/plain', body: document })
  expect(await authenticate()).toBe(200)
  expect((await authorize(url)).status).toBe(400)
  // Nor while the request of the other purpose is on its way.
  op.clock.advance(601_000)
  const [authenticated, opened] = await Promise.all([authenticate(), authorize(url)])
  expect([authenticated, opened.status]).toEqual([200, 400])
})

test('authorization requests that name the jwks_uri of a client as client_id do not stop its authentication', async () => {
  const url = `${base}/jwks.json`
  const { authenticate, jwks } = await keyedClient(url)
  pages['/jwks.json'] = () => ({ type: 'application/octet-stream', body: jwks })
  for (let round = 0; round < 3; round++) {
    const strangers = Array.from({ length: 40 }, () => authorize(url))
    expect(await authenticate()).toBe(200)
    for (const each of await Promise.all(strangers)) expect(each.status).toBe(400)
    op.clock.advance(601_000)
  }
})

test('a refused document is not fetched again for ten seconds, for its own purpose alone', async () => {
  const url = `${base}/jwks.json`
  let requests = 0
  const { authenticate, jwks } = await keyedClient(url)
  pages['/jwks.json'] = () => (requests++, { type: 'application/json', body: jwks })
  for (let i = 0; i < 5; i++) expect((await authorize(url)).status).toBe(400)
  expect(requests).toBe(1)
  expect(await authenticate()).toBe(200)
  expect(requests).toBe(2)
  op.clock.advance(10_001)
  expect((await authorize(url)).status).toBe(400)
  expect(requests).toBe(3)
})

test('sector_identifier_uri that is a jwks_uri is refused each time, and the keys hold', async () => {
  const url = `${base}/jwks.json`
  const { authenticate, jwks } = await keyedClient(url)
  pages['/jwks.json'] = () => ({ type: 'application/json', body: jwks })
  const pairwise = {
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    redirect_uris: [redirect_uri],
    subject_type: 'pairwise',
    sector_identifier_uri: url,
  }
  for (let i = 0; i < 3; i++) expect((await register(pairwise)).status).toBe(400)
  expect(await authenticate()).toBe(200)
})

test('names of one site that hang in DNS delay no other site, and another purpose not at all', async () => {
  const good = await lab.https('rp.example', (_, response) => void response.end('{}'))
  const hangs = (host: string) => host.endsWith('.attacker.example')
  const out = guarded({
    allow: [`rp.example:${good.port}`],
    caPath: lab.caPath,
    timeoutMs: 30_000,
    resolve: (host) => (hangs(host) ? new Promise(() => {}) : Promise.resolve(['127.0.0.1'])),
  })
  const hung = (i: number, site = 'attacker.example') =>
    void out.getJson(`https://n${i}.${site}/`, { purpose: 'client_document', cacheFor: 60 }).catch(() => {})
  for (let i = 0; i < 200; i++) hung(i)
  const url = `https://rp.example:${good.port}`
  expect(await out.getJson(`${url}/a`, { purpose: 'client_document', cacheFor: 60 })).toEqual({})
  for (let i = 0; i < 1000; i++) hung(i, `s${i % 100}.attacker.example`)
  expect(await out.getJson(`${url}/b`, { purpose: 'keys', cacheFor: 60 })).toEqual({})
})
