/** The HTTP round every endpoint: methods, headers, CORS, bounds, and an issuer with a path. RFC 9110, Fetch, RFC 6749 §3.1 */
import { describe, expect, test } from 'bun:test'
import { methodsOf } from '../../src/lib/http_method.ts'
import type { Json } from '../support/client.ts'
import {
  authorize,
  browser,
  demo,
  open,
  post,
  read,
  redeem,
  stage,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { provider } from '../support/provider.ts'

const { op, alice } = await stage({ env: { REALMS: 'true' } }) // otherwise some endpoints do not exist
const formType = { 'content-type': 'application/x-www-form-urlencoded' }

describe('methods', () => {
  test('HEAD is GET without a body', async () => {
    for (const path of ['/.well-known/openid-configuration', '/jwks.json', '/health', '/', '/login']) {
      const [get, head] = [await op.fetch(path), await op.fetch(path, { method: 'HEAD' })]
      expect(head.status).toBe(get.status)
      expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'))
      expect(await head.text()).toBe('')
    }
  })

  test.each([
    ['/token', 'GET', 'POST, OPTIONS'],
    ['/token', 'HEAD', 'POST, OPTIONS'],
    ['/token', 'PUT', 'POST, OPTIONS'],
    ['/revoke', 'GET', 'POST, OPTIONS'],
    ['/introspect', 'GET', 'POST, OPTIONS'],
    ['/jwks.json', 'POST', 'GET, OPTIONS'],
    ['/userinfo', 'DELETE', 'GET, POST, OPTIONS'],
    ['/authorize', 'PATCH', 'GET, POST, OPTIONS'],
  ])('%s does not take %s, and says what it takes', async (path, method, allow) => {
    const answer = await op.fetch(path, { method })
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe(allow)
  })

  test('OPTIONS says what is allowed everywhere', async () => {
    // These exist with ADMIN_HOST alone (tests/attack/admin_host.test.ts).
    const elsewhere = ['/admin/host/enter', '/admin/host/arrive', '/admin/host/leave']
    for (const endpoint of op.context.table.endpoints) {
      const answer = await op.fetch(endpoint.path, { method: 'OPTIONS' })
      const { path } = endpoint
      expect([path, answer.status]).toEqual([path, elsewhere.includes(path) ? 404 : 204])
      if (answer.status === 404) continue
      for (const method of methodsOf(endpoint)) expect(answer.headers.get('allow')).toContain(method)
    }
  })

  test('elsewhere there is nothing: JSON for scripts, a page for people', async () => {
    for (const path of [
      '/nothing',
      '/token/',
      '/TOKEN',
      '/authorize/x',
      '/assets/../../etc/passwd',
      '/assets/none.css',
    ]) {
      const answer = await read(await op.fetch(path))
      expect([answer.status, answer.body.error]).toEqual([404, 'not_found'])
    }
    const page = await op.fetch('/<script>', { headers: { accept: 'text/html' } })
    expect(page.status).toBe(404)
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(await page.text()).not.toContain('<script>')
  })
})

describe('headers', () => {
  const strict = (answer: { headers: Headers }) => {
    const { headers } = answer
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('x-request-id')).toMatch(/^[\w-]{10,}$/)
    if (!headers.get('content-type')?.startsWith('text/html')) return
    const policy = headers.get('content-security-policy')!
    for (const part of [
      "default-src 'none'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "script-src 'self'",
    ])
      expect(policy).toContain(part)
    expect(policy).not.toMatch(/unsafe|data:|\*/)
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(headers.get('cache-control')).toBe('no-store')
  }

  test('strict on every page, with nothing inline', async () => {
    const fresh = browser(op)
    const pages = [
      await op.fetch('/').then(async (answer) => ({ headers: answer.headers, html: await answer.text() })),
      (await open(op, fresh)).page!,
      (await open(op, alice, { prompt: 'consent' })).page!,
      (await open(op, alice, { prompt: 'select_account' })).page!,
      (await alice.open('/logout')).page!,
      (await open(op, alice, { client_id: 'nobody' })).page!,
      (await fresh.open('/consent?interaction=x')).page!,
    ]
    for (const page of pages) {
      strict(page)
      expect(page.html).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:/i)
    }
  })

  test('on every other answer too', async () => {
    for (const path of ['/jwks.json', '/token', '/userinfo', '/nothing', '/health', '/authorize?client_id=x'])
      strict(await op.fetch(path))
  })

  test('HSTS on https, and not on http', async () => {
    expect((await op.fetch('/')).headers.has('strict-transport-security')).toBe(false)
    const tls = await provider({ env: { ISSUER_URL: 'https://id.example' } })
    for (const path of ['/', '/jwks.json', '/nothing'])
      expect((await tls.fetch(path)).headers.get('strict-transport-security')).toContain('max-age=31536000')
  })

  test('no-store where tokens, codes or people pass; caching where it is public', async () => {
    const { access_token } = await tokensOf(op, alice)
    for (const answer of [
      await userinfo(op, access_token),
      await post(op, '/introspect', demo, { token: access_token }),
      await post(op, '/token', demo, { grant_type: 'client_credentials' }),
      await post(op, '/token', demo, { grant_type: 'nonsense' }),
      await op.fetch((await authorize(op, alice)).location.href.replace(demo.redirect_uri, '/authorize')),
    ])
      expect(answer.headers.get('cache-control')).toBe('no-store')
    for (const path of ['/jwks.json', '/.well-known/openid-configuration'])
      expect((await op.fetch(path)).headers.get('cache-control')).toBe('public, max-age=300')
  })
})

