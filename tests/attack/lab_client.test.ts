/** Attacks on the playground: forms of other sites, requests to other servers, other browsers, markup, memory, and where there is no lab. */
import { beforeAll, expect, test } from 'bun:test'
import { addressOf } from '../../src/features/lab_client/draft.ts'
import { send } from '../../src/features/lab_client/sent.ts'
import type { Call } from '../../src/contracts/call.ts'
import { Client } from '../../src/models/client.ts'
import { authorizationUrl, formPost } from '../support/client.ts'
import { browser, operatorClient, read } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { begin, failedIn, fieldsOf, held } from '../features/lab_client/walk.ts'

const lab = { LAB: 'true' }
let op: Provider
beforeAll(async () => {
  op = await provider({ env: lab })
})

const publicClient = (at: Provider) => ({
  client_id: 'latchkey-lab-public',
  redirect_uri: `${at.issuer}/lab/client/callback`,
})

test('a form of another site is refused, and nothing is sent', async () => {
  const { who, page } = await begin(op, 'code')
  const cookie = [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  for (const [path, button] of [
    ['/lab/client', 'start'],
    ['/lab/client/run', 'send'],
    ['/lab/client/answer', 'send'],
  ] as const) {
    const body = new URLSearchParams(fieldsOf(page, button)).toString()
    const type = 'application/x-www-form-urlencoded'
    for (const headers of [
      { origin: 'https://attacker.example', 'sec-fetch-site': 'cross-site', cookie },
      { origin: 'https://attacker.example' },
    ]) {
      const answer = await op.fetch(path, {
        method: 'POST',
        body,
        headers: { 'content-type': type, ...headers },
      })
      expect([path, answer.status]).toEqual([path, 403])
    }
    const noToken = await op.fetch(path, {
      method: 'POST',
      body: body.replace(/csrf_token=[^&]*/, 'csrf_token=guess'),
      headers: { 'content-type': type, cookie },
    })
    expect([path, noToken.status]).toEqual([path, 403])
  }
  expect((await who.open('/lab/client/run')).page?.html).not.toContain('id="answer"')
})

test('a form_post of any site leads to a page, and gives the client nothing', async () => {
  const walk = await begin(op, 'code')
  const answer = await op.fetch('/lab/client/callback', {
    ...formPost({ client_id: 'x', redirect_uri: '' }, { code: 'lkc_of_the_attacker' }),
  })
  expect(answer.headers.get('location')).toStartWith(`${op.issuer}/lab/client/callback?`)
  expect(answer.headers.getSetCookie()).toEqual([])
  expect(held((await walk.who.open('/lab/client/run')).page!).code).toBeUndefined()
})

test('a page of another name (DNS rebinding), and another address: there is no such page', async () => {
  for (const path of ['/lab/client', '/lab/client/run', '/lab/client/callback'])
    for (const [url, peer] of [
      [`http://rebound.attacker.example:5000${path}`, '127.0.0.1'],
      [`${op.issuer}${path}`, '192.168.1.7'],
    ] as const)
      expect([url, (await op.fetch(url, {}, peer)).status]).toEqual([url, 404])
})

const elsewhere = [
  ...['//attacker.example/', '/\\attacker.example/', '\\\\attacker.example', 'http://attacker.example/'],
  ...['@attacker.example/', '.attacker.example/', ':80@attacker.example/', '/..//attacker.example/'],
  ...['', 'token', '/token?a=b', '/token#a', '/to ken', '/tok\u0000en', '/token\r\nhost: attacker.example'],
]

test.each(elsewhere)('the path %j is not sent', async (path) => {
  const walk = await begin(op, 'code')
  const page = await walk.send('userinfo', { path })
  const isOwn = path === '/..//attacker.example/' // a path of this provider, which has none of that name
  expect(page.status).toBe(isOwn ? 200 : 422)
  if (isOwn) expect(page.html).toContain('HTTP/1.1 404')
  else expect(page.html).not.toContain('id="answer"')
})

test('whatever the path is, the address is that of the issuer and below its path', async () => {
  const tenant = await provider({ env: { ...lab, ISSUER_URL: 'http://localhost:5000/tenant' } })
  const draft = { method: 'GET', headers: [], params: [] }
  expect(addressOf({ ...draft, path: '/token' }, tenant.context).href).toBe(
    'http://localhost:5000/tenant/token',
  )
  for (const path of [...elsewhere, '/../admin', '/%2e%2e/admin', '/.%2E/', '/../tenantx/token'])
    expect(() => addressOf({ ...draft, path }, tenant.context)).toThrow()
})

test.each([
  ['host', 'attacker.example'],
  ['cookie', 'latchkey_session=stolen'],
  ['x-forwarded-for', '127.0.0.1'],
  ['content-length', '0'],
  ['transfer-encoding', 'chunked'],
  ['authorization', 'Bearer a\r\nx-forwarded-for: 127.0.0.1'],
  ['authorization', 'Bearer \u00e4'],
  ['DPoP\r\nhost', 'a'],
])('the header %j: %j is not sent', async (name, value) => {
  const walk = await begin(op, 'code')
  const page = await walk.send('userinfo', { [`h.${name}`]: value })
  expect(page.status).toBe(422)
  expect(page.html).not.toContain('id="answer"')
})

test('headers of a line of their own are checked in the same way', async () => {
  const walk = await begin(op, 'code')
  expect((await walk.send('userinfo', { heads: 'Host: attacker.example' })).status).toBe(422)
  expect((await walk.send('userinfo', { heads: 'X-Forwarded-For: 127.0.0.1' })).status).toBe(422)
  const page = await walk.send('userinfo', { heads: 'Accept: text/plain\r\nDPoP: none' })
  expect(page.html).toContain('accept: text/plain\ndpop: none')
})

test('a browser is sent to this provider alone', async () => {
  const walk = await begin(op, 'code')
  for (const path of ['//attacker.example/', 'https://attacker.example/', '/\\attacker.example']) {
    const page = await walk.open('authorize')
    const landing = await walk.who.press(page, 'send', { path })
    expect([path, landing.location?.href, landing.page?.status]).toEqual([path, undefined, 422])
  }
})

test('behind a proxy that is not declared there is no playground', async () => {
  const shared = await provider({ env: { ...lab, LAB_NETWORKS: 'loopback private' } })
  const status = async (headers: Record<string, string>) =>
    (await shared.fetch('/lab/client', { headers })).status
  expect(await status({})).toBe(200)
  expect(await status({ 'x-forwarded-for': '10.1.2.3' })).toBe(404)
  expect(await status({ via: '1.1 proxy' })).toBe(404)
})

test('behind a proxy that is declared, the playground may read no more than the proxy may', async () => {
  const env = { ...lab, LAB_NETWORKS: 'loopback private', TRUSTED_PROXIES: 'loopback' }
  const shared = await provider({ env })
  const proxied: Provider = {
    ...shared,
    fetch: (path, init) => {
      const headers = new Headers(init?.headers)
      headers.set('x-forwarded-for', '10.1.2.3')
      return shared.fetch(path, { ...init, headers })
    },
  }
  const read = async (from: Provider) => {
    const walk = await begin(from, 'code')
    return (await walk.send('userinfo', { path: '/metrics', 'h.authorization': '' })).html
  }
  expect(await read(shared)).toContain('HTTP/1.1 200')
  expect(await read(proxied)).not.toContain('HTTP/1.1 200')
})

test('the requests have none of the cookies of the browser', async () => {
  const walk = await begin(op, 'code')
  await walk.send('authorize') // signed in
  const page = await walk.send('userinfo', { path: '/account', 'h.authorization': '' })
  expect(page.html).toContain('HTTP/1.1 303')
  expect(page.html).not.toContain('Alice')
})

test('another browser sees nothing of a run, and changes nothing of it', async () => {
  const walk = await begin(op, 'code')
  await walk.send('authorize')
  await walk.take()
  const form = fieldsOf(await walk.open('token'), 'send')
  const other = await begin(op, 'code', browser(op))
  expect(held(await other.open('token')).code).toBeUndefined()
  // The form of the first browser, sent by the other one.
  expect((await other.send('token', form)).html).not.toContain('id="answer"')
  const stranger = browser(op)
  expect(new URL((await stranger.open('/lab/client/run')).page!.url).pathname).toBe('/lab/client')
  expect((await stranger.open('/lab/client/callback?code=a')).page!.html).toContain('has no run')
  expect(held(await walk.open('token')).code).toBeDefined()
})

test('a form of an earlier run changes nothing of the run that came after', async () => {
  const walk = await begin(op, 'code')
  const old = fieldsOf(walk.page, 'send')
  const next = await begin(op, 'code', walk.who)
  const page = await next.send('discover', { run: old.run! })
  expect(page.html).not.toContain('id="answer"')
})

const markup = `"><script src=//attacker.example></script><img src=x onerror=alert(1)>`

test('markup and invisible characters of a request and of an answer are text', async () => {
  const walk = await begin(op, 'code')
  const sent = await walk.send('token', { 'p.code': markup, more: `${markup}=\u202etxt` })
  await walk.open('authorize')
  await walk.who.press(walk.page, 'send', { 'p.state': markup, 'p.prompt': markup })
  const back = (
    await walk.who.open(`/lab/client/callback?${new URLSearchParams({ state: markup, [markup]: markup })}`)
  ).page!
  walk.page = back
  const taken = await walk.take({ 'a.code': markup, address: `http://a/#x=${encodeURIComponent(markup)}` })
  for (const { html } of [sent, back, taken]) {
    expect(html).not.toContain('<script src=//')
    expect(html).not.toContain('<img src=x')
    expect(html).not.toContain('\u202e')
  }
})

test('a run is bounded: many and long requests push out its earliest ones', async () => {
  const walk = await begin(op, 'code')
  const long = 'x'.repeat(50_000)
  for (let sent = 0; sent < 30; sent++) await walk.send('token', { 'p.code': long })
  expect(walk.page.html.length).toBeLessThan(2_000_000)
  const rows = walk.page.html.match(/<li><details>/g)?.length
  expect(rows).toBe(23)
})

test('a stream of events is not waited for', async () => {
  const call = { request: new Request(op.issuer), peer: '127.0.0.1' } as Call
  let isCancelled = false
  const body = () => new ReadableStream<Uint8Array>({ cancel: () => void (isCancelled = true) })
  const context = {
    ...op.context,
    answer: async () => new Response(body(), { headers: { 'content-type': 'text/event-stream' } }),
  }
  const { text } = await send(call, context, { method: 'GET', path: '/lab/events', headers: [], params: [] })
  expect(text).toBe('(a stream of events)')
  expect(isCancelled).toBe(true)
})

test('a run ends after an hour', async () => {
  const at = await provider({ env: lab })
  const walk = await begin(at, 'code')
  at.clock.advance(3_599_000)
  expect((await walk.open('token')).url).toContain('/lab/client/run')
  at.clock.advance(2_000)
  expect(new URL((await walk.open('token')).url).pathname).toBe('/lab/client')
})

test('requests count for the rate limit of their sender', async () => {
  const at = await provider({ env: { ...lab, RATE_LIMITING_ENABLED: 'true', RATE_LIMIT_PER_MINUTE: '3' } })
  const walk = await begin(at, 'code')
  for (let sent = 0; sent < 4; sent++) await walk.send('token')
  expect(walk.page.html).toContain('HTTP/1.1 429')
  const direct = await at.fetch('/token', formPost(publicClient(at), { grant_type: 'refresh_token' }))
  expect(direct.status).toBe(429)
})

test('HEAD sends nothing, sets no cookie and changes no run', async () => {
  const walk = await begin(op, 'code')
  const cookie = [...walk.who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  for (const path of ['/lab/client', '/lab/client/run', '/lab/client/callback?code=a&state=b']) {
    const answer = await op.fetch(path, { method: 'HEAD', headers: { cookie } })
    expect([path, answer.status, answer.headers.getSetCookie()]).toEqual([path, 200, []])
    expect((await op.fetch(path, { method: 'HEAD' })).headers.getSetCookie()).toEqual([])
  }
  expect((await walk.open('discover')).html).not.toContain('id="answer"')
})

test('its clients are in no list, and no client can take their names', async () => {
  await (await begin(op, 'code')).send('token')
  expect(
    (await Client.list(op.context)).filter(({ client_id }) => client_id.startsWith('latchkey-lab')),
  ).toEqual([])
  expect(await Client.find(op.context, 'latchkey-lab-public')).toBeUndefined()
  const { body } = await read(
    await op.fetch('/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        client_id: 'latchkey-lab-public',
        redirect_uris: ['https://attacker.example/'],
      }),
    }),
  )
  expect(body.client_id).not.toBe('latchkey-lab-public')
})

