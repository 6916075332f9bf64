/**
 * Issue 9, C.36: a page at a redirect URI of a client could not read /token, /userinfo and /revoke in production before an
 * operator had also written its origin into CORS_ALLOWED_ORIGINS.
 */
import { describe, expect, test } from 'bun:test'
import { formPost, type Json, type TestClient } from '../support/client.ts'
import { authorize, browser, demo, operatorClient } from '../support/flow.ts'
import { provider, type Provider, type ProviderOptions } from '../support/provider.ts'
import { asClient, registered } from '../support/registration.ts'

const spa = 'https://spa.example'
const evil = 'https://evil.example'
const listed = 'https://listed.example'

const at = (env: Record<string, string> = {}, more: Omit<ProviderOptions, 'env'> = {}) =>
  provider({ ...more, env: { CORS_ALLOWED_ORIGINS: listed, RATE_LIMITING_ENABLED: 'false', ...env } })
const op = await at()

const browserOnly = (client_id: string, redirect_uris: string[], where: Provider = op) =>
  operatorClient(where, { client_id, redirect_uris, token_endpoint_auth_method: 'none' })

/** What scripts of `origin` may read: `readable`, or nothing. */
const seen = (answer: Response, origin: string): string => {
  expect(answer.headers.has('access-control-allow-credentials')).toBe(false)
  expect(answer.headers.get('vary')).toContain('Origin')
  const allowed = answer.headers.get('access-control-allow-origin')
  expect([null, origin]).toContain(allowed)
  return allowed === null ? 'hidden' : 'readable'
}

const post = (
  client: TestClient,
  path: string,
  fields: Record<string, string>,
  origin: string,
  where: Provider = op,
) => where.fetch(path, formPost(client, fields, { origin }))

const preflight = (path: string, origin: string, method = 'POST', where: Provider = op) =>
  where.fetch(path, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization,content-type,mcp-protocol-version',
    },
  })

/** The code flow of a page at `origin`: what it may read at each endpoint, and the status of it. */
async function flowFrom(origin: string, client: TestClient, where: Provider = op) {
  const read: Record<string, unknown> = {}
  const { code, code_verifier } = await authorize(where, browser(where), client)
  const fields = { grant_type: 'authorization_code', code, code_verifier, redirect_uri: client.redirect_uri }
  const token = await post(client, '/token', fields, origin, where)
  read.token = [token.status, seen(token, origin)]
  const { access_token } = (await token.json()) as Json
  const headers = { authorization: `Bearer ${access_token}`, origin }
  const userinfo = await where.fetch('/userinfo', { headers })
  read.userinfo = [userinfo.status, seen(userinfo, origin)]
  const revoked = await post(client, '/revoke', { token: String(access_token) }, origin, where)
  read.revoke = [revoked.status, seen(revoked, origin)]
  return read
}

const all = { token: [200, 'readable'], userinfo: [200, 'readable'], revoke: [200, 'readable'] }
const none = { token: [200, 'hidden'], userinfo: [200, 'hidden'], revoke: [200, 'hidden'] }

