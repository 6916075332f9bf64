/** RP-initiated logout: who is asked, what ends, and where one may land. https://openid.net/specs/openid-connect-rpinitiated-1_0.html */
import { describe, expect, test } from 'bun:test'
import { claimsOf } from '../support/client.ts'
import { browser, browserClient, demo, outcome, stage, tokensOf, userinfo } from '../support/flow.ts'
import type { Person } from '../support/person.ts'
import type { Provider } from '../support/provider.ts'

const after = 'http://localhost:8080/'
const logoutUrl = (params: Record<string, string>) => `/logout?${new URLSearchParams(params)}`
const isSignedIn = async (op: Provider, who: Person) =>
  (await outcome(op, who, { prompt: 'none' })) === 'code'

describe('somebody just says /logout', () => {
  test('and is asked first: another site may have sent them', async () => {
    const { op, alice } = await stage()
    const { page } = await alice.open('/logout')
    expect(page!.status).toBe(200)
    expect(page!.html).toContain('alice')
    expect(await isSignedIn(op, alice)).toBe(true)
    const done = await alice.press(page!, 'logout')
    expect(done.page!.status).toBe(200)
    expect(await isSignedIn(op, alice)).toBe(false)
  })

  test('and may stay', async () => {
    const { op, alice } = await stage()
    const { page } = await alice.open('/logout')
    await alice.press(page!, 'stay')
    expect(await isSignedIn(op, alice)).toBe(true)
  })

  test('the cookie is forgotten, and worth nothing to who kept it', async () => {
    const { op, alice } = await stage()
    const cookie = alice.cookies.get('latchkey_session')!
    const { page } = await alice.open('/logout')
    await alice.press(page!, 'logout')
    expect(alice.cookies.has('latchkey_session')).toBe(false)
    alice.cookies.set('latchkey_session', cookie)
    expect(await isSignedIn(op, alice)).toBe(false)
  })

  test('a form from elsewhere is refused', async () => {
    const { op, alice } = await stage()
    const cookie = [...alice.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { cookie, 'content-type': 'application/x-www-form-urlencoded' }
    const { page } = await alice.open('/logout')
    const csrf_token = page!.forms[0]!.fields.csrf_token!
    const forged = await op.fetch('/logout', { method: 'POST', headers, body: 'logout=logout&csrf_token=x' })
    expect(forged.status).toBe(403)
    for (const extra of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }] as Record<
      string,
      string
    >[]) {
      const body = new URLSearchParams({ logout: 'logout', csrf_token }).toString()
      const foreign = await op.fetch('/logout', { method: 'POST', headers: { ...headers, ...extra }, body })
      expect(foreign.status).toBe(403)
    }
    expect(await isSignedIn(op, alice)).toBe(true)
  })

  test('a POST from another site comes without cookies: it signs nobody out behind their back', async () => {
    const { op } = await stage()
    const answer = await op.fetch('/logout', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'cross-site' },
      body: 'client_id=client123',
    })
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toBe('/logout?client_id=client123')
    expect(answer.headers.getSetCookie()).toEqual([])
  })
})