test('another site that uses its client_id gets no code: each redirect leads to the playground', async () => {
  const at = browser(op)
  const mine = publicClient(op)
  const own = await at.open(
    authorizationUrl(op.issuer, { ...mine, redirect_uri: 'https://attacker.example/' }).url,
  )
  expect(own.page?.status).toBe(400)
  expect(own.location).toBeUndefined()
})

test('without LAB there is neither a page nor a client, and tokens of its clients end', async () => {
  const off = await provider()
  for (const path of ['/lab/client', '/lab/client/run', '/lab/client/callback'])
    expect((await off.fetch(path)).status).toBe(404)
  const landing = await browser(off).open(authorizationUrl(off.issuer, publicClient(off)).url)
  expect(landing.page?.status).toBe(400)
  const token = await read(
    await off.fetch('/token', formPost(publicClient(off), { grant_type: 'refresh_token' })),
  )
  expect(token.body.error).toBe('invalid_client')

  const store = op.context.store
  const walk = await begin(op, 'code')
  await walk.send('authorize')
  await walk.take()
  const { access_token } = held(await walk.send('token'))
  const sent = { headers: { authorization: `Bearer ${access_token}` } }
  expect((await op.fetch('/userinfo', sent)).status).toBe(200)
  const later = await provider({ store, clock: op.clock })
  expect((await later.fetch('/userinfo', sent)).status).toBe(401)
})

