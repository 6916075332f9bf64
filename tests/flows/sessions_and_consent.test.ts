/** How long a sign-in lasts, what its cookie is worth, and what a person is asked again. OWASP ASVS 5.0 V7 */
import { describe, expect, test } from 'bun:test'
import {
  alice as aliceAccount,
  bob,
  browser,
  browserClient,
  demo,
  minute,
  open,
  operatorClient,
  outcome,
  stage,
  tokensOf,
} from '../support/flow.ts'
import { provider } from '../support/provider.ts'
import { Consent } from '../../src/models/consent.ts'

const hour = 60 * minute
const session = 'latchkey_session'

describe('a session', () => {
  test('ends when it is not used', async () => {
    const { op, alice } = await stage({ env: { SESSION_IDLE_TTL: '3600', SESSION_TTL: '86400' } })
    op.clock.advance(hour - 2000)
    expect(await outcome(op, alice, { prompt: 'none' })).toBe('code')
    op.clock.advance(hour - 2000)
    expect(await outcome(op, alice, { prompt: 'none' })).toBe('code')
    op.clock.advance(hour + 1000)
    expect(await outcome(op, alice, { prompt: 'none' })).toBe('error:login_required')
  })

  test('ends in the end, however much it is used', async () => {
    const { op, alice } = await stage({ env: { SESSION_IDLE_TTL: '3600', SESSION_TTL: '7200' } })
    for (let half = 0; half < 3; half++) {
      op.clock.advance(hour / 2)
      expect(await outcome(op, alice, { prompt: 'none' })).toBe('code')
    }
    op.clock.advance(hour / 2)
    expect(await outcome(op, alice, { prompt: 'none' })).toBe('error:login_required')
  })

  test('has a cookie that scripts, other sites and the disk do not see', async () => {
    const { op } = await stage()
    const who = browser(op)
    const { page } = await open(op, who)
    const form = page!.forms[0]!
    const answer = await op.fetch(form.action, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        cookie: [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      },
      body: new URLSearchParams({ ...form.fields, ...aliceAccount, login: 'login' }).toString(),
    })
    expect(answer.status).toBe(303)
    const cookie = answer.headers.getSetCookie().find((each) => each.startsWith(session))!
    expect(cookie).toMatch(/^latchkey_session=[A-Za-z0-9_-]{64}; Path=\/; HttpOnly; SameSite=Lax$/)
  })

  test('is __Host- and Secure where the issuer is https', async () => {
    const op = await provider({ env: { ISSUER_URL: 'https://id.example' } })
    const who = browser(op)
    await tokensOf(op, who)
    const names = [...who.cookies.keys()]
    expect(names).toContain('__Host-latchkey_session')
    expect(names.filter((name) => !name.startsWith('__Host-latchkey_'))).toEqual([])
    const answer = await op.fetch('/login')
    expect(answer.headers.getSetCookie()[0]).toMatch(
      /^__Host-latchkey_browser=.*; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    )
    who.cookies.set(session, who.cookies.get('__Host-latchkey_session')!)
    who.cookies.delete('__Host-latchkey_session')
    expect(await outcome(op, who, { prompt: 'none' })).toBe('error:login_required')
  })

  test('gets a new cookie at every sign-in; the old one is worth nothing', async () => {
    const { op, alice } = await stage()
    const before = alice.cookies.get(session)!
    op.clock.advance(1000)
    await tokensOf(op, alice, demo, { prompt: 'login' })
    const after = alice.cookies.get(session)!
    expect(after).not.toBe(before)
    const thief = browser(op)
    thief.cookies.set(session, before)
    expect(await outcome(op, thief, { prompt: 'none' })).toBe('error:login_required')
  })

  test('cannot be fixed beforehand: a cookie that was planted is not the one that is used', async () => {
    const { op, alice } = await stage()
    const planted = alice.cookies.get(session)!
    const victim = browser(op)
    victim.cookies.set(session, planted)
    op.clock.advance(1000)
    await tokensOf(op, victim, demo, { prompt: 'login' }, bob)
    expect(victim.cookies.get(session)).not.toBe(planted)
    expect(await outcome(op, alice, { prompt: 'none' })).toBe('error:login_required') // ended, not shared
  })

  test('of a guessed or bent cookie does not exist', async () => {
    const { op, alice } = await stage()
    const cookie = alice.cookies.get(session)!
    const bent = [
      cookie.slice(0, -1),
      `${cookie}A`,
      cookie.slice(0, 20),
      '',
      'x'.repeat(64),
      cookie.toLowerCase(),
    ]
    for (const value of bent) {
      const thief = browser(op)
      thief.cookies.set(session, value)
      expect(await outcome(op, thief, { prompt: 'none' })).toBe('error:login_required')
    }
  })

  test('sent twice counts as none: a subdomain cannot slip its own in', async () => {
    const { op, alice } = await stage()
    const cookie = `${session}=${alice.cookies.get(session)}`
    const answer = await op.fetch('/select_account', { headers: { cookie: `${cookie}; ${cookie}x` } })
    expect(answer.status).toBe(400)
    const twice = browser(op)
    twice.cookies.set(session, `${alice.cookies.get(session)}; ${session}=other`)
    expect(await outcome(op, twice, { prompt: 'none' })).toBe('error:login_required')
  })

  test('of a disabled person is none', async () => {
    const { op, alice } = await stage()
    const { User } = await import('../../src/models/user.ts')
    await User.update(op.context, 'user-alice', (user) => ({ ...user, disabled: true }))
    expect(await outcome(op, alice, { prompt: 'none' })).toBe('error:login_required')
  })
})

