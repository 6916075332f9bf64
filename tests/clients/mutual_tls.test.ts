/** openid-client and oauth4webapi with client certificates, through the nginx of examples/mutual_tls. https://www.rfc-editor.org/rfc/rfc8705 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import { type Certificate, makeCertificate } from '../support/certificate.ts'
import type { Json } from '../support/client.ts'
import { type Authority, type ClientCertificate, makeAuthority } from '../support/client_certificates.ts'
import { document } from '../support/document.ts'
import { type Nginx, runNginx } from '../support/nginx.ts'
import { person } from '../support/person.ts'
import { freePort } from '../support/free_port.ts'
import { type SpawnedProvider } from '../support/provider.ts'
import { callback, everything, spawnOpenProvider } from './relying_party.ts'

let authority: Authority
let server: Certificate
let provider: SpawnedProvider
let nginx: Nginx
/** Where pages are, and where certificates are asked for. */
let issuer: string
let mtls: string
let ann: ClientCertificate
let thief: ClientCertificate
let loner: ClientCertificate

/** A fetch over connections with this client certificate, or with none. */
const via = (certificate?: ClientCertificate) => (url: string, init?: object) =>
  fetch(url, {
    ...init,
    tls: { ca: server.pem, ...(certificate && { cert: certificate.pem, key: certificate.key }) },
    keepalive: false, // one connection each: another certificate must not ride on it
  })

/** The whole answer to a request that is sent as it stands. */
const overTls = (
  base: string,
  certificate: ClientCertificate | undefined,
  request: string,
): Promise<string> =>
  new Promise((resolve, reject) => {
    const own = certificate && { cert: certificate.pem, key: certificate.key }
    const { hostname: host, port } = new URL(base)
    const socket = connect({ host, port: Number(port), ca: server.pem, servername: host, ...own })
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString()))
    socket.on('end', () => (socket.destroy(), resolve(answer)))
    socket.on('error', reject)
    socket.write(request)
  })

beforeAll(async () => {
  authority = makeAuthority()
  server = makeCertificate()
  ann = authority.issue('/O=Example/CN=ann', 'subjectAltName=DNS:ann.example')
  thief = authority.issue('/O=Example/CN=thief', 'subjectAltName=DNS:thief.example')
  loner = authority.selfSigned('/O=Example/CN=ann', 'subjectAltName=DNS:ann.example')
  const [pages, clients, inner] = [freePort(), freePort(), freePort()]
  issuer = `https://localhost:${pages}`
  mtls = `https://localhost:${clients}`
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-mtls-'))
  const config = document('examples/mutual_tls/nginx.conf')
    .replaceAll('127.0.0.1:8443', `127.0.0.1:${pages}`)
    .replaceAll('127.0.0.1:8444', `127.0.0.1:${clients}`)
    .replaceAll('127.0.0.1:5000', `127.0.0.1:${inner}`)
  writeFileSync(join(folder, 'nginx.conf'), config)
  copyFileSync(server.certPath, join(folder, 'server.pem'))
  copyFileSync(server.keyPath, join(folder, 'server.key'))
  copyFileSync(authority.caPath, join(folder, 'clients.pem'))
  provider = await spawnOpenProvider({
    ...settingsOfReadme(),
    PORT: `${inner}`,
    HOST: '127.0.0.1',
    ISSUER_URL: issuer,
    MTLS_ISSUER_URL: mtls,
  })
  nginx = await runNginx(folder, async () => (await via()(`${issuer}/health`)).ok)
}, 60_000)

/** What examples/mutual_tls/README.md tells people to set. */
const settingsOfReadme = (): Record<string, string> =>
  Object.fromEntries(
    [...document('examples/mutual_tls/README.md').matchAll(/^ {4}([A-Z_]+)=(\S+)$/gm)].map(
      ([, name, value]) => [name!, value!],
    ),
  )

afterAll(async () => {
  await Promise.all([nginx?.stop(), provider?.stop()])
  server?.remove()
  authority?.remove()
})

