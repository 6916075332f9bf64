/** Mutual TLS: a client is known by its certificate, and a stolen token is worth nothing without it. https://www.rfc-editor.org/rfc/rfc8705 */
import { afterAll, expect, test } from 'bun:test'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { ConfigError } from '../../src/config.ts'
import { sha256 } from '../../src/lib/hash.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { authorizationUrl, claimsOf, demo, formPost, type Json, type TestClient } from '../support/client.ts'
import { type ClientCertificate, makeAuthority } from '../support/client_certificates.ts'
import { laboratory } from '../support/laboratory.ts'
import { person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const authority = makeAuthority()
afterAll(() => authority.remove())

const ann = authority.issue('/O=Example/CN=ann', 'subjectAltName=DNS:ann.example,IP:192.0.2.7')
const thief = authority.issue('/O=Example/CN=thief', 'subjectAltName=DNS:thief.example')
const loner = authority.selfSigned('/O=Example/CN=ann', 'subjectAltName=DNS:ann.example')

const proxy = '10.1.2.3'
const env = {
  MUTUAL_TLS: 'true',
  TRUSTED_PROXIES: proxy,
  MTLS_CA_PATH: authority.caPath,
  REGISTRATION: 'open',
  REGISTRATION_ALLOWED_GRANT_TYPES: 'authorization_code refresh_token client_credentials',
}
/** A minute ahead, so that certificates made meanwhile are valid already. */
const minuteAhead = () => turnableClock(Date.now() + 60_000)
const start = (more: Record<string, string> = {}, clock = minuteAhead()) =>
  provider({ env: { ...env, ...more }, clock })

/** As a proxy that speaks RFC 9440 passes it on. */
const shows = ({ der }: ClientCertificate) => ({ 'client-cert': `:${der.toString('base64')}:` })

async function register(op: Provider, metadata: Json): Promise<{ status: number; body: Json }> {
  const answer = await op.fetch('/register', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: [demo.redirect_uri],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      ...metadata,
    }),
  })
  return { status: answer.status, body: (await answer.json()) as Json }
}

async function newClient(op: Provider, metadata: Json): Promise<TestClient> {
  const { status, body } = await register(op, metadata)
  expect([status, body.error_description]).toEqual([201, undefined])
  const { client_id, client_secret } = body as { client_id: string; client_secret?: string }
  return { client_id, redirect_uri: demo.redirect_uri, ...(client_secret && { client_secret }) }
}

const byName = (field: string, value: string) => ({
  token_endpoint_auth_method: 'tls_client_auth',
  [`tls_client_auth_${field}`]: value,
})

async function post(
  op: Provider,
  client: TestClient,
  headers: Record<string, string> = {},
  fields: Record<string, string> = { grant_type: 'client_credentials' },
  peer = proxy,
  path = '/token',
) {
  const answer = await op.fetch(path, formPost(client, fields, headers), peer)
  return { status: answer.status, body: (await answer.json()) as Json }
}

const boundTokens = { tls_client_certificate_bound_access_tokens: true }

const refused = ({ status, body }: { status: number; body: Json }) => [status, body.error]

test('tls_client_auth by each subject field: the certificate that is named, and no other', async () => {
  const op = await start()
  const rich = authority.issue(
    '/C=DE/O=Example/CN=rich',
    'subjectAltName=DNS:rich.example,URI:urn:example:rich,IP:2001:db8::7,email:rich@example.com',
  )
  for (const [field, value] of [
    ['subject_dn', 'cn=Rich, o=Example, c=DE'],
    ['san_dns', 'Rich.example'],
    ['san_uri', 'urn:example:rich'],
    ['san_ip', '2001:db8:0:0:0:0:0:7'],
    ['san_email', 'rich@EXAMPLE.com'],
  ] as const) {
    const client = await newClient(op, byName(field, value))
    expect((await post(op, client, shows(rich))).status).toBe(200)
    for (const headers of [shows(thief), shows(ann), {}])
      expect(refused(await post(op, client, headers))).toEqual([401, 'invalid_client'])
  }
})

