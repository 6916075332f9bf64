/** The pages of failed requests: what they must not show, to whom they must not exist, and what they must not cost. docs/lab.md */
import { expect, test } from 'bun:test'
import { createKept } from '../../src/features/lab_errors/kept.ts'
import { memoryOf } from '../../src/features/lab_errors/memory.ts'
import { observedAnswers } from '../../src/http/observed.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { explainedAt } from '../lab/explained.ts'
import { authorizationUrl, basic, demo, formPost } from '../support/client.ts'
import { laboratory } from '../support/laboratory.ts'
import { type Provider, provider } from '../support/provider.ts'

const lab = (env: Record<string, string> = {}) => provider({ env: { LAB: 'true', ...env } })
const randomSecret = () => systemRandom(36)

const wrongCode = (fields: Record<string, string> = {}) =>
  formPost(demo, { grant_type: 'authorization_code', code: 'unknown', ...fields })

const idOf = (response: Response): string => response.headers.get('x-request-id')!
const errorOf = async (response: Response) => (await response.json()) as Record<string, string>
const pagePath = (response: Response): string => `/lab/error?id=${idOf(response)}`

test('with the lab off no answer has error_uri, and nothing is kept', async () => {
  const op = await provider()
  const json = await op.fetch('/token', wrongCode())
  expect(Object.keys(await errorOf(json))).toEqual(['error', 'error_description'])
  const redirect = await op.fetch(authorizationUrl(op.issuer, demo, { scope: 'nonsense' }).url)
  const answer = new URL(redirect.headers.get('location')!).searchParams
  expect([...answer.keys()]).toEqual(['error', 'error_description', 'state', 'iss'])
  const page = await op.fetch(authorizationUrl(op.issuer, demo, { client_id: 'nobody' }).url)
  expect(await page.text()).not.toContain('/lab/')
  expect((await op.fetch(pagePath(json))).status).toBe(404)
  expect(op.context.table.lab).toEqual({
    answers: [],
    modes: [],
    refused: [],
    explains: [],
    answered: [],
    recorded: [],
  })
  const respond = () => new Response()
  expect(observedAnswers(respond, op.context)).toBe(respond)
  expect(observedAnswers(respond, (await lab()).context)).not.toBe(respond)
  expect(memoryOf(op.context).failures.latest(1)).toEqual([])
})

test('in production a client sees no error_uri, and the page exists for LAB_NETWORKS', async () => {
  const op = await lab({
    NODE_ENV: 'production',
    SECRET_KEY: randomSecret(),
    ISSUER_URL: 'https://id.example',
    STORE_URL: 'sqlite:/tmp/unused.db',
    LAB_NETWORKS: '10.1.0.0/16',
    TRUSTED_PROXIES: '10.9.9.9',
  })
  const from = (address: string, path: string, init: RequestInit = {}) =>
    op.fetch(
      path,
      { ...init, headers: { ...(init.headers as Record<string, string>), 'x-forwarded-for': address } },
      '10.9.9.9',
    )
  const refused = await from('203.0.113.7', '/token', formPost(demo, { grant_type: 'authorization_code' }))
  expect(Object.keys(await errorOf(refused))).toEqual(['error', 'error_description'])
  const missing = await from('203.0.113.7', '/authorize')
  expect(missing.status).toBe(400)
  expect(await missing.text()).not.toContain('/lab/error')
  expect((await from('203.0.113.7', pagePath(refused))).status).toBe(404)
  const page = await from('10.1.2.3', pagePath(refused))
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining(idOf(refused))])
})

test('other addresses and other host names find nothing, and do not learn whether an id exists', async () => {
  const op = await lab()
  const refused = await op.fetch('/token', wrongCode())
  const from = async (path: string, peer: string) => {
    const response = await op.fetch(path, { headers: { accept: 'text/html' } }, peer)
    return {
      status: response.status,
      html: (await response.text()).replace(/(?<=\bid=|<code dir="ltr">)[\w-]+/g, 'ID'),
    }
  }
  const known = await from(pagePath(refused), '192.168.1.7')
  expect(known).toEqual(await from('/lab/error?id=unknown', '192.168.1.7'))
  expect(known.status).toBe(404)
  expect((await from('/lab/errors', '192.168.1.7')).status).toBe(404)
  const rebound = await op.fetch(`http://attacker.example:5000${pagePath(refused)}`)
  expect(rebound.status).toBe(404)
  expect((await from(pagePath(refused), '127.0.0.1')).status).toBe(200)
})

