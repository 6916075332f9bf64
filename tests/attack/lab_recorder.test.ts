/** The recorder of the lab keeps what others sent: no secret of it may appear, no request may fill the memory, no stranger may read it. docs/lab.md */
import { expect, test } from 'bun:test'
import { type FlowRecorder, openRecorder } from '../../src/models/recording/recorder.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { basic, demo, formPost } from '../support/client.ts'
import { authorize, browser, operatorClient, post, read, redeem, tokensOf } from '../support/flow.ts'
import { alice } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const lab = (env: Record<string, string> = {}): Promise<Provider> =>
  provider({ env: { LAB: 'true', ...env } })

/** All that the recorder keeps, and all that an export writes. */
async function everything(op: Provider): Promise<string> {
  const flows = op.context.recorder!.flows.list()
  const exports = await Promise.all(
    flows.flatMap(({ id }) =>
      ['json', 'markdown', 'har', 'curl'].map(async (as) =>
        (await op.fetch(`/lab/flow/export?id=${id}&as=${as}`)).text(),
      ),
    ),
  )
  return [JSON.stringify(flows), ...exports].join('\n')
}

/** A whole flow, and each secret that was sent in it. */
async function secretsOfFlow(op: Provider): Promise<Record<string, string>> {
  const who = browser(op)
  const authorized = await authorize(op, who, demo, { scope: 'openid offline_access' })
  const { body } = await redeem(op, demo, authorized)
  const refreshed = await post(op, '/token', demo, {
    grant_type: 'refresh_token',
    refresh_token: String(body.refresh_token),
  })
  await op.fetch('/userinfo', { headers: { authorization: `Bearer ${String(body.access_token)}` } })
  await post(op, '/introspect', demo, { token: String(body.access_token) })
  await post(op, '/revoke', demo, { token: String(refreshed.body.refresh_token) })
  const signature = (jwt: unknown) => String(jwt).split('.')[2]!
  return {
    password: alice.password,
    client_secret: demo.client_secret!,
    basic: basic(demo).authorization!.slice('Basic '.length),
    code: authorized.code,
    code_verifier: authorized.code_verifier,
    access_token: signature(body.access_token),
    id_token: signature(body.id_token),
    refresh_token: String(body.refresh_token),
    next_refresh_token: String(refreshed.body.refresh_token),
  }
}

test('no secret of a flow appears', async () => {
  const op = await lab()
  const secrets = await secretsOfFlow(op)
  const kept = await everything(op)
  for (const [name, secret] of Object.entries(secrets)) {
    expect(secret.length, name).toBeGreaterThan(5)
    expect(kept.includes(secret), name).toBe(false)
  }
})

test('no cookie appears, of any name', async () => {
  const op = await lab()
  const who = browser(op)
  await tokensOf(op, who)
  const cookies = [...who.cookies.values()].filter((each) => each.length > 8)
  expect(cookies.length).toBeGreaterThan(0)
  const canary = 'canary-of-another-cookie'
  await op.fetch('/userinfo', { headers: { cookie: `other=${canary}`, authorization: `Bearer ${canary}` } })
  const kept = await everything(op)
  for (const cookie of [...cookies, canary]) expect(kept.includes(cookie)).toBe(false)
})

const canary = 'canary7f3a91d2b6c8'

test.each([
  ['a form member of any name', formPost(demo, { grant_type: 'client_credentials', pin_of_mine: canary })],
  ['a parameter without a value', formPost(demo, { [canary]: '' })],
  [
    'a broken pair',
    { method: 'POST', body: canary, headers: { 'content-type': 'application/x-www-form-urlencoded' } },
  ],
  ['a body of another type', { method: 'POST', body: canary, headers: { 'content-type': 'text/plain' } }],
  ['a header for keys', { headers: { 'x-api-key': canary } }],
  ['an unknown scheme', { headers: { authorization: `Negotiate ${canary}` } }],
  ['an Authorization header without a scheme', { headers: { authorization: canary } }],
  ['a malformed Basic header', { headers: { authorization: `Basic ${btoa(canary)}` } }],
  ['a query parameter of any name', { query: `?ticket=${canary}` }],
  ['userinfo in a referer', { headers: { referer: `https://user:${canary}@app.example/` } }],
  ['a token in a referer', { headers: { referer: `https://app.example/#access_token=${canary}` } }],
])('%s is masked', async (_, { query = '', ...init }: RequestInit & { query?: string }) => {
  const op = await lab()
  await op.fetch(`/token${query}`, init)
  expect(op.context.recorder!.flows.list()).toHaveLength(1)
  expect((await everything(op)).includes(canary)).toBe(false)
})

test('a registration shows neither the secret nor the registration access token', async () => {
  const op = await lab({ REGISTRATION: 'open' })
  const response = await op.fetch('/register', {
    method: 'POST',
    body: JSON.stringify({ redirect_uris: ['https://app.example/cb'], software_statement: undefined }),
    headers: { 'content-type': 'application/json' },
  })
  const { body } = await read(response)
  const kept = await everything(op)
  expect(kept).toContain(String(body.client_id))
  for (const name of ['client_secret', 'registration_access_token'])
    expect([name, kept.includes(String(body[name]))]).toEqual([name, false])
})

