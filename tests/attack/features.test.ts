/** Where features meet: what each keeps by itself must not get lost when another has a hand in it. docs/architecture.md, "Features" */
import { afterAll, describe, expect, test } from 'bun:test'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { addClient, bank, receiver, settle } from '../support/backchannel.ts'
import { authorizationUrl, claimsOf, demo, type Json } from '../support/client.ts'
import { authorize, browser, operatorClient, post, redeem, tokensOf, userinfo } from '../support/flow.ts'
import { makeAuthority } from '../support/client_certificates.ts'
import { laboratory } from '../support/laboratory.ts'
import { alice } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const lab = laboratory()
const authority = makeAuthority()
afterAll(() => {
  authority.remove()
  lab.close()
})

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const access = 'urn:ietf:params:oauth:token-type:access_token'
const details = {
  AUTHORIZATION_DETAILS_TYPES: JSON.stringify({
    payment: { members: { identifier: {}, creditorName: {} } },
    account: { members: { actions: {} } },
  }),
}
const payment = { type: 'payment', identifier: '7' }
const account = { type: 'account', actions: ['read'] }

const service = (op: Provider, client_id: string, more: object = {}) =>
  operatorClient(op, {
    client_id,
    redirect_uris: [],
    response_types: [],
    grant_types: [exchangeGrant],
    scope: 'openid profile email',
    ...more,
  })

const exchange = (
  op: Provider,
  client: Awaited<ReturnType<typeof service>>,
  subject_token: unknown,
  more: Record<string, string> = {},
) =>
  post(op, '/token', client, {
    grant_type: exchangeGrant,
    subject_token: String(subject_token),
    subject_token_type: access,
    ...more,
  })

