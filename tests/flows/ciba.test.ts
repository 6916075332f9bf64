/** Backchannel authentication: a client asks, the End-User approves on another device, the client polls. https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html */
import { describe, expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { approvals, addClient, bank, begin, grant_type, poll, settle, start } from '../support/backchannel.ts'
import { authorizationUrl, claimsOf, demo, formPost, type Json, type TestClient } from '../support/client.ts'
import { alice, bob, person } from '../support/person.ts'
import { provider, type Provider, turnableClock } from '../support/provider.ts'

describe('poll', () => {
  test('from the request to tokens for the End-User who approved', async () => {
    const op = await start()
    const { status, body } = await begin(op, { binding_message: 'Table 7: Müller & Søn' })
    expect(status).toBe(200)
    expect(body).toEqual({ auth_req_id: expect.any(String), expires_in: 300, interval: 5 })
    expect(body.auth_req_id).toMatch(/^[A-Za-z0-9._-]{60,}$/)
    expect((await poll(op, body.auth_req_id)).body.error).toBe('authorization_pending')
    const visitor = person(op.issuer, op.fetch)
    const page = await approvals(visitor)
    expect(page.html).toContain('Corner bank')
    expect(page.html).toContain('Table 7: Müller &amp; Søn')
    expect(page.html).toContain('See your profile')
    expect(page.html).not.toContain('http-equiv="refresh"')
    op.clock.advance(7_000)
    const done = await visitor.press(page, 'allow')
    expect(done.page!.html).toContain('You approved the request')
    for (const { html } of [page, done.page!]) expect(html).toContain('<a href="/logout">Sign out</a>')
    const tokens = await poll(op, body.auth_req_id)
    expect(tokens.status).toBe(200)
    expect(tokens.body).toMatchObject({ token_type: 'Bearer', scope: 'openid profile' })
    const approvedAt = Math.floor(op.clock.now() / 1000) - 7
    expect(claimsOf(tokens.body.id_token)).toMatchObject({
      sub: 'user-alice',
      aud: 'bank',
      amr: ['pwd'],
      acr: op.context.acrValues[0]!,
      auth_time: approvedAt,
    })
    const headers = { authorization: `Bearer ${tokens.body.access_token}` }
    expect(await (await op.fetch('/userinfo', { headers })).json()).toMatchObject({ sub: 'user-alice' })
    expect((await poll(op, body.auth_req_id)).body.error).toBe('invalid_grant')
    // The browser that approved signs out; the grant stays.
    const logout = await visitor.open('logout')
    await visitor.press(logout.page!, 'logout')
    const refresh_token = String(tokens.body.refresh_token)
    const refreshed = await op.fetch('/token', formPost(bank, { grant_type: 'refresh_token', refresh_token }))
    expect(refreshed.status).toBe(200)
  })

  test('a denial gets the same answer at every poll', async () => {
    const op = await start()
    const { body } = await begin(op)
    expect((await settle(op, 'deny')).html).toContain('You denied the request')
    for (let i = 0; i < 2; i++) {
      const answer = await poll(op, body.auth_req_id)
      expect([answer.status, answer.body.error]).toEqual([400, 'access_denied'])
    }
  })

  test('polling too fast is slowed down, and the request expires', async () => {
    const op = await start()
    const { body } = await begin(op, { requested_expiry: '60' })
    expect(body.expires_in).toBe(60)
    const errors = []
    for (const wait of [0, 1_000, 6_000, 11_000, 60_000, 2_000_000]) {
      op.clock.advance(wait)
      errors.push((await poll(op, body.auth_req_id)).body.error)
    }
    expect(errors).toEqual([
      'authorization_pending',
      'slow_down',
      'slow_down',
      'slow_down',
      'expired_token',
      'expired_token',
    ])
  })

  test('an approval that the client does not redeem in time expires', async () => {
    const op = await start()
    const { body } = await begin(op, { requested_expiry: '60' })
    await settle(op)
    op.clock.advance(60_000)
    expect((await poll(op, body.auth_req_id)).body.error).toBe('expired_token')
  })

  test('a requested_expiry above the limit is reduced', async () => {
    const op = await start({ env: { CIBA_MAX_REQUEST_TTL: '600' } })
    expect((await begin(op, { requested_expiry: '999999999' })).body.expires_in).toBe(600)
    for (const requested_expiry of ['0', '-1', '1.5', 'soon', '9'.repeat(400)])
      expect((await begin(op, { requested_expiry })).body.error).toBe('invalid_request')
  })
})

describe('one request, one answer, one redemption', () => {
  test('twenty polls on two instances: one gets tokens, no other client any', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const [a, b] = [await start({ clock, store }), await provider({ clock, store })]
    const other: TestClient = { client_id: 'thief', client_secret: 'another secret', redirect_uri: '' }
    await addClient(a, {}, other)
    const { body } = await begin(a)
    await settle(b)
    const stolen = await poll(a, body.auth_req_id, other)
    expect(stolen.body.error).toBe('invalid_grant')
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => poll(i % 2 ? a : b, body.auth_req_id)),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(new Set(answers.map(({ body: { error } }) => error))).toEqual(
      new Set([undefined, 'invalid_grant']),
    )
  })

  test('of 20 concurrent answers at two instances one counts', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const [a, b] = [await start({ clock, store }), await provider({ clock, store })]
    const { body } = await begin(a)
    const visitor = person(a.issuer, (url, init) => (Math.random() < 0.5 ? a : b).fetch(url, init))
    const page = await approvals(visitor)
    const presses = await Promise.all(
      Array.from({ length: 20 }, (_, i) => visitor.press(page, i % 2 ? 'allow' : 'deny')),
    )
    const counted = presses.filter((each) => each.page!.status === 200)
    expect(counted).toHaveLength(1)
    const { status } = await poll(a, body.auth_req_id)
    expect(status).toBe(counted[0]!.page!.html.includes('You approved') ? 200 : 400)
  })

  test('a forged or shortened auth_req_id is refused', async () => {
    const op = await start()
    const { auth_req_id } = (await begin(op)).body
    const last = auth_req_id.endsWith('A') ? 'B' : 'A'
    for (const forged of ['x', auth_req_id.slice(0, 20), auth_req_id.slice(0, -1) + last, 'y'.repeat(5000)])
      expect((await poll(op, forged)).body.error).toBe('invalid_grant')
    expect((await op.fetch('/token', formPost(bank, { grant_type }))).status).toBe(400)
  })

  test('an account disabled before the poll gets no tokens', async () => {
    const op = await start()
    const { body } = await begin(op)
    await settle(op)
    await User.update(op.context, 'user-alice', (user) => ({ ...user, disabled: true }))
    expect((await poll(op, body.auth_req_id)).body.error).toBe('invalid_grant')
  })
})