test('a certificate with the right name that nobody vouches for is refused, and one for servers', async () => {
  const op = await start()
  const client = await newClient(op, byName('san_dns', 'ann.example'))
  const other = makeAuthority()
  const forServers = ['subjectAltName=DNS:ann.example', 'extendedKeyUsage=serverAuth']
  for (const certificate of [
    loner,
    other.issue('/O=Example/CN=ann', 'subjectAltName=DNS:ann.example'), // a CA of the same name
    authority.issue('/O=Example/CN=ann', ...forServers),
  ])
    expect(refused(await post(op, client, shows(certificate)))).toEqual([401, 'invalid_client'])
  other.remove()
  const forClients = ['subjectAltName=DNS:ann.example', 'extendedKeyUsage=clientAuth']
  expect((await post(op, client, shows(authority.issue('/CN=x', ...forClients)))).status).toBe(200)
})

test('a certificate whose signature does not hold is refused, however well it is named', async () => {
  const op = await start()
  const client = await newClient(op, byName('san_dns', 'ann.example'))
  const bent = Buffer.from(ann.der)
  bent[bent.length - 1]! ^= 1 // the signature
  expect(refused(await post(op, client, shows({ ...ann, der: bent })))).toEqual([401, 'invalid_client'])
})

test('expired, or not valid yet: refused at the token endpoint and at userinfo', async () => {
  const clock = minuteAhead()
  const op = await start({ ACCESS_TOKEN_TTL: '86400' }, clock)
  const client = await newClient(op, byName('san_dns', 'ann.example'))
  const late = authority.expired('/O=Example/CN=ann')
  expect(refused(await post(op, client, shows(late)))).toEqual([401, 'invalid_client'])
  clock.advance(-86_400_000)
  expect(refused(await post(op, client, shows(ann)))).toEqual([401, 'invalid_client'])
  clock.advance(86_400_000)
  expect((await post(op, client, shows(ann))).status).toBe(200)
  clock.advance(9.9 * 86_400_000) // of ten days
  expect((await post(op, client, shows(ann))).status).toBe(200)

  const { body } = await tokensFor(op, await newClient(op, boundTokens), shows(ann))
  expect((await userinfo(op, body.access_token, shows(ann))).status).toBe(200)
  clock.advance(0.2 * 86_400_000)
  expect(refused(await post(op, client, shows(ann)))).toEqual([401, 'invalid_client'])
  expect((await userinfo(op, body.access_token, shows(ann))).status).toBe(401)
})

test('self_signed_tls_client_auth: by x5c that certificate alone, by key every certificate of the key', async () => {
  const op = await start()
  const method = { token_endpoint_auth_method: 'self_signed_tls_client_auth' }
  const again = authority.again(loner)
  expect(again.jwk).toEqual(loner.jwk)
  const x5c = [loner.der.toString('base64')]
  const byCertificate = await newClient(op, { ...method, jwks: { keys: [{ ...loner.jwk, x5c }] } })
  const byKey = await newClient(op, { ...method, jwks: { keys: [ann.jwk, loner.jwk] } })
  const forEncryption = await newClient(op, { ...method, jwks: { keys: [{ ...loner.jwk, use: 'enc' }] } })
  const statuses = async (client: TestClient) =>
    Promise.all([loner, again, ann, thief].map(async (each) => (await post(op, client, shows(each))).status))
  expect(await statuses(byCertificate)).toEqual([200, 401, 401, 401])
  expect(await statuses(byKey)).toEqual([200, 200, 200, 401])
  expect(await statuses(forEncryption)).toEqual([401, 401, 401, 401])
  expect(refused(await post(op, byKey))).toEqual([401, 'invalid_client'])
})

test('jwks_uri: a client that changes its certificate publishes it first; the old one ends with it', async () => {
  const lab = laboratory()
  let keys: unknown[] = [ann.jwk]
  const server = await lab.https('localhost', (_, response) => response.end(JSON.stringify({ keys })))
  const clock = minuteAhead()
  const op = await start(
    { OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`, OUTBOUND_CA_PATH: lab.caPath },
    clock,
  )
  const client = await newClient(op, {
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    jwks_uri: `https://localhost:${server.port}/jwks.json`,
  })
  expect((await post(op, client, shows(ann))).status).toBe(200)
  keys = [loner.jwk]
  clock.advance(31_000)
  expect((await post(op, client, shows(loner))).status).toBe(200)
  expect((await post(op, client, shows(ann))).status).toBe(401)
  const asked = server.connections()
  for (let i = 0; i < 10; i++) await post(op, client, shows(thief))
  expect(server.connections()).toBe(asked) // a stranger cannot make us ask again and again
  lab.close()
})