describe('CORS', () => {
  const origin = 'https://spa.example'
  const at = async (one: typeof op, path: string, init: RequestInit = {}) =>
    (await one.fetch(path, { ...init, headers: { origin, ...init.headers } })).headers

  test('any origin may read what is public', async () => {
    for (const path of ['/jwks.json', '/.well-known/openid-configuration'])
      expect((await at(op, path)).get('access-control-allow-origin')).toBe('*')
  })

  test('browser clients: the origins that are configured, errors too, never with cookies', async () => {
    const some = await provider({ env: { CORS_ALLOWED_ORIGINS: origin, CORS_REDIRECT_ORIGINS: 'off' } })
    for (const path of ['/token', '/userinfo', '/revoke']) {
      const headers = await at(some, path, { method: 'POST' })
      expect(headers.get('access-control-allow-origin')).toBe(origin)
      expect(headers.get('vary')).toBe('Origin')
      expect(headers.has('access-control-allow-credentials')).toBe(false)
      const preflight = await at(some, path, { method: 'OPTIONS' })
      expect(preflight.get('access-control-allow-methods')).toContain('POST')
      expect(preflight.get('access-control-allow-headers')).toContain('Authorization')
      const foreign = await some.fetch(path, { method: 'POST', headers: { origin: 'https://evil.example' } })
      expect(foreign.headers.has('access-control-allow-origin')).toBe(false)
      expect(foreign.headers.get('vary')).toBe('Origin')
    }
  })

  test('nobody where people and servers are: pages, introspection, logout', async () => {
    for (const path of ['/authorize', '/login', '/consent', '/logout', '/introspect', '/metrics'])
      for (const method of ['GET', 'POST', 'OPTIONS'])
        expect((await at(op, path, { method })).has('access-control-allow-origin')).toBe(false)
  })
})