describe('a client sends them', () => {
  test('with an ID Token of this session: done without a question', async () => {
    const { op, alice } = await stage()
    const { id_token, access_token } = await tokensOf(op, alice)
    const { location } = await alice.open(
      logoutUrl({ id_token_hint: id_token, post_logout_redirect_uri: after, state: 'a b&c' }),
    )
    expect(location!.href).toBe(`${after}?state=a%20b%26c`)
    expect(await isSignedIn(op, alice)).toBe(false)
    expect((await userinfo(op, access_token)).status).toBe(401)
  })

  test('with an expired one too', async () => {
    const { op, alice } = await stage()
    const { id_token } = await tokensOf(op, alice)
    op.clock.advance(2 * 3_600_000)
    const { location } = await alice.open(
      logoutUrl({ id_token_hint: id_token, post_logout_redirect_uri: after }),
    )
    expect(location!.href).toBe(after)
  })

  test('with that of another session, or another person: asked', async () => {
    const { op, alice } = await stage()
    const elsewhere = await tokensOf(op, browser(op))
    const bobs = await tokensOf(op, browser(op), demo, {}, { username: 'bob', password: 'bobpassword' })
    for (const { id_token } of [elsewhere, bobs]) {
      const { page } = await alice.open(
        logoutUrl({ id_token_hint: id_token, post_logout_redirect_uri: after }),
      )
      expect(page!.forms[0]!.buttons).toContain('logout')
      expect(await isSignedIn(op, alice)).toBe(true)
    }
  })

  test('with client_id alone: asked, then back to the client', async () => {
    const { op, alice } = await stage()
    const asked = { client_id: demo.client_id, post_logout_redirect_uri: after, state: 's' }
    const { page } = await alice.open(logoutUrl(asked))
    expect(page!.html).toContain('Demo client')
    const { location } = await alice.press(page!, 'logout')
    expect(location!.href).toBe(`${after}?state=s`)
    expect(await isSignedIn(op, alice)).toBe(false)
  })

  test('with hints we do not use: they change nothing, and are not repeated', async () => {
    const { op, alice } = await stage()
    const hints = { logout_hint: 'alice"><b>', ui_locales: 'fr-CA xx', nonsense: 'x' }
    const { page } = await alice.open(logoutUrl({ client_id: demo.client_id, ...hints }))
    expect(page!.status).toBe(200)
    expect(page!.html).not.toContain('alice&quot;')
    expect(Object.keys(page!.forms[0]!.fields)).not.toContain('logout_hint')
    const { id_token } = await tokensOf(op, alice)
    const { location } = await alice.open(
      logoutUrl({ id_token_hint: id_token, post_logout_redirect_uri: after, ...hints }),
    )
    expect(location!.href).toBe(after)
  })

  test('with the ID Token of a session elsewhere: whatever is answered, that one goes on', async () => {
    const { op, alice } = await stage()
    const elsewhere = browser(op)
    const { id_token } = await tokensOf(op, elsewhere)
    const { page } = await alice.open(logoutUrl({ id_token_hint: id_token }))
    await alice.press(page!, 'logout') // asked, and of one's own session
    expect([await isSignedIn(op, alice), await isSignedIn(op, elsewhere)]).toEqual([false, true])
    await browser(op).open(logoutUrl({ id_token_hint: id_token })) // and from a browser that knows nobody
    expect(await isSignedIn(op, elsewhere)).toBe(true)
  })

  test('when no person is signed in any more: straight back', async () => {
    const { op } = await stage()
    const { location } = await browser(op).open(
      logoutUrl({ client_id: demo.client_id, post_logout_redirect_uri: after }),
    )
    expect(location!.href).toBe(after)
  })
})

describe('never an open redirect', () => {
  test('unregistered, unasked-for, or of another client', async () => {
    const { op, alice } = await stage()
    const { id_token } = await tokensOf(op, alice)
    const { id_token: foreign } = await tokensOf(op, alice, browserClient)
    const [head, , signature] = id_token.split('.')
    const forged = Buffer.from(JSON.stringify({ ...claimsOf(id_token), aud: 'evil' })).toString('base64url')
    for (const params of [
      { post_logout_redirect_uri: after },
      { post_logout_redirect_uri: 'https://evil.example/' },
      { id_token_hint: id_token, post_logout_redirect_uri: 'https://evil.example/' },
      { id_token_hint: id_token, post_logout_redirect_uri: `${after}x` },
      { id_token_hint: id_token, post_logout_redirect_uri: demo.redirect_uri },
      { client_id: 'nobody', post_logout_redirect_uri: after },
      { client_id: demo.client_id, id_token_hint: foreign, post_logout_redirect_uri: after },
      { id_token_hint: `${head}.${forged}.${signature}`, post_logout_redirect_uri: after },
      { id_token_hint: 'x' },
    ] as Record<string, string>[]) {
      const { page, location } = await alice.open(logoutUrl(params))
      expect(location).toBeUndefined()
      expect(page!.status).toBe(400)
    }
    expect(await isSignedIn(op, alice)).toBe(true)
  })
})

test('one logout, all clients of the session: their tokens end with it, those of other browsers live on', async () => {
  const { op, alice } = await stage()
  const elsewhere = browser(op)
  const other = await tokensOf(op, elsewhere)
  const [a, b] = [await tokensOf(op, alice), await tokensOf(op, alice, browserClient)]
  const { page } = await alice.open('/logout')
  await alice.press(page!, 'logout')
  for (const { access_token } of [a, b]) expect((await userinfo(op, access_token)).status).toBe(401)
  expect((await userinfo(op, other.access_token)).status).toBe(200)
  expect(await isSignedIn(op, elsewhere)).toBe(true)
})