test('error_uri is at the issuer, in allowed characters, whatever the Host and the proxies say', async () => {
  const op = await lab({ ISSUER_URL: 'http://localhost:5000/tenant' })
  const response = await op.fetch('http://attacker.example/tenant/token', {
    ...wrongCode(),
    headers: {
      ...(wrongCode().headers as Record<string, string>),
      'x-forwarded-host': 'attacker.example',
      forwarded: 'host=attacker.example',
    },
  })
  const { error_uri } = await errorOf(response)
  expect(error_uri).toBe(`http://localhost:5000/tenant/lab/error?id=${idOf(response)}`)
  expect(error_uri).toMatch(/^[\x21\x23-\x5b\x5d-\x7e]+$/) // RFC 6749 §5.2
  expect((await op.fetch(error_uri!)).status).toBe(200)
})

const markup = `"'><script>alert(1)</script><img src=x onerror=alert(1)><a href="javascript:alert(1)">x</a>`

/** The elements and the attributes that a page would have if the markup were not escaped. */
async function injected(html: string): Promise<string[]> {
  const found: string[] = []
  const rewriter = new HTMLRewriter()
    .on('script:not([src])', { element: () => void found.push('script') })
    .on('[onerror]', { element: () => void found.push('onerror') })
    .on('a[href^="javascript:"]', { element: () => void found.push('href') })
  await rewriter.transform(new Response(html)).text()
  return found
}

test('no value of a request becomes markup', async () => {
  const op = await lab({ CORS_ALLOWED_ORIGINS: 'https://known.example' })
  const encoded = encodeURIComponent(markup)
  const sent = await Promise.all([
    ...['client_id', 'redirect_uri', 'scope', 'response_type', 'code_challenge', 'prompt'].map((name) =>
      op.fetch(authorizationUrl(op.issuer, demo, { [name]: markup }).url),
    ),
    op.fetch(authorizationUrl(op.issuer, demo, { client_id: 'nobody', [markup]: markup }).url),
    ...['grant_type', 'client_id', 'redirect_uri', 'scope', 'resource', markup].map((name) =>
      op.fetch('/token', wrongCode({ [name]: markup })),
    ),
    op.fetch(`/oauth/${encoded}/token`),
    op.fetch('/token', {
      ...wrongCode(),
      headers: {
        ...basic({ ...demo, client_id: markup }),
        'content-type': markup,
        'user-agent': markup,
        origin: markup,
      },
    }),
    op.fetch('/authorize', { headers: { origin: `https://${'<b>'}x`, 'sec-fetch-mode': 'cors' } }),
    op.fetch('/userinfo', {
      headers: { authorization: `Bearer ${btoa(markup)}`, 'x-forwarded-host': markup, via: markup },
    }),
  ])
  expect(sent.length).toBe(17)
  for (const response of sent) {
    const page = await explainedAt(op, pagePath(response))
    expect(page.status).toBe(200)
    expect(await injected(page.html)).toEqual([])
  }
  const list = await explainedAt(op, '/lab/errors')
  expect(list.text).toContain('<script>alert(1)')
  expect(await injected(list.html)).toEqual([])
})

test('invisible characters of a request are written out', async () => {
  const op = await lab()
  const response = await op.fetch(authorizationUrl(op.issuer, demo, { scope: 'openid\u200b \u202egnp' }).url)
  const page = await explainedAt(op, pagePath(response))
  expect(page.text).toContain('\\u200b')
  expect(page.html).not.toMatch(/[\u200b\u202e]/)
})

const pieces = [
  'code',
  'code_verifier',
  'client_secret',
  'refresh_token',
  'access_token',
  'token',
  'password',
]
const secretParameters = [
  ...pieces,
  ...[
    'username',
    'assertion',
    'client_assertion',
    'subject_token',
    'actor_token',
    'id_token_hint',
    'login_hint',
  ],
  ...['device_code', 'user_code', 'auth_req_id', 'request', 'request_uri', 'logout_token', 'state', 'nonce'],
  ...['interaction', 'csrf_token', 'an_unknown_name'],
]

/** The text has neither the secret nor its Base64. */
const mentions = (html: string, secret: string): boolean =>
  [secret, btoa(secret).replace(/=+$/, '').slice(0, -2)].some((text) => html.includes(text))

