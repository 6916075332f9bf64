/** Notifications of backchannel authentication: ping, push, and CIBA_NOTIFY_URL. https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#ping_callback */
import { afterEach, describe, expect, test } from 'bun:test'
import { createHmac } from 'node:crypto'
import { generateKeyPair } from 'jose'
import { leftHalfHash } from '../../src/auth/token.ts'
import { loadConfig } from '../../src/config.ts'
import { Grant } from '../../src/models/grant.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { featureEntries } from '../../src/table.ts'
import {
  addClient,
  approvals,
  bank,
  begin,
  grant_type,
  poll,
  receiver,
  type Receiver,
  runJob,
  settle,
  start,
} from '../support/backchannel.ts'
import { claimsOf, formPost, type Json, type TestClient } from '../support/client.ts'
import { person } from '../support/person.ts'
import { provider, type Provider, turnableClock } from '../support/provider.ts'
import { until } from '../support/until.ts'

const token = 'the-client.says_who~calls+1/2=='
const stops: (() => void)[] = []
afterEach(() => stops.splice(0).forEach((stop) => stop()))

function listen(respond?: Parameters<typeof receiver>[0]): Receiver {
  const ear = receiver(respond)
  stops.push(ear.stop)
  return ear
}

const metadataFor = (ear: Receiver, mode: string): Json => ({
  backchannel_token_delivery_mode: mode,
  backchannel_client_notification_endpoint: ear.url,
})

const told = (ear: Receiver, mode: string, options: Parameters<typeof start>[0] = {}): Promise<Provider> =>
  start(
    { ...options, env: { OUTBOUND_ALLOW_HOSTS: ear.host, OUTBOUND_TIMEOUT_MS: '1000', ...options.env } },
    metadataFor(ear, mode),
  )

const ask = (op: Provider, more: Record<string, string | undefined> = {}, client = bank) =>
  begin(op, { client_notification_token: token, ...more }, client)

/** Gives a request that must not come the time to come. What must come is waited for. */
const settleDown = () => Bun.sleep(60)

/** Waits until `count` attempts at these instances have ended: each writes one line, after which it touches the store no more. */
const ended = (count: number, ...ops: Provider[]) =>
  until(
    () =>
      ops.flatMap(({ lines }) => lines).filter((line) => /\bbackchannel_delivery\b(?!_)/.test(line)).length >=
      count,
    `the end of ${count} attempts`,
  )

