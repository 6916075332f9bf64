/** `latchkey examine` on providers that are well: this one in its profiles and with https, and oidc-provider of npm. Issue 11 §4. */
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTls } from 'node:tls'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Provider from 'oidc-provider'
import { makeDpopKey, readClientKey } from '../../src/cli/examine/client_key.ts'
import { register } from '../../src/cli/examine/register.ts'
import { examine, type Report } from '../../src/cli/examine/report.ts'
import { look, type TestClient } from '../../src/cli/examine/sight.ts'
import { checks } from '../../src/cli/examine/table.ts'
import { Client, makeClient } from '../../src/models/client.ts'
import { demoClient } from '../../src/models/demo.ts'
import { issueCertificate } from '../support/certificate.ts'
import { type Examined, examined, reachOf } from '../support/examined.ts'
import { freePort } from '../support/free_port.ts'

setDefaultTimeout(60_000)

const folder = mkdtempSync(join(tmpdir(), 'latchkey-examine-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const demo: TestClient = {
  client_id: demoClient.client_id,
  client_secret: demoClient.client_secret,
  redirect_uri: 'http://localhost:8080/callback',
}

const reportOf = async ({ issuer, reach }: Pick<Examined, 'issuer' | 'reach'>, client?: TestClient) =>
  examine({ ...(await look(issuer, reach)), client }, checks)

/** The checks with these outcomes, with what was found. */
const of = (report: Report, ...outcomes: string[]) =>
  Object.fromEntries(
    report.checks.filter(({ outcome }) => outcomes.includes(outcome)).map(({ id, found }) => [id, found]),
  )

/** Of http on this machine, which is for development alone. */
const onLoopback = ['metadata.issuer_form', 'metadata.endpoints_https']

/** Without TLS, and with a client that may not use the device flow. */
const plain = [
  ...onLoopback,
  'flows.device',
  'flows.code',
  'headers.hsts',
  'tls.version',
  'tls.old_versions',
  'tls.certificate',
]

test.each<[profile: string, advice: string[]]>([
  ['oauth21', []],
  ['mcp', []],
  ['classic', ['errors.missing_pkce', 'errors.unsigned_request_object', 'metadata.implicit']],
])('this provider, profile %s: no fault', async (PROFILE, advice) => {
  const place = await examined({ PROFILE })
  const report = await reportOf(place, demo)
  await place.stop()
  expect(of(report, 'fail')).toEqual({})
  expect(Object.keys(of(report, 'advice')).sort()).toEqual(advice)
  expect(Object.keys(of(report, 'not_examined'))).toEqual(plain)
  expect(report).toMatchObject({ ok: true, issuer: place.issuer, client: demo.client_id })
})

test('this provider, profile fapi2: a client with a key, pushed requests and bound tokens', async () => {
  const place = await examined({ PROFILE: 'fapi2' })
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = (key: KeyObject) => ({
    ...{ ...key.export({ format: 'jwk' }), kty: 'EC' },
    ...{ kid: 'examiner', alg: 'ES256' },
  })
  const { client } = makeClient(place.op.context, {
    client_id: 'examiner',
    redirect_uris: ['https://app.example/cb'],
    grant_types: ['authorization_code', 'client_credentials'],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [jwk(pair.publicKey)] },
    scope: 'openid',
  })
  await Client.create(place.op.context, client)
  const report = await reportOf(place, {
    client_id: 'examiner',
    client_secret: undefined,
    redirect_uri: 'https://app.example/cb',
    key: await readClientKey(JSON.stringify(jwk(pair.privateKey))),
    dpop: await makeDpopKey(),
  })
  await place.stop()
  expect(of(report, 'fail', 'advice')).toEqual({})
  expect(of(report, 'pass')['abilities.id_token_rs256']).toContain('as FAPI asks')
  expect(Object.keys(of(report, 'not_examined'))).toEqual([
    ...onLoopback,
    ...['flows.device', 'flows.code', 'errors.unknown_refresh_token'],
    ...['headers.hsts', 'tls.version', 'tls.old_versions', 'tls.certificate'],
  ])
})

test('an authorization server without OpenID Connect is measured by RFC 8414 alone', async () => {
  const place = await examined()
  place.disturb(async (request, answer) => {
    if (request.url.endsWith('/openid-configuration')) return new Response(null, { status: 404 })
    if (!request.url.endsWith('/oauth-authorization-server')) return answer
    const {
      subject_types_supported: _,
      id_token_signing_alg_values_supported: __,
      ...rest
    } = (await answer.json()) as Record<string, unknown>
    return Response.json({ ...rest, scopes_supported: ['orders:read'] })
  })
  const report = await reportOf(place, demo)
  await place.stop()
  expect(Object.keys(of(report, 'fail'))).toEqual([])
  expect(of(report, 'not_examined')).toMatchObject({
    'metadata.scopes': 'the provider has no document of OpenID Connect',
    'abilities.id_token_rs256': expect.any(String),
  })
})

test('a client that registers itself is examined, and removed', async () => {
  const place = await examined({ REGISTRATION: 'open' })
  const sight = await look(place.issuer, place.reach)
  const { client, remove } = await register(sight, undefined)
  const report = await examine({ ...sight, client }, checks)
  expect(of(report, 'fail', 'advice')).toEqual({})
  expect(of(report, 'pass')).toContainKey('flows.silent_sign_in')
  await remove!()
  const gone = await examine({ ...sight, client }, checks)
  expect(of(gone, 'fail')).toContainKey('errors.unknown_code')
  await place.stop()
})

