/** examples/web_app at work, and attacked: by other sites, by other people, by other tabs, and by requests that come at once. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { generateKeyPair, SignJWT } from 'jose'
import { alice, bob, type Page, person } from '../support/person.ts'
import { until } from '../support/until.ts'
import { startWebApp, type WebApp } from './web_app.ts'

setDefaultTimeout(60_000)

/** Seconds for which the API takes a sign-in as recent. */
const maxAge = 2

let app: WebApp
beforeAll(async () => {
  // Tokens are old at once (the application wants half a minute), and no repeated refresh is forgiven.
  app = await startWebApp({
    env: { ACCESS_TOKEN_TTL: '20', REFRESH_TOKEN_GRACE: '0' },
    apiEnv: { MAX_AGE: `${maxAge}` },
  })
})
afterAll(() => app.stop())

/** A person with one cookie jar at the provider and one at the application. */
const visitor = () => ({ there: person(app.provider.issuer, fetch), here: person(app.origin, fetch) })
type Visitor = ReturnType<typeof visitor>

async function signIn({ here, there }: Visitor, who = alice, path = '/login') {
  const { location } = await here.open(path)
  return here.open((await there.goThrough(location!.href, who)).href)
}

const home = async ({ here }: Visitor): Promise<Page> => (await here.open('/')).page!
const csrfOf = ({ html }: Page): string => /name="csrf" content="([^"]+)"/.exec(html)![1]!
const cookiesOf = ({ here }: Visitor): string =>
  [...here.cookies].map(([name, value]) => `${name}=${value}`).join('; ')

