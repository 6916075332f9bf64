/** Forms, cookies and sessions under attack. https://www.rfc-editor.org/rfc/rfc9700#section-4.7 https://owasp.org/www-project-application-security-verification-standard/ */
import { beforeAll, describe, expect, test } from 'bun:test'
import { authorizationUrl, demo } from '../support/client.ts'
import { alice, bob, type Form, type Page, person, type Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { Consent } from '../../src/models/consent.ts'
import { codeFor, errorOf, redeem, refresh, tokensFor, userinfo } from './attacker.ts'

let op: Provider
beforeAll(
  async () =>
    void (op = await provider({ env: { LOG_LEVEL: 'error', SIGN_IN_ATTEMPTS_PER_ACCOUNT: '1000' } })),
)

const cookieHeader = (browser: Person) =>
  [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
const formOf = (page: Page, button: string): Form => page.forms.find((form) => form.buttons.includes(button))!

/** Posts a form as it stands, with other headers or fields. `undefined` takes one out. */
function post(
  form: Form,
  cookie: string,
  fields: Record<string, string | undefined>,
  headers: Record<string, string | undefined> = {},
) {
  const given = (all: Record<string, string | undefined>) =>
    Object.entries(all).filter((each): each is [string, string] => each[1] !== undefined)
  return op.fetch(form.action, {
    method: 'POST',
    body: new URLSearchParams(given({ ...form.fields, ...fields })).toString(),
    headers: Object.fromEntries(
      given({
        'content-type': 'application/x-www-form-urlencoded',
        cookie,
        origin: op.issuer,
        'sec-fetch-site': 'same-origin',
        ...headers,
      }),
    ),
  })
}

type Step = { browser: Person; form: Form; fields: Record<string, string> }

/** Each form of ours, on the way that leads to it, filled in so that it would be answered. */
const steps: Record<string, () => Promise<Step>> = {
  async login() {
    const browser = person(op.issuer, op.fetch)
    const page = (await browser.open(authorizationUrl(op.issuer, demo).url)).page!
    return { browser, form: formOf(page, 'login'), fields: { ...alice, login: 'login' } }
  },
  async consent() {
    const browser = person(op.issuer, op.fetch)
    const login = (await browser.open(authorizationUrl(op.issuer, demo, { prompt: 'consent' }).url)).page!
    const page = (await browser.press(login, 'login', alice)).page!
    return { browser, form: formOf(page, 'allow'), fields: { allow: 'allow' } }
  },
  async select_account() {
    const { browser } = await codeFor(op)
    const page = (await browser.open(authorizationUrl(op.issuer, demo, { prompt: 'select_account' }).url))
      .page!
    return { browser, form: formOf(page, 'continue'), fields: { continue: 'continue' } }
  },
  async logout() {
    const { browser } = await codeFor(op)
    return {
      browser,
      form: formOf((await browser.open('/logout')).page!, 'logout'),
      fields: { logout: 'logout' },
    }
  },
}

describe.each(Object.keys(steps))('the form %s', (name) => {
  const begin = steps[name]!

  test('is answered when it is ours', async () => {
    const { browser, form, fields } = await begin()
    expect([200, 303]).toContain((await post(form, cookieHeader(browser), fields)).status)
  })

  test('is refused when another site sent it, whatever else is right', async () => {
    const { browser, form, fields } = await begin()
    const cookie = cookieHeader(browser)
    const foreign: Record<string, string | undefined>[] = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site', origin: undefined },
      { 'sec-fetch-site': 'cross-site', origin: 'null' },
      { 'sec-fetch-site': undefined, origin: 'https://evil.example' },
      { 'sec-fetch-site': undefined, origin: `${op.issuer}.evil.example` },
      { 'sec-fetch-site': undefined, origin: 'http://localhost' },
      { 'sec-fetch-site': undefined, origin: 'https://localhost:5000' },
      { origin: 'https://evil.example' },
    ]
    for (const headers of foreign)
      expect([headers, (await post(form, cookie, fields, headers)).status]).toEqual([headers, 403])
    expect([200, 303]).toContain((await post(form, cookie, fields)).status) // none of them has spent it
  })

  test('is refused without its token, with a guess, or with the token of another form, browser or request', async () => {
    const { browser, form, fields } = await begin()
    const cookie = cookieHeader(browser)
    const stranger = await begin()
    const others = await Promise.all(
      Object.keys(steps)
        .filter((each) => each !== name)
        .map((each) => steps[each]!()),
    )
    const wrong = [
      ...(name === 'logout' ? [] : [undefined]), // a POST to /logout without one is a client's, below
      'x',
      'A'.repeat(43),
      `${form.fields.csrf_token}x`,
      form.fields.csrf_token!.slice(1),
      stranger.form.fields.csrf_token,
      ...others.map((each) => each.form.fields.csrf_token),
    ]
    for (const csrf_token of wrong)
      expect([csrf_token, (await post(form, cookie, { ...fields, csrf_token })).status]).toEqual([
        csrf_token,
        403,
      ])
    const foreign = await post(form, cookieHeader(stranger.browser), fields)
    expect(foreign.status).toBe(403) // right token, other browser
    expect((await post(form, '', fields)).status).toBe(403)
  })

  test('takes nothing from the URL, nor as JSON, nor twice', async () => {
    const { browser, form, fields } = await begin()
    const cookie = cookieHeader(browser)
    const body = new URLSearchParams({ ...form.fields, ...fields }).toString()
    const json = await op.fetch(form.action, {
      method: 'POST',
      body: JSON.stringify({ ...form.fields, ...fields }),
      headers: { 'content-type': 'application/json', cookie },
    })
    expect(json.status).toBe(400)
    const plain = await op.fetch(form.action, {
      method: 'POST',
      body,
      headers: { 'content-type': 'text/plain', cookie },
    })
    expect(plain.status).toBe(400)
    const twice = await op.fetch(form.action, {
      method: 'POST',
      body: `${body}&csrf_token=x`,
      headers: { 'content-type': 'application/x-www-form-urlencoded', cookie },
    })
    expect(twice.status).toBe(400)
    const url = await op.fetch(`${form.action}?${body}`, {
      method: 'HEAD',
      headers: { cookie, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    })
    expect(url.headers.getSetCookie().filter((each) => each.startsWith('latchkey_session='))).toEqual([])
  })
})

test('a token of one request does not open another request of the same browser', async () => {
  const browser = person(op.issuer, op.fetch)
  const one = formOf((await browser.open(authorizationUrl(op.issuer, demo).url)).page!, 'login')
  const two = formOf((await browser.open(authorizationUrl(op.issuer, demo).url)).page!, 'login')
  const crossed = await post(one, cookieHeader(browser), { ...alice, interaction: two.fields.interaction })
  expect(crossed.status).toBe(403)
})

describe('a link into the middle of a request', () => {
  test('is worth nothing in another browser', async () => {
    const { form } = await steps.login!()
    const victim = await codeFor(op)
    for (const path of ['/login', '/consent', '/select_account', '/authorize/resume'])
      for (const interaction of [form.fields.interaction, '', 'x', '__proto__', '../../x', '%00'])
        expect((await victim.browser.open(`${path}?interaction=${interaction}`)).page?.status).toBe(400)
  })

  test('a consent form shown to one person is not answered for the next one in the same browser', async () => {
    const { browser, form, fields } = await steps.consent!()
    const login = (await browser.open(authorizationUrl(op.issuer, demo, { prompt: 'login' }).url)).page!
    await browser.press(login, 'login', bob)
    const answer = await post(form, cookieHeader(browser), fields)
    expect(answer.headers.get('location')).toStartWith('/select_account?interaction=')
    expect(await Consent.find(op.context, 'user-bob', demo.client_id)).toBeUndefined()
  })

  test('consent that alice gave is not consent of bob, who signs in before the request goes on', async () => {
    const { browser, form, fields } = await steps.consent!()
    const allowed = await post(form, cookieHeader(browser), fields)
    const resume = allowed.headers.get('location')!
    const other = (await browser.open('/login')).page!
    await browser.press(other, 'login', bob)
    const landing = await browser.open(resume)
    expect(landing.page?.forms.flatMap((each) => each.buttons)).toContain('allow')
  })
})

describe('a session', () => {
  const session = (browser: Person) => browser.cookies.get('latchkey_session')!

  test('cannot be fixed beforehand: whatever cookie was there, a new one comes with the sign-in', async () => {
    for (const planted of ['x'.repeat(64), session((await codeFor(op, { who: bob })).browser)]) {
      const { browser, form, fields } = await steps.login!()
      browser.cookies.set('latchkey_session', planted)
      const answer = await post(form, cookieHeader(browser), fields)
      const set = answer.headers.getSetCookie().find((each) => each.startsWith('latchkey_session='))
      expect(set).toMatch(/; Path=\/; HttpOnly; SameSite=Lax$/)
      expect(set).not.toContain(planted)
    }
  })

  test('signing in again as the same person makes the older cookie worthless', async () => {
    const { browser } = await codeFor(op)
    const before = session(browser)
    const login = (await browser.open(authorizationUrl(op.issuer, demo, { prompt: 'login' }).url)).page!
    await browser.press(login, 'login', alice)
    expect(session(browser)).not.toBe(before)
    const thief = person(op.issuer, op.fetch)
    thief.cookies.set('latchkey_session', before)
    const landing = await thief.open(authorizationUrl(op.issuer, demo, { prompt: 'none' }).url)
    expect(landing.location?.searchParams.get('error')).toBe('login_required')
  })

  test('the sid that clients see in ID Tokens is no cookie', async () => {
    const { browser } = await codeFor(op)
    const sid = session(browser).slice(0, 20)
    for (const guess of [sid, `${sid}${'A'.repeat(44)}`, `${sid}${session(browser).slice(20, -1)}`]) {
      const thief = person(op.issuer, op.fetch)
      thief.cookies.set('latchkey_session', guess)
      const landing = await thief.open(authorizationUrl(op.issuer, demo, { prompt: 'none' }).url)
      expect(landing.location?.searchParams.get('error')).toBe('login_required')
    }
  })

  test('another person signing in ends it, with its tokens', async () => {
    const tokens = await tokensFor(op)
    const login = (await tokens.browser.open(authorizationUrl(op.issuer, demo, { prompt: 'login' }).url))
      .page!
    await tokens.browser.press(login, 'login', bob)
    expect(await userinfo(op, tokens.access_token)).toBe(401)
    expect(await errorOf(await refresh(op, tokens.refresh_token))).toBe('400 invalid_grant')
  })

  test('ends when it idles and when it is old, also for its refresh tokens', async () => {
    const own = await provider({ env: { SESSION_IDLE_TTL: '600', SESSION_TTL: '1200' } })
    const idle = await tokensFor(own)
    own.clock.advance(600_000)
    const asked = await idle.browser.open(authorizationUrl(own.issuer, demo, { prompt: 'none' }).url)
    expect(asked.location?.searchParams.get('error')).toBe('login_required')
    expect(await errorOf(await refresh(own, idle.refresh_token))).toBe('400 invalid_grant')
    const busy = await codeFor(own)
    for (const after of [500_000, 500_000]) {
      own.clock.advance(after)
      await busy.browser.goThrough(authorizationUrl(own.issuer, demo).url)
    }
    own.clock.advance(200_000)
    const old = await busy.browser.open(authorizationUrl(own.issuer, demo, { prompt: 'none' }).url)
    expect(old.location?.searchParams.get('error')).toBe('login_required')
  })

  test('a cookie that comes twice counts as none: nobody can put theirs before ours', async () => {
    const victim = await codeFor(op)
    const mallory = await codeFor(op, { who: bob })
    const ask = (cookie: string) =>
      op.fetch(authorizationUrl(op.issuer, demo, { prompt: 'none' }).url, { headers: { cookie } })
    const [ours, theirs] = [session(victim.browser), session(mallory.browser)]
    const two = [
      `latchkey_session=${theirs}; latchkey_session=${ours}`,
      `latchkey_session=${ours};latchkey_session=${theirs}`,
    ]
    for (const cookie of two)
      expect((await ask(cookie)).headers.get('location')).toContain('error=login_required')
    expect((await ask(`x=1; latchkey_session=${ours}`)).headers.get('location')).toContain('code=')
  })

  test('on https, only a __Host- cookie is a session, however the name is dressed up', async () => {
    const own = await provider({ env: { ISSUER_URL: 'https://op.example', LOG_LEVEL: 'error' } })
    const { browser } = await codeFor(own)
    const value = browser.cookies.get('__Host-latchkey_session')!
    const ask = async (cookie: string) =>
      (
        await own.fetch(authorizationUrl(own.issuer, demo, { prompt: 'none' }).url, { headers: { cookie } })
      ).headers.get('location')
    expect(await ask(`a=1; __Host-latchkey_session=${value}`)).toContain('code=')
    for (const name of [
      'latchkey_session',
      '__Secure-latchkey_session',
      '\u00a0__Host-latchkey_session',
      '\u0085__Host-latchkey_session',
      '__host-latchkey_session',
      '=__Host-latchkey_session',
      '"__Host-latchkey_session"',
    ])
      expect([name, (await ask(`a=1; ${name}=${value}`))?.includes('error=login_required')]).toEqual([
        name,
        true,
      ])
    const login = await own.fetch('/login')
    expect(login.headers.getSetCookie()[0]).toMatch(
      /^__Host-latchkey_browser=[\w-]{32}; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    )
  })
})

describe('signing out by another site', () => {
  test('a link asks first; a form that comes without cookies takes none away', async () => {
    const { browser } = await codeFor(op)
    const link = await browser.open(
      '/logout?client_id=client123&post_logout_redirect_uri=http://localhost:8080/',
    )
    expect(link.page?.forms.flatMap((form) => form.buttons)).toContain('logout')
    const blind = await op.fetch('/logout', {
      method: 'POST',
      body: 'client_id=client123',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin: 'https://evil.example',
        'sec-fetch-site': 'cross-site',
      },
    })
    expect(blind.headers.getSetCookie()).toEqual([])
    expect(blind.headers.get('location')).toBe('/logout?client_id=client123')
    const there = await browser.open(blind.headers.get('location')!)
    expect(there.page?.forms.flatMap((form) => form.buttons)).toContain('logout')
    const still = await browser.open(authorizationUrl(op.issuer, demo, { prompt: 'none' }).url)
    expect(still.location?.searchParams.get('code')).not.toBeNull()
  })

  test('the ID Token of another session or person signs nobody out unasked', async () => {
    const victim = await codeFor(op)
    for (const who of [alice, bob]) {
      const { id_token } = await tokensFor(op, { who })
      const landing = await victim.browser.open(`/logout?id_token_hint=${id_token}`)
      expect(landing.page?.forms.flatMap((form) => form.buttons)).toContain('logout')
    }
    expect((await redeem(op, victim)).status).toBe(200)
  })
})

test('pages cannot be framed, cached, sniffed or scripted, and tell nobody where one came from', async () => {
  const { form, browser } = await steps.login!()
  const answer = await op.fetch(`/login?interaction=${form.fields.interaction}`, {
    headers: { cookie: cookieHeader(browser) },
  })
  const policy = answer.headers.get('content-security-policy')!
  for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "script-src 'self'"])
    expect(policy).toContain(part)
  expect(policy).not.toContain('unsafe')
  expect(answer.headers.get('x-frame-options')).toBe('DENY')
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
  expect(await answer.text()).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|javascript:/i)
})