describe('a page on the way', () => {
  test('belongs to the browser it began in', async () => {
    const { op, alice } = await stage()
    const { page } = await open(op, alice, { prompt: 'consent' })
    const thief = browser(op)
    await thief.open('/login') // a browser of its own
    const { page: refused } = await thief.open(page!.url)
    expect(refused!.status).toBe(400)
    expect(refused!.html).toContain('another browser')
  })

  test('is good for an hour', async () => {
    const { op } = await stage()
    const who = browser(op)
    const { page } = await open(op, who)
    op.clock.advance(hour)
    const late = await who.press(page!, 'login', aliceAccount)
    expect(late.page!.status).toBe(400)
  })

  test('takes its form from itself alone', async () => {
    const { op, alice } = await stage()
    const { page } = await open(op, alice, { prompt: 'consent' })
    const form = page!.forms[0]!
    const cookie = [...alice.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const submit = async (fields: Record<string, string>, headers: Record<string, string> = {}) =>
      (
        await op.fetch(form.action, {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded', cookie, ...headers },
          body: new URLSearchParams({ ...form.fields, allow: 'allow', ...fields }).toString(),
        })
      ).status
    expect(await submit({ csrf_token: '' })).toBe(403)
    expect(await submit({ csrf_token: 'x' })).toBe(403)
    expect(await submit({}, { 'sec-fetch-site': 'cross-site' })).toBe(403)
    expect(await submit({}, { 'sec-fetch-site': 'same-site' })).toBe(403)
    expect(await submit({}, { origin: 'https://evil.example' })).toBe(403)
    expect(await submit({}, { origin: 'null', 'sec-fetch-site': 'cross-site' })).toBe(403)
    const { page: other } = await open(op, alice, { prompt: 'select_account' })
    expect(await submit({ csrf_token: other!.forms[0]!.fields.csrf_token! })).toBe(403)
    expect(await submit({}, { origin: op.issuer, 'sec-fetch-site': 'same-origin' })).toBe(303)
  })

  test('consent is given by the person who saw the page, not by who signed in since', async () => {
    const { op, alice } = await stage()
    const { page } = await open(op, alice, { prompt: 'consent' })
    op.clock.advance(1000)
    await tokensOf(op, alice, demo, { prompt: 'login' }, bob)
    const { page: choice } = await alice.press(page!, 'allow')
    expect(new URL(choice!.url).pathname).toBe('/select_account')
  })
})

describe('consent', () => {
  test('is asked once for each client', async () => {
    const { op, alice } = await stage()
    expect(await outcome(op, alice)).toBe('code')
    const other = await operatorClient(op, { client_id: 'other' })
    expect(await outcome(op, alice, {}, other)).toBe('consent')
    expect(await outcome(op, alice, {}, browserClient)).toBe('consent')
  })

  test('is asked again for more, and not for less', async () => {
    const op = await provider()
    const who = browser(op)
    await tokensOf(op, who, demo, { scope: 'openid email' })
    expect(await outcome(op, who, { scope: 'openid' })).toBe('code')
    expect(await outcome(op, who, { scope: 'openid email phone' })).toBe('consent')
    expect(await outcome(op, who, { claims: '{"userinfo":{"birthdate":null}}', scope: 'openid' })).toBe(
      'consent',
    )
    await tokensOf(op, who, demo, { scope: 'openid phone' })
    expect(await outcome(op, who, { scope: 'openid email phone' })).toBe('code') // what was agreed adds up
  })

  test('of one person is not that of another', async () => {
    const { op, alice } = await stage()
    op.clock.advance(1000)
    const { page } = await open(op, alice, { prompt: 'login' })
    const next = await alice.press(page!, 'login', bob)
    expect(new URL(next.page!.url).pathname).toBe('/consent')
  })

  test('that was refused stays refused, whatever page of that request is still open', async () => {
    const op = await provider()
    const who = browser(op)
    const { page } = await open(op, who)
    const consent = (await who.press(page!, 'login', aliceAccount)).page!
    const answers = [
      await who.press(consent, 'deny'),
      await who.press(consent, 'allow'),
      await who.press(consent, 'deny'),
      await who.open(consent.url.replace('/consent', '/authorize/resume')),
    ]
    for (const { location } of answers) {
      expect(location!.searchParams.get('error')).toBe('access_denied')
      expect(location!.searchParams.has('code')).toBe(false)
    }
    expect(await Consent.find(op.context, 'user-alice', demo.client_id)).toBeUndefined()
  })

  test('that was refused and allowed at once gives no code after the refusal', async () => {
    const op = await provider()
    const who = browser(op)
    const { page } = await open(op, who)
    const consent = (await who.press(page!, 'login', aliceAccount)).page!
    await Promise.all(Array.from({ length: 10 }, (_, i) => who.press(consent, i % 2 ? 'allow' : 'deny')))
    const { location } = await who.press(consent, 'allow')
    expect(location!.searchParams.get('error')).toBe('access_denied')
  })

  test('that was refused is asked again', async () => {
    const op = await provider()
    const who = browser(op)
    const { page } = await open(op, who)
    const consent = await who.press(page!, 'login', aliceAccount)
    await who.press(consent.page!, 'deny')
    expect(await outcome(op, who)).toBe('consent')
  })

  test('is forgotten after CONSENT_TTL, at once when it is 0', async () => {
    const { op, alice } = await stage({ env: { CONSENT_TTL: '3600' } })
    op.clock.advance(hour + 1000)
    expect(await outcome(op, alice)).toBe('consent')
    const { op: never, alice: who } = await stage({ env: { CONSENT_TTL: '0' } })
    expect(await outcome(never, who)).toBe('consent')
  })

  test("is not asked by the house's own applications", async () => {
    const { op, alice } = await stage()
    const own = await operatorClient(op, { client_id: 'own', first_party: true })
    expect(await outcome(op, alice, {}, own)).toBe('code')
  })

  test('is asked each time by what cannot prove itself: a native app without a secret', async () => {
    const { op, alice } = await stage()
    const native = { application_type: 'native', token_endpoint_auth_method: 'none' } as const
    for (const [client_id, uri, again] of [
      ['loopback', 'http://127.0.0.1/cb', 'consent'],
      ['scheme', 'com.myapp://callback', 'consent'],
      ['claimed', 'https://app.example/cb', 'code'],
    ] as const) {
      const client = await operatorClient(op, { ...native, client_id, redirect_uris: [uri] })
      await tokensOf(op, alice, client)
      expect(await outcome(op, alice, {}, client)).toBe(again)
    }
  })

  test('names the client, where it leads, and each scope in words', async () => {
    const op = await provider()
    const who = browser(op)
    const { page } = await open(op, who, { scope: 'openid profile email address phone offline_access' })
    const { page: consent } = await who.press(page!, 'login', aliceAccount)
    const text = consent!.html
    for (const part of [
      'Demo client',
      'localhost:8080',
      'alice',
      'email',
      'phone',
      'address',
      'offline_access',
    ])
      expect(text).toContain(part)
    expect(text).not.toContain('registered itself')
  })
})