test('no secret of a request is on a page, in the list or in the memory', async () => {
  const op = await lab()
  const secret = (name: string) => `5ecret-${name}-value`
  const responses: Response[] = []
  for (const name of secretParameters) {
    responses.push(await op.fetch('/token', wrongCode({ [name]: secret(name) })))
    const query = new URLSearchParams({ client_id: 'nobody', [name]: secret(name) })
    responses.push(await op.fetch(`/authorize?${query}`))
  }
  const headers = {
    authorization: `Bearer ${secret('header')}`,
    dpop: secret('dpop'),
    cookie: `session=${secret('cookie')}`,
    referer: `https://app.example/?code=${secret('referer')}`,
  }
  responses.push(await op.fetch('/userinfo', { headers }))
  responses.push(await op.fetch('/token', formPost({ ...demo, client_secret: secret('basic') }, {})))
  const memory = memoryOf(op.context)
  const pages = await Promise.all(responses.map((each) => explainedAt(op, pagePath(each))))
  const list = await explainedAt(op, '/lab/errors')
  const kept = JSON.stringify([memory.failures.latest(10_000), memory.routine.latest(10_000)])
  expect(memory.failures.latest(10_000).length).toBe(responses.length)
  for (const name of [...secretParameters, 'header', 'dpop', 'cookie', 'referer', 'basic'])
    for (const text of [kept, list.html, ...pages.map(({ html }) => html)])
      expect(mentions(text, secret(name))).toBe(false)
})

test('two providers of one table remember each their own; HEAD belongs to its provider', async () => {
  const op = await lab()
  const { table } = op.context
  const other = await provider({ env: { LAB: 'true' }, table })
  const refused = await op.fetch('/authorize', { method: 'HEAD' })
  expect(refused.status).toBe(400)
  expect((await explainedAt(op, pagePath(refused))).status).toBe(200)
  expect((await explainedAt(other, pagePath(refused))).status).toBe(404)
})

test('a secret that came as the client_id is on no page', async () => {
  const op = await lab()
  const swapped = { client_id: 'secret456', client_secret: 'client123', redirect_uri: '' }
  const responses = [
    await op.fetch('/token', formPost(swapped, { grant_type: 'client_credentials' })),
    await op.fetch('/token', {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', ...swapped }),
    }),
  ]
  for (const response of responses) {
    const page = await explainedAt(op, pagePath(response))
    expect(page.causes[0]).toBe('id_and_secret_swapped')
    expect(page.html).not.toContain('secret456')
  }
  expect((await explainedAt(op, '/lab/errors')).html).not.toContain('secret456')
})

test('claims about a person in a token that was sent are not kept', async () => {
  const op = await lab()
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const jwt = `${part({ alg: 'RS256' })}.${part({ iss: op.issuer, sub: 'user-alice', email: 'alice@example.com' })}.sig`
  const response = await op.fetch('/userinfo', { headers: { authorization: `Bearer ${jwt}` } })
  expect((await explainedAt(op, pagePath(response))).status).toBe(200)
  expect(JSON.stringify(memoryOf(op.context).failures.latest(10))).not.toMatch(/user-alice|alice@/)
})

test('equal secrets have one mark, too short to confirm a guess, under a key of the provider', async () => {
  const op = await lab()
  const markAt = async (where: Provider) => {
    const response = await where.fetch('/token', wrongCode({ code_verifier: 'v'.repeat(43) }))
    return /code_verifier<\/dt><dd><code[^>]*>([^<]+)/.exec(
      (await explainedAt(where, pagePath(response))).html,
    )?.[1]
  }
  const mark = await markAt(op)
  expect(mark).toMatch(/^hidden: 43 characters, mark [0-9a-f]{4}$/)
  expect(await markAt(op)).toBe(mark)
  const others = await Promise.all(
    [1, 2, 3].map(async () => markAt(await lab({ SECRET_KEY: randomSecret() }))),
  )
  expect(new Set([mark, ...others]).size).toBeGreaterThan(1)
})

test('100,000 refusals take bounded memory, the oldest go first', () => {
  const kept = createKept<{ id: string }>(100_000)
  for (let i = 0; i < 100_000; i++) kept.add({ id: `${i}` }, 100)
  expect(kept.bytes()).toBe(100_000)
  expect(kept.latest(5_000).length).toBe(1_000)
  expect(kept.latest(2).map(({ id }) => id)).toEqual(['99999', '99998'])
  expect(kept.find('99000')).toBeDefined()
  expect(kept.find('98999')).toBeUndefined()
  kept.add({ id: 'larger than all' }, 100_001)
  expect(kept.latest(10)).toEqual([])
})