describe('ping', () => {
  test('says that there is an answer, and the client fetches it', async () => {
    const ear = listen()
    const op = await told(ear, 'ping')
    const { body } = await ask(op)
    expect(body.interval).toBe(5)
    expect((await poll(op, body.auth_req_id)).body.error).toBe('authorization_pending')
    expect(ear.received).toHaveLength(0)
    await settle(op)
    const [ping] = await ear.until(1)
    expect(ping!.authorization).toBe(`Bearer ${token}`)
    expect(ping!.body).toEqual({ auth_req_id: body.auth_req_id })
    expect((await poll(op, body.auth_req_id)).body.id_token).toBeDefined()
    await ended(1, op)
    op.clock.advance(600_000)
    await runJob(op)
    await settleDown()
    expect(ear.received).toHaveLength(1)
  })

  test('also for a denial', async () => {
    const ear = listen()
    const op = await told(ear, 'ping')
    const { body } = await ask(op)
    await settle(op, 'deny')
    await ear.until(1)
    expect((await poll(op, body.auth_req_id)).body.error).toBe('access_denied')
  })

  test('is repeated a bounded number of times, then given up', async () => {
    const ear = listen(() => new Response('busy', { status: 503 }))
    const op = await told(ear, 'ping', { env: { CIBA_REQUEST_TTL: '3000' } })
    const { body } = await ask(op)
    await settle(op)
    for (let i = 1; i <= 6; i++) {
      await ended(Math.min(i, 4), op)
      op.clock.advance(200_000)
      await runJob(op)
    }
    await settleDown()
    expect(ear.received).toHaveLength(4)
    expect(op.lines.some((line) => line.includes('backchannel_delivery_given_up'))).toBe(true)
    expect((await poll(op, body.auth_req_id)).status).toBe(200)
  })

  test.each([
    ['refused', () => new Response(null, { status: 401 })],
    ['sent elsewhere', () => Response.redirect('http://127.0.0.1:1/')],
  ])('is not repeated when %s', async (_, respond) => {
    const ear = listen(respond)
    const op = await told(ear, 'ping')
    const { body } = await ask(op)
    await settle(op)
    await ended(1, op)
    op.clock.advance(200_000)
    await runJob(op)
    await settleDown()
    expect(ear.received).toHaveLength(1)
    op.clock.advance(-200_000)
    expect((await poll(op, body.auth_req_id)).status).toBe(200)
  })

  test('is sent by exactly one other instance when the first one stops during the delivery', async () => {
    const ear = listen()
    const clock = turnableClock()
    const store = memoryStore(clock)
    const a = await told(ear, 'ping', { clock, store })
    const others = [await told(ear, 'ping', { clock, store }), await told(ear, 'ping', { clock, store })]
    const { body } = await ask(others[0]!)
    const visitor = person(a.issuer, a.fetch)
    // The first instance reaches no server, as if it had crashed.
    a.context.outbound.fetch = () => new Promise(() => {})
    await visitor.press(await approvals(visitor), 'allow')
    await settleDown()
    expect(ear.received).toHaveLength(0)
    clock.advance(6_000)
    await Promise.all(others.flatMap((op) => [runJob(op), runJob(op)]))
    await ear.until(1)
    await settleDown()
    expect(ear.received.map((each) => each.body)).toEqual([{ auth_req_id: body.auth_req_id }])
  })

  test('a client that hangs delays neither the notification of the End-User nor another client', async () => {
    const hung = listen(() => new Promise<Response>(() => {}))
    const ear = listen()
    const env = { OUTBOUND_ALLOW_HOSTS: `${hung.host},${ear.host}`, OUTBOUND_TIMEOUT_MS: '20000' }
    const op = await start({ env }, metadataFor(hung, 'ping'))
    const other: TestClient = { client_id: 'shop', client_secret: 'shop secret', redirect_uri: '' }
    await addClient(op, metadataFor(ear, 'ping'), other)
    for (let i = 0; i < 8; i++) await ask(op)
    await ask(op, { requested_expiry: '3000' }, other)
    const visitor = person(op.issuer, op.fetch)
    let page = await approvals(visitor)
    for (let i = 0; i < 9; i++) {
      await visitor.press(page, 'allow')
      page = await approvals(visitor)
    }
    await ear.until(1)
    const ended = op.lines.filter((line) => line.includes('backchannel_delivery'))
    expect(ended.filter((line) => !line.includes('outcome=done'))).toEqual([]) // the client that hangs has not answered yet
  })

  test('needs a client_notification_token', async () => {
    const ear = listen()
    const op = await told(ear, 'ping')
    for (const client_notification_token of [undefined, 'two words', 'x'.repeat(1025), 'a\r\nb: c'])
      expect((await begin(op, { client_notification_token })).body.error).toBe('invalid_request')
    expect((await ask(op, { client_notification_token: 'x'.repeat(1024) })).status).toBe(200)
  })

  test('the token and the auth_req_id are never stored in plain text', async () => {
    const ear = listen()
    const clock = turnableClock()
    const store = memoryStore(clock)
    const written: string[] = []
    for (const verb of ['put', 'create', 'link', 'replace'] as const) {
      const write = store[verb].bind(store) as (...values: unknown[]) => Promise<never>
      store[verb] = (...values: unknown[]) => {
        written.push(...values.map(String))
        return write(...values)
      }
    }
    const op = await told(ear, 'ping', { clock, store })
    const { body } = await ask(op)
    await settle(op)
    await ear.until(1)
    expect(written.join('\n')).toContain('backchannel_request:')
    expect(written.join('\n')).not.toContain(token)
    expect(written.join('\n')).not.toContain(body.auth_req_id)
    expect(op.lines.join('\n')).not.toContain(body.auth_req_id)
  })
})