test('in production it is there with LAB=true alone', async () => {
  const production = {
    NODE_ENV: 'production',
    ISSUER_URL: 'https://id.example',
    SECRET_KEY: systemRandom(36),
    STORE_URL: 'sqlite:/tmp/unused.db',
    LAB_NETWORKS: '10.1.0.0/16',
    TRUSTED_PROXIES: '10.9.9.9',
  }
  for (const [more, status] of [
    [{}, 404],
    [lab, 200],
  ] as const) {
    const at = await provider({ env: { ...production, ...more } })
    const from = async (address: string) =>
      (await at.fetch('/lab/client', { headers: { 'x-forwarded-for': address } }, '10.9.9.9')).status
    expect([await from('10.1.2.3'), await from('203.0.113.7')]).toEqual([status, 404])
  }
})

test('a client of an operator with the name of one of the playground is the one that counts', async () => {
  const at = await provider({ env: lab })
  await operatorClient(at, {
    client_id: 'latchkey-lab-public',
    redirect_uris: ['https://app.example/'],
    token_endpoint_auth_method: 'none',
  })
  const walk = await begin(at, 'code')
  const page = await walk.send('authorize')
  expect(page.status).toBe(400)
  expect(failedIn(page)).toEqual([])
})

test('the clients of the playground, whose secrets each visitor reads, call no API of the provider for themselves', async () => {
  const api = 'https://payments.example'
  const shared = await provider({ env: { ...lab, RESOURCES: api, SCOPES: 'payments:write' } })
  const walk = await begin(shared, 'client_credentials')
  const basic = /Basic [\w+/=]+/.exec(walk.page.html)![0]
  const token = (more: Record<string, string>) =>
    shared.fetch(
      '/token',
      {
        method: 'POST',
        headers: { authorization: basic },
        body: new URLSearchParams({ grant_type: 'client_credentials', ...more }),
      },
      '203.0.113.77',
    )
  expect((await token({})).status).toBe(200)
  const refused = await token({ resource: api, scope: 'payments:write' })
  expect([refused.status, ((await refused.json()) as { error: string }).error]).toEqual([
    400,
    'invalid_target',
  ])
})