describe('the End-User', () => {
  test('sees and answers only requests for the own account', async () => {
    const op = await start()
    const { body } = await begin(op)
    const stranger = person(op.issuer, op.fetch)
    const empty = await approvals(stranger, bob)
    expect(empty.html).toContain('No requests are waiting for your approval')
    expect(empty.html).toContain('http-equiv="refresh"')
    expect(empty.html).not.toContain('Corner bank')
    const mine = person(op.issuer, op.fetch)
    const page = await approvals(mine)
    // The form of alice, sent by bob in his own browser.
    expect((await stranger.press(page, 'allow')).page!.status).toBe(403)
    // A form of bob's own, pointed at the request of alice.
    await begin(op, { login_hint: 'bob' })
    const own = await approvals(stranger, bob)
    const request = page.forms[0]!.fields.request!
    expect((await stranger.press(own, 'allow', { request })).page!.status).toBe(403)
    expect((await poll(op, body.auth_req_id)).body.error).toBe('authorization_pending')
  })

  test('a form of another site or without CSRF token changes nothing', async () => {
    const op = await start()
    const { body } = await begin(op)
    const visitor = person(op.issuer, op.fetch)
    const page = await approvals(visitor)
    expect((await visitor.press(page, 'allow', { csrf_token: 'x' })).page!.status).toBe(403)
    const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const foreign = await op.fetch('/approvals', {
      method: 'POST',
      body: new URLSearchParams({ ...page.forms[0]!.fields, allow: 'allow' }).toString(),
      headers: {
        cookie,
        'content-type': 'application/x-www-form-urlencoded',
        origin: 'https://evil.example',
        'sec-fetch-site': 'cross-site',
      },
    })
    expect(foreign.status).toBe(403)
    expect((await poll(op, body.auth_req_id)).body.error).toBe('authorization_pending')
  })

  test('an answer that comes too late changes nothing', async () => {
    const op = await start()
    const { body } = await begin(op, { requested_expiry: '60' })
    const visitor = person(op.issuer, op.fetch)
    const page = await approvals(visitor)
    op.clock.advance(61_000)
    const late = await visitor.press(page, 'allow')
    expect(late.page!.status).toBe(400)
    expect(late.page!.html).toContain('has expired')
    expect((await poll(op, body.auth_req_id)).body.error).toBe('expired_token')
  })

  test('markup and direction marks in names stay text', async () => {
    const op = await provider()
    await addClient(op, { client_name: '<script>x</script>\u202Eknab' })
    await begin(op, { binding_message: '<b>1</b>' })
    const page = await approvals(person(op.issuer, op.fetch))
    expect(page.html).not.toContain('<script>x')
    expect(page.html).not.toContain('\u202E')
    expect(page.html).toContain('&lt;b&gt;1&lt;/b&gt;')
  })

  test('sees authorization details in words, and the token carries them', async () => {
    const op = await start({ env: { AUTHORIZATION_DETAILS_TYPES: 'payment' } })
    const details = [{ type: 'payment', actions: ['initiate'], identifier: 'invoice 42' }]
    const { body } = await begin(op, { authorization_details: JSON.stringify(details) })
    const visitor = person(op.issuer, op.fetch)
    const page = await approvals(visitor)
    expect(page.html).toContain('invoice 42')
    await visitor.press(page, 'allow')
    const tokens = await poll(op, body.auth_req_id)
    expect(tokens.body.authorization_details).toEqual(details)
  })
})

