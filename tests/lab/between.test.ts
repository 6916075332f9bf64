/** What goes wrong between a client and the provider, and is said: proxies, http in place of https, host names, cookies, content types, clocks. docs/lab.md */
import { expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { authorizationUrl, basic, demo, formPost } from '../support/client.ts'
import { browser } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { explainedAt, type Explained } from './explained.ts'

const lab = (env: Record<string, string> = {}) => provider({ env: { LAB: 'true', ...env } })

/** As it is opened on this machine. */
function pageOf(op: Provider, response: Response): Promise<Explained> {
  const base = op.issuer.startsWith('https:') ? 'http://127.0.0.1' : op.issuer
  return explainedAt(op, `${base}/lab/error?id=${response.headers.get('x-request-id')}`)
}

const form = formPost(demo, { grant_type: 'client_credentials' })
const headersOf = (more: Record<string, string>) => ({
  ...form,
  headers: { ...(form.headers as Record<string, string>), ...more },
})

/** The sign-in form of a browser, sent with these headers. */
async function sendLogin(op: Provider, url: string, headers: Record<string, string>): Promise<Response> {
  const { page } = await browser(op).open(authorizationUrl(op.issuer, demo).url)
  const [login] = page!.forms
  return op.fetch(new URL(login!.action, url).href, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams({ ...login!.fields, username: 'alice', password: 'alicepassword' }).toString(),
  })
}

test('a page at 127.0.0.1 whose issuer is localhost', async () => {
  const op = await lab()
  const sent = await sendLogin(op, 'http://127.0.0.1:5000', { origin: 'http://127.0.0.1:5000' })
  expect(sent.status).toBe(403)
  const { causes, text } = await pageOf(op, sent)
  expect(causes[0]).toBe('other_host_name')
  expect(text).toContain('The page was opened at 127.0.0.1:5000, and the issuer is at localhost:5000.')
  expect(text).toContain('ISSUER_URL=http://127.0.0.1:5000')
})

test('a script with curl that keeps no cookies', async () => {
  const op = await lab()
  const sent = await sendLogin(op, op.issuer, {})
  const { causes, text } = await pageOf(op, sent)
  expect(causes).toEqual(['no_cookie'])
  expect(text).toContain('curl -c jar -b jar')
})

test('a form on a page of another site', async () => {
  const op = await lab()
  const sent = await sendLogin(op, op.issuer, {
    origin: 'https://app.example',
    'sec-fetch-site': 'cross-site',
  })
  const { causes, text } = await pageOf(op, sent)
  expect(causes[0]).toBe('form_of_other_site')
  expect(text).toContain('A page of https://app.example sent a form of this provider.')
})

test('http to an issuer with https', async () => {
  const op = await lab({ ISSUER_URL: 'https://id.example', LAB_NETWORKS: 'loopback' })
  const sent = await op.fetch('http://id.example/login', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'csrf_token=x',
  })
  const { causes } = await pageOf(op, sent)
  expect(causes[0]).toBe('http_to_https_issuer')
})

test('a proxy that changes the Host', async () => {
  const op = await lab({ TRUSTED_PROXIES: '10.0.0.1' })
  const sent = await op.fetch(
    'http://backend:8080/login',
    {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-forwarded-for': '203.0.113.7',
        origin: 'http://localhost:5000',
      },
      body: 'csrf_token=x',
    },
    '10.0.0.1',
  )
  const { causes } = await pageOf(op, sent)
  expect(causes[0]).toBe('proxy_changes_host')
})

test('a proxy that is not in TRUSTED_PROXIES', async () => {
  const op = await lab({ PLAIN_HTTP_FROM: 'proxies' })
  const sent = await op.fetch('/token', headersOf({ 'x-forwarded-for': '203.0.113.7' }), '10.0.0.1')
  const { causes } = await pageOf(op, sent)
  expect(causes[0]).toBe('proxy_not_trusted')
})

test('a proxy that removes Authorization from a request for userinfo', async () => {
  const op = await lab()
  const sent = await op.fetch('/userinfo', { headers: { via: '1.1 gateway' } })
  const { causes, text } = await pageOf(op, sent)
  expect(causes[0]).toBe('no_token')
  expect(text).toContain('It came through a proxy, which may have removed it.')
})