describe('a token that is exchanged', () => {
  for (const format of ['jwt', 'opaque'])
    test(`${format}: brings no authorization_details that its original lacks`, async () => {
      const op = await provider({ env: { ...details, ACCESS_TOKEN_FORMAT: format } })
      const api = await service(op, 'api', { resource_server: true })
      const both = { authorization_details: JSON.stringify([payment, account]) }
      const authorized = await authorize(op, browser(op), demo, both)
      const narrowed = await redeem(op, demo, authorized, {
        authorization_details: JSON.stringify([account]),
      })
      const { access_token } = narrowed.body
      const plain = await exchange(op, api, access_token)
      expect(plain.body.authorization_details).toEqual([account])
      for (const wider of [[payment], [{ type: 'payment', identifier: 'of my own choice' }]]) {
        const { status, body } = await exchange(op, api, access_token, {
          authorization_details: JSON.stringify(wider),
        })
        expect([status, body.error]).toEqual([400, 'invalid_authorization_details'])
      }
      const none = (await tokensOf(op, browser(op))).access_token
      const { body } = await exchange(op, api, none, { authorization_details: JSON.stringify([payment]) })
      expect(body.error).toBe('invalid_authorization_details')
    })

  test('stays at the API it was for, unless another is named', async () => {
    const op = await provider({ env: { RESOURCES: 'https://a.example/ https://b.example/' } })
    const [front, stock] = [await service(op, 'front', { resource_server: true }), await service(op, 'stock')]
    const { access_token } = await tokensOf(op, browser(op))
    const sent = await exchange(op, front, access_token, { audience: 'stock' })
    expect((await userinfo(op, String(sent.body.access_token))).status).toBe(401)
    for (const resource of [{}, { resource: '' }] as Record<string, string>[]) {
      const { body } = await exchange(op, stock, sent.body.access_token, resource)
      expect(claimsOf(body.access_token).aud).toBe('stock')
      expect((await userinfo(op, String(body.access_token))).status).toBe(401)
    }
    const resources = { resource: 'https://a.example/\nhttps://b.example/' }
    const authorized = await authorize(op, browser(op), demo, resources)
    const narrow = await redeem(op, demo, authorized, { resource: 'https://a.example/' })
    const files = await service(op, 'files', { resource_uris: ['https://a.example/'] })
    const copy = await exchange(op, files, narrow.body.access_token)
    expect(claimsOf(copy.body.access_token).aud).toBe('https://a.example/')
  })

  test('has us fetch no crowd of documents for its audience', async () => {
    let fetched = 0
    const server = await lab.https('localhost', ({ headers: { host }, url }, response) => {
      fetched++
      const document = { client_id: `https://${host}${url}`, redirect_uris: ['https://rp.example/cb'] }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
    })
    const op = await provider({
      env: {
        CLIENT_ID_METADATA_DOCUMENTS: 'true',
        OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`,
        OUTBOUND_CA_PATH: lab.caPath,
      },
    })
    const api = await service(op, 'api', { resource_server: true })
    const { access_token } = await tokensOf(op, browser(op))
    const audience = Array.from({ length: 200 }, (_, i) => `https://localhost:${server.port}/${i}`).join(' ')
    const { body } = await exchange(op, api, access_token, { audience })
    expect([body.error, fetched]).toEqual(['invalid_target', 0])
  })

  test('tells its holder nothing that only the first client asked for', async () => {
    const op = await provider()
    const api = await service(op, 'api', { resource_server: true })
    const claims = JSON.stringify({ userinfo: { email: null } })
    const { access_token } = await tokensOf(op, browser(op), demo, { scope: 'openid', claims })
    expect((await userinfo(op, access_token)).body.email).toBeString()
    const { body } = await exchange(op, api, access_token, { scope: 'openid' })
    expect((await userinfo(op, String(body.access_token))).body).toEqual({ sub: 'user-alice' })
  })
})

describe('a token in the redirect', () => {
  const implicit = async (op: Provider, more: object = {}) =>
    operatorClient(op, {
      client_id: 'implicit',
      redirect_uris: ['https://rp.example/cb'],
      grant_types: ['implicit', 'authorization_code'],
      response_types: ['id_token token', 'code token'],
      ...more,
    })
  const answerTo = async (
    op: Provider,
    client: Awaited<ReturnType<typeof implicit>>,
    more: Record<string, string> = {},
  ) => {
    const { url } = authorizationUrl(op.issuer, client, { response_type: 'id_token token', ...more })
    return new URLSearchParams((await browser(op).goThrough(url)).hash.slice(1))
  }

  test('is good at the API it was asked for, and carries what was agreed to', async () => {
    const op = await provider({ env: { ...details, RESOURCES: 'https://api.example/' } })
    const answer = await answerTo(op, await implicit(op), {
      resource: 'https://api.example/',
      authorization_details: JSON.stringify([account]),
    })
    const token = answer.get('access_token')!
    expect(claimsOf(token)).toMatchObject({
      aud: 'https://api.example/',
      authorization_details: [account],
    })
    expect((await userinfo(op, token)).status).toBe(401)
  })

  test('is none where tokens are bound to a key', async () => {
    const everywhere = await provider({ env: { REQUIRE_SENDER_CONSTRAINED: 'true' } })
    const byChoice = await provider({ env: { MUTUAL_TLS: 'true', TRUSTED_PROXIES: '127.0.0.1' } })
    const client = await implicit(everywhere)
    const asked = [
      await answerTo(everywhere, client),
      await answerTo(everywhere, client, { response_type: 'code token' }),
      await answerTo(byChoice, await implicit(byChoice, { dpop_bound_access_tokens: true })),
      await answerTo(
        byChoice,
        await implicit(byChoice, { client_id: 'cert', tls_client_certificate_bound_access_tokens: true }),
      ),
    ]
    expect(asked.map((answer) => [answer.get('access_token'), answer.get('error')])).toEqual([
      [null, 'invalid_request'],
      [null, 'invalid_request'],
      [null, 'unauthorized_client'],
      [null, 'unauthorized_client'],
    ])
  })
})

describe('a request object', () => {
  const signer = async (op: Provider, more: object = {}) => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const jwk = { ...(await exportJWK(publicKey)), kty: 'EC' as const, kid: 'c1' }
    const client = await operatorClient(op, {
      client_id: 'signer',
      redirect_uris: ['https://rp.example/cb'],
      jwks: { keys: [jwk] },
      ...more,
    })
    const now = Math.floor(op.clock.now() / 1000)
    const { params } = authorizationUrl(op.issuer, client)
    const sign = (claims: Json = {}) =>
      new SignJWT({ ...params, iss: client.client_id, aud: op.issuer, nbf: now, exp: now + 300, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'c1', typ: 'oauth-authz-req+jwt' })
        .sign(privateKey)
    const ask = async (given: Record<string, string>) => {
      const query = new URLSearchParams({ client_id: client.client_id, ...given })
      return op.fetch(`/authorize?${query}`)
    }
    return { client, sign, ask, params }
  }

  test('that must be signed is not added to by the URL, whatever the profile merges', async () => {
    const op = await provider({ env: { PROFILE: 'classic', ...details } })
    const { sign, ask } = await signer(op, { require_signed_request_object: true })
    const answer = await ask({ request: await sign(), prompt: 'none', response_mode: 'fragment' })
    expect(answer.headers.get('location')).toContain('/login?') // prompt=none would have gone back
  })

  test('beside a pushed request is refused, and neither is half read', async () => {
    const op = await provider()
    const { client, sign, ask, params } = await signer(op, { request_uris: ['https://rp.example/r'] })
    const pushed = await post(op, '/par', client, params as Record<string, string>)
    for (const request_uri of [String(pushed.body.request_uri), 'https://rp.example/r']) {
      const answer = await ask({ request: await sign(), request_uri })
      expect(answer.status).toBe(400)
      expect(await answer.text()).toContain('exclude each other')
    }
    const good = await ask({ request_uri: String(pushed.body.request_uri) })
    expect(good.headers.get('location')).toContain('/login?')
  })
})

test('a device that asks for authorization_details: the person reads them before saying yes', async () => {
  const op = await provider({ env: details })
  const tv = await operatorClient(op, {
    client_id: 'tv',
    redirect_uris: [],
    response_types: [],
    grant_types: [deviceGrant],
    token_endpoint_auth_method: 'none',
    scope: 'openid',
  })
  const asked = await post(op, '/device_authorization', tv, {
    scope: 'openid',
    authorization_details: JSON.stringify([{ ...payment, creditorName: '<b>Thief</b>' }]),
  })
  const visitor = browser(op)
  const login = await visitor.open(`${op.issuer}/device`)
  const code = await visitor.press(login.page!, 'login', alice)
  const confirm = await visitor.press(code.page!, 'continue', { user_code: String(asked.body.user_code) })
  expect(confirm.page!.html).toContain('payment')
  expect(confirm.page!.html).toContain('&lt;b&gt;Thief')
})

test('a client vouched for by JWT bearer writes itself no authorization_details', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'a' }] })
  const server = await lab.https('localhost', (_request, response) => response.writeHead(200).end(keys))
  const iss = 'https://workforce.example'
  const op = await provider({
    env: {
      ...details,
      JWT_BEARER_ISSUERS: `${iss}=https://localhost:${server.port}/jwks`,
      OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`,
      OUTBOUND_CA_PATH: lab.caPath,
    },
  })
  const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
  const client = await service(op, 'worker', { grant_types: [grant_type] })
  const now = Math.floor(op.clock.now() / 1000)
  const ask = async (jti: string, more: Record<string, string>) => {
    const assertion = await new SignJWT({ iss, sub: 'alice', aud: op.issuer, iat: now, exp: now + 300, jti })
      .setProtectedHeader({ alg: 'ES256', kid: 'a' })
      .sign(privateKey)
    return post(op, '/token', client, { grant_type, assertion, ...more })
  }
  expect((await ask('1', {})).status).toBe(200)
  const { body } = await ask('2', { authorization_details: JSON.stringify([payment]) })
  expect(body.error).toBe('invalid_authorization_details')
})

test('tokens that are pushed after a request with a certificate and a DPoP proof are bound to both', async () => {
  const ear = receiver()
  try {
    const op = await provider({
      env: { MUTUAL_TLS: 'true', TRUSTED_PROXIES: '127.0.0.1', OUTBOUND_ALLOW_HOSTS: ear.host },
      clock: turnableClock(Date.now() + 60_000), // certificates made meanwhile are valid already
    })
    await addClient(op, {
      backchannel_token_delivery_mode: 'push',
      backchannel_client_notification_endpoint: ear.url,
      tls_client_certificate_bound_access_tokens: true,
    })
    const certificate = authority.issue('/O=Example/CN=bank')
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(publicKey)
    const iat = Math.floor(op.clock.now() / 1000)
    const dpop = await new SignJWT({ htm: 'POST', htu: `${op.issuer}/bc-authorize`, jti: 'once', iat })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .sign(privateKey)
    const asked = await post(
      op,
      '/bc-authorize',
      bank,
      { scope: 'openid', login_hint: 'alice', client_notification_token: 'a-token' },
      { dpop, 'client-cert': `:${certificate.der.toString('base64')}:` },
    )
    expect(asked.status).toBe(200)
    await settle(op)
    const [pushed] = await ear.until(1)
    expect(claimsOf(pushed!.body.access_token).cnf).toEqual({
      jkt: await calculateJwkThumbprint(jwk),
      'x5t#S256': certificate.thumbprint,
    })
  } finally {
    ear.stop()
  }
})

test('a client that describes itself moves to a sector of somebody else: it learns none of its names', async () => {
  let redirect_uris = ['https://own.example/cb']
  const server = await lab.https('localhost', ({ headers: { host } }, response) => {
    const document = { client_id: `https://${host}/client.json`, redirect_uris, subject_type: 'pairwise' }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  })
  const op = await provider({
    env: {
      CLIENT_ID_METADATA_DOCUMENTS: 'true',
      ACCESS_TOKEN_TTL: '3600',
      OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`,
      OUTBOUND_CA_PATH: lab.caPath,
    },
  })
  const metadata = { redirect_uris: ['https://victim.example/cb'], subject_type: 'pairwise' }
  const victim = await operatorClient(op, { client_id: 'victim', ...metadata })
  const known = claimsOf((await tokensOf(op, browser(op), victim)).id_token).sub
  const client_id = `https://localhost:${server.port}/client.json`
  const moving = { client_id, redirect_uri: redirect_uris[0]! }
  const { access_token } = await tokensOf(op, browser(op), moving, { scope: 'openid' })
  const before = (await userinfo(op, access_token)).body.sub
  redirect_uris = ['https://victim.example/cb']
  op.clock.advance(700_000)
  const after = (await userinfo(op, access_token)).body.sub
  expect(after).not.toBe(known)
  expect(after).toBe(before)
})
