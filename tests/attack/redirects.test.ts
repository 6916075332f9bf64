/** Where answers go: never to a stranger, never without saying who answers. https://www.rfc-editor.org/rfc/rfc9700#section-4.1 https://www.rfc-editor.org/rfc/rfc9207 */
import { beforeAll, describe, expect, test } from 'bun:test'
import { authorizationUrl, demo } from '../support/client.ts'
import { person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { addClient, tokensFor } from './attacker.ts'

let op: Provider
beforeAll(async () => void (op = await provider({ env: { LOG_LEVEL: 'error' } })))

const web = { client_id: 'web', client_secret: 'web secret', redirect_uri: 'https://app.example/cb?tenant=1' }
const native = { client_id: 'native', redirect_uri: 'http://127.0.0.1/cb' }
beforeAll(async () => {
  const scope = 'openid profile email'
  await addClient(
    op,
    { client_id: 'web', redirect_uris: [web.redirect_uri, 'https://app.example/cb'], scope },
    web.client_secret,
  )
  const uris = [native.redirect_uri, 'http://[::1]/cb', 'com.example.app:/cb']
  await addClient(op, { client_id: 'native', redirect_uris: uris, scope, token_endpoint_auth_method: 'none' })
})

describe('a redirect_uri that is not the registered one, character by character, is a page and goes nowhere', () => {
  const spellings = [
    'https://evil.example/cb',
    'https://app.example.evil.example/cb',
    'https://app.example@evil.example/cb',
    'https://app.example:pass@evil.example/cb',
    'https://user@app.example/cb',
    'https://evil.example\\@app.example/cb',
    'https://evil.example\\.app.example/cb',
    'https:\\\\app.example\\cb',
    'https:/app.example/cb',
    'https:app.example/cb',
    'https:///app.example/cb',
    '//app.example/cb',
    '/cb',
    'HTTPS://app.example/cb',
    'https://APP.example/cb',
    'https://app.example./cb',
    'https://app.example:443/cb',
    'https://app.example:8443/cb',
    'https://app.example:/cb',
    'http://app.example/cb',
    'https://app.example/cb/',
    'https://app.example//cb',
    'https://app.example/CB',
    'https://app.example/cb#',
    'https://app.example/cb#@evil.example',
    'https://app.example/cb?',
    'https://app.example/cb?tenant=2',
    'https://app.example/cb?tenant=1&x=1',
    'https://app.example/cb;x',
    'https://app.example/%63b',
    'https://app.example/%2563b',
    'https://app.example/./cb',
    'https://app.example/x/../cb',
    'https://app.example/cb/../../evil',
    'https://app.example/cb/%2e%2e/evil',
    'https://app.example/cb%00',
    'https://app.example/cb%0d%0aSet-Cookie:x=1',
    'https://app.example/cb\r\nSet-Cookie: x=1',
    ' https://app.example/cb',
    'https://app.example/cb ',
    '\thttps://app.example/cb',
    'https://app.exam\u200bple/cb',
    'https://app。example/cb',
    'https://ａpp.example/cb',
    'https://аpp.example/cb',
    'https://app.example/cb\ud83d\ude00',
    'https://app.example%2f@evil.example/cb',
    'https://app.example%00.evil.example/cb',
    'https://[::ffff:app.example]/cb',
    'javascript:alert(1)//https://app.example/cb',
    'data:text/html,https://app.example/cb',
    'https://app.example/cb https://evil.example',
    'https://app.example/cb,https://evil.example',
    '*',
    'null',
    'undefined',
    '[object Object]',
  ]
  test.each(spellings)('%j', async (redirect_uri) => {
    for (const more of [{}, { prompt: 'none' }, { response_type: 'x' }]) {
      const answer = await op.fetch(authorizationUrl(op.issuer, web, { redirect_uri, ...more }).url)
      expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
      expect(answer.headers.get('content-type')).toStartWith('text/html')
    }
  })

  test.each([
    'http://127.0.0.1:80@evil.example/cb',
    'http://127.0.0.1:x@evil.example/cb',
    'http://127.0.0.1.evil.example/cb',
    'http://127.0.0.1:99999/cb',
    'http://127.0.0.1:8080/cb/..',
    'http://127.0.0.1:8080/other',
    'http://127.0.0.1:8080/cb?x',
    'http://127.0.0.1:8080/cb#x',
    'http://127.0.0.1:8080\\cb',
    'http://127.0.0.1:8080\\@evil.example/cb',
    'http://127.0.0.1:-1/cb',
    'http://127.0.0.1: 80/cb',
    'http://127.0.0.1:8080/cb\nx',
    'http://127.0.0.1:８０/cb',
    'http://127.0.0.2:8080/cb',
    'http://127.1:8080/cb',
    'http://0x7f.0.0.1:8080/cb',
    'http://2130706433:8080/cb',
    'http://0.0.0.0:8080/cb',
    'http://localhost:8080/cb',
    'https://127.0.0.1:8080/cb',
    'http://[::ffff:127.0.0.1]:8080/cb',
    'http://[0:0:0:0:0:0:0:1]:8080/cb',
    'http://[::1]:8080@evil.example/cb',
    'com.example.app:/cb/../x',
    'com.example.app://evil.example/cb',
    'COM.example.app:/cb',
  ])('loopback and private schemes: %j', async (redirect_uri) => {
    const answer = await op.fetch(authorizationUrl(op.issuer, native, { redirect_uri }).url)
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
  })

  test('but a native application may listen on any port', async () => {
    for (const redirect_uri of ['http://127.0.0.1:51004/cb', 'http://[::1]:1/cb', 'com.example.app:/cb']) {
      const answer = await op.fetch(authorizationUrl(op.issuer, native, { redirect_uri }).url)
      expect(answer.status).toBe(303)
    }
  })

  test('nor does an error before that go anywhere: unknown client, no client, two of anything', async () => {
    const { url } = authorizationUrl(op.issuer, web)
    const evil = 'redirect_uri=https%3A%2F%2Fevil.example%2F'
    for (const each of [
      url.replace('client_id=web', 'client_id=nobody'),
      url.replace('client_id=web', 'x=web'),
      url.replace('client_id=web', 'client_id=__proto__'),
      url.replace('client_id=web', 'client_id=constructor'),
      `${url}&client_id=client123`,
      `${url}&${evil}`,
      url.replace('redirect_uri=', `${evil}&redirect_uri=`),
      url.replace('redirect_uri=', 'redirect_uri[]='),
      url.replace('redirect_uri=', 'Redirect_URI='),
      `${url}&state=again`,
      url.replace('redirect_uri=', 'x='),
      `${url}&state=%ff`,
      `${url}${'&y=1'.repeat(100)}`,
    ]) {
      const answer = await op.fetch(each)
      expect([each, answer.status, answer.headers.get('location')]).toEqual([each, 400, null])
    }
  })
})

describe('an answer to the client', () => {
  test.each<[string, Record<string, string | undefined>]>([
    ['login_required', { prompt: 'none' }],
    ['invalid_request', { prompt: 'none login' }],
    ['invalid_request', { prompt: 'sudo' }],
    ['invalid_scope', { scope: 'openid everything' }],
    ['invalid_scope', { scope: 'openid "quoted"' }],
    ['unsupported_response_type', { response_type: 'telepathy' }],
    ['invalid_request', { response_type: undefined }],
    ['invalid_request', { response_mode: 'smoke' }],
    ['invalid_request', { code_challenge: undefined }],
    ['invalid_request', { max_age: '-1' }],
    ['invalid_request', { max_age: '1e9' }],
    ['invalid_request', { claims: '{' }],
    ['invalid_request', { claims: '[]' }],
    ['invalid_request', { claims: '{"userinfo":{"email":"x"}}' }],
    ['invalid_request', { id_token_hint: 'x' }],
    ['registration_not_supported', { registration: '{}' }],
  ])('%s for %o says who answers and brings the state back, whole', async (error, more) => {
    const state = 'a&code=evil\r\nSet-Cookie: x=1\r\n\r\n<script>alert(1)</script>#"\'%00é'
    const { url } = authorizationUrl(op.issuer, web, { state, ...more })
    const landing = await person(op.issuer, op.fetch).open(url)
    const { searchParams: params, origin, pathname, hash } = landing.location!
    expect([origin + pathname, hash]).toEqual(['https://app.example/cb', ''])
    expect(params.getAll('tenant')).toEqual(['1'])
    expect(params.getAll('error')).toEqual([error])
    expect(params.getAll('state')).toEqual([state])
    expect(params.getAll('iss')).toEqual([op.issuer])
    expect(params.getAll('code')).toEqual([])
  })

  test('that is a success says who answers too, so that two servers cannot be mixed up', async () => {
    const location = await person(op.issuer, op.fetch).goThrough(authorizationUrl(op.issuer, demo).url)
    expect(location.searchParams.getAll('iss')).toEqual([op.issuer])
  })

  test('that the person denied says so with state and iss', async () => {
    const browser = person(op.issuer, op.fetch)
    const { url, params } = authorizationUrl(op.issuer, web)
    const login = (await browser.open(url)).page!
    const consent = (await browser.press(login, 'login', { username: 'bob', password: 'bobpassword' })).page!
    const { searchParams } = (await browser.press(consent, 'deny')).location!
    expect([searchParams.get('error'), searchParams.get('iss'), searchParams.get('state')]).toEqual([
      'access_denied',
      op.issuer,
      params.state!,
    ])
  })

  test('is a 303, so that no browser posts a password on to the client', async () => {
    const login = await op.fetch(authorizationUrl(op.issuer, web, { prompt: 'none' }).url)
    expect(login.status).toBe(303)
  })
})

describe('signing out leads nowhere else', () => {
  test.each([
    'https://evil.example/',
    'http://localhost:8080',
    'http://localhost:8080//evil.example',
    'http://localhost:8080/@evil.example',
    'http://localhost:8080/callback',
    '//evil.example',
    'javascript:alert(1)',
  ])('%s', async (post_logout_redirect_uri) => {
    const tokens = await tokensFor(op)
    const asked = { client_id: demo.client_id, id_token_hint: tokens.id_token, post_logout_redirect_uri }
    for (const drop of ['', 'client_id', 'id_token_hint']) {
      const params = new URLSearchParams(Object.entries(asked).filter(([name]) => name !== drop))
      const landing = await tokens.browser.open(`/logout?${params}`)
      expect([drop, landing.page?.status]).toEqual([drop, 400])
    }
    const still = await tokens.browser.open(authorizationUrl(op.issuer, demo, { prompt: 'none' }).url)
    expect(still.location?.searchParams.get('code')).not.toBeNull()
  })

  test('and the hint of one client cannot name another', async () => {
    const tokens = await tokensFor(op)
    const params = new URLSearchParams({ client_id: 'web', id_token_hint: tokens.id_token })
    expect((await tokens.browser.open(`/logout?${params}`)).page?.status).toBe(400)
  })
})

test.each([
  'return_to',
  'next',
  'redirect',
  'redirect_to',
  'continue',
  'url',
  'target',
  'ReturnUrl',
  'post_logout_redirect_uri',
  'redirect_uri',
  'login_url',
  'initiate_login_uri',
])('no page of ours leads away by the parameter %s', async (name) => {
  for (const path of [
    '/',
    '/login',
    '/logout',
    '/consent',
    '/select_account',
    '/authorize/resume',
    '/authorize',
    '//evil.example',
    '/\\evil.example',
    '/login/..//evil.example',
  ]) {
    const answer = await op.fetch(`${op.issuer}${path}?${name}=https://evil.example/`)
    const location = answer.headers.get('location')
    if (location !== null) expect(new URL(location, `${op.issuer}${path}`).origin).toBe(op.issuer)
    expect(await answer.text()).not.toContain('href="https://evil')
  }
})
