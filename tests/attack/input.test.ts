/** Hostile input: markup, header injection, prototypes, bombs, addresses and hosts. https://cheatsheetseries.owasp.org/cheatsheets/Input_Validation_Cheat_Sheet.html */
import { beforeAll, describe, expect, test } from 'bun:test'
import { parseBasic } from '../../src/auth/client_auth.ts'
import { matchRedirectUri, redirectUriProblem } from '../../src/auth/redirect_uri.ts'
import { parseScope } from '../../src/auth/scope.ts'
import { foreignText } from '../../src/html/foreign_text.ts'
import { canonicalUsername } from '../../src/models/user.ts'
import { authorizationUrl, demo, formPost, type Json } from '../support/client.ts'
import { alice, person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { addClient, attempts, codeFor, errorOf, redeem, tally, tokensFor, userinfo } from './attacker.ts'
import { processorMs } from '../support/effort.ts'

let op: Provider
beforeAll(async () => void (op = await provider()))

const urlencoded = { 'content-type': 'application/x-www-form-urlencoded' }
const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  op.fetch(path, { method: 'POST', body, headers: { ...urlencoded, ...headers } })

/** Markup that would be heard of if it arrived as markup anywhere. */
const markup = `"'><img src=x onerror=alert(1)><script>alert(2)</script></textarea>&lt;b&gt;{{csrf}}\${1}<!--`

async function arrivedAsMarkup(html: string): Promise<string[]> {
  const found: string[] = []
  new HTMLRewriter()
    .on('img[onerror], script:not([src]), [onerror], [onclick], iframe, object, base', {
      element: (element) => void found.push(element.tagName),
    })
    .transform(html)
  return found
}

describe('markup stays text', () => {
  const parameters = [
    'client_id',
    'redirect_uri',
    'response_type',
    'scope',
    'state',
    'nonce',
    'prompt',
    'max_age',
    'login_hint',
    'ui_locales',
    'acr_values',
    'id_token_hint',
    'claims',
    'response_mode',
    'code_challenge',
    'code_challenge_method',
    'display',
    'interaction',
    'csrf_token',
    'error',
    'error_description',
    'x',
  ]

  test.each(parameters)('of the parameter %s, on whatever page it leads to', async (name) => {
    const asked = new URL(authorizationUrl(op.issuer, demo).url)
    asked.searchParams.set(name, markup)
    const landing = await person(op.issuer, op.fetch).open(asked.href)
    if (landing.page) {
      expect(await arrivedAsMarkup(landing.page.html)).toEqual([])
      expect(landing.page.html).not.toContain('<script>alert')
    }
    for (const path of [
      '/',
      '/login',
      '/logout',
      '/consent',
      '/select_account',
      '/authorize/resume',
      `/${encodeURIComponent(markup)}`,
    ]) {
      const answer = await op.fetch(`${path}?${new URLSearchParams({ [name]: markup })}`, {
        headers: { accept: 'text/html' },
      })
      expect(await arrivedAsMarkup(await answer.text())).toEqual([])
    }
  })

  test('of a username, kept in the form after a wrong password', async () => {
    const browser = person(op.issuer, op.fetch)
    const page = (await browser.open('/login')).page!
    const again = (await browser.press(page, 'login', { username: markup, password: 'x' })).page!
    expect(again.status).toBe(401)
    expect(await arrivedAsMarkup(again.html)).toEqual([])
    expect(again.forms[0]!.fields.username).toBe(markup)
  })

  test('of a client, its name, its links and the claims it asks for', async () => {
    const registered = await op.fetch('/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        client_name: markup,
        redirect_uris: [demo.redirect_uri],
        client_uri: `https://evil.example/"onmouseover="alert(1)`,
        policy_uri: `https://evil.example/<script>alert(1)</script>`,
        logo_uri: 'https://evil.example/logo.png',
        scope: 'openid email',
      }),
    })
    expect(registered.status).toBe(201)
    const { client_id, client_secret } = (await registered.json()) as Record<string, string>
    const client = { client_id: client_id!, client_secret: client_secret!, redirect_uri: demo.redirect_uri }
    const claims = JSON.stringify({
      userinfo: { [markup]: null, 'Approved_by_the_administrator.': null, email: null },
    })
    const browser = person(op.issuer, op.fetch)
    const login = (await browser.open(authorizationUrl(op.issuer, client, { scope: 'openid', claims }).url))
      .page!
    const consent = (await browser.press(login, 'login', alice)).page!
    for (const page of [login, consent, (await browser.open(`/logout?client_id=${client_id}`)).page!]) {
      expect(await arrivedAsMarkup(page.html)).toEqual([])
      expect(page.html).not.toMatch(/onmouseover="alert/)
    }
    expect(consent.html).toContain('This app hasn’t been verified')
    expect(consent.html).not.toContain('logo.png')
    expect(consent.html).toContain('See your email')
    expect(consent.html).not.toContain('See this information about you: Approved by') // its words are not ours
    expect((await browser.press(consent, 'allow')).location?.searchParams.get('code')).not.toBeNull()
  })

  test('of the log: one event is one line', async () => {
    const before = op.lines.length
    await op.fetch('/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        client_name: 'x\ninfo signed_in sub=admin\r\n\u001b[31m\u009b2J\u2028\u202e',
        redirect_uris: [demo.redirect_uri],
      }),
    })
    const lines = op.lines.slice(before).filter((line) => line.includes('client_registered'))
    expect(lines).toHaveLength(1)
    expect(lines[0]).not.toMatch(/[\p{Cc}\u2028\u202e]/u)
  })
})