describe('the origins of the redirect URIs of a client read what it is answered', () => {
  test('a client in a browser needs no other variable; another site reads nothing', async () => {
    const client = await browserOnly('spa', ['https://other.example/cb', `${spa}/callback?x=1`])
    expect(await flowFrom(spa, client)).toEqual(all)
    expect(await flowFrom('https://other.example', client)).toEqual(all)
    expect(await flowFrom(listed, client)).toEqual(all)
    for (const origin of [
      evil,
      'null',
      'http://spa.example',
      'https://spa.example:8443',
      'https://www.spa.example',
      'https://spa.example.evil.example',
      'https://SPA.example',
      'https://spa.example/',
    ])
      expect([origin, await flowFrom(origin, client)]).toEqual([origin, none])
  })

  test('ports, capital letters and the application scheme of a registered URI', async () => {
    const uris = [
      'https://Admin.Example:8443/cb',
      'https://plain.example:443/cb',
      'com.example.app://pages/cb',
    ]
    const client = await browserOnly('ports', uris)
    for (const origin of ['https://admin.example:8443', 'https://plain.example', 'com.example.app://pages'])
      expect([origin, await flowFrom(origin, client)]).toEqual([origin, all])
    for (const origin of ['https://admin.example', 'com.example.app://', 'com.example.app://other'])
      expect([origin, await flowFrom(origin, client)]).toEqual([origin, none])
  })

  test('a loopback address on any port, as with redirect URIs', async () => {
    const client = await browserOnly('local', ['http://127.0.0.1/cb'])
    expect(await flowFrom('http://127.0.0.1:5173', client)).toEqual(all)
    expect(await flowFrom('https://127.0.0.1:5173', client)).toEqual(none)
    expect(await flowFrom('http://127.0.0.2:5173', client)).toEqual(none)
  })

  test('a scheme without a host has no origin', async () => {
    const client = await browserOnly('scheme', ['com.example.app:/cb'])
    for (const origin of ['null', 'com.example.app://', 'com.example.app:'])
      expect([origin, await flowFrom(origin, client)]).toEqual([origin, none])
  })

  test('no client reads the answers to another', async () => {
    await browserOnly('evil', [`${evil}/cb`])
    const client = await browserOnly('good', [`${spa}/callback`])
    expect(await flowFrom(evil, client)).toEqual(none)
  })

  test('a client with a secret is treated alike, and so is one that registered itself', async () => {
    const secret = await operatorClient(op, { client_id: 'with-a-secret', redirect_uris: [`${spa}/cb`] })
    expect(await flowFrom(spa, secret)).toEqual(all)
    expect(await flowFrom(evil, secret)).toEqual(none)
    const self = asClient(
      await registered(op, { redirect_uris: [`${spa}/cb`], token_endpoint_auth_method: 'none' }),
    )
    expect(await flowFrom(spa, self)).toEqual(all)
    expect(await flowFrom(evil, self)).toEqual(none)
  })

  test('other endpoints that clients call', async () => {
    const client = await browserOnly('pushes', [`${spa}/cb`])
    for (const [origin, expected] of [
      [spa, 'readable'],
      [evil, 'hidden'],
    ] as const) {
      const pushed = await post(client, '/par', { response_type: 'code' }, origin)
      expect([origin, seen(pushed, origin)]).toEqual([origin, expected])
    }
    const self = await registered(op, { redirect_uris: [`${spa}/cb`] })
    const authorization = `Bearer ${self.registration_access_token}`
    for (const [origin, expected] of [
      [spa, 'readable'],
      [evil, 'hidden'],
    ] as const) {
      const own = await op.fetch(`/register/${self.client_id}`, { headers: { authorization, origin } })
      expect([origin, own.status, seen(own, origin)]).toEqual([origin, 200, expected])
    }
  })
})

describe('refusals', () => {
  const refusedFrom = async (origin: string, path: string, init: RequestInit) => {
    const answer = await op.fetch(path, { ...init, headers: { ...init.headers, origin } })
    return [answer.status, seen(answer, origin)]
  }
  const code = { grant_type: 'authorization_code', code: 'x', code_verifier: 'x'.repeat(43) }

  test('of a client are for its own pages', async () => {
    const client = await browserOnly('refused', [`${spa}/cb`])
    const init = formPost(client, { ...code, redirect_uri: client.redirect_uri })
    expect(await refusedFrom(spa, '/token', init)).toEqual([400, 'readable'])
    expect(await refusedFrom(evil, '/token', init)).toEqual([400, 'hidden'])
    // Otherwise a page of another site learns inside a network whether a secret or a token is right.
    const wrong = formPost({ ...demo, client_secret: 'wrong' }, code)
    expect(await refusedFrom(evil, '/token', wrong)).toEqual([401, 'hidden'])
    expect(await refusedFrom(evil, '/revoke', formPost(demo, {}))).toEqual([400, 'hidden'])
  })

  test('of a token for another API are for the pages of its client', async () => {
    const apis = await at({ RESOURCES: 'https://api.example/' })
    const client = await browserOnly('apis', [`${spa}/cb`], apis)
    const { code, code_verifier } = await authorize(apis, browser(apis), client, {
      resource: 'https://api.example/',
    })
    const fields = {
      grant_type: 'authorization_code',
      code,
      code_verifier,
      redirect_uri: client.redirect_uri,
    }
    const { access_token } = (await (await post(client, '/token', fields, spa, apis)).json()) as Json
    for (const [origin, expected] of [
      [spa, 'readable'],
      [evil, 'hidden'],
    ] as const) {
      const headers = { authorization: `Bearer ${access_token}`, origin }
      const answer = await apis.fetch('/userinfo', { headers })
      expect([origin, answer.status, seen(answer, origin)]).toEqual([origin, 401, expected])
    }
  })

  test('that concern no client are readable, so that a developer sees the reason', async () => {
    for (const origin of [spa, evil, 'http://localhost:5173']) {
      const unknown = formPost({ client_id: 'nobody', redirect_uri: '' }, code)
      expect(await refusedFrom(origin, '/token', unknown)).toEqual([401, 'readable'])
      expect(await refusedFrom(origin, '/token', { method: 'POST', body: '{}' })).toEqual([400, 'readable'])
      const bearer = { headers: { authorization: 'Bearer x' } }
      expect(await refusedFrom(origin, '/userinfo', bearer)).toEqual([401, 'readable'])
      expect(await refusedFrom(origin, '/userinfo', {})).toEqual([401, 'readable'])
      expect(await refusedFrom(origin, '/token', { method: 'GET' })).toEqual([405, 'readable'])
    }
    expect(await refusedFrom('null', '/userinfo', {})).toEqual([401, 'hidden'])
  })
})

