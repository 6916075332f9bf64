/** Providers that lie, browsers that are not the one that began, answers that come twice, and pictures that are none. */
import { describe, expect, test } from 'bun:test'
import { SignJWT, type JWTPayload } from 'jose'
import { Event } from '../../src/models/event.ts'
import { User } from '../../src/models/user.ts'
import { Session } from '../../src/models/session.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { failingStore } from '../support/odd_stores.ts'
import { until } from '../support/until.ts'
import { alice, bob, type Landing, person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'
import { attempt, clientId, type Corp, corp, first, keys, leave, member, now } from '../support/corp.ts'
import { comeBack, leaveFor, signer, upstreamEnv, whoIs } from '../support/upstream.ts'
import { attempts, tally } from './attacker.ts'

const statusOf = ({ page }: Landing) => page?.status

describe('an ID Token', () => {
  const wrong: Record<string, JWTPayload> = {
    'of another issuer': { iss: 'https://elsewhere.example' },
    'of an issuer that differs by a slash': { iss: 'SLASH' },
    'for another client': { aud: 'another-client' },
    'for us and for others': { aud: [clientId, 'another-client'] },
    'for us and for others, that another client was given': {
      aud: [clientId, 'another-client'],
      azp: 'another-client',
    },
    'for others, that we were given': { aud: ['another-client', 'a-third'], azp: clientId },
    'for nobody': { aud: [] },
    'whose end is no number': { exp: `${now() + 300}` as unknown as number },
    'without an end': { exp: null as unknown as number },
    'of no time': { iat: null as unknown as number },
    'that begins later': { nbf: now() + 600 },
    'whose begin is no number': { nbf: 'now' as unknown as number },
    'that another client was given': { azp: 'another-client' },
    'of another sign-in': { nonce: 'another-nonce' },
    'without a nonce': { nonce: undefined as unknown as string },
    'that is over': { exp: now() - 120 },
    'from the future': { iat: now() + 600 },
    'of long ago': { iat: now() - 3600 },
    'about nobody': { sub: '' },
    'about somebody with too long a name': { sub: 'x'.repeat(256) },
    'about a number': { sub: 7 as unknown as string },
    'with the hash of another access token': { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' },
  }
  for (const [what, claims] of Object.entries(wrong))
    test(`${what} signs nobody in`, async () => {
      const at = corp()
      at.claims = claims.iss === 'SLASH' ? { iss: `${at.origin}/` } : claims
      const { landing, who } = await attempt(at)
      expect([statusOf(landing), who]).toEqual([502, undefined])
    })

  test('that is good does', async () => {
    const { who } = await attempt(corp())
    expect(who).toBe('eve')
  })

  const segment = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const forged: Record<string, (claims: JWTPayload) => Promise<string> | string> = {
    'without a signature': (claims) => `${segment({ alg: 'none' })}.${segment(claims)}.`,
    'signed with the public key as if it were a secret': (claims) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', kid: 'key-1' })
        .sign(Buffer.from(JSON.stringify(keys.jwk))),
    'signed with our own secret': (claims) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from('our-secret')),
    'signed with a key of a stranger': async (claims) => (await signer('RS256', 'key-1')).sign(claims),
    'signed with a key that it brings along': async (claims) => {
      const own = await signer('ES256', 'own')
      return new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', jwk: own.jwk as Record<string, string> })
        .sign(own.privateKey)
    },
    'that is a token of another kind': (claims) => keys.sign(claims, { typ: 'at+jwt' }),
    'that is none': () => 'not.a.token',
    'that is endless': () => 'x'.repeat(30_000),
  }
  for (const [what, idToken] of Object.entries(forged))
    test(`${what} signs nobody in`, async () => {
      const at = corp()
      at.idToken = idToken
      const { landing, who } = await attempt(at)
      expect([statusOf(landing), who]).toEqual([502, undefined])
    })

  test('about one person and userinfo about another signs neither in', async () => {
    const at = corp()
    at.claims = { name: undefined }
    at.userinfo = { sub: 'alice-of-corp', name: 'Alice', email: 'alice@example.com', email_verified: true }
    const { landing, who } = await attempt(at)
    expect([statusOf(landing), who]).toEqual([502, undefined])
  })
})

describe('a provider that does not behave', () => {
  const troubles: Record<string, [status: number, (at: Corp) => void]> = {
    'answers 500': [503, (at) => (at.routes['/token'] = () => new Response('no', { status: 500 }))],
    'never answers': [503, (at) => (at.routes['/token'] = () => new Promise(() => {}))],
    'answers a byte at a time': [
      503,
      (at) =>
        (at.routes['/token'] = () =>
          new Response(
            new ReadableStream({
              async pull(controller) {
                await Bun.sleep(300)
                controller.enqueue(Buffer.from(' '))
              },
            }),
          )),
    ],
    'answers a megabyte': [502, (at) => (at.routes['/token'] = () => new Response('x'.repeat(1_000_000)))],
    'answers HTML': [502, (at) => (at.routes['/token'] = () => new Response('<html>'))],
    'answers no tokens': [502, (at) => (at.routes['/token'] = () => ({ ok: true }))],
    'answers a list': [502, (at) => (at.routes['/token'] = () => [])],
    'sends us elsewhere': [
      503,
      (at) => (at.routes['/token'] = () => Response.redirect('http://localhost:1/', 307)),
    ],
    'has no keys': [503, (at) => (at.routes['/keys'] = () => new Response('', { status: 500 }))],
    'shows its private keys': [
      503,
      (at) => (at.routes['/keys'] = () => ({ keys: [{ ...keys.jwk, d: 'x' }] })),
    ],
  }
  for (const [what, [status, bend]] of Object.entries(troubles))
    test(`and ${what}: no person is signed in, nothing is made, and a password still works`, async () => {
      const at = corp()
      bend(at)
      const impatient = /never|byte/.test(what) ? { OUTBOUND_TIMEOUT_MS: '1000' } : undefined
      const { op, browser, landing, who } = await attempt(at, impatient)
      expect([statusOf(landing), who]).toEqual([status, undefined])
      expect(await User.findByUsername(op.context, 'eve')).toBeUndefined()
      const back = /href="([^"]*\/login\?interaction=[^"]*)"/.exec(landing.page!.html)![1]!
      const login = await browser.open(back)
      await browser.press(login.page!, 'login', alice)
      expect(await whoIs(browser)).toBe('alice')
    })

  test('whose document is somebody else’s sends nobody anywhere', async () => {
    const at = corp()
    for (const metadata of [
      { issuer: 'https://elsewhere.example' },
      { authorization_endpoint: 'javascript:alert(1)' },
      { authorization_endpoint: 'http://elsewhere.example/' },
    ]) {
      at.metadata = metadata
      const op = await first([at])
      const browser = person(op.issuer, op.fetch)
      const { page } = await browser.open('/login')
      const landing = await browser.press(page!, 'upstream_corp')
      expect([statusOf(landing), landing.location]).toEqual([502, undefined])
    }
  })
})

describe('state', () => {
  test('is worth nothing in another browser, and is not used up there', async () => {
    const at = corp()
    const op = await first([at])
    const victim = person(op.issuer, op.fetch)
    const away = await leave(victim, at)
    const attacker = person(op.issuer, op.fetch)
    await attacker.open('/login')
    expect([statusOf(await comeBack(op, attacker, 'corp', away)), await whoIs(attacker)]).toEqual([
      400,
      undefined,
    ])
    await comeBack(op, victim, 'corp', away)
    expect(await whoIs(victim)).toBe('eve')
  })

  test('of an attacker, with their code, does not sign a victim in as them', async () => {
    const at = corp()
    const op = await first([at])
    const attacker = person(op.issuer, op.fetch)
    const away = await leave(attacker, at)
    const victim = person(op.issuer, op.fetch)
    await victim.press((await victim.open('/login')).page!, 'login', bob)
    expect(statusOf(await comeBack(op, victim, 'corp', away))).toBe(400)
    expect(await whoIs(victim)).toBe('bob')
  })

  test('is good once', async () => {
    const at = corp()
    const op = await first([at])
    const browser = person(op.issuer, op.fetch)
    const away = await leave(browser, at)
    await comeBack(op, browser, 'corp', away)
    const codes = at.asked.filter(({ path }) => path === '/token').length
    expect(statusOf(await comeBack(op, browser, 'corp', away))).toBe(400)
    expect(at.asked.filter(({ path }) => path === '/token')).toHaveLength(codes)
  })

  test('of twenty answers at once, on two instances, one is taken', async () => {
    const at = corp()
    const clock = turnableClock()
    const store = memoryStore(clock)
    const env = upstreamEnv([member(at)], [at])
    const [op, other] = [await provider({ env, store, clock }), await provider({ env, store, clock })]
    const browser = person(op.issuer, op.fetch)
    const away = await leave(browser, at)
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const path = `/upstream/callback/corp?code=c&state=${away.searchParams.get('state')}`
    const answers = await attempts(
      20,
      async (i) => (await (i % 2 ? op : other).fetch(path, { headers: { cookie } })).status,
    )
    expect(tally(answers)).toEqual({ 303: 1, 400: 19 })
    expect(at.asked.filter((asked) => asked.path === '/token')).toHaveLength(1)
  })

  test('is forgotten, and missing or made up is no state', async () => {
    const at = corp()
    const op = await first([at])
    const browser = person(op.issuer, op.fetch)
    const away = await leave(browser, at)
    op.clock.advance(3_600_000)
    expect(statusOf(await comeBack(op, browser, 'corp', away))).toBe(400)
    expect(statusOf(await browser.open('/upstream/callback/corp?code=c'))).toBe(400)
    expect(statusOf(await browser.open('/upstream/callback/corp?code=c&state=x&state=y'))).toBe(400)
    expect(statusOf(await browser.open('/upstream/callback/nobody?code=c&state=x'))).toBe(404)
  })

  test('begins with a form of ours alone', async () => {
    const at = corp()
    const op = await first([at])
    expect((await op.fetch('/upstream/start?provider=corp')).status).toBe(405)
    const browser = person(op.issuer, op.fetch)
    const { page } = await browser.open('/login')
    const form = page!.forms.find(({ buttons }) => buttons.includes('upstream_corp'))!
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
    }
    const post = (fields: Record<string, string>, more = {}) =>
      op.fetch('/upstream/start', {
        method: 'POST',
        body: new URLSearchParams(fields).toString(),
        headers: { ...headers, ...more },
      })
    expect((await post({ ...form.fields, csrf_token: 'made-up' })).status).toBe(403)
    expect((await post(form.fields, { cookie: '' })).status).toBe(403)
    expect((await post(form.fields, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await post({ ...form.fields, provider: 'nobody' })).status).toBe(404)
    expect((await post(form.fields)).status).toBe(303)
  })
})

describe('mix-up between two providers', () => {
  test('the answer of one at the callback of the other is refused, and the code goes to neither', async () => {
    const [honest, hostile] = [corp(), corp()]
    const members = [member(honest, 'honest'), member(hostile, 'hostile')]
    const op = await first([honest, hostile], {}, members)
    const browser = person(op.issuer, op.fetch)
    const away = await leave(browser, hostile, 'hostile')
    expect(statusOf(await comeBack(op, browser, 'honest', away))).toBe(400)
    const other = await leave(browser, honest, 'honest')
    expect(statusOf(await comeBack(op, browser, 'hostile', other))).toBe(400)
    expect([...honest.asked, ...hostile.asked].filter(({ path }) => path === '/token')).toEqual([])
  })

  test('iss of another, or missing where it was promised, is refused before the code is sent', async () => {
    const at = corp()
    at.metadata = { authorization_response_iss_parameter_supported: true }
    const op = await first([at])
    const browser = person(op.issuer, op.fetch)
    for (const params of [{ code: 'c', iss: 'https://elsewhere.example' }, { code: 'c' }] as Record<
      string,
      string
    >[])
      expect(statusOf(await comeBack(op, browser, 'corp', await leave(browser, at), params))).toBe(502)
    expect(at.asked.filter(({ path }) => path === '/token')).toEqual([])
    await comeBack(op, browser, 'corp', await leave(browser, at), { code: 'c', iss: at.origin })
    expect(await whoIs(browser)).toBe('eve')
  })

  test('two providers that name people alike keep them apart', async () => {
    const [one, two] = [corp(), corp()]
    two.claims = { email: 'other@corp.example', name: 'Other' }
    const op = await first([one, two], {}, [member(one, 'one'), member(two, 'two')])
    const who = async (at: Corp, id: string) => {
      const browser = person(op.issuer, op.fetch)
      await comeBack(op, browser, id, await leave(browser, at, id))
      return whoIs(browser)
    }
    expect([await who(one, 'one'), await who(two, 'two'), await who(one, 'one')]).toEqual([
      'eve',
      'other',
      'eve',
    ])
  })
})

describe('somebody else’s account', () => {
  test('is not reached by an address that the provider has not verified', async () => {
    const at = corp()
    for (const email_verified of [false, undefined, 'yes']) {
      at.claims = { email: 'alice@example.com', email_verified, sub: `s-${email_verified}` } as JWTPayload
      const { op, who } = await attempt(at, { UPSTREAM_LINK_BY_EMAIL: 'verified' })
      expect(who).toBe('alice2')
      expect((await User.findByUsername(op.context, 'alice2'))!.claims.email).toBeUndefined()
    }
  })

  test('is not reached by an address that we have not verified', async () => {
    const at = corp()
    at.claims = { email: 'bob@example.com' }
    const { op, who } = await attempt(at, { UPSTREAM_LINK_BY_EMAIL: 'verified' })
    expect(who).toBe('bob2')
    expect((await User.find(op.context, 'user-bob'))!.claims.email_verified).toBe(false)
  })

  test('is found by an address in another spelling, and then asks to sign in first', async () => {
    const at = corp()
    at.claims = { email: 'ALICE@EXAMPLE.COM' }
    const { landing, who } = await attempt(at)
    expect([who, landing.page!.html.includes('Sign in to connect your accounts')]).toEqual([undefined, true])
  })

  test('of one name is not taken over, nor imitated: names of new accounts are plain', async () => {
    const at = corp()
    for (const [wish, sub] of [
      ['аlice', 'cyrillic'],
      ['ALICE', 'capitals'],
      ['al\u200bice', 'invisible'],
      ['ａｌｉｃｅ', 'wide'],
    ] as const) {
      at.claims = { preferred_username: wish, email: undefined, name: 'x', sub }
      at.userinfo = { sub }
      const { who } = await attempt(at)
      expect(who).toMatch(/^(?:alice2|user-[0-9a-f]{12})$/)
    }
  })

  test('cannot be connected by a step that is skipped, nor by the interaction of another person', async () => {
    const at = corp()
    at.claims = { email: 'alice@example.com' }
    const { op, browser, landing } = await attempt(at)
    const href = /href="([^"]*interaction=[^"]*)"/.exec(landing.page!.html)![1]!
    const handle = new URL(href, op.issuer).searchParams.get('interaction')!
    const early = await browser.open(`/upstream/connect?interaction=${handle}`)
    expect(early.page!.html).not.toContain('Connect these accounts?')
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const forced = await op.fetch('/upstream/connect', {
      method: 'POST',
      body: new URLSearchParams({
        interaction: handle,
        csrf_token: 'made-up',
        connect: 'connect',
      }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', cookie },
    })
    expect([forced.status, await whoIs(browser)]).toEqual([403, undefined])
    expect((await Event.listOfUser(op.context, 'user-alice')).map(({ kind }) => kind)).not.toContain(
      'connection_added',
    )
  })

  test('a connection begun in one session is not finished in another', async () => {
    const at = corp()
    const op = await first([at])
    const browser = person(op.issuer, op.fetch)
    await browser.press((await browser.open('/login')).page!, 'login', alice)
    const away = (await browser.press((await browser.open('/account/connections')).page!, 'connect_corp'))
      .location!
    at.nonce = away.searchParams.get('nonce')!
    const [session] = await Session.listOfUser(op.context, 'user-alice')
    await Session.end(op.context, session!.sid)
    await browser.press((await browser.open('/login')).page!, 'login', bob)
    expect(statusOf(await comeBack(op, browser, 'corp', away))).toBe(400)
    expect((await browser.open('/account/connections')).page!.html).toContain('haven’t connected')
  })
})

test('twenty people of one identity at once, on two instances: one account', async () => {
  const at = corp()
  const clock = turnableClock()
  const store = memoryStore(clock)
  const env = upstreamEnv([member(at)], [at])
  const ops = [await provider({ env, store, clock }), await provider({ env, store, clock })]
  // Each code brings an ID Token of its own sign-in.
  const nonces = new Map<string, string>()
  at.routes['/token'] = async ({ form }) => ({
    access_token: 'a',
    token_type: 'Bearer',
    id_token: await keys.sign({
      iss: at.origin,
      aud: clientId,
      sub: 'one',
      iat: now(),
      exp: now() + 300,
      nonce: nonces.get(form.code!)!,
      email: 'one@corp.example',
      email_verified: true,
      name: 'One',
    }),
  })
  const browsers = await attempts(20, async (i) => {
    const op = ops[i % 2]!
    const browser = person(op.issuer, op.fetch)
    const away = await leaveFor(browser, 'corp')
    nonces.set(`code-${i}`, away.searchParams.get('nonce')!)
    return { op, browser, away, code: `code-${i}` }
  })
  await Promise.all(
    browsers.map(({ op, browser, away, code }) => comeBack(op, browser, 'corp', away, { code })),
  )
  const names = await Promise.all(browsers.map(({ browser }) => whoIs(browser)))
  expect(tally(names.map(String))).toEqual({ one: 20 })
  expect(
    (await User.list(ops[0]!.context)).filter(({ username }) => username.startsWith('one')),
  ).toHaveLength(1)
})

test('two last connections, removed at once, leave one', async () => {
  const [one, two] = [corp(), corp()]
  const op = await first([one, two], {}, [member(one, 'one'), member(two, 'two')])
  const browser = person(op.issuer, op.fetch)
  await comeBack(op, browser, 'one', await leave(browser, one, 'one'))
  const away = (await browser.press((await browser.open('/account/connections')).page!, 'connect_two'))
    .location!
  two.nonce = away.searchParams.get('nonce')!
  const { page } = await comeBack(op, browser, 'two', away)
  const forms = page!.forms.filter(({ buttons }) => buttons.includes('remove'))
  expect(forms).toHaveLength(2)
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  await attempts(20, (i) =>
    op.fetch('/account/connections', {
      method: 'POST',
      body: new URLSearchParams({ ...forms[i % 2]!.fields, remove: 'remove' }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', cookie },
    }),
  )
  const left = (await browser.open('/account/connections')).page!
  expect(left.forms.filter(({ buttons }) => buttons.includes('remove')).length).toBeGreaterThanOrEqual(1)
})

test('a store that goes away at any moment of a first sign-in leaves nothing that stays half-made', async () => {
  const at = corp()
  // After each number of verbs, from the callback on.
  for (let passing = 0, status: number | undefined; status !== 200; passing++) {
    const clock = turnableClock()
    const away = failingStore(memoryStore(clock))
    const op = await provider({ store: away.store, clock, env: upstreamEnv([member(at)], [at]) })
    const browser = person(op.issuer, op.fetch)
    const left = await leave(browser, at)
    away.failAfter(passing)
    status = statusOf(await comeBack(op, browser, 'corp', left))
    away.recover()
    expect([passing, [200, 503].includes(status!)]).toEqual([passing, true])
    // What was left behind is given up, or found, by the next sign-in.
    clock.advance(11_000)
    const again = person(op.issuer, op.fetch)
    await comeBack(op, again, 'corp', await leave(again, at))
    expect([passing, await whoIs(again)]).toEqual([passing, 'eve'])
    const named = (await User.list(op.context)).filter(({ username }) => username.startsWith('eve'))
    expect(named.map(({ username }) => username)).toEqual(['eve'])
    expect((await User.findByEmail(op.context, 'eve@corp.example'))?.username).toBe('eve')
  }
})

test('no parameter of ours leads anywhere but where the interaction was', async () => {
  const at = corp()
  const op = await first([at])
  for (const name of ['return_to', 'redirect_uri', 'next', 'posted', 'user']) {
    const browser = person(op.issuer, op.fetch)
    const away = await leave(browser, at)
    const landing = await comeBack(op, browser, 'corp', away, { code: 'c', [name]: 'https://evil.example/' })
    expect(landing.location).toBeUndefined()
  }
})

describe('names and words of a provider', () => {
  test('are text on every page', async () => {
    const at = corp()
    const nasty = '<script>alert(1)</script>'
    at.claims = { email: 'alice@example.com', name: nasty, preferred_username: nasty }
    const { landing } = await attempt(at, {}, { label: nasty })
    expect(landing.page!.html).not.toContain('<script>alert')
    at.claims = { email: `"${nasty}"@example.com`, name: nasty, sub: 'other' }
    at.userinfo = { sub: 'other' }
    const { browser } = await attempt(at, {}, { label: nasty })
    expect((await browser.open('/account/connections')).page!.html).not.toContain('<script>alert')
    expect((await browser.open('/account')).page!.html).not.toContain('<script>alert')
  })
})

describe('a picture', () => {
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  )
  const claimed = async (op: Provider) => (await User.findByUsername(op.context, 'eve'))?.claims.picture
  const failed = (op: Provider) => op.lines.some((line) => line.includes('avatar_failed'))

  test('is served from here, as nothing but a picture', async () => {
    const at = corp()
    at.routes['/eve.png'] = () => new Response(png, { headers: { 'content-type': 'text/html' } })
    at.claims = { picture: `${at.origin}/eve.png` }
    const { op } = await attempt(at)
    await until(async () => (await claimed(op)) !== undefined, 'the picture')
    const url = await claimed(op)
    expect(String(url)).toMatch(/^http:\/\/localhost:5000\/avatar\/[\w-]{32}$/)
    const answer = await op.fetch(String(url))
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(png)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'image/png',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
    })
    expect((await op.fetch('/avatar/made-up')).status).toBe(404)
  })

  const bad: Record<string, (at: Corp) => string> = {
    'of the cloud’s own address': () => 'http://169.254.169.254/latest/meta-data/',
    'of a private address': () => 'https://10.0.0.1/x.png',
    'of a file': () => 'file:///etc/passwd',
    'that is SVG with a script': (at) => {
      at.routes['/x.svg'] = () =>
        new Response('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', {
          headers: { 'content-type': 'image/png' },
        })
      return `${at.origin}/x.svg`
    },
    'that is a page': (at) => {
      at.routes['/x.png'] = () => new Response('<html>', { headers: { 'content-type': 'image/png' } })
      return `${at.origin}/x.png`
    },
    'that is too large': (at) => {
      at.routes['/x.png'] = () => new Response(Buffer.concat([png, Buffer.alloc(1_000_000)]))
      return `${at.origin}/x.png`
    },
    'that leads elsewhere': (at) => {
      at.routes['/x.png'] = () => Response.redirect('http://169.254.169.254/', 302)
      return `${at.origin}/x.png`
    },
  }
  for (const [what, picture] of Object.entries(bad))
    test(`${what} is not taken, and keeps nobody out`, async () => {
      const at = corp()
      at.claims = { picture: picture(at) }
      const { op, who } = await attempt(at)
      expect(who).toBe('eve')
      await until(() => failed(op), 'the picture to be refused')
      expect(await claimed(op)).toBeUndefined()
    })
})