test('with LAB_SHOW_SECRETS they are shown', async () => {
  const op = await lab({ LAB_SHOW_SECRETS: 'true' })
  const secrets = await secretsOfFlow(op)
  const kept = await everything(op)
  for (const name of ['code', 'code_verifier', 'refresh_token']) expect(kept).toContain(secrets[name]!)
})

test('a mask is the same for one value within a flow, and another one in another process', async () => {
  const [one, other] = await Promise.all([lab(), lab()])
  const masks = []
  for (const op of [one, other]) {
    await op.fetch('/token', formPost(demo, { grant_type: 'authorization_code', code: canary }))
    await op.fetch('/token', formPost(demo, { grant_type: 'authorization_code', code: canary }))
    const kept = op.context.recorder!.flows.list().map((each) => each.exchanges[0]!.request.body)
    expect(kept[0]).toBe(kept[1]!)
    masks.push(kept[0])
  }
  expect(masks[0]).not.toBe(masks[1]!)
})

test('a body beyond the limit is refused as before, and is not kept', async () => {
  const op = await lab()
  const body = `grant_type=${'x'.repeat(10_000_000)}`
  const stream = new Blob([body]).stream()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const statuses = [
    (await op.fetch('/token', { method: 'POST', body, headers })).status,
    (await op.fetch('/token', { method: 'POST', body: stream, headers })).status,
  ]
  expect(statuses).toEqual([413, 413])
  expect(op.context.recorder!.flows.bytes()).toBeLessThan(1_000_000)
})

/** Records a request to `path`, during which `work` is done. */
const record = (recorder: FlowRecorder, path: string, work: () => void = () => {}, body = '{}') =>
  recorder.exchange(
    {
      method: 'GET',
      url: `http://localhost:5000${path}`,
      headers: [],
      body: () => undefined,
      endpoint: { name: 'token', page: false },
    },
    work,
    async () => ({ status: 200, headers: [['content-type', 'text/plain']], body }),
  )

test('ten thousand flows stay within the bound, and the newest are there', async () => {
  const bound = 2_000_000
  const recorder = openRecorder({ clock: systemClock }, false, bound)
  for (let at = 0; at < 10_000; at += 1)
    await record(recorder, `/token?state=${at}`, undefined, 'x'.repeat(2_000))
  recorder.close()
  const { flows } = recorder
  expect(flows.bytes()).toBeLessThanOrEqual(bound)
  expect(flows.list().length).toBeGreaterThan(10)
  expect(flows.list()[0]!.exchanges[0]!.request.url).toContain('state=9999')
})

test('jobs whose request is not kept take their part of the bound by bytes, and the newest are there', async () => {
  const bound = 2_000_000
  const recorder = openRecorder({ clock: systemClock }, false, bound)
  for (let at = 0; at < 60; at += 1)
    await recorder.later('mail', `mail:${at}`, async () => {
      recorder.log('info', 'sent', { body: 'x'.repeat(20_000) })
      recorder.store({ verb: 'create', key: `mail:next-${at}` })
    })
  expect(recorder.flows.bytes()).toBeLessThanOrEqual(bound / 16)
  expect(recorder.flows.bytes()).toBeGreaterThan(50_000)
  await record(recorder, '/token', () => recorder.store({ verb: 'create', key: 'mail:59' }))
  await record(recorder, '/token', () => recorder.store({ verb: 'create', key: 'mail:0' }))
  recorder.close()
  const jobs = recorder.flows
    .list()
    .map((flow) => flow.exchanges[0]!.steps.some((each) => each.job === 'mail'))
  expect(jobs).toEqual([false, true])
  recorder.flows.clear()
  expect(recorder.flows.bytes()).toBe(0)
})

test('one flow of many exchanges stays within its part of the bound, and keeps its beginning', async () => {
  const bound = 2_000_000
  const recorder = openRecorder({ clock: systemClock }, false, bound)
  for (let at = 0; at < 3_000; at += 1)
    await record(recorder, `/token?state=${at}`, () => recorder.store({ verb: 'get', key: 'grant:one' }))
  recorder.close()
  const [flow, ...others] = recorder.flows.list()
  expect(others).toEqual([])
  expect(recorder.flows.bytes()).toBeLessThanOrEqual(bound / 8)
  expect(flow!.dropped).toBeGreaterThan(100)
  expect(flow!.exchanges[0]!.request.url).toContain('state=0')
  expect(flow!.exchanges.at(-1)!.request.url).toContain('state=2999')
})