describe('push', () => {
  test('sends tokens bound to each other, and polling is refused', async () => {
    const ear = listen()
    const op = await told(ear, 'push')
    const { body } = await ask(op)
    expect(body).toEqual({ auth_req_id: expect.any(String), expires_in: 300 })
    expect((await poll(op, body.auth_req_id)).body.error).toBe('unauthorized_client')
    await settle(op)
    const [push] = await ear.until(1)
    expect(push!.authorization).toBe(`Bearer ${token}`)
    const tokens = push!.body as Record<string, string>
    expect(tokens).toMatchObject({ auth_req_id: body.auth_req_id, token_type: 'Bearer' })
    const claims = claimsOf(tokens.id_token)
    expect(claims).toMatchObject({
      sub: 'user-alice',
      aud: 'bank',
      at_hash: leftHalfHash(tokens.access_token!, 'RS256'),
      'urn:openid:params:jwt:claim:rt_hash': leftHalfHash(tokens.refresh_token!, 'RS256'),
      'urn:openid:params:jwt:claim:auth_req_id': body.auth_req_id,
    })
    const headers = { authorization: `Bearer ${tokens.access_token}` }
    expect((await op.fetch('/userinfo', { headers })).status).toBe(200)
    const refresh = formPost(bank, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token! })
    expect((await op.fetch('/token', refresh)).status).toBe(200)
    expect((await poll(op, body.auth_req_id)).body.error).toBe('unauthorized_client')
  })

  test('sends a denial', async () => {
    const ear = listen()
    const op = await told(ear, 'push')
    const { body } = await ask(op)
    await settle(op, 'deny')
    const [push] = await ear.until(1)
    expect(push!.body).toMatchObject({ auth_req_id: body.auth_req_id, error: 'access_denied' })
  })

  test('sends the expiry once, from one of two instances', async () => {
    const ear = listen()
    const clock = turnableClock()
    const store = memoryStore(clock)
    const [a, b] = [await told(ear, 'push', { clock, store }), await told(ear, 'push', { clock, store })]
    const { body } = await ask(a)
    await Promise.all([runJob(a), runJob(b)])
    await settleDown()
    expect(ear.received).toHaveLength(0)
    clock.advance(301_000)
    await Promise.all([runJob(a), runJob(b), runJob(a), runJob(b)])
    const [push] = await ear.until(1)
    expect(push!.body).toMatchObject({ auth_req_id: body.auth_req_id, error: 'expired_token' })
    await settleDown()
    expect(ear.received).toHaveLength(1)
  })

  test('that cannot be delivered leaves no active tokens', async () => {
    const ear = listen(() => new Response(null, { status: 404 }))
    const op = await told(ear, 'push')
    await ask(op)
    await settle(op)
    const [push] = await ear.until(1)
    await ended(1, op)
    await until(
      async () => (await op.context.store.range('backchannel_deliveries')).length === 0,
      'the delivery to be given up',
    )
    expect(await Grant.listOfUser(op.context, 'user-alice')).toEqual([])
    const headers = { authorization: `Bearer ${push!.body.access_token as string}` }
    expect((await op.fetch('/userinfo', { headers })).status).toBe(401)
  })

  test('for an account disabled since the approval sends no tokens', async () => {
    let status = 503
    const ear = listen(() => new Response(null, { status }))
    const op = await told(ear, 'push')
    await ask(op)
    await settle(op)
    await ended(1, op)
    await User.update(op.context, 'user-alice', (user) => ({ ...user, disabled: true }))
    status = 204
    op.clock.advance(60_000)
    await runJob(op)
    const pushes = await ear.until(2)
    expect(pushes[1]!.body.error).toBe('transaction_failed')
    expect(pushes[1]!.body.access_token).toBeUndefined()
  })

  test('repeated sends new tokens of the same grant, and the same refresh token', async () => {
    const ear = listen((nth) => new Response(null, { status: nth === 1 ? 500 : 200 }))
    const op = await told(ear, 'push')
    await ask(op)
    await settle(op)
    await ended(1, op)
    op.clock.advance(10_000)
    await runJob(op)
    const [first, second] = await ear.until(2)
    expect(second!.body.refresh_token).toBe(first!.body.refresh_token!)
    expect(await Grant.listOfUser(op.context, 'user-alice')).toHaveLength(1)
  })

  test('is off where the profile or the operator says so', async () => {
    const ear = listen()
    for (const env of [{ PROFILE: 'fapi2' }, { CIBA_DELIVERY_MODES: 'poll' }] as Record<string, string>[]) {
      const op = await told(ear, 'push', { env: { CLIENT_AUTH_METHODS: 'client_secret_basic', ...env } })
      expect((await ask(op)).body.error).toBe('unauthorized_client')
    }
  })
})