async function register(metadata: Json): Promise<Json & { client_id: string }> {
  const answer = await via()(`${issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...everything, ...metadata }),
  })
  const body = (await answer.json()) as Json & { client_id: string }
  expect([answer.status, body.error_description]).toEqual([201, undefined])
  return body
}

const byName = {
  token_endpoint_auth_method: 'tls_client_auth',
  tls_client_auth_subject_dn: 'CN=ann,O=Example',
}
const bound = { tls_client_certificate_bound_access_tokens: true }
const cnf = ({ thumbprint }: ClientCertificate) => ({ 'x5t#S256': thumbprint })

describe('openid-client', () => {
  const discover = (metadata: Json & { client_id: string }, certificate?: ClientCertificate) =>
    oidc.discovery(
      new URL(issuer),
      metadata.client_id,
      { ...metadata, use_mtls_endpoint_aliases: true },
      oidc.TlsClientAuth(),
      { [oidc.customFetch]: via(certificate) as oidc.CustomFetch },
    )

  async function signIn(config: oidc.Configuration) {
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: callback,
      scope: 'openid profile offline_access',
      prompt: 'consent',
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    })
    const landed = await person(issuer, via()).goThrough(url.href)
    return oidc.authorizationCodeGrant(config, landed, { pkceCodeVerifier, idTokenExpected: true })
  }

  for (const [what, metadata, certificate] of [
    ['tls_client_auth', () => byName, () => ann],
    [
      'self_signed_tls_client_auth',
      () => ({
        token_endpoint_auth_method: 'self_signed_tls_client_auth',
        jwks: { keys: [{ ...loner.jwk, x5c: [loner.der.toString('base64')] }] },
      }),
      () => loner,
    ],
  ] as const)
    test(`${what}: code flow, bound tokens, refresh, userinfo, introspection at the aliases`, async () => {
      const client = await register({ ...metadata(), ...bound })
      const config = await discover(client, certificate())
      const aliases = config.serverMetadata().mtls_endpoint_aliases
      expect(aliases?.token_endpoint).toBe(`${mtls}/token`)
      const tokens = await signIn(config)
      const { sub } = tokens.claims()!
      expect(await oidc.fetchUserInfo(config, tokens.access_token, sub)).toMatchObject({
        name: 'Alice Adams',
      })
      const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token!)
      expect(await oidc.tokenIntrospection(config, refreshed.access_token)).toMatchObject({
        active: true,
        cnf: cnf(certificate()),
      })

      // Stolen: with another certificate, and with none.
      for (const other of [thief, undefined]) {
        const stolen = await discover(client, other)
        for (const { access_token } of [tokens, refreshed])
          expect(await refusal(oidc.fetchUserInfo(stolen, access_token, sub))).toBe(401)
        expect(await refusal(oidc.refreshTokenGrant(stolen, refreshed.refresh_token!))).toBe(401)
      }
      await oidc.tokenRevocation(config, refreshed.refresh_token!)
      expect(await refusal(oidc.fetchUserInfo(config, refreshed.access_token, sub))).toBe(401)
    })

  /** The status that made the library throw. */
  const refusal = (attempt: Promise<unknown>) =>
    attempt.then(
      () => 200,
      (error: Error & { status?: number; cause?: unknown }) =>
        error.status ?? (error.cause as Response | undefined)?.status ?? error,
    )

  test('a public client: its refresh token is worth nothing with another certificate', async () => {
    const client = await register({
      ...bound,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
    })
    const config = await discover(client, loner)
    const { refresh_token } = await signIn(config)
    expect(await refusal(oidc.refreshTokenGrant(await discover(client, thief), refresh_token!))).toBe(400)
    const { access_token } = await oidc.refreshTokenGrant(config, refresh_token!)
    expect((await via(loner)(`${mtls}/userinfo`, bearer(access_token))).status).toBe(200)
  })
})

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

test('oauth4webapi: pushed request, DPoP and certificate together, at the aliases', async () => {
  const client: oauth.Client = {
    ...(await register({ ...byName, ...bound })),
    use_mtls_endpoint_aliases: true,
  }
  const options = { [oauth.customFetch]: via(ann) as never }
  const url = new URL(issuer)
  const as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, options))
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
  const auth = oauth.TlsClientAuth()
  const verifier = oauth.generateRandomCodeVerifier()
  const pushed = await oauth.processPushedAuthorizationResponse(
    as,
    client,
    await oauth.pushedAuthorizationRequest(
      as,
      client,
      auth,
      {
        response_type: 'code',
        redirect_uri: callback,
        scope: 'openid',
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      },
      { ...options, DPoP },
    ),
  )
  const query = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri })
  const landed = await person(issuer, via()).goThrough(`${as.authorization_endpoint}?${query}`)
  const params = oauth.validateAuthResponse(as, client, landed)
  const response = await oauth.authorizationCodeGrantRequest(as, client, auth, params, callback, verifier, {
    ...options,
    DPoP,
  })
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { requireIdToken: true })
  expect(tokens.token_type).toBe('dpop')
  const ask = (certificate?: ClientCertificate) =>
    oauth
      .userInfoRequest(as, client, tokens.access_token, {
        [oauth.customFetch]: via(certificate) as never,
        DPoP,
      })
      .then(({ status }) => status)
  expect(await ask(ann)).toBe(200)
  expect(await ask(thief)).toBe(401)
  expect(await ask()).toBe(401)
})

describe('what a client says of itself does not pass nginx', () => {
  const headersOf = (certificate: ClientCertificate) => ({
    'x-ssl-client-cert': encodeURIComponent(certificate.pem),
    'x-ssl-client-verify': 'SUCCESS',
    'client-cert': `:${certificate.der.toString('base64')}:`,
  })
  const spellings: Record<string, (name: string) => string> = {
    'as they are': (name) => name,
    'in capitals': (name) => name.toUpperCase(),
    'in a mixture': (name) =>
      name.replace(/[a-z]/g, (letter, at: number) => (at % 2 ? letter : letter.toUpperCase())),
    'with underscores': (name) => name.replaceAll('-', '_'),
  }
  let client: { client_id: string }
  beforeAll(async () => {
    client = await register(byName)
  })
  /** Written by hand: fetch would join headers of one name and choose their case. */
  async function post(base: string, certificate: ClientCertificate | undefined, lines: string[] = []) {
    const body = new URLSearchParams({
      client_id: client.client_id,
      grant_type: 'client_credentials',
    }).toString()
    const request = [
      'POST /token HTTP/1.1',
      `Host: ${new URL(base).host}`,
      'Content-Type: application/x-www-form-urlencoded',
      `Content-Length: ${body.length}`,
      'Connection: close',
      ...lines,
    ]
    const answer = await overTls(base, certificate, `${request.join('\r\n')}\r\n\r\n${body}`)
    const [, status] = /^HTTP\/1\.1 (\d+)/.exec(answer) ?? []
    return [Number(status), /"error": ?"(\w+)"/.exec(answer)?.[1]]
  }

  test('with its own certificate it is let in, on the port that asks for it alone', async () => {
    expect(await post(mtls, ann)).toEqual([200, undefined])
    expect(await post(issuer, ann)).toEqual([401, 'invalid_client'])
    expect(await post(mtls, thief)).toEqual([401, 'invalid_client'])
    expect(await post(mtls, loner)).toEqual([401, 'invalid_client']) // the right name, vouched for by nobody
    expect(await post(mtls, undefined)).toEqual([401, 'invalid_client'])
  })

  for (const [how, spell] of Object.entries(spellings))
    for (const times of [1, 2])
      test(`headers ${how}, ${times === 1 ? 'once' : 'twice'}`, async () => {
        const linesOf = (certificate: ClientCertificate) =>
          Object.entries(headersOf(certificate)).flatMap(([name, value]) =>
            Array<string>(times).fill(`${spell(name)}: ${value}`),
          )
        for (const [base, certificate] of [
          [issuer, undefined],
          [issuer, thief],
          [mtls, undefined],
          [mtls, thief],
          [mtls, loner],
        ] as const)
          expect(await post(base, certificate, linesOf(ann))).toEqual([401, 'invalid_client'])
        // And nobody is locked out by them either.
        expect(await post(mtls, ann, linesOf(thief))).toEqual([200, undefined])
      })

  test('an expired certificate does not even reach the provider', async () => {
    expect(await post(mtls, authority.expired('/O=Example/CN=ann'))).toEqual([400, undefined])
  })
})

test('the example drops every header that the documentation names, on every port', () => {
  const config = readFileSync(join(import.meta.dir, '../../examples/mutual_tls/nginx.conf'), 'utf8')
  const beforeServers = config.slice(0, config.indexOf('server {'))
  for (const header of ['X-SSL-Client-Cert', 'X-SSL-Client-Verify', 'Client-Cert'])
    expect(beforeServers).toContain(`proxy_set_header ${header} `)
  // One such line inside a server would switch off all those above it.
  expect(config.slice(beforeServers.length)).not.toContain('proxy_set_header')
})