test('FAPI 2.0: a certificate is as good as a DPoP proof, for clients that ask for bound tokens', async () => {
  const op = await start({ PROFILE: 'fapi2' })
  const bound = await newClient(op, { ...byName('san_dns', 'ann.example'), ...boundTokens })
  const { body } = await post(op, bound, shows(ann))
  expect(claimsOf(body.access_token).cnf).toEqual({ 'x5t#S256': ann.thumbprint })
  const unbound = await newClient(op, byName('san_dns', 'ann.example'))
  expect(refused(await post(op, unbound, shows(ann)))).toEqual([400, 'invalid_request'])
})

test('the header is worth something from a trusted proxy alone, and the log says once that another tried', async () => {
  const op = await start()
  const client = await newClient(op, byName('san_dns', 'ann.example'))
  const grant = { grant_type: 'client_credentials' }
  for (const peer of ['10.1.2.4', '127.0.0.1', '::1', '203.0.113.9', ''])
    expect(refused(await post(op, client, shows(ann), grant, peer))).toEqual([401, 'invalid_client'])
  // The address that a request claims to come from is not the one it comes from.
  const claimed = { ...shows(ann), 'x-forwarded-for': proxy, forwarded: `for=${proxy}` }
  expect(refused(await post(op, client, claimed, grant, '203.0.113.9'))).toEqual([401, 'invalid_client'])
  expect(op.lines.filter((line) => line.includes('untrusted_client_certificate'))).toHaveLength(1)
  expect((await post(op, client, shows(ann), grant, `::ffff:${proxy}`)).status).toBe(200)
})

test('one header in one form: the other one is nothing, and a repeated one is refused', async () => {
  const standard = shows(ann)
  const escaped = { 'x-ssl-client-cert': encodeURIComponent(ann.pem) }
  for (const [more, right, wrong] of [
    [{}, standard, escaped],
    [{ MTLS_CLIENT_CERT_HEADER: 'X-SSL-Client-Cert' }, escaped, standard],
  ] as const) {
    const op = await start(more)
    const client = await newClient(op, byName('san_dns', 'ann.example'))
    expect((await post(op, client, right)).status).toBe(200)
    expect(refused(await post(op, client, wrong))).toEqual([401, 'invalid_client'])
    const [[name, value]] = Object.entries(right) as [[string, string]]
    expect((await post(op, client, { ...wrong, [name.toUpperCase()]: value })).status).toBe(200)
    const spoiled = `:${thief.der.toString('base64')}:`
    for (const bad of [`${value}, ${value}`, `${spoiled}, ${value}`, `${value}x`, 'x'.repeat(14_000)])
      expect(refused(await post(op, client, { [name]: bad }))).toEqual([401, 'invalid_client'])
  }
})

test('what the proxy verified counts by its one word, and together with an authority of ours both must hold', async () => {
  const verified = (word: string) => ({ 'x-ssl-client-verify': word })
  const header = { MTLS_CLIENT_VERIFY_HEADER: 'X-SSL-Client-Verify' }
  const op = await start({ ...header, MTLS_CA_PATH: '' })
  const client = await newClient(op, byName('san_dns', 'ann.example'))
  // loner is issued by nobody: this proxy says what it says.
  for (const certificate of [ann, loner])
    expect((await post(op, client, { ...shows(certificate), ...verified('SUCCESS') })).status).toBe(200)
  for (const word of [
    'FAILED:self-signed certificate',
    'NONE',
    'success',
    'SUCCESS, SUCCESS',
    'SUCCESS,NONE',
    '',
  ])
    expect(refused(await post(op, client, { ...shows(ann), ...verified(word) }))).toEqual([
      401,
      'invalid_client',
    ])
  expect(refused(await post(op, client, shows(ann)))).toEqual([401, 'invalid_client'])

  const both = await start(header)
  const strict = await newClient(both, byName('san_dns', 'ann.example'))
  expect((await post(both, strict, { ...shows(ann), ...verified('SUCCESS') })).status).toBe(200)
  expect((await post(both, strict, { ...shows(loner), ...verified('SUCCESS') })).status).toBe(401)
  expect((await post(both, strict, { ...shows(ann), ...verified('NONE') })).status).toBe(401)
})