test('large requests push out old ones, and requests for unknown paths push out none', async () => {
  const op = await lab()
  const long = 'y'.repeat(1_000)
  const names = ['via', 'forwarded', 'x-forwarded-host', 'x-real-ip', 'user-agent', 'accept', 'origin']
  const headers = Object.fromEntries(names.map((name) => [name, long]))
  const fields = Object.fromEntries(['claims', 'scope', 'resource', 'audience'].map((name) => [name, long]))
  const first = await op.fetch('/token', wrongCode())
  const path = await op.fetch('/nothing')
  for (let i = 0; i < 400; i++) await op.fetch(`/nothing/${i}`, { headers })
  expect((await explainedAt(op, pagePath(first))).status).toBe(200)
  expect((await explainedAt(op, pagePath(path))).status).toBe(404)
  let last = first
  for (let i = 0; i < 1_200; i++) {
    const request = wrongCode({ ...fields, redirect_uri: `${i}` })
    last = await op.fetch('/token', { ...request, headers: { ...request.headers, ...headers } })
  }
  const { failures, routine, reading } = memoryOf(op.context)
  await Promise.all(reading.values())
  expect(failures.bytes()).toBeLessThanOrEqual(8_388_608)
  expect(routine.bytes()).toBeLessThanOrEqual(1_048_576)
  expect(reading.size).toBe(0)
  expect((await explainedAt(op, pagePath(last))).status).toBe(200)
  expect((await explainedAt(op, pagePath(first))).status).toBe(404)
})

test('HEAD of the page says the same status and has no body', async () => {
  const op = await lab()
  const refused = await op.fetch('/token', wrongCode())
  const head = await op.fetch(pagePath(refused), { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
  expect((await op.fetch('/lab/error?id=unknown', { method: 'HEAD' })).status).toBe(404)
  expect((await op.fetch('/lab/error', { method: 'HEAD' })).status).toBe(404)
})

test('the page says nothing of whether an account exists', async () => {
  const op = await lab()
  const pageFor = async (username: string) => {
    const fields = { grant_type: 'password', username, password: 'wrong' }
    const page = await explainedAt(op, pagePath(await op.fetch('/token', formPost(demo, fields))))
    expect(page.status).toBe(200)
    return page.text
      .replace(/\d+ characters, mark [\w-]+/g, '')
      .replace(/request id.*?address/, '')
      .replace(/20\d\d-\S+/g, '')
      .replace(/content-length \d+/g, '')
  }
  expect(await pageFor('alice')).toBe(await pageFor('nobody-here'))
})

test('LAB_SHOW_SECRETS shows what came', async () => {
  const shows = async (env: Record<string, string>) => {
    const op = await lab(env)
    const response = await op.fetch('/token', wrongCode({ code: 'a-c0de-that-is-a-secret' }))
    return (await explainedAt(op, pagePath(response))).text.includes('a-c0de-that-is-a-secret')
  }
  expect([await shows({}), await shows({ LAB_SHOW_SECRETS: 'true' })]).toEqual([false, true])
})

test('neither a refusal nor its page asks another server', async () => {
  const away = laboratory()
  let requests = 0
  const server = await away.https('localhost', (_, response) => {
    requests++
    response.writeHead(404).end()
  })
  const url = `https://localhost:${server.port}/client.json`
  const outbound = { OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`, OUTBOUND_CA_PATH: away.caPath }
  const op = await lab({ PROFILE: 'mcp', ...outbound })
  const sent = await op.fetch(
    '/token',
    formPost({ ...demo, client_id: 'nobody', client_secret: url }, { grant_type: 'client_credentials' }),
  )
  expect((await explainedAt(op, pagePath(sent))).status).toBe(200)
  expect(requests).toBe(0)
  // The provider itself asks for the document of this client, and the page does not ask again.
  const named = await op.fetch(authorizationUrl(op.issuer, { ...demo, client_id: url }).url)
  const asked = requests
  expect(asked).toBeGreaterThan(0)
  op.clock.advance(3_600_000)
  expect((await explainedAt(op, pagePath(named))).causes).toEqual(['client_document'])
  expect(requests).toBe(asked)
  away.close()
})

test('a secret that was sent without a name is not shown as a name', async () => {
  const op = await lab()
  const texts = ['hunter2-of-alice', `${btoa('hunter2-of-alice!!')}=`, 'Hunter2OfAlice=', '=hunter2-of-alice']
  for (const text of texts) {
    const headers = { ...basic(demo), 'content-type': 'application/x-www-form-urlencoded' }
    const byBody = await op.fetch('/token', { method: 'POST', headers, body: text })
    const byQuery = await op.fetch(`/authorize?${text}`)
    for (const response of [byBody, byQuery]) {
      const { html, status } = await explainedAt(op, pagePath(response))
      expect([status, mentions(html, 'hunter2-of-alice'), html.includes('Hunter2OfAlice')]).toEqual([
        200,
        false,
        false,
      ])
    }
  }
  expect(JSON.stringify(memoryOf(op.context).failures.latest(100))).not.toMatch(/hunter2/i)
})