describe('registration', () => {
  const env = {
    REGISTRATION: 'open',
    REGISTRATION_ALLOWED_GRANT_TYPES: `authorization_code ${grant_type}`,
  }
  const register = async (op: Provider, metadata: Json) => {
    const body = JSON.stringify({ grant_types: [grant_type], response_types: [], ...metadata })
    const headers = { 'content-type': 'application/json' }
    const answer = await op.fetch('/register', { method: 'POST', body, headers })
    return { status: answer.status, body: (await answer.json()) as Json }
  }
  const push = {
    backchannel_token_delivery_mode: 'push',
    backchannel_client_notification_endpoint: 'https://rp.example/heard',
  }

  test('valid combinations are registered', async () => {
    const op = await provider({ env })
    const { publicKey } = await generateKeyPair('ES256', { extractable: true })
    const jwks = { keys: [await crypto.subtle.exportKey('jwk', publicKey)] }
    for (const metadata of [
      { backchannel_token_delivery_mode: 'poll', backchannel_user_code_parameter: false },
      push,
      { ...push, jwks, backchannel_authentication_request_signing_alg: 'ES256' },
    ]) {
      const { status, body } = await register(op, metadata)
      expect(status).toBe(201)
      expect(body).toMatchObject(metadata)
    }
  })

  test.each([
    ['no mode', {}],
    ['an unknown mode', { backchannel_token_delivery_mode: 'shout' }],
    ['nobody to tell', { backchannel_token_delivery_mode: 'ping' }],
    ['http', { ...push, backchannel_client_notification_endpoint: 'http://rp.example/heard' }],
    ['our own network', { ...push, backchannel_client_notification_endpoint: 'https://127.0.0.1/' }],
    [
      'credentials in the URL',
      { ...push, backchannel_client_notification_endpoint: 'https://a:b@rp.example/' },
    ],
    ['a client without secret', { ...push, token_endpoint_auth_method: 'none' }],
    ['signatures without keys', { ...push, backchannel_authentication_request_signing_alg: 'ES256' }],
    ['symmetric signatures', { ...push, backchannel_authentication_request_signing_alg: 'HS256' }],
    ['user codes', { ...push, backchannel_user_code_parameter: true }],
  ])('%s is refused', async (_name, metadata) => {
    const { status, body } = await register(await provider({ env }), metadata)
    expect([status, body.error]).toEqual([400, 'invalid_client_metadata'])
  })

  test('dynamic registration does not allow it by default', async () => {
    const { status } = await register(await provider({ env: { REGISTRATION: 'open' } }), push)
    expect(status).toBe(400)
  })
})

describe('CIBA_NOTIFY_URL', () => {
  const secret = 'Zk3vQ9rT5wLx8nHs2bYd7cFj4gMp6aUe'

  test('receives a signed request', async () => {
    const ear = listen((nth) => new Response(null, { status: nth === 1 ? 500 : 200 }))
    const op = await told(ear, 'poll', { env: { CIBA_NOTIFY_URL: ear.url, CIBA_NOTIFY_SECRET: secret } })
    const { body } = await begin(op, { binding_message: 'Table 7' })
    const [first] = await ear.until(1)
    const [, t, v1] = /^t=(\d+),v1=(.+)$/.exec(first!.headers.get('latchkey-signature')!)!
    expect(v1).toBe(createHmac('sha256', secret).update(`${t}.${first!.text}`).digest('base64url'))
    expect(first!.body).toMatchObject({
      sub: 'user-alice',
      username: 'alice',
      request: {
        client_id: 'bank',
        client_name: 'Corner bank',
        binding_message: 'Table 7',
        scope: 'openid profile',
      },
      approval_url: `${op.issuer}/approvals`,
    })
    expect(first!.text).not.toContain(body.auth_req_id)
    await ended(1, op)
    op.clock.advance(10_000)
    await runJob(op)
    await ear.until(2)
  })

  test('receives nothing after the answer, and nothing unsigned', async () => {
    const ear = listen(() => new Response(null, { status: 500 }))
    const op = await told(ear, 'poll', { env: { CIBA_NOTIFY_URL: ear.url, CIBA_NOTIFY_SECRET: secret } })
    await begin(op)
    await ended(1, op)
    await settle(op)
    op.clock.advance(60_000)
    await runJob(op)
    await settleDown()
    expect(ear.received).toHaveLength(1)
    const load = () => loadConfig({ CIBA_NOTIFY_URL: ear.url }, { featureEntries })
    expect(load).toThrow('CIBA_NOTIFY_SECRET: required with CIBA_NOTIFY_URL')
  })

  test('in development the log says where to approve', async () => {
    const op = await start()
    await begin(op)
    expect(op.lines.some((line) => line.includes(`${op.issuer}/approvals`))).toBe(true)
  })
})