describe('names that JavaScript knows', () => {
  const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__']

  test.each(names)(
    '%s, as a parameter and its value, a scope, a claim, a method, a grant type',
    async (name) => {
      const url = `${authorizationUrl(op.issuer, demo, { prompt: 'none' }).url}&${name}=x&${name}[x]=y`
      expect(new URL((await op.fetch(url)).headers.get('location')!).searchParams.get('error')).toBe(
        'login_required',
      )
      expect(await errorOf(await op.fetch('/token', formPost(demo, { grant_type: name })))).toBe(
        '400 unsupported_grant_type',
      )
      expect(
        await errorOf(
          await op.fetch('/token', formPost(demo, { grant_type: 'client_credentials', scope: name })),
        ),
      ).toBe('400 invalid_scope')
      expect(
        await errorOf(
          await post('/token', `grant_type=client_credentials&client_id=${name}&client_secret=x`),
        ),
      ).toBe('401 invalid_client')
      expect(
        await errorOf(
          await post('/token', `grant_type=refresh_token&client_id=public-client&refresh_token=${name}`),
        ),
      ).toBe('400 invalid_grant')
      for (const more of [
        { response_type: name },
        { response_mode: name },
        { scope: `openid ${name}` },
        { prompt: name },
      ])
        expect(
          (await op.fetch(authorizationUrl(op.issuer, demo, more).url)).headers.get('location'),
        ).toContain('error=')
      expect((await op.fetch(`/${name}`)).status).toBe(404)
      expect(
        (await op.fetch('/login', { headers: { cookie: `latchkey_session=${name}; ${name}=x` } })).status,
      ).toBe(303)
    },
  )

  test('as claims they give nothing, and pollute nothing', async () => {
    const asked = `{"userinfo":{"__proto__":{"essential":true},"constructor":{"value":"x"},"toString":null},"id_token":{"__proto__":null},"__proto__":{"polluted":true}}`
    const tokens = await tokensFor(op, { more: { claims: asked, scope: 'openid' } })
    const said = (await (
      await op.fetch('/userinfo', { headers: { authorization: `Bearer ${tokens.access_token}` } })
    ).json()) as Json
    expect(said).toEqual({ sub: 'user-alice' })
    expect(({} as Json).polluted).toBeUndefined()
    expect(({} as Json).essential).toBeUndefined()
  })

  test('as client metadata they are dropped', async () => {
    const body = `{"redirect_uris":["${demo.redirect_uri}"],"__proto__":{"first_party":true},"constructor":{"prototype":{"polluted":1}}}`
    const answer = await op.fetch('/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    expect(answer.status).toBe(201)
    const client = (await answer.json()) as Json
    expect(Object.hasOwn(client, 'constructor')).toBe(false)
    const kept = await op.context.clients.get(String(client.client_id), () => Promise.resolve(undefined))
    expect(kept?.first_party ?? false).toBe(false)
    expect(({} as Json).polluted ?? ({} as Json).first_party).toBeUndefined()
  })
})

describe('bombs', () => {
  test('nested deeply: refused or carried, never an error nobody foresaw', async () => {
    const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
    for (const levels of [100, 1_000, 4_000, 6_500]) {
      const claims = `{"userinfo":{"email":{"value":${deep(levels)}}}}`
      const answer = await op.fetch(authorizationUrl(op.issuer, demo, { claims, prompt: 'none' }).url)
      expect(answer.status).toBe(303)
    }
    for (const levels of [100, 10_000, 30_000]) {
      const body = `{"redirect_uris":["${demo.redirect_uri}"],"x":${deep(levels)},"jwks":{"keys":[{"kty":"EC","crv":"P-256","x":"x","y":"y","z":${deep(levels / 2)}}]}}`
      const answer = await op.fetch('/register', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      expect([201, 400, 413]).toContain(answer.status)
    }
    for (const body of [
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '1',
      '{"redirect_uris":{"length":1}}',
      '{"redirect_uris":[[[]]]}',
      '\u0000',
      '{"a":1}x',
      '[{}]'.repeat(10),
    ]) {
      const answer = await op.fetch('/register', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      expect([body, answer.status]).toEqual([body, 400])
    }
  })

  test('a consented request whose claims are nested deeply still ends in a code or an error of the protocol', async () => {
    const claims = `{"userinfo":{"email":{"value":${'['.repeat(3000)}${']'.repeat(3000)}}}}`
    const { location } = await codeFor(op, { more: { claims, scope: 'openid' } }).catch((error: Error) => ({
      location: error.message,
    }))
    expect(`${location}`).toMatch(/[?&](code|error)=/)
  })

  test('many parameters, long names, bodies beyond the limit', async () => {
    expect(await errorOf(await post('/token', 'a=1&'.repeat(101)))).toBe('400 invalid_request')
    expect(await errorOf(await post('/token', `${'a'.repeat(201)}=1`))).toBe('400 invalid_request')
    expect(await errorOf(await post('/token', `a=${'b'.repeat(70_000)}`))).toBe('413 payload_too_large')
    expect(await errorOf(await post('/token', `scope=%zz`))).toBe('400 invalid_request')
    expect(await errorOf(await post('/token', `scope=%C0%80`))).toBe('400 invalid_request')
  })

  test('text that makes careless patterns slow', async () => {
    const nasty = (text: string) => text.repeat(32_000)
    const took = await processorMs(() => {
      parseBasic(`Basic ${nasty(' ')}x`)
      parseBasic(`Basic ${nasty('A')}!`)
      expect(() => parseScope(nasty('a'))).toThrow('at most 256 characters')
      redirectUriProblem(`https://a/${'/.'.repeat(900)}`, undefined)
      matchRedirectUri(['http://127.0.0.1/x'], `http://127.0.0.1:${nasty('1')}`)
      matchRedirectUri(['http://127.0.0.1/x'], `http://127.0.0.1/${nasty('/')}\n`)
      foreignText(nasty(' '))
      foreignText(nasty('a\u0301\u0301\u0301\u0301'))
      foreignText(nasty('\u202e'))
      canonicalUsername(nasty('\u200b'))
      canonicalUsername(nasty('\ufdfa'))
      canonicalUsername(`${nasty(' ')}x${nasty(' ')}`)
    })
    expect(took).toBeLessThan(1500)
  })

  test('headers that make careless patterns slow', async () => {
    const long = ' '.repeat(15_000)
    const took = await processorMs(async () => {
      await op.fetch('/userinfo', { headers: { authorization: `Bearer ${'a'.repeat(15_000)}!` } })
      await op.fetch('/userinfo', { headers: { authorization: `Bearer${long}!` } })
      await op.fetch('/login', { headers: { cookie: `a=1;${long}x;${'; '.repeat(7_000)}` } })
      await op.fetch('/login', { headers: { cookie: `a${long}b` } })
      await post('/token', '', { 'content-type': `application/x-www-form-urlencoded${long}x` })
      await op.fetch('/metrics', { headers: { authorization: `Bearer${long}` } })
    })
    expect(took).toBeLessThan(500)
  })

  test('many scopes and many claims at once', async () => {
    const took = await processorMs(async () => {
      const scope = Array.from({ length: 2500 }, (_, i) => `s${i}`).join(' ')
      expect(
        (await op.fetch(authorizationUrl(op.issuer, demo, { scope }).url)).headers.get('location'),
      ).toContain('error=invalid_scope')
      const claims = JSON.stringify({
        userinfo: Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`c${i}`, null])),
      })
      expect((await op.fetch(authorizationUrl(op.issuer, demo, { claims }).url)).status).toBe(303)
    })
    expect(took).toBeLessThan(1000)
  })
})