describe('parameters', () => {
  const token = async (body: string, headers: Record<string, string> = formType) =>
    read(
      await op.fetch('/token', {
        method: 'POST',
        body,
        headers: { authorization: `Basic ${btoa('client123:secret456')}`, ...headers },
      }),
    )

  test('twice is once too often', async () => {
    for (const body of [
      'grant_type=client_credentials&grant_type=client_credentials',
      'grant_type=client_credentials&scope=a&scope=b',
      'grant_type=client_credentials&token=1&token=2',
      'grant_type=client_credentials&grant%5Ftype=refresh_token',
    ]) {
      const answer = await token(body)
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request'])
      expect(answer.body.error_description).toContain('more than once')
    }
  })

  test('without a value counts as absent', async () => {
    expect((await token('grant_type=client_credentials&scope=&client_id=&x')).status).toBe(200)
    expect((await token('grant_type=')).body.error_description).toContain('grant_type is required')
    expect((await token('')).body.error).toBe('invalid_request')
  })

  test('grant types: unknown, missing', async () => {
    for (const name of ['urn:x', 'token', '__proto__', 'constructor', 'Client_Credentials'])
      expect((await token(`grant_type=${name}`)).body.error).toBe('unsupported_grant_type')
  })

  test('only as a form, whatever else it looks like', async () => {
    for (const type of [
      'application/json',
      'text/plain',
      'multipart/form-data',
      'application/x-www-form-urlencodedx',
    ]) {
      const answer = await token('grant_type=client_credentials', { 'content-type': type })
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request'])
    }
    expect(
      (
        await token('grant_type=client_credentials', {
          'content-type': `${formType['content-type']}; charset=UTF-8`,
        })
      ).status,
    ).toBe(200)
  })

  test('at most a hundred, with names that end', async () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => `p${i}=1`).join('&')
    expect((await token(`grant_type=client_credentials&${many(99)}`)).status).toBe(200)
    expect((await token(`grant_type=client_credentials&${many(100)}`)).body.error).toBe('invalid_request')
    expect((await token(`grant_type=client_credentials&${'n'.repeat(201)}=1`)).body.error).toBe(
      'invalid_request',
    )
    expect((await op.fetch(`/authorize?${many(101)}`)).status).toBe(400)
  })

  test('percent-encoding that is none', async () => {
    for (const bad of ['scope=%', 'scope=%zz', 'scope=%ff%fe'])
      expect((await token(`grant_type=client_credentials&${bad}`)).body.error).toBe('invalid_request')
  })

  test('client credentials in the query are not seen', async () => {
    const answer = await op.fetch('/token?client_id=client123&client_secret=secret456', {
      method: 'POST',
      headers: formType,
      body: 'grant_type=client_credentials',
    })
    expect(answer.status).toBe(401)
  })
})

describe('bodies', () => {
  const big = `x=${'a'.repeat(70_000)}`
  const stream = (chunks: number) =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        if (chunks-- > 0) controller.enqueue(new TextEncoder().encode('a'.repeat(1000)))
        else controller.close()
      },
    })

  test('end at 64 KiB, whether their length was said or not', async () => {
    const said = { ...formType, 'content-length': `${big.length}` }
    for (const init of [
      { body: big, headers: said },
      { body: big, headers: formType },
      { body: stream(100), headers: formType },
      { body: 'x=1', headers: { ...formType, 'content-length': '99999999' } },
    ]) {
      const answer = await read(await op.fetch('/token', { method: 'POST', ...init }))
      expect([answer.status, answer.body.error]).toEqual([413, 'payload_too_large'])
    }
  })

  test('on pages too, as a page', async () => {
    const answer = await op.fetch('/login', { method: 'POST', body: big, headers: formType })
    expect(answer.status).toBe(413)
    expect(answer.headers.get('content-type')).toContain('text/html')
  })
})