/** As the front end calls it. */
async function ask(visit: Visitor, init: RequestInit = {}, path = '/api/notes', csrf = '') {
  const headers: Record<string, string> = {
    cookie: cookiesOf(visit),
    'sec-fetch-site': 'same-origin',
    'x-csrf': csrf || csrfOf(await home(visit)),
    ...(init.method !== undefined && { origin: app.origin }),
    ...(init.headers as Record<string, string>),
  }
  const answer = await fetch(`${app.origin}${path}`, { redirect: 'manual', ...init, headers })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

const note = (text: string) => ({ method: 'POST', body: JSON.stringify({ text }) })

describe('what it does', () => {
  test('signs in with a pushed request and a signed assertion, calls the API, signs out at the provider', async () => {
    const visit = visitor()
    expect((await home(visit)).html).toContain('You are signed out')
    const { location } = await visit.here.open('/login')
    expect([...location!.searchParams.keys()].toSorted()).toEqual(['client_id', 'request_uri'])
    const { page } = await visit.here.open((await visit.there.goThrough(location!.href)).href)
    expect(page!.html).toContain('You are Alice Adams &lt;alice@example.com&gt;')
    expect(page!.url).toBe(`${app.origin}/`) // no code in the address

    const text = '<b>a note</b>'
    expect((await ask(visit, note(text))).status).toBe(201)
    expect(JSON.parse((await ask(visit)).text)).toEqual({ notes: [text] })

    const { html } = await home(visit)
    for (const title of [
      'POST /par',
      'POST /token, authorization_code',
      'POST /token, refresh_token',
      'GET /userinfo',
    ])
      expect(html).toContain(title)
    expect(html).toContain('client_assertion=')
    expect(html).not.toMatch(/eyJ[\w-]{20}|lk[cr]_[\w-]/) // no token is on the page
    expect([...visit.here.cookies.values()].join()).not.toMatch(/eyJ|lk[acr]_/)

    const leaving = await visit.here.press(await home(visit), 'sign_out')
    expect(leaving.location!.origin).toBe(app.provider.issuer)
    const back = await visit.there.open(leaving.location!.href)
    expect(back.location?.href).toBe(`${app.origin}/`)
    expect((await home(visit)).html).toContain('You are signed out')
    const again = await visit.here.open('/login')
    expect((await visit.there.open(again.location!.href)).page?.forms[0]?.buttons).toEqual(['login'])
  })

  test('a denial is told with its cause, and ends no session', async () => {
    const visit = visitor()
    await signIn(visit)
    const { location } = await visit.here.open('/login')
    const other = person(app.provider.issuer, fetch)
    const consent = await other.press((await other.open(location!.href)).page!, 'login', bob)
    const answer = await other.press(consent.page!, 'deny')
    const problem = (await visit.here.open(answer.location!.href)).page!
    expect(problem.status).toBe(400)
    expect(problem.html).toContain('Signing in did not work: access_denied')
    expect((await home(visit)).html).toContain('You are Alice Adams')
  })

  test('step-up: the API asks for a recent sign-in, and the person who signs in again may delete', async () => {
    const visit = visitor()
    await signIn(visit)
    await ask(visit, note('to be deleted'))
    const isRefused = async () => (await ask(visit, { method: 'DELETE' })).text === '{"error":"step_up"}'
    await until(isRefused, 'the sign-in to be older than the API wants')
    // The provider asks again although there is a session, as soon as that is older than max_age by its clock of seconds.
    await until(async () => {
      const { location } = await visit.here.open('/login?step_up')
      const asked = await visit.there.open(location!.href)
      return asked.page?.forms.some(({ buttons }) => buttons.includes('login')) === true
    }, 'the provider to ask for the password')
    await until(async () => {
      await signIn(visit, alice, '/login?step_up')
      return (await ask(visit, { method: 'DELETE' })).status === 204
    }, 'a sign-in again that the API takes as recent')
    expect(JSON.parse((await ask(visit)).text)).toEqual({ notes: [] })
  })
})

describe('other sites', () => {
  test("an attacker's answer signs nobody in, in no browser", async () => {
    const [attacker, victim] = [visitor(), visitor()]
    const { location } = await attacker.here.open('/login')
    const answer = await attacker.there.goThrough(location!.href, bob)
    expect((await victim.here.open(answer.href)).page?.status).toBe(400)
    await victim.here.open('/login') // now it has a sign-in of its own under way
    expect((await victim.here.open(answer.href)).page?.html).toContain(
      'belongs to no sign-in of this browser',
    )
    expect((await home(victim)).html).toContain('You are signed out')
    // The refusals have not used up the attacker's own answer.
    expect((await attacker.here.open(answer.href)).page?.html).toContain('You are Bob Brown')
  })

  test('an answer is good once', async () => {
    const visit = visitor()
    const { location } = await visit.here.open('/login')
    const answer = await visit.there.goThrough(location!.href)
    await visit.here.open(answer.href)
    const session = visit.here.cookies.get('web_app_session')
    expect((await visit.here.open(answer.href)).page?.status).toBe(400)
    expect((await visit.here.open(answer.href)).page?.html).toContain('was used already')
    expect(visit.here.cookies.get('web_app_session')).toBe(session)
    expect((await ask(visit)).status).toBe(200) // the code went to the provider once: its grant lives
  })

  test('requests of other origins, without the header or with that of another session change and read nothing', async () => {
    const visit = visitor()
    await signIn(visit)
    const other = visitor()
    await signIn(other, bob)
    const bobs = csrfOf(await home(other))
    const foreign: Record<string, Record<string, string>> = {
      origin: { origin: 'https://attacker.example' },
      'the port of a neighbour': { origin: 'http://localhost:1', 'sec-fetch-site': 'same-site' },
      'an origin that is hidden': { origin: 'null' },
      'another site': { 'sec-fetch-site': 'cross-site' },
      'no header': { 'x-csrf': '' },
      'the header of another session': { 'x-csrf': bobs },
    }
    for (const [name, headers] of Object.entries(foreign))
      for (const method of ['POST', 'DELETE', 'GET']) {
        const body = method === 'POST' ? '{"text":"planted"}' : undefined
        const { status } = await ask(visit, { method, headers, ...(body !== undefined && { body }) })
        expect([name, method, status]).toEqual([name, method, 403])
      }
    expect((await ask(visit)).text).not.toContain('planted')
    const form = { method: 'POST', body: new URLSearchParams({ csrf: csrfOf(await home(visit)) }) }
    const cross = await ask(visit, { ...form, headers: foreign.origin! }, '/logout')
    expect(cross.status).toBe(403)
    const bare = await ask(visit, { method: 'POST', body: new URLSearchParams() }, '/logout')
    expect(bare.status).toBe(403)
    expect((await home(visit)).html).toContain('You are Alice Adams')
    expect((await ask(visit, { method: 'GET' }, '/logout')).status).toBe(404)
  })

  test('a sign-in ends at an address of this application, whatever return_to says', async () => {
    const evil = [
      'https://attacker.example/',
      '//attacker.example/',
      '/\\attacker.example',
      '/.//attacker.example/..//attacker.example',
      '\thttps://attacker.example',
      'javascript:alert(1)',
      `${app.origin}.attacker.example/`,
      `http://user@${new URL(app.origin).host}@attacker.example/`,
      `http://${new URL(app.origin).host}:pass@attacker.example/`,
      `blob:${app.origin}/9115d58c-bcda-ff47-86e5-083e9a215304`,
    ]
    for (const path of [...evil, '/?page=2#part']) {
      const visit = visitor()
      const { location } = await visit.here.open(`/login?return_to=${encodeURIComponent(path)}`)
      const answer = await visit.there.goThrough(location!.href)
      const headers = { cookie: cookiesOf(visit) }
      const { headers: sent, status } = await fetch(answer, { redirect: 'manual', headers })
      const to = sent.get('location')!
      expect([path, status, to.startsWith(`${app.origin}/`)]).toEqual([path, 303, true])
      expect(new URL(to).origin).toBe(app.origin)
      if (!evil.includes(path)) expect(to).toBe(`${app.origin}/?page=2#part`)
    }
  })

  test('pages are in no frame and run no script of others', async () => {
    const visit = visitor()
    await signIn(visit)
    for (const page of [await home(visit), (await visit.here.open('/callback')).page!]) {
      const policy = page.headers.get('content-security-policy')!
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).toContain("default-src 'none'; script-src 'self'")
      expect(policy).not.toContain('unsafe')
      expect(page.headers.get('cache-control')).toBe('no-store')
    }
  })
})

