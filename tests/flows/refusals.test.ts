/** Every refusal is one line of the log: who, where, by which rule, what was expected and what came; and no secret. */
import { expect, test } from 'bun:test'
import { authorizationUrl, basic, formPost, type Json, type TestClient } from '../support/client.ts'
import { authorize, browser, demo, operatorClient, redeem, stage } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

/** Text that must never be in a line, as a value of any parameter or header that holds a secret. */
const mark = 'SECRETSECRETSECRET'

const form = (fields: Record<string, string>, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body: new URLSearchParams(fields),
  headers,
})

interface Case {
  name: string
  path: string
  init?: RequestInit
  line: Json
}

const withQuery = (client: TestClient, change: Record<string, string>) =>
  authorizationUrl('http://localhost', client, change).url.replace('http://localhost', '')

const casesOf = (client: TestClient): Case[] => [
  {
    name: 'a path that is not served',
    path: '/nothing',
    line: { code: 'not_found', rule: 'RFC 9110 §15.5.5', came: '/nothing' },
  },
  {
    name: 'a method',
    path: '/token',
    line: { code: 'method_not_allowed', rule: 'RFC 9110 §15.5.6', came: 'GET' },
  },
  {
    name: 'a body that is too large',
    path: '/token',
    init: form({ code: 'x'.repeat(200_000) }),
    line: { code: 'payload_too_large', rule: 'RFC 9110 §15.5.14' },
  },
  {
    name: 'a content type',
    path: '/token',
    init: { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } },
    line: { code: 'invalid_request', rule: 'RFC 6749 §3.2', came: 'application/json' },
  },
  {
    name: 'a wrong client_secret',
    path: '/token',
    init: form({ grant_type: 'client_credentials' }, basic({ ...client, client_secret: mark })),
    line: { code: 'invalid_client', client_id: client.client_id, rule: 'RFC 6749 §2.3.1' },
  },
  {
    name: 'an unknown code',
    path: '/token',
    init: formPost(client, {
      grant_type: 'authorization_code',
      code: `lkc_${'a'.repeat(20)}${mark}`,
      redirect_uri: client.redirect_uri,
      code_verifier: mark.repeat(3),
    }),
    line: { code: 'invalid_grant', client_id: client.client_id, came: '(secret)' },
  },
  {
    name: 'an unknown refresh token',
    path: '/token',
    init: formPost(client, { grant_type: 'refresh_token', refresh_token: `lkr_${mark}` }),
    line: { code: 'invalid_grant', client_id: client.client_id, rule: 'RFC 6749 §6' },
  },
  {
    name: 'a secret in a parameter that is no UTF-8',
    path: '/token',
    init: {
      method: 'POST',
      body: `client_secret=${mark}%ff`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    },
    line: { code: 'invalid_request', rule: 'RFC 6749 §3.1', came: '(secret)' },
  },
  {
    name: 'an unknown access token',
    path: '/userinfo',
    init: { headers: { authorization: `Bearer ${mark}` } },
    line: { code: 'invalid_token', rule: 'RFC 6750 §3.1', came: '(secret)' },
  },
  {
    name: 'an unknown client, as a page',
    path: withQuery(client, { client_id: 'nobody' }),
    init: { headers: { accept: 'text/html' } },
    line: { code: 'invalid_client', client_id: 'nobody', came: 'nobody', path: '/authorize' },
  },
  {
    name: 'a wrong redirect_uri, as a page',
    path: withQuery(client, { redirect_uri: 'https://evil.example/' }),
    line: { code: 'invalid_request', client_id: client.client_id, came: 'https://evil.example/' },
  },
  {
    name: 'a parameter, answered by a redirect',
    path: withQuery(client, { max_age: 'soon' }),
    line: {
      code: 'invalid_request',
      client_id: client.client_id,
      rule: 'OpenID Connect Core §3.1.2.1',
      expected: 'max_age must be a whole number of seconds',
      came: 'soon',
    },
  },
  {
    name: 'a hint that is not ours',
    path: withQuery(client, { id_token_hint: mark }),
    line: { code: 'invalid_request', client_id: client.client_id, came: '(secret)' },
  },
  {
    name: 'a sign-out to an address that is not registered',
    path: `/logout?client_id=${client.client_id}&post_logout_redirect_uri=https://evil.example/`,
    line: { code: 'invalid_request', client_id: client.client_id, came: 'https://evil.example/' },
  },
  {
    name: 'a registration access token that is not the one of the client',
    path: `/register/${client.client_id}`,
    init: { headers: { authorization: `Bearer ${mark}` } },
    line: { code: 'invalid_token', client_id: client.client_id, rule: 'RFC 7592 §2' },
  },
  {
    name: 'a form that is out of date',
    path: '/login',
    init: form({ csrf_token: mark, interaction: mark, username: 'alice', password: mark }),
    line: { code: 'form_out_of_date', rule: 'RFC 6749 §10.12' },
  },
  {
    name: 'a form of another site',
    path: '/login',
    init: form({ password: mark }, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }),
    line: { code: 'foreign_form', came: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' } },
  },
]