test('a proxy that removes Content-Type', async () => {
  const op = await lab()
  const body = new TextEncoder().encode('grant_type=client_credentials')
  const sent = await op.fetch('/token', {
    method: 'POST',
    body,
    headers: { ...basic(demo), via: '1.1 gateway' },
  })
  const { causes, text } = await pageOf(op, sent)
  expect(causes[0]).toBe('content_type_missing')
  expect(text).toContain('The request came through a proxy, which may have removed the header.')
})

test('FormData, which is multipart', async () => {
  const op = await lab()
  const body = new FormData()
  body.set('grant_type', 'client_credentials')
  const sent = await op.fetch('/token', { method: 'POST', body, headers: basic(demo) })
  const { causes, text } = await pageOf(op, sent)
  expect(causes).toEqual(['other_content_type'])
  expect(text).toContain('multipart/form-data')
})

test('a request whose parameters are all in the URL', async () => {
  const op = await lab()
  const sent = await op.fetch('/token?grant_type=client_credentials', {
    method: 'POST',
    headers: basic(demo),
  })
  const { causes, text } = await pageOf(op, sent)
  expect(causes).toEqual(['content_type_missing'])
  expect(text).toContain('the parameters are in the URL, or nowhere')
})

test('a clock of the provider that differs from that of its store', async () => {
  const store = Object.assign(memoryStore({ now: Date.now }), { time: async () => Date.now() })
  const ahead = { now: () => Date.now() + 600_000, advance() {} }
  const op = await provider({
    env: { LAB: 'true' },
    clock: ahead,
    store,
  })
  await op.context.clockGuard.check()
  const sent = await op.fetch('/token', form)
  expect(sent.status).toBe(503)
  const { causes, text } = await pageOf(op, sent)
  expect(causes).toEqual(['clock_of_provider'])
  expect(text).toContain('timedatectl set-ntp true')
})

test('a DPoP proof for the address behind the proxy', async () => {
  const op = await lab()
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const proof = await new SignJWT({ htm: 'POST', htu: 'http://backend:8080/token', jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey) })
    .setIssuedAt(Math.floor(op.clock.now() / 1000))
    .sign(privateKey)
  const sent = await op.fetch('/token', headersOf({ dpop: proof, via: '1.1 gateway' }))
  const { causes, text } = await pageOf(op, sent)
  expect(causes[0]).toBe('proof_target')
  expect(text).toContain('"htu": "http://localhost:5000/token"')
})

test('a preflight of an Origin that is not registered is kept, and the request after it', async () => {
  const op = await lab({ CORS_ALLOWED_ORIGINS: 'https://known.example', CORS_REDIRECT_ORIGINS: 'off' })
  const origin = 'https://spa.example'
  const preflight = await op.fetch('/token', {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST' },
  })
  expect(preflight.headers.has('access-control-allow-origin')).toBe(false)
  const { causes, text } = await pageOf(op, preflight)
  expect(causes[0]).toBe('origin_not_registered')
  expect(text).toContain('CORS_ALLOWED_ORIGINS=https://spa.example')
  const refused = await op.fetch('/token', headersOf({ origin, authorization: `Basic ${btoa(':secret')}` }))
  const both = await pageOf(op, refused)
  expect(both.causes).toEqual(['origin_not_registered', 'basic_malformed'])
  expect(both.text).toContain('The client_id of Authorization: Basic is empty')
})

test('requests of pages that may read the answer, of links and of servers are not kept', async () => {
  const op = await lab({ CORS_ALLOWED_ORIGINS: 'https://known.example' })
  const sent = [
    await op.fetch('/token', headersOf({ origin: 'https://known.example' })),
    await op.fetch('/token', headersOf({ origin: 'http://localhost:8080' })),
    await op.fetch('/token', form),
    await op.fetch('/jwks.json', { headers: { origin: 'https://any.example' } }),
    await op.fetch('/', { headers: { origin: 'https://any.example', 'sec-fetch-mode': 'navigate' } }),
    await op.fetch('/', { headers: { origin: op.issuer, 'sec-fetch-mode': 'cors' } }),
  ]
  for (const response of sent) {
    expect(response.status).toBe(200)
    expect((await pageOf(op, response)).status).toBe(404)
  }
})