describe('sessions', () => {
  test('a session that was planted before the sign-in is not that of the person', async () => {
    const visit = visitor()
    visit.here.cookies.set('web_app_session', 'planted')
    await signIn(visit)
    expect(visit.here.cookies.get('web_app_session')).not.toBe('planted')
    const old = visit.here.cookies.get('web_app_session')!
    await signIn(visit) // again
    const thief = visitor()
    thief.here.cookies.set('web_app_session', old)
    expect((await home(thief)).html).toContain('You are signed out')
  })

  test('two tabs sign in at once, and both arrive', async () => {
    const visit = visitor()
    const [one, two] = [await visit.here.open('/login'), await visit.here.open('/login?return_to=/%3Ftab=2')]
    const first = await visit.there.goThrough(one.location!.href)
    const second = await visit.there.goThrough(two.location!.href)
    expect((await visit.here.open(first.href)).page?.html).toContain('You are Alice Adams')
    const { page } = await visit.here.open(second.href)
    expect([page!.status, page!.url]).toEqual([200, `${app.origin}/?tab=2`])
  })

  test('a tab of the person before acts for nobody after another person signed in', async () => {
    const visit = visitor()
    await signIn(visit)
    const old = csrfOf(await home(visit))
    await signIn({ here: visit.here, there: person(app.provider.issuer, fetch) }, bob)
    const answer = await ask(visit, note('for alice'), '/api/notes', old)
    expect([answer.status, answer.text]).toEqual([403, expect.stringContaining('another session')])
    expect((await ask(visit)).text).not.toContain('for alice')
  })

  test('requests that come at once refresh once, so that no use looks like that of a thief', async () => {
    const visit = visitor()
    await signIn(visit)
    const csrf = csrfOf(await home(visit))
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(Array.from({ length: 12 }, () => ask(visit, {}, '/api/notes', csrf)))
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 200))
    }
  })

  test('access that the person removed at the provider ends the session here', async () => {
    const visit = visitor()
    await signIn(visit, bob)
    const csrf = csrfOf(await home(visit))
    expect((await ask(visit, {}, '/api/notes', csrf)).status).toBe(200)
    const page = (await visit.there.open('/account/applications')).page!
    const [button] = page.forms.flatMap(({ buttons }) => buttons).filter((each) => each !== 'language')
    await visit.there.press(page, button!)
    const answer = await ask(visit, {}, '/api/notes', csrf)
    expect(answer.status).toBe(401)
    expect(JSON.parse(answer.text)).toEqual({ error: 'signed_out' })
  })

  test('only the listed calls go to the API, and no header of the browser does', async () => {
    const visit = visitor()
    await signIn(visit)
    for (const path of ['/api/notes/../../userinfo', '/api/', '/api/other', '/api/notes/1', '/api//notes'])
      expect((await ask(visit, {}, path)).status).toBe(404)
    expect((await ask(visit, { method: 'PUT', body: '{}' })).status).toBe(404)
    const { headers } = await ask(visit, { headers: { authorization: 'Bearer planted', dpop: 'planted' } })
    expect(headers.get('www-authenticate')).toBeNull()
    expect(headers.get('cache-control')).toBe('no-store')
    expect((await home(visit)).html).not.toContain('planted')
  })
})