test('a request with very many steps is bounded', async () => {
  const recorder = openRecorder({ clock: systemClock }, false)
  await record(recorder, '/token', () => {
    for (let at = 0; at < 100_000; at += 1) recorder.store({ verb: 'get', key: `client:${at}` })
  })
  recorder.close()
  const [exchange] = recorder.flows.list()[0]!.exchanges
  expect(exchange!.steps.length).toBeLessThanOrEqual(400)
  expect(exchange!.left).toBe(100_000 - exchange!.steps.length)
})

test('HEAD answers without a body and is recorded as HEAD', async () => {
  const op = await lab()
  const response = await op.fetch('/authorize?client_id=client123', { method: 'HEAD' })
  expect(await response.text()).toBe('')
  expect(op.context.recorder!.flows.list()[0]!.exchanges[0]!.request.method).toBe('HEAD')
})

test('requests at once keep their steps apart', async () => {
  const op = await lab()
  await operatorClient(op, {
    client_id: 'worker',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  })
  const ask = (client_id: string) =>
    op.fetch('/token', formPost({ client_id, redirect_uri: '' }, { grant_type: 'client_credentials' }))
  await Promise.all(Array.from({ length: 20 }, (_, at) => ask(`unknown-${at}`)))
  const flows = op.context.recorder!.flows.list()
  expect(flows).toHaveLength(20)
  for (const { exchanges } of flows) {
    const failed = exchanges[0]!.steps.filter((each) => each.kind === 'check' && !each.held)
    expect(failed).toHaveLength(1)
    expect(failed[0]).toMatchObject({ came: exchanges[0]!.clientId })
  }
})

test('a stranger finds no flow', async () => {
  const op = await lab()
  await op.fetch('/token', formPost(demo, { grant_type: 'x' }))
  const { id } = op.context.recorder!.flows.list()[0]!
  const paths = [
    '/lab/flows',
    '/lab/flows/live',
    `/lab/flow?id=${id}`,
    `/lab/compare?a=${id}&b=${id}`,
    `/lab/flow/export?id=${id}`,
  ]
  for (const path of paths) {
    expect((await op.fetch(path, {}, '203.0.113.9')).status).toBe(404)
    expect((await op.fetch(`http://attacker.example${path}`)).status).toBe(404)
    const response = await op.fetch(path)
    expect([path, response.status]).toEqual([path, 200])
    await response.body?.cancel()
  }
})

/** Markup and characters that mislead a reader, in every place of a request that is recorded. */
const markup = `"><script>alert('lab')</script><img src=x onerror=alert(1)>{{t layout.skip}}\u202e\u0000`

test.each([
  ['a parameter', () => ['/authorize', {}, { client_id: markup, state: markup, scope: markup }]],
  [
    'a redirect URI',
    () => ['/authorize', {}, { client_id: demo.client_id, redirect_uri: `https://a/?${markup}` }],
  ],
  ['a path', () => [`/authorize/resume/${encodeURIComponent(markup)}`, {}, {}]],
  [
    'a header',
    () => ['/token', { headers: { 'user-agent': markup.replace(/\0|\u202e/g, ''), 'x-test': '<b>' } }, {}],
  ],
  ['a form', () => ['/token', formPost(demo, { grant_type: markup, scope: markup }), {}]],
  [
    'a JSON document',
    () => [
      '/register',
      {
        method: 'POST',
        body: JSON.stringify({ client_name: markup, redirect_uris: [markup] }),
        headers: { 'content-type': 'application/json' },
      },
      {},
    ],
  ],
  [
    'the name of a token',
    () => ['/token', formPost(demo, { [markup]: 'eyJhbGciOiJub25lIn0.eyI8Yj4iOiI8c2NyaXB0PiJ9.' }), {}],
  ],
] as [string, () => [string, RequestInit, Record<string, string>]][])(
  'markup in %s stays text',
  async (_, make) => {
    const op = await lab({ REGISTRATION: 'open' })
    const [path, init, query] = make()
    await op.fetch(`${path}?${new URLSearchParams(query)}`, init)
    await op.fetch('/token', formPost(demo, { grant_type: 'x' }))
    const [b, a = b] = op.context.recorder!.flows.list()
    for (const page of ['/lab/flows', `/lab/flow?id=${a!.id}`, `/lab/compare?a=${a!.id}&b=${b!.id}`]) {
      const html = await (await op.fetch(page)).text()
      expect(html).toContain('</html>')
      expect(html).not.toMatch(/<script>|<img src=x|<b>/)
      expect(html).not.toContain('\u202e')
    }
  },
)

test('a page of another site can neither read nor frame a flow', async () => {
  const op = await lab()
  await op.fetch('/token', formPost(demo, { grant_type: 'x' }))
  const { id } = op.context.recorder!.flows.list()[0]!
  for (const path of [`/lab/flow?id=${id}`, `/lab/flow/export?id=${id}`]) {
    const { headers } = await op.fetch(path, { headers: { origin: 'https://attacker.example' } })
    expect(headers.get('access-control-allow-origin')).toBeNull()
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(headers.get('cache-control')).toContain('no-store')
  }
})