describe('what is refused', () => {
  test.each([
    ['no hint', { login_hint: undefined }, 400, 'invalid_request'],
    ['two hints', { id_token_hint: 'x.y.z' }, 400, 'invalid_request'],
    ['a hint token', { login_hint: undefined, login_hint_token: 'x' }, 400, 'invalid_request'],
    ['a foreign ID Token', { login_hint: undefined, id_token_hint: 'x.y.z' }, 400, 'invalid_request'],
    ['an unknown person', { login_hint: 'nobody' }, 400, 'unknown_user_id'],
    ['no scope', { scope: undefined }, 400, 'invalid_request'],
    ['no openid', { scope: 'profile' }, 400, 'invalid_scope'],
    ['a scope beyond the client', { scope: 'openid phone' }, 400, 'invalid_scope'],
    ['a long message', { binding_message: 'x'.repeat(101) }, 400, 'invalid_binding_message'],
    ['a message with a break', { binding_message: 'a\nb' }, 400, 'invalid_binding_message'],
    ['a message with a direction', { binding_message: 'a\u202Eb' }, 400, 'invalid_binding_message'],
    ['a message of nothing', { binding_message: ' ' }, 400, 'invalid_binding_message'],
    ['a user code', { user_code: '1234' }, 400, 'invalid_request'],
    ['a reference', { request_uri: 'https://x.example/' }, 400, 'invalid_request'],
    [
      'an unknown API detail',
      { authorization_details: '[{"type":"x"}]' },
      400,
      'invalid_authorization_details',
    ],
    ['a signed request that was never registered', { request: 'a.b.c' }, 400, 'invalid_request'],
  ] as const)('%s', async (_, more, status, error) => {
    const op = await start()
    const answer = await begin(op, more)
    expect([answer.status, answer.body.error]).toEqual([status, error])
    expect((await approvals(person(op.issuer, op.fetch))).html).toContain('No requests are waiting')
  })

  test('clients that may not ask', async () => {
    const op = await start()
    expect((await begin(op, {}, demo)).body.error).toBe('unauthorized_client')
    const open: TestClient = { client_id: 'open', redirect_uri: '' }
    await addClient(op, { token_endpoint_auth_method: 'none' }, open)
    expect((await begin(op, {}, open)).body.error).toBe('unauthorized_client')
    const wrong = await begin(op, {}, { ...bank, client_secret: 'guess' })
    expect([wrong.status, wrong.body.error]).toEqual([401, 'invalid_client'])
  })

  test('hints are limited, and beyond the limit right and wrong hints get the same answer', async () => {
    const op = await start()
    for (let i = 0; i < 100; i++)
      expect((await begin(op, { login_hint: `guess${i}` })).body.error).toBe('unknown_user_id')
    expect((await begin(op, { login_hint: 'guess' })).status).toBe(429)
    expect((await begin(op)).status).toBe(429)
    op.clock.advance(601_000)
    expect((await begin(op)).status).toBe(200)
  })

  test('the requests of one client for one End-User are limited', async () => {
    const op = await start()
    const statuses = []
    for (let i = 0; i < 31; i++) statuses.push((await begin(op)).status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(30)
    expect(statuses.at(-1)).toBe(429)
    expect((await begin(op, { login_hint: 'bob' })).status).toBe(200)
  })
})

describe('id_token_hint', () => {
  const redirect_uri = 'https://rp.example/cb'
  const rp: TestClient = { client_id: 'rp', client_secret: 'rp secret', redirect_uri }
  const both = {
    grant_types: ['authorization_code', grant_type],
    response_types: ['code'],
    redirect_uris: [redirect_uri],
  }

  async function idToken(op: Provider): Promise<string> {
    const { url, code_verifier } = authorizationUrl(op.issuer, rp, { scope: 'openid' })
    const back = await person(op.issuer, op.fetch).goThrough(url)
    const code = back.searchParams.get('code')!
    const fields = { grant_type: 'authorization_code', code, redirect_uri, code_verifier }
    return String(((await (await op.fetch('/token', formPost(rp, fields))).json()) as Json).id_token)
  }

  test.each(['public', 'pairwise'])(
    'names the End-User, %s subjects, expired or not',
    async (subject_type) => {
      const op = await start()
      await addClient(op, { ...both, subject_type }, rp)
      const id_token_hint = await idToken(op)
      op.clock.advance(4_000_000)
      const { body } = await begin(op, { scope: 'openid', login_hint: undefined, id_token_hint }, rp)
      await settle(op)
      const tokens = await poll(op, body.auth_req_id, rp)
      expect(claimsOf(tokens.body.id_token).sub).toBe(claimsOf(id_token_hint).sub)
      // At another client the hint is refused.
      const stolen = await begin(op, { login_hint: undefined, id_token_hint })
      expect(stolen.body.error).toBe('invalid_request')
    },
  )
})

describe('signed requests', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kty: 'EC' as const, alg: 'ES256' }] }
  const thief = await generateKeyPair('ES256')
  const metadata = { jwks, backchannel_authentication_request_signing_alg: 'ES256' }

  /** `undefined` takes a claim out. */
  async function signed(op: Provider, more: Json = {}, key = privateKey, header: Json = {}) {
    const now = Math.floor(op.clock.now() / 1000)
    const claims = {
      iss: 'bank',
      aud: op.issuer,
      iat: now,
      nbf: now,
      exp: now + 300,
      jti: crypto.randomUUID(),
      scope: 'openid profile',
      login_hint: 'alice',
      ...more,
    }
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', ...header }).sign(key)
  }
  const send = (op: Provider, request: string, beside: Record<string, string> = {}) =>
    begin(op, { scope: undefined, login_hint: undefined, request, ...beside })

  test('only signed parameters count, once across instances', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const [a, b] = [await start({ clock, store }, metadata), await provider({ clock, store })]
    const request = await signed(a, { binding_message: 'signed', requested_expiry: 77 })
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => send(i % 2 ? a : b, request)))
    const good = answers.filter(({ status }) => status === 200)
    expect(good).toHaveLength(1)
    expect(good[0]!.body.expires_in).toBe(77)
    expect((await approvals(person(a.issuer, a.fetch))).html).toContain('<bdi class="strong">signed</bdi>')
    expect((await send(b, request)).body.error).toBe('invalid_request')
  })

  test('a client that registered a signing algorithm must sign', async () => {
    const op = await start({}, metadata)
    expect((await begin(op)).body.error).toBe('invalid_request')
  })

  test.each([
    ['another issuer', { iss: 'client123' }],
    ['another audience', { aud: 'https://other.example' }],
    ['no exp', { exp: undefined }],
    ['no nbf', { nbf: undefined }],
    ['no iat', { iat: undefined }],
    ['no jti', { jti: undefined }],
    ['a jti that is no text', { jti: 7 }],
    ['expired', { exp: 1 }],
    ['not yet good', { nbf: 99_999_999_999, exp: 99_999_999_999 }],
    ['good for ever', { exp: 99_999_999_999 }],
    ['an assertion', { sub: 'bank' }],
    ['one in another', { request: 'a.b.c' }],
  ])('%s', async (_, more) => {
    const op = await start({}, metadata)
    expect((await send(op, await signed(op, more))).body.error).toBe('invalid_request')
  })

  test('another key, another algorithm, another kind of JWT, parameters outside, not a JWT', async () => {
    const op = await start({}, metadata)
    const good = await signed(op)
    const payload = good.split('.')[1]!
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    const refused = [
      await send(op, await signed(op, {}, thief.privateKey)),
      await send(op, `${none}.${payload}.`),
      await send(op, await signed(op, {}, privateKey, { typ: 'at+jwt' })),
      await send(op, good, { binding_message: 'beside' }),
      await send(op, 'no jwt'),
      await send(op, 'x'.repeat(40_000)),
    ]
    expect(new Set(refused.map(({ body }) => body.error))).toEqual(new Set(['invalid_request']))
    // None of these spent it.
    expect((await send(op, good)).status).toBe(200)
  })
})

test('an approval goes through sign-in and comes back', async () => {
  const op = await start()
  await begin(op)
  const visitor = person(op.issuer, op.fetch)
  const login = await visitor.open('approvals')
  expect(login.page!.forms[0]!.buttons).toContain('login')
  const { page } = await visitor.press(login.page!, 'login', alice)
  expect(page!.url).toEndWith('/approvals')
  expect(page!.forms[0]!.buttons).toEqual(['allow', 'deny'])
})

test('discovery says what is served', async () => {
  const op = await provider()
  const metadata = (await (await op.fetch('/.well-known/openid-configuration')).json()) as Json
  expect(metadata).toMatchObject({
    backchannel_authentication_endpoint: `${op.issuer}/bc-authorize`,
    backchannel_token_delivery_modes_supported: ['poll', 'ping', 'push'],
    backchannel_user_code_parameter_supported: false,
  })
  expect(metadata.backchannel_authentication_request_signing_alg_values_supported).toContain('PS256')
  expect(metadata.grant_types_supported).toContain(grant_type)
})