test('another method than the registered one is refused, either way', async () => {
  const op = await start()
  const client = await newClient(op, byName('san_dns', 'ann.example'))
  expect(refused(await post(op, { ...client, client_secret: 'guess' }, shows(ann)))).toEqual([
    401,
    'invalid_client',
  ])
  const { client_id, redirect_uri } = demo // registered a secret
  expect(refused(await post(op, { client_id, redirect_uri }, shows(ann)))).toEqual([401, 'invalid_client'])
})

async function tokensFor(op: Provider, client: TestClient, headers: Record<string, string>) {
  const { url, code_verifier } = authorizationUrl(op.issuer, client)
  const location = await person(op.issuer, op.fetch).goThrough(url)
  const code = location.searchParams.get('code')!
  const fields = { grant_type: 'authorization_code', code, redirect_uri: client.redirect_uri, code_verifier }
  return { fields, ...(await post(op, client, headers, fields)) }
}

const userinfo = (
  op: Provider,
  token: unknown,
  headers: Record<string, string>,
  peer = proxy,
  scheme = 'Bearer',
) => op.fetch('/userinfo', { headers: { authorization: `${scheme} ${token}`, ...headers } }, peer)

for (const format of ['jwt', 'opaque'])
  test(`a bound ${format} token works with its certificate and with nothing else`, async () => {
    const op = await start({ ACCESS_TOKEN_FORMAT: format })
    const client = await newClient(op, boundTokens)
    const { status, body } = await tokensFor(op, client, shows(loner))
    expect([status, body.token_type]).toEqual([200, 'Bearer'])
    const cnf = { 'x5t#S256': loner.thumbprint }
    if (format === 'jwt') expect(claimsOf(body.access_token).cnf).toEqual(cnf)
    const token = body.access_token

    expect((await userinfo(op, token, shows(loner))).status).toBe(200)
    for (const headers of [shows(thief), shows(authority.again(loner)), {}, { 'client-cert': '::' }]) {
      const stolen = await userinfo(op, token, headers)
      expect(stolen.status).toBe(401)
      expect(stolen.headers.get('www-authenticate')).toContain('error="invalid_token"')
    }
    expect((await userinfo(op, token, shows(loner), '203.0.113.9')).status).toBe(401) // past the proxy
    expect((await userinfo(op, token, shows(loner), proxy, 'DPoP')).status).toBe(401)

    const introspected = await post(op, client, {}, { token: String(token) }, proxy, '/introspect')
    expect(introspected.body).toMatchObject({ active: true, token_type: 'Bearer', cnf })
  })

test('with bound tokens registered, a request without certificate is refused and spends nothing', async () => {
  const op = await start()
  const client = await newClient(op, boundTokens)
  const bare = await tokensFor(op, client, {})
  expect(refused(bare)).toEqual([400, 'invalid_request'])
  expect((await post(op, client, shows(ann), bare.fields)).status).toBe(200)
})

test("a public client's refresh token is bound to its certificate; a confidential client may change it", async () => {
  const op = await start()
  for (const [method, expected] of [
    ['none', 400],
    ['client_secret_basic', 200],
  ] as const) {
    const client = await newClient(op, {
      ...boundTokens,
      token_endpoint_auth_method: method,
      grant_types: ['authorization_code', 'refresh_token'],
    })
    const { body } = await tokensFor(op, client, shows(ann))
    const fields = { grant_type: 'refresh_token', refresh_token: String(body.refresh_token) }
    expect((await post(op, client, {}, fields)).status).toBe(400)
    expect((await post(op, client, shows(thief), fields)).status).toBe(expected)
    if (expected === 400) expect((await post(op, client, shows(ann), fields)).status).toBe(200)
  }
})

async function prover(op: Provider) {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwk = await exportJWK(publicKey)
  const prove = (htm: string, htu: string, more: Json = {}) =>
    new SignJWT({ htm, htu, jti: systemRandom(12), iat: Math.floor(op.clock.now() / 1000), ...more })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .sign(privateKey)
  return { prove, jkt: await calculateJwkThumbprint(jwk) }
}