describe('back-channel logout', () => {
  const send = async (token: string) =>
    (
      await fetch(`${app.origin}/backchannel_logout`, {
        method: 'POST',
        body: new URLSearchParams({ logout_token: token }),
      })
    ).status

  test('a sign-out elsewhere ends the session here, without the browser', async () => {
    const visit = visitor()
    await signIn(visit)
    const elsewhere = (await visit.there.open('/logout')).page!
    const [button] = elsewhere.forms.flatMap(({ buttons }) => buttons).filter((each) => each !== 'language')
    await visit.there.press(elsewhere, button!)
    await until(async () => (await home(visit)).html.includes('You are signed out'), 'the logout token')
  })

  test('what is no logout token of the provider ends nothing', async () => {
    const visit = visitor()
    await signIn(visit)
    const sub = 'user-alice'
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
    const { privateKey } = await generateKeyPair('RS256')
    const forged = await new SignJWT({ sub, events, jti: 'a' })
      .setProtectedHeader({ alg: 'RS256', typ: 'logout+jwt', kid: 'x' })
      .setIssuer(app.provider.issuer)
      .setAudience('web-app')
      .setIssuedAt()
      .setExpirationTime('2 min')
      .sign(privateKey)
    const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = { iss: app.provider.issuer, aud: 'web-app', sub, events, jti: 'a', iat: 0, exp: 9e9 }
    const unsigned = `${encoded({ alg: 'none', typ: 'logout+jwt' })}.${encoded(claims)}.`
    for (const token of [forged, unsigned, '', 'a.b.c', 'x'.repeat(70_000)])
      expect(await send(token)).toBeGreaterThanOrEqual(400)
    expect((await home(visit)).html).toContain('You are Alice Adams')
  })
})

test('over https the cookies are __Host- cookies, which no other host can plant', async () => {
  const secure = await startWebApp({ appEnv: { BASE_URL: 'https://app.example' } })
  try {
    const host = /^__Host-\w+=[\w-]{43}; Path=\/;(?: Max-Age=600;)? Secure; HttpOnly; SameSite=Lax$/
    const asked = await fetch(`${secure.listens}/login`, { redirect: 'manual' })
    const [sent = ''] = asked.headers.getSetCookie()
    expect(sent).toMatch(host)
    const answer = await person(secure.provider.issuer, fetch).goThrough(asked.headers.get('location')!)
    expect(answer.origin).toBe('https://app.example')
    const headers = { cookie: sent.split(';')[0]! }
    const back = await fetch(`${secure.listens}/callback${answer.search}`, { redirect: 'manual', headers })
    expect(back.headers.getSetCookie()).toEqual([expect.stringMatching(host)])
    expect(back.headers.get('location')).toBe('https://app.example/')
    const page = await fetch(`${secure.listens}/`)
    expect(page.headers.get('strict-transport-security')).toContain('max-age')
  } finally {
    await secure.stop()
  }
})