describe('parameters', () => {
  test('that come twice are refused, on every endpoint that takes them', async () => {
    const twice = 'token=a&token=b&grant_type=client_credentials&grant_type=refresh_token'
    for (const path of ['/token', '/introspect', '/revoke'])
      expect(
        await errorOf(await post(path, twice, { authorization: `Basic ${btoa('client123:secret456')}` })),
      ).toBe('400 invalid_request')
    expect((await op.fetch('/logout?state=1&state=2')).status).toBe(400)
    expect((await op.fetch('/login?interaction=1&interaction=2')).status).toBe(400)
  })

  test('in the URL of the token endpoint are not parameters', async () => {
    const answer = await post(
      '/token?grant_type=client_credentials&client_id=client123&client_secret=secret456',
      '',
    )
    expect(await errorOf(answer)).toBe('401 invalid_client')
    const mixed = await post(
      '/token?client_secret=secret456&scope=openid',
      'grant_type=client_credentials&client_id=client123',
    )
    expect(await errorOf(mixed)).toBe('401 invalid_client')
    const { code, code_verifier } = await codeFor(op)
    const spread = await op.fetch(
      `/token?code=${code}&code_verifier=${code_verifier}`,
      formPost(demo, { grant_type: 'authorization_code', redirect_uri: demo.redirect_uri }),
    )
    expect(await errorOf(spread)).toBe('400 invalid_request')
  })

  test('without a value count as absent: no empty secret, code or token passes', async () => {
    for (const body of [
      'grant_type=client_credentials&client_id=client123&client_secret=',
      'grant_type=client_credentials&client_id=&client_secret=',
      'grant_type=&client_id=client123&client_secret=secret456',
      'grant_type=refresh_token&client_id=public-client&refresh_token=',
    ])
      expect((await post('/token', body)).ok).toBe(false)
    expect(
      await errorOf(
        await op.fetch('/token', {
          method: 'POST',
          body: '',
          headers: { ...urlencoded, authorization: `Basic ${btoa('client123:')}` },
        }),
      ),
    ).toBe('401 invalid_client')
  })

  test('a client that authenticates in two ways, or in another than it registered, is nobody', async () => {
    const basic = { authorization: `Basic ${btoa('client123:secret456')}` }
    const credentials = 'client_id=client123&client_secret=secret456'
    expect(await errorOf(await post('/token', `grant_type=client_credentials&${credentials}`, basic))).toBe(
      '400 invalid_request',
    )
    expect(
      await errorOf(await post('/token', 'grant_type=client_credentials&client_id=public-client', basic)),
    ).toBe('400 invalid_request')
    const machine = { redirect_uris: [], response_types: [], grant_types: ['client_credentials'] }
    await addClient(op, { ...machine, client_id: 'named' }, 'secret456')
    const named = 'client_id=named&client_secret=secret456'
    expect(await errorOf(await post('/token', `grant_type=client_credentials&${named}`))).toBe(
      '401 invalid_client',
    )
    expect(await errorOf(await post('/token', 'grant_type=client_credentials&client_id=client123'))).toBe(
      '401 invalid_client',
    )
    const { code, code_verifier } = await codeFor(op, {
      client: { client_id: 'public-client', redirect_uri: demo.redirect_uri },
    })
    const secretive = { client_id: 'public-client', client_secret: 'x', redirect_uri: demo.redirect_uri }
    expect(await errorOf(await redeem(op, { code, code_verifier }, secretive))).toBe('401 invalid_client')
  })

  test('an access token in the URL, or in two places, is none', async () => {
    const { access_token } = await tokensFor(op)
    expect((await op.fetch(`/userinfo?access_token=${access_token}`)).status).toBe(401)
    expect(
      (await post('/userinfo', `access_token=${access_token}`, { authorization: `Bearer ${access_token}` }))
        .status,
    ).toBe(400)
    for (const scheme of ['Basic', 'DPoP', 'Bearer,', 'Bear']) {
      const answer = await op.fetch('/userinfo', { headers: { authorization: `${scheme} ${access_token}` } })
      expect(answer.status).toBe(401)
    }
    expect(await userinfo(op, access_token)).toBe(200)
  })
})

