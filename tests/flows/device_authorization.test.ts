/** Device authorization: a television shows a code, a person answers on another screen. https://www.rfc-editor.org/rfc/rfc8628 */
import { expect, test } from 'bun:test'
import { Client, makeClient } from '../../src/models/client.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { formPost, type Json, type TestClient } from '../support/client.ts'
import { alice, type Person, person } from '../support/person.ts'
import { Grant } from '../../src/models/grant.ts'
import { User } from '../../src/models/user.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const grant_type = 'urn:ietf:params:oauth:grant-type:device_code'
const tv: TestClient = { client_id: 'tv', redirect_uri: '' }

async function start(options: Parameters<typeof provider>[0] = {}): Promise<Provider> {
  const op = await provider(options)
  const { client } = makeClient(op.context, {
    client_id: 'tv',
    client_name: 'Living room',
    grant_types: [grant_type, 'refresh_token'],
    response_types: [],
    scope: 'openid profile',
    token_endpoint_auth_method: 'none',
  })
  await Client.create(op.context, client)
  return op
}

async function begin(op: Provider, scope = 'openid profile') {
  const answer = await op.fetch('/device_authorization', formPost(tv, { scope }))
  return {
    status: answer.status,
    ...((await answer.json()) as Record<
      'device_code' | 'user_code' | 'verification_uri' | 'verification_uri_complete' | 'error',
      string
    > & { interval: number }),
  }
}

async function poll(op: Provider, device_code: string, client = tv) {
  const answer = await op.fetch('/token', formPost(client, { grant_type, device_code }))
  return { status: answer.status, body: (await answer.json()) as Json }
}

/** To the page that asks whether to connect. */
async function toConfirm(op: Provider, visitor: Person, userCode: string) {
  let landing = await visitor.open(`${op.issuer}/device`)
  if (landing.page!.forms.some((form) => form.buttons.includes('login')))
    landing = await visitor.press(landing.page!, 'login', alice)
  return (await visitor.press(landing.page!, 'continue', { user_code: userCode })).page!
}

test('a device is connected', async () => {
  const op = await start()
  const device = await begin(op)
  expect(device).toMatchObject({ status: 200, interval: 5, verification_uri: `${op.issuer}/device` })
  expect(device.user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
  expect((await poll(op, device.device_code)).body.error).toBe('authorization_pending')
  const visitor = person(op.issuer, op.fetch)
  const confirm = await toConfirm(op, visitor, device.user_code.toLowerCase().replace('-', ' '))
  expect(confirm.html).toContain('Living room')
  expect(confirm.html).toContain(device.user_code)
  const { page } = await visitor.press(confirm, 'allow')
  expect(page!.html).toContain('Your device is connected')
  const typing = (await visitor.open(`${op.issuer}/device`)).page!
  for (const { html } of [typing, confirm, page!]) expect(html).toContain('<a href="/logout">Sign out</a>')
  op.clock.advance(6_000)
  const { status, body } = await poll(op, device.device_code)
  expect(status).toBe(200)
  expect(body).toMatchObject({ token_type: 'Bearer', scope: 'openid profile' })
  expect(body.id_token).toBeDefined()
  expect((await poll(op, device.device_code)).body.error).toBe('invalid_grant')
  const who = await op.fetch('/userinfo', { headers: { authorization: `Bearer ${body.access_token}` } })
  expect(await who.json()).toMatchObject({ sub: 'user-alice' })
  // The browser that approved it signs out; the television stays.
  const logout = await visitor.open(`${op.issuer}/logout`)
  await visitor.press(logout.page!, 'logout')
  const refreshed = await op.fetch(
    '/token',
    formPost(tv, { grant_type: 'refresh_token', refresh_token: String(body.refresh_token) }),
  )
  expect(refreshed.status).toBe(200)
})

test('the complete link still asks, and goes through sign-in', async () => {
  const op = await start()
  const device = await begin(op)
  const visitor = person(op.issuer, op.fetch)
  const login = await visitor.open(device.verification_uri_complete)
  const entered = await visitor.press(login.page!, 'login', alice)
  expect(entered.page!.forms[0]!.fields.user_code).toBe(device.user_code)
  expect((await poll(op, device.device_code)).body.error).toBe('authorization_pending')
})

test('denied is denied', async () => {
  const op = await start()
  const device = await begin(op)
  const visitor = person(op.issuer, op.fetch)
  await visitor.press(await toConfirm(op, visitor, device.user_code), 'deny')
  expect((await poll(op, device.device_code)).body.error).toBe('access_denied')
  expect((await poll(op, device.device_code)).body.error).toBe('invalid_grant')
})

test('impatience is slowed down, and time runs out', async () => {
  const op = await start()
  const device = await begin(op)
  const errors = []
  for (const wait of [0, 1_000, 6_000, 11_000, 700_000]) {
    op.clock.advance(wait)
    errors.push((await poll(op, device.device_code)).body.error)
  }
  expect(errors).toEqual(['authorization_pending', 'slow_down', 'slow_down', 'slow_down', 'expired_token'])
})

test('an approved code is redeemed once, however many poll on two instances, by its client alone', async () => {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const [a, b] = [await start({ clock, store }), await provider({ clock, store })]
  const device = await begin(a)
  const visitor = person(a.issuer, a.fetch)
  await visitor.press(await toConfirm(a, visitor, device.user_code), 'allow')
  const other: TestClient = { client_id: 'public-client', redirect_uri: '' }
  expect((await poll(a, device.device_code, other)).body.error).toBe('unauthorized_client')
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => poll(i % 2 ? a : b, device.device_code)),
  )
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
})

test('two answers at once count as one, and a form of one person is worth nothing to another', async () => {
  const op = await start()
  const device = await begin(op)
  const visitor = person(op.issuer, op.fetch)
  const confirm = await toConfirm(op, visitor, device.user_code)
  const [first, second] = await Promise.all([visitor.press(confirm, 'allow'), visitor.press(confirm, 'deny')])
  expect([first, second].filter(({ page }) => page!.status === 200)).toHaveLength(1)

  const next = await begin(op)
  const mine = await toConfirm(op, visitor, next.user_code)
  const stranger = person(op.issuer, op.fetch)
  await toConfirm(op, stranger, next.user_code)
  expect((await stranger.press({ ...mine, url: mine.url }, 'allow')).page!.status).toBe(403)
})

test('guessing user codes is limited by person', async () => {
  const op = await start()
  const visitor = person(op.issuer, op.fetch)
  const statuses = []
  for (let i = 0; i < 22; i++) statuses.push((await toConfirm(op, visitor, 'BCDF-GHJK')).status)
  expect(statuses.slice(0, 20).every((status) => status === 400)).toBe(true)
  expect(statuses.slice(20)).toEqual([429, 429])
})

test('what a device may not ask for', async () => {
  const op = await start()
  expect((await begin(op, 'openid email')).error).toBe('invalid_scope')
  const demo = await op.fetch(
    '/device_authorization',
    formPost({ client_id: 'public-client', redirect_uri: '' }, {}),
  )
  expect(((await demo.json()) as Json).error).toBe('unauthorized_client')
})

test('gives nothing once the account of the person who allowed it is disabled, and its grant ends', async () => {
  const op = await start()
  const device = await begin(op)
  const visitor = person(op.issuer, op.fetch)
  await visitor.press(await toConfirm(op, visitor, device.user_code), 'allow')
  await User.update(op.context, 'user-alice', (user) => ({ ...user, disabled: true }))
  op.clock.advance(6_000)
  expect(await poll(op, device.device_code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  expect(await Grant.listOfUser(op.context, 'user-alice')).toEqual([])
})