describe('a preflight names no client', () => {
  test('so every origin may send the request, without cookies', async () => {
    for (const [path, method] of [
      ['/token', 'POST'],
      ['/userinfo', 'GET'],
      ['/revoke', 'POST'],
    ] as const)
      for (const origin of [spa, evil, 'http://localhost:6274', 'capacitor://localhost']) {
        const answer = await preflight(path, origin, method)
        expect([path, answer.status, seen(answer, origin)]).toEqual([path, 204, 'readable'])
        expect(answer.headers.get('access-control-allow-methods')).toContain(method)
        // A library of the page that traces requests adds its headers to each one.
        for (const name of ['Authorization', 'Traceparent', 'Baggage', 'Sentry-Trace', 'X-Requested-With'])
          expect(answer.headers.get('access-control-allow-headers')).toContain(name)
      }
    expect(seen(await preflight('/token', 'null'), 'null')).toBe('hidden')
  })

  test('nothing changes where no other site has a business', async () => {
    for (const path of [
      '/authorize',
      '/login',
      '/consent',
      '/logout',
      '/introspect',
      '/metrics',
      '/account',
    ]) {
      const answer = await preflight(path, spa)
      expect([path, answer.headers.has('access-control-allow-origin')]).toEqual([path, false])
    }
  })
})

describe('CORS_REDIRECT_ORIGINS', () => {
  const body = { redirect_uris: [`${spa}/cb`], token_endpoint_auth_method: 'none' }
  const registerFrom = (where: Provider, origin: string, metadata: Json = body) =>
    where.fetch('/register', {
      method: 'POST',
      body: JSON.stringify(metadata),
      headers: { 'content-type': 'application/json', origin },
    })

  test('off: the origins of CORS_ALLOWED_ORIGINS alone', async () => {
    const off = await at({ CORS_REDIRECT_ORIGINS: 'off' })
    const client = await browserOnly('off', [`${spa}/cb`], off)
    expect(await flowFrom(spa, client, off)).toEqual(none)
    expect(await flowFrom(listed, client, off)).toEqual(all)
    expect(seen(await preflight('/token', spa, 'POST', off), spa)).toBe('hidden')
    expect(seen(await off.fetch('/userinfo', { headers: { origin: spa } }), spa)).toBe('hidden')
  })

  test('clients, the default: no page registers a client at a provider that its visitor alone reaches', async () => {
    expect(seen(await preflight('/register', spa), spa)).toBe('hidden')
    expect(seen(await registerFrom(op, spa), spa)).toBe('hidden')
  })

  test('registration, the default of PROFILE=mcp: a page registers itself and reads the answer', async () => {
    for (const where of [await at({ CORS_REDIRECT_ORIGINS: 'registration' }), await at({ PROFILE: 'mcp' })]) {
      expect(seen(await preflight('/register', spa, 'POST', where), spa)).toBe('readable')
      const own = await registerFrom(where, spa)
      expect([own.status, seen(own, spa)]).toEqual([201, 'readable'])
      const foreign = await registerFrom(where, evil)
      expect([foreign.status, seen(foreign, evil)]).toEqual([201, 'hidden'])
      const refused = await registerFrom(where, spa, {})
      expect([refused.status, seen(refused, spa)]).toEqual([400, 'readable'])
    }
  })
})