describe('who asks, and where', () => {
  const limits = {
    SIGN_IN_ATTEMPTS_PER_ADDRESS: '3',
    RATE_LIMITING_ENABLED: 'true',
    RATE_LIMIT_PER_MINUTE: '5',
    LOG_LEVEL: 'error',
  }
  const asked = (own: Provider, peers: readonly [peer: string, forwarded?: string][]) =>
    Promise.all(
      peers.map(
        async ([peer, forwarded]) =>
          (
            await own.fetch(
              '/authorize',
              forwarded === undefined ? {} : { headers: { 'x-forwarded-for': forwarded } },
              peer,
            )
          ).status,
      ),
    )

  test('X-Forwarded-For moves nobody who is not behind a trusted proxy', async () => {
    const own = await provider({ env: limits })
    const answers = await asked(
      own,
      Array.from({ length: 10 }, (_, i) => ['203.0.113.9', `198.51.100.${i}`]),
    )
    expect(tally(answers)).toEqual({ 400: 5, 429: 5 })
  })

  test('behind one, what the proxy added counts and what the client claimed does not', async () => {
    const own = await provider({ env: { ...limits, TRUSTED_PROXIES: '10.0.0.0/8' } })
    const forged = await asked(
      own,
      Array.from({ length: 10 }, (_, i) => ['10.0.0.1', `198.51.100.${i}, 10.9.9.9, 203.0.113.9`]),
    )
    expect(tally(forged)).toEqual({ 400: 5, 429: 5 })
    const ports = Array.from({ length: 10 }, (_, i): [string, string] => [
      '10.0.0.1',
      i % 2 ? `198.51.100.7:${5000 + i}, 10.0.0.3:80` : '198.51.100.7',
    ])
    expect(tally(await asked(own, ports))).toEqual({ 400: 5, 429: 5 })
    const honest = await asked(
      own,
      Array.from({ length: 10 }, (_, i) => ['10.0.0.1', `203.0.113.${i + 20}`]),
    )
    expect(tally(honest)).toEqual({ 400: 10 })
  })

  test.each([
    ['hosts of one /64', (i: number) => `2001:db8::${(i + 1).toString(16)}:1`],
    ['hosts of one /64 with zeros before', (i: number) => `2001:db8::1:${(i + 1).toString(16)}`],
    [
      'spellings of one address',
      (i: number) =>
        ['2001:db8::1', '2001:DB8::1', '2001:db8:0:0::1', '2001:0db8::0001', '2001:db8::0.0.0.1'][i % 5]!,
    ],
    ['an IPv4 address in IPv6', (i: number) => (i % 2 ? '203.0.113.9' : '::ffff:203.0.113.9')],
    ['zones', (i: number) => `fe80::1%eth${i}`],
  ])('%s count as one', async (_, peer) => {
    const own = await provider({ env: limits })
    expect(
      tally(
        await asked(
          own,
          Array.from({ length: 10 }, (_, i) => [peer(i)]),
        ),
      ),
    ).toEqual({ 400: 5, 429: 5 })
  })

  test('but neighbouring networks do not', async () => {
    const own = await provider({ env: limits })
    const answers = await asked(
      own,
      Array.from({ length: 10 }, (_, i) => [`2001:db8:0:${i}::1`]),
    )
    expect(tally(answers)).toEqual({ 400: 10 })
  })

  test('one who guesses at many accounts is stopped by address, and a success gives nobody new tries', async () => {
    const own = await provider({ env: { ...limits, RATE_LIMIT_PER_MINUTE: '1000' } })
    const browser = person(own.issuer, own.fetch)
    const page = (await browser.open('/login')).page!
    const statuses = []
    for (let i = 0; i < 5; i++) {
      if (i === 2) await person(own.issuer, own.fetch).goThrough(authorizationUrl(own.issuer, demo).url)
      statuses.push(
        (await browser.press(page, 'login', { username: `person${i}`, password: 'x' })).page!.status,
      )
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429])
  })

  test('links and names come from the issuer, whatever Host or X-Forwarded-Host says', async () => {
    const own = await provider({ env: { TRUSTED_PROXIES: 'loopback', LOG_LEVEL: 'error' } })
    const evil = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil.example',
      'x-original-url': '/metrics',
      'x-rewrite-url': '/metrics',
      host: 'evil.example',
    }
    for (const path of [
      '/.well-known/openid-configuration',
      '/',
      '/openapi.json',
      '/login',
      '/authorize',
      '/userinfo',
    ]) {
      const answer = (await own.context) && (await own.fetch(`http://evil.example${path}`, { headers: evil }))
      const text = `${await answer.text()} ${JSON.stringify([...answer.headers])}`
      expect([path, text.includes('evil.example')]).toEqual([path, false])
    }
  })

  test('metrics are not for who comes through a proxy', async () => {
    expect((await op.fetch('/metrics', {}, '203.0.113.9')).status).toBe(404)
    expect((await op.fetch('/metrics', { headers: { 'x-forwarded-for': '127.0.0.1' } })).status).toBe(404)
    const own = await provider({ env: { METRICS_TOKEN: 'a token for the metrics'.replaceAll(' ', '-') } })
    for (const authorization of ['Bearer x', 'Bearer ', 'Basic a-token-for-the-metrics'])
      expect((await own.fetch('/metrics', { headers: { authorization } })).status).toBe(404)
    expect(
      (await own.fetch('/metrics', { headers: { authorization: 'Bearer a-token-for-the-metrics' } })).status,
    ).toBe(200)
  })

  test('scripts of other origins read nothing that cookies protect, and never with cookies', async () => {
    const own = await provider({
      env: {
        CORS_ALLOWED_ORIGINS: 'https://app.example',
        CORS_REDIRECT_ORIGINS: 'off',
        LOG_LEVEL: 'error',
      },
    })
    for (const origin of [
      'https://evil.example',
      'null',
      'https://app.example.evil.example',
      'https://app.example:8443',
      'http://app.example',
      'https://APP.example',
    ])
      for (const path of ['/token', '/userinfo', '/revoke', '/register']) {
        const answer = await own.fetch(path, {
          method: 'OPTIONS',
          headers: { origin, 'access-control-request-method': 'POST' },
        })
        expect([path, answer.headers.get('access-control-allow-origin')]).toEqual([path, null])
      }
    for (const path of ['/authorize', '/login', '/consent', '/logout', '/introspect', '/']) {
      const answer = await own.fetch(path, { headers: { origin: 'https://app.example' } })
      expect([path, answer.headers.get('access-control-allow-origin')]).toEqual([path, null])
    }
    for (const path of ['/token', '/userinfo', '/jwks.json', '/.well-known/openid-configuration', '/login'])
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const answer = await own.fetch(path, { method, headers: { origin: 'https://app.example' } })
        expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
      }
    const good = await own.fetch('/token', { method: 'OPTIONS', headers: { origin: 'https://app.example' } })
    expect(good.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(good.headers.get('vary')).toContain('Origin')
  })
})

test('an operator’s client whose name is markup, in a client_id with CRLF', async () => {
  const strange = { client_id: 'x\r\ny<b>', redirect_uri: demo.redirect_uri, client_secret: 's' }
  await addClient(
    op,
    {
      client_id: strange.client_id,
      client_name: markup,
      redirect_uris: [demo.redirect_uri],
      scope: 'openid',
    },
    's',
  )
  const landing = await person(op.issuer, op.fetch).open(
    authorizationUrl(op.issuer, strange, { scope: 'openid' }).url,
  )
  expect(await arrivedAsMarkup(landing.page!.html)).toEqual([])
})

test('a hundred strangers at the login page leave no session behind', async () => {
  const answers = await attempts(100, async () => (await op.fetch('/login')).headers.getSetCookie())
  expect(answers.flat().filter((each) => each.includes('session'))).toEqual([])
})