test('a provider that limits requests is waited for, as long as it says', async () => {
  const place = await examined()
  const waits: number[] = []
  const reach = { ...place.reach, wait: async (seconds: number) => void waits.push(seconds) }
  let asked = 0
  const limit = new Response(null, { status: 429, headers: { 'retry-after': '7' } })
  place.disturb((request, answer) => {
    const isLimited = request.method === 'POST' && asked++ % 2 === 0
    return isLimited ? limit.clone() : answer
  })
  const report = await reportOf({ issuer: place.issuer, reach }, demo)
  expect(of(report, 'fail', 'advice')).toEqual({})
  expect(new Set(waits)).toEqual(new Set([7]))
  place.disturb((request, answer) => (request.method === 'POST' ? limit.clone() : answer))
  waits.length = 0
  const limited = await reportOf({ issuer: place.issuer, reach }, demo)
  expect(waits).toEqual([7])
  expect(of(limited, 'not_examined')['errors.unknown_client']).toBe('the provider limits requests (429)')
  expect(of(limited, 'fail')).toEqual({})
  await place.stop()
})

describe('https', () => {
  const certificate = (days: number) => issueCertificate(folder, { host: 'localhost', days })
  const read = (path: string) => readFileSync(path, 'utf8')
  const tlsOf = ({ certPath, keyPath, caPath }: ReturnType<typeof certificate>) => ({
    cert: read(certPath),
    key: read(keyPath),
    caPath,
  })

  test('this provider: TLS, HSTS and cookies are examined', async () => {
    const place = await examined({}, tlsOf(certificate(90)))
    const report = await reportOf(place, demo)
    expect(of(report, 'fail', 'advice')).toEqual({})
    expect(Object.keys(of(report, 'not_examined'))).toEqual(['flows.device', 'flows.code'])
    expect(of(report, 'pass')).toMatchObject({ 'tls.version': expect.stringMatching(/^TLSv1\.[23]$/) })
    place.disturb((_, answer) => {
      answer.headers.set('strict-transport-security', 'max-age=60')
      return answer
    })
    expect(of(await reportOf(place), 'advice')).toEqual({
      'headers.hsts': 'Strict-Transport-Security max-age=60',
    })
    await place.stop()
  })

  test('a certificate that ends soon is advice; one that is not trusted is not talked to', async () => {
    const soon = await examined({}, tlsOf(certificate(3)))
    expect(Object.keys(of(await reportOf(soon), 'advice'))).toEqual(['tls.certificate'])
    await expect(look(soon.issuer, reachOf(soon.issuer))).rejects.toThrow('could not be reached')
    await soon.stop()
  })

  test('a server that still takes TLS 1.1 fails', async () => {
    const place = await examined()
    const { certPath, keyPath, caPath } = certificate(90)
    const old = { cert: read(certPath), key: read(keyPath), minVersion: 'TLSv1' as const }
    const server = createTls(old, (socket) => socket.end())
    const port = freePort()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    const { handshake } = reachOf(`https://localhost:${port}`, caPath)
    const report = await reportOf({ issuer: place.issuer, reach: { ...place.reach, handshake } })
    expect(of(report, 'fail')).toEqual({
      'tls.old_versions': 'a connection with TLS 1.1 or older succeeds',
    })
    server.close()
    await place.stop()
  })

  test.each(['http://id.example', 'https://id.example?tenant=1', 'https://id.example#x'])(
    'the issuer %s is none',
    async (issuer) => {
      const place = await examined()
      const sight = { ...(await look(place.issuer, place.reach)), issuer }
      const form = checks.filter(({ id }) => id === 'metadata.issuer_form')
      expect((await examine(sight, form)).counts.fail).toBe(1)
      await place.stop()
    },
  )
})

test('oidc-provider: what its default settings are found to be', async () => {
  const port = freePort()
  const issuer = `http://localhost:${port}`
  const client = {
    client_id: 'examined',
    client_secret: 'a-secret-of-the-examined-client',
    redirect_uri: 'https://app.example/cb',
  }
  const device = 'urn:ietf:params:oauth:grant-type:device_code'
  const { redirect_uri, ...known } = client
  const op = new Provider(issuer, {
    clients: [
      {
        ...known,
        redirect_uris: [redirect_uri],
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials', device],
      },
    ],
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
    },
  })
  const server = createServer(op.callback())
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const report = await reportOf({ issuer, reach: reachOf(issuer) }, client)
  server.close()
  expect(of(report, 'fail')).toEqual({})
  expect(Object.keys(of(report, 'advice')).sort()).toEqual([
    'errors.missing_pkce', // for confidential clients it is optional there
    'headers.content_security_policy',
    'headers.no_frames',
    'headers.no_sniffing',
    'headers.referrer',
  ])
  expect(of(report, 'not_examined')).toEqual({
    ...Object.fromEntries(onLoopback.map((name) => [name, expect.stringContaining('loopback')])),
    'flows.access_token_jwt': 'the access token is opaque',
    'flows.code': expect.stringContaining('browser'),
    'errors.unsigned_request_object': 'the provider takes no request object by value',
    'headers.hsts': 'the issuer is no https URL',
    'tls.version': 'the issuer is no https URL',
    'tls.old_versions': 'the issuer is no https URL',
    'tls.certificate': 'the issuer is no https URL',
  })
})