test('certificate and DPoP proof together: bound to both, and both are asked for', async () => {
  const op = await start({ MTLS_ISSUER_URL: 'https://mtls.example' })
  const client = await newClient(op, boundTokens)
  const { prove, jkt } = await prover(op)
  const { url, code_verifier } = authorizationUrl(op.issuer, client)
  const location = await person(op.issuer, op.fetch).goThrough(url)
  const code = location.searchParams.get('code')!
  const fields = { grant_type: 'authorization_code', code, redirect_uri: client.redirect_uri, code_verifier }
  // htu is where the client sent it: the alias, not the issuer.
  const dpop = await prove('POST', 'https://mtls.example/token')
  const { body } = await post(op, client, { ...shows(ann), dpop }, fields)
  expect(body.token_type).toBe('DPoP')
  const cnf = { jkt, 'x5t#S256': ann.thumbprint }
  expect(claimsOf(body.access_token).cnf).toEqual(cnf)
  const introspected = await post(op, client, {}, { token: String(body.access_token) }, proxy, '/introspect')
  expect(introspected.body).toMatchObject({ token_type: 'DPoP', cnf })

  const ath = sha256(String(body.access_token))
  const proof = async (base = op.issuer) => ({ dpop: await prove('GET', `${base}/userinfo`, { ath }) })
  const ask = (headers: Record<string, string>, scheme = 'DPoP') =>
    userinfo(op, body.access_token, headers, proxy, scheme)
  expect((await ask({ ...shows(ann), ...(await proof()) })).status).toBe(200)
  expect((await ask({ ...shows(ann), ...(await proof('https://mtls.example')) })).status).toBe(200)
  expect((await ask({ ...shows(ann), ...(await proof('https://other.example')) })).status).toBe(401)
  expect((await ask({ ...shows(thief), ...(await proof()) })).status).toBe(401)
  expect((await ask(await proof())).status).toBe(401)
  expect((await ask(shows(ann))).status).toBe(401)
  expect((await ask(shows(ann), 'Bearer')).status).toBe(401)
})

test('a bound token stays bound when mutual TLS is switched off, and when half of its binding is left', async () => {
  const clock = minuteAhead()
  const on = await start({}, clock)
  const client = await newClient(on, boundTokens)
  const { status, body } = await tokensFor(on, client, shows(ann))
  expect(status).toBe(200)
  expect((await userinfo(on, body.access_token, shows(ann))).status).toBe(200)
  const { prove } = await prover(on)
  const dpop = await prove('POST', `${on.issuer}/token`)
  const twice = await tokensFor(on, client, { ...shows(ann), dpop })
  expect(twice.body.token_type).toBe('DPoP')
  const off = await provider({ store: on.context.store, clock })
  const ath = sha256(String(twice.body.access_token))
  const proof = { ...shows(ann), dpop: await prove('GET', `${on.issuer}/userinfo`, { ath }) }
  expect((await userinfo(off, twice.body.access_token, proof, proxy, 'DPoP')).status).toBe(401)
  expect((await userinfo(off, body.access_token, {})).status).toBe(401)
  expect((await userinfo(off, body.access_token, shows(ann))).status).toBe(401)
})

test('registration: exactly one subject field, and keys for self-signed certificates', async () => {
  const op = await start()
  const selfSigned = { token_endpoint_auth_method: 'self_signed_tls_client_auth' }
  const tooMany = { ...byName('san_dns', 'a.example'), tls_client_auth_san_ip: '192.0.2.1' }
  for (const metadata of [
    { token_endpoint_auth_method: 'tls_client_auth' },
    tooMany,
    { tls_client_auth_san_dns: 'a.example' }, // with client_secret_basic
    byName('subject_dn', 'not a name'),
    byName('subject_dn', ''),
    byName('subject_dn', `CN=${'x'.repeat(3000)}`),
    byName('san_dns', 'a b'),
    byName('san_uri', 'relative'),
    byName('san_ip', '192.0.2.0/24'),
    byName('san_ip', 'fe80::1%eth0'),
    byName('san_email', 'nobody'),
    selfSigned,
    { ...selfSigned, ...byName('san_dns', 'a.example'), ...selfSigned, jwks: { keys: [ann.jwk] } },
    { ...boundTokens, tls_client_certificate_bound_access_tokens: 'yes' },
    { use_mtls_endpoint_aliases: true }, // there are none
  ]) {
    const { status, body } = await register(op, metadata)
    expect([metadata, status, body.error]).toEqual([metadata, 400, 'invalid_client_metadata'])
  }
})