describe('an issuer with a path', () => {
  test('everything is served below it, and both spellings of discovery', async () => {
    const tenant = await provider({ env: { ISSUER_URL: 'https://id.example/tenant' } })
    const base = 'https://id.example'
    const documents: Json[] = []
    for (const path of [
      '/tenant/.well-known/openid-configuration',
      '/.well-known/openid-configuration/tenant',
      '/.well-known/oauth-authorization-server/tenant',
    ])
      documents.push((await (await tenant.fetch(base + path)).json()) as Json)
    expect(documents[0]!.issuer).toBe('https://id.example/tenant')
    expect(documents[0]!.token_endpoint).toBe('https://id.example/tenant/token')
    expect(documents[1]).toEqual(documents[0]!)
    expect(documents[2]).toEqual(documents[0]!)
    for (const path of ['/token', '/authorize', '/.well-known/openid-configuration', '/tenantx/jwks.json'])
      expect((await tenant.fetch(base + path)).status).toBe(404)
    expect((await tenant.fetch(`${base}/tenant/jwks.json`)).status).toBe(200)
  })

  test('a person goes all the way', async () => {
    const tenant = await provider({ env: { ISSUER_URL: 'https://id.example/tenant' } })
    const at = {
      ...tenant,
      fetch: (path: string, init?: RequestInit) =>
        tenant.fetch(path.startsWith('/') ? `/tenant${path}` : path, init),
    }
    const who = browser(at)
    const authorized = await authorize(at, who)
    expect(authorized.location.searchParams.get('iss')).toBe('https://id.example/tenant')
    const { body } = await redeem(at, demo, authorized)
    expect((await userinfo(at, String(body.access_token))).body.sub).toBe('user-alice')
  })
})

describe('too many requests of one address', () => {
  test('429 with Retry-After, once it is switched on', async () => {
    const limited = await provider({ env: { RATE_LIMITING_ENABLED: 'true', RATE_LIMIT_PER_MINUTE: '3' } })
    const ask = (peer: string) => limited.fetch('/userinfo', {}, peer)
    for (const status of [401, 401, 401, 429]) expect((await ask('192.0.2.1')).status).toBe(status)
    expect(Number((await ask('192.0.2.1')).headers.get('retry-after'))).toBeWithin(1, 61)
    expect((await ask('192.0.2.2')).status).toBe(401)
    expect((await limited.fetch('/jwks.json', {}, '192.0.2.1')).status).toBe(200)
    limited.clock.advance(60_000)
    expect((await ask('192.0.2.1')).status).toBe(401)
  })

  test('X-Forwarded-For is believed from trusted proxies alone', async () => {
    const env = { RATE_LIMITING_ENABLED: 'true', RATE_LIMIT_PER_MINUTE: '1', TRUSTED_PROXIES: '10.0.0.0/8' }
    const limited = await provider({ env })
    const ask = async (peer: string, forwarded: string) =>
      (await limited.fetch('/userinfo', { headers: { 'x-forwarded-for': forwarded } }, peer)).status
    expect([await ask('192.0.2.9', '1.1.1.1'), await ask('192.0.2.9', '2.2.2.2')]).toEqual([401, 429])
    expect([await ask('10.0.0.1', '3.3.3.3'), await ask('10.0.0.1', '4.4.4.4')]).toEqual([401, 401])
    expect(await ask('10.0.0.1', '9.9.9.9, 3.3.3.3')).toBe(429) // the nearest that is no proxy of ours
  })
})

describe('metrics and health', () => {
  test('metrics are for this machine, or for who holds the token', async () => {
    expect((await op.fetch('/metrics')).status).toBe(200)
    expect((await op.fetch('/metrics', {}, '192.0.2.1')).status).toBe(404)
    expect((await op.fetch('/metrics', { headers: { 'x-forwarded-for': '127.0.0.1' } })).status).toBe(404)
    const guarded = await provider({ env: { METRICS_TOKEN: 'a-token-for-metrics-0123456789' } })
    expect((await guarded.fetch('/metrics')).status).toBe(404)
    const headers = { authorization: 'Bearer a-token-for-metrics-0123456789' }
    expect(await (await guarded.fetch('/metrics', { headers }, '192.0.2.1')).text()).toContain('latchkey_')
  })

  test('health says what it checked', async () => {
    expect((await (await op.fetch('/health')).json()) as Json).toMatchObject({
      status: 'healthy',
      checks: { store: 'ok', clock: 'ok' },
    })
  })
})