const production = {
  NODE_ENV: 'production',
  PLAIN_HTTP_FROM: 'anywhere',
  ISSUER_URL: 'https://id.example.com',
  SECRET_KEY: 'of this test alone: 0123456789abcdef',
  STORE_URL: 'sqlite:./not-opened.db',
  LOG_LEVEL: 'info',
  RATE_LIMITING_ENABLED: 'false',
}

const linesOf = (op: Provider, id: string): Json[] =>
  op.lines.map((line) => JSON.parse(line) as Json).filter((line) => line.request_id === id)

const modes = { development: { LOG_FORMAT: 'json' }, production }
for (const [mode, env] of Object.entries(modes)) {
  const op = await provider({ env })
  const client = await operatorClient(op, { client_id: 'tester' })

  test.each(casesOf(client))(`${mode}: $name`, async ({ path, init, line }) => {
    const answer = await op.fetch(path, init, '192.0.2.7')
    await answer.text()
    const lines = linesOf(op, answer.headers.get('x-request-id')!)
    expect(lines).toHaveLength(1)
    const [found] = lines
    expect(found).toMatchObject({ event: 'refused', level: 'info', address: '192.0.2.7', ...line })
    expect(found!.rule).toMatch(/^[A-Z].* §\d/)
    expect(found!.expected).toBeString()
    expect(JSON.stringify(found)).not.toContain(mark)
  })
}

test('a code that is used twice: the line has the client and the rule, and no code', async () => {
  const { op, alice } = await stage({ env: { LOG_FORMAT: 'json' } })
  const authorized = await authorize(op, alice)
  await redeem(op, demo, authorized)
  const again = await redeem(op, demo, authorized)
  const [line, ...more] = linesOf(op, again.headers.get('x-request-id')!)
  expect(more).toEqual([])
  expect(line).toMatchObject({
    event: 'refused',
    client_id: demo.client_id,
    code: 'invalid_grant',
    rule: 'RFC 6749 §4.1.2',
    expected: 'a code that was not used before',
    came: '(secret)',
  })
  expect(op.lines.join('\n')).not.toContain(authorized.code)
})

test('a poll that comes before the answer is part of the flow: a line for debug alone', async () => {
  const op = await provider({ env: { LOG_FORMAT: 'json', LOG_LEVEL: 'debug' } })
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code'
  const client = await operatorClient(op, { client_id: 'television', grant_types: [grant_type] })
  const asked = await op.fetch('/device_authorization', formPost(client, { scope: 'openid' }))
  const { device_code } = (await asked.json()) as Json
  const poll = await op.fetch('/token', formPost(client, { grant_type, device_code: `${device_code}` }))
  const lines = linesOf(op, poll.headers.get('x-request-id')!)
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatchObject({ event: 'refused', level: 'debug', code: 'authorization_pending' })
})

test('a try that is one too many is a line, though the sign-in page answers it', async () => {
  const op = await provider({ env: { LOG_FORMAT: 'json', SIGN_IN_ATTEMPTS_PER_ACCOUNT: '1' } })
  const someone = browser(op)
  const { page } = await someone.open(authorizationUrl(op.issuer, demo).url)
  const wrong = { username: 'alice', password: mark }
  await someone.press(page!, 'login', wrong)
  const landing = await someone.press(page!, 'login', wrong)
  expect(landing.page!.status).toBe(429)
  const refused = op.lines.map((line) => JSON.parse(line) as Json).filter(({ event }) => event === 'refused')
  expect(refused).toHaveLength(1)
  expect(refused[0]).toMatchObject({ code: 'too_many_requests', rule: 'RFC 6585 §4', path: '/login' })
  expect(op.lines.join('\n')).not.toContain(mark)
})

test('what strangers send does not make long lines', async () => {
  const op = await provider({ env: { LOG_FORMAT: 'json' } })
  await op.fetch(`/${'x'.repeat(5_000)}`)
  await op.fetch(withQuery(demo, { client_id: 'y'.repeat(5_000) }))
  for (const line of op.lines) expect(line.length).toBeLessThan(2_500)
})