test('discovery: aliases for what clients call, on the other host, with the same paths', async () => {
  const op = await start({
    ISSUER_URL: 'https://id.example/tenant',
    MTLS_ISSUER_URL: 'https://mtls.id.example:8443',
  })
  const metadata = (await (await op.fetch(`${op.issuer}/.well-known/openid-configuration`)).json()) as Json
  expect(metadata.issuer).toBe('https://id.example/tenant')
  expect(metadata.tls_client_certificate_bound_access_tokens).toBe(true)
  expect(metadata.token_endpoint_auth_methods_supported).toContain('tls_client_auth')
  expect(metadata.token_endpoint_auth_methods_supported).toContain('self_signed_tls_client_auth')
  const aliases = metadata.mtls_endpoint_aliases as Record<string, string>
  for (const name of ['token', 'userinfo', 'introspection', 'revocation', 'pushed_authorization_request'])
    expect(aliases[`${name}_endpoint`]).toBe(
      String(metadata[`${name}_endpoint`]).replace('https://id.example', 'https://mtls.id.example:8443'),
    )
  expect(Object.keys(aliases)).not.toContain('authorization_endpoint')
  expect(Object.keys(aliases)).not.toContain('end_session_endpoint')
  // They answer there.
  expect((await op.fetch(aliases.token_endpoint!, formPost(demo, {}))).status).toBe(400)
})

test('tls_client_auth is not offered while nobody says who vouches for certificates', async () => {
  const op = await start({ MTLS_CA_PATH: '' })
  const metadata = (await (await op.fetch('/.well-known/openid-configuration')).json()) as Json
  expect(metadata.token_endpoint_auth_methods_supported).not.toContain('tls_client_auth')
  expect(metadata.token_endpoint_auth_methods_supported).toContain('self_signed_tls_client_auth')
  expect(refused(await register(op, byName('san_dns', 'ann.example')))).toEqual([
    400,
    'invalid_client_metadata',
  ])
})

test('switched off, nothing of it is advertised and none of its metadata is taken', async () => {
  const op = await provider({ env: { REGISTRATION: 'open' } })
  const metadata = (await (await op.fetch('/.well-known/openid-configuration')).json()) as Json
  expect(JSON.stringify(metadata)).not.toMatch(/tls/i)
  for (const asked of [
    byName('san_dns', 'ann.example'),
    { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [ann.jwk] } },
    { ...boundTokens, grant_types: ['authorization_code'] },
  ])
    expect(
      refused(await register(op, { grant_types: ['authorization_code', 'refresh_token'], ...asked })),
    ).toEqual([400, 'invalid_client_metadata'])
})

test('settings that would trust nobody, or everybody, stop the boot', async () => {
  for (const [more, problem] of [
    [{ TRUSTED_PROXIES: '' }, /TRUSTED_PROXIES: required with MUTUAL_TLS/],
    [{ MTLS_CLIENT_VERIFY_HEADER: 'client-cert' }, /MTLS_CLIENT_VERIFY_HEADER: expected another/],
    [{ MTLS_CA_PATH: '/nowhere' }, /MTLS_CA_PATH: expected a (readable )?file/],
    [{ MTLS_CA_PATH: import.meta.path }, /MTLS_CA_PATH: .*no certificate/],
    [{ MTLS_ISSUER_URL: 'http://mtls.example' }, /MTLS_ISSUER_URL: expected an https URL/],
    [{ MTLS_ISSUER_URL: 'https://mtls.example/path' }, /MTLS_ISSUER_URL: expected an https URL/],
    [{ MTLS_CLIENT_CERT_HEADER: 'two words' }, /MTLS_CLIENT_CERT_HEADER: expected the name/],
  ] as [Record<string, string>, RegExp][]) {
    const error: unknown = await start(more).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as Error).message).toMatch(problem)
  }
})
