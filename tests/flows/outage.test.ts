/** The store goes away: 503 with Retry-After everywhere, and nothing is ever said to have happened that did not. */
import { describe, expect, test } from 'bun:test'
import { memoryStore } from '../../src/store/memory.ts'
import { formPost } from '../support/client.ts'
import {
  type Answer,
  authorize,
  bearer,
  browser,
  demo,
  introspect,
  open,
  outcome,
  post,
  read,
  redeem,
  refresh,
  stage,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { failingStore } from '../support/odd_stores.ts'
import { turnableClock } from '../support/provider.ts'
import { rememberPasswords } from '../support/remembered_passwords.ts'

rememberPasswords()

async function shaky(env: Record<string, string> = {}) {
  const clock = turnableClock()
  const failing = failingStore(memoryStore(clock))
  return { ...(await stage({ clock, store: failing.store, env })), failing }
}

const unavailable = ({ status, headers }: { status: number; headers: Headers }) => {
  expect(status).toBe(503)
  expect(Number(headers.get('retry-after'))).toBeWithin(1, 61)
}

describe('everything away', () => {
  test('each endpoint that needs the store says 503; what does not goes on', async () => {
    const { op, alice, failing } = await shaky({ ACCESS_TOKEN_FORMAT: 'opaque' })
    const tokens = await tokensOf(op, alice)
    const authorized = await authorize(op, alice)
    const { page: login } = await open(op, browser(op))
    const { page: consent } = await open(op, alice, { prompt: 'consent' })
    const { page: logout } = await alice.open('/logout')
    op.clock.advance(2_000) // clients are believed for a second
    failing.failAfter(0)

    const { access_token, refresh_token, id_token } = tokens
    const apis: Promise<Answer>[] = [
      redeem(op, demo, authorized),
      refresh(op, demo, refresh_token),
      post(op, '/token', demo, { grant_type: 'client_credentials' }),
      post(op, '/introspect', demo, { token: access_token }),
      post(op, '/introspect', demo, { token: refresh_token }),
      post(op, '/revoke', demo, { token: access_token }),
      post(op, '/revoke', demo, { token: refresh_token }),
      userinfo(op, access_token),
      op
        .fetch('/register', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ redirect_uris: ['https://a.example/'] }),
        })
        .then(read),
    ]
    for (const answer of await Promise.all(apis)) {
      unavailable(answer)
      expect(answer.body.error).toBe('temporarily_unavailable')
    }
    for (const landing of [
      await open(op, alice),
      await open(op, alice, { prompt: 'none' }),
      await alice.open(login!.url),
      await alice.press(consent!, 'allow'),
      await alice.press(consent!, 'deny'),
      await alice.press(logout!, 'logout'),
      await alice.open(`/logout?id_token_hint=${id_token}`),
    ]) {
      unavailable(landing.page!)
      expect(landing.page!.headers.get('content-type')).toContain('text/html')
    }
    unavailable(await op.fetch('/health'))
    for (const path of ['/jwks.json', '/.well-known/openid-configuration', '/'])
      expect((await op.fetch(path)).status).toBe(200)
    expect(op.lines.some((line) => line.includes('store_unavailable'))).toBe(true)

    failing.recover()
    expect((await redeem(op, demo, authorized)).status).toBe(200)
    expect((await refresh(op, demo, refresh_token)).status).toBe(200)
    expect((await op.fetch('/health')).status).toBe(200)
    expect(await outcome(op, alice, { prompt: 'none' })).toBe('code')
  })

  test('signing in is 503, and neither a wrong password nor a session', async () => {
    const { op, failing } = await shaky()
    const who = browser(op)
    const { page } = await open(op, who)
    failing.failAfter(0)
    const landing = await who.press(page!, 'login', { username: 'alice', password: 'alicepassword' })
    unavailable(landing.page!)
    expect([...who.cookies.keys()]).not.toContain('latchkey_session')
    failing.recover()
    const again = await who.press(page!, 'login', { username: 'alice', password: 'alicepassword' })
    expect(again.location!.searchParams.has('code')).toBe(true)
  })

  test('a revocation of a JWT that could not be written down is no 200', async () => {
    const { op, alice, failing } = await shaky()
    const { access_token } = await tokensOf(op, alice)
    failing.failAfter(0)
    unavailable(await post(op, '/revoke', demo, { token: access_token }))
    failing.recover()
    expect((await userinfo(op, access_token)).status).toBe(200)
    expect((await post(op, '/revoke', demo, { token: access_token })).status).toBe(200)
    expect((await userinfo(op, access_token)).status).toBe(401)
  })
})

/** Fail at the first verb, then at the second, and so on until it gets through. */
async function atEachVerb(run: (passing: number) => Promise<boolean>): Promise<number> {
  for (let passing = 0; passing < 40; passing++) if (await run(passing)) return passing
  throw new Error('it never gets through')
}

describe('away in the middle, at every verb in turn', () => {
  test.each(['jwt', 'opaque'])(
    'revocation of either token (%s): 200 means it is dead',
    async (ACCESS_TOKEN_FORMAT) => {
      const { op, alice, failing } = await shaky({ ACCESS_TOKEN_FORMAT })
      for (const kind of ['access_token', 'refresh_token'] as const) {
        const verbs = await atEachVerb(async (passing) => {
          const tokens = await tokensOf(op, alice)
          op.clock.advance(2_000)
          failing.failAfter(passing)
          const answer = await post(op, '/revoke', demo, { token: tokens[kind] })
          failing.recover()
          if (answer.status !== 200) unavailable(answer)
          const retried =
            answer.status === 200 ? answer : await post(op, '/revoke', demo, { token: tokens[kind] })
          expect(retried.status).toBe(200)
          expect(await introspect(op, tokens[kind])).toEqual({ active: false })
          expect((await userinfo(op, tokens.access_token)).status).toBe(401)
          return answer.status === 200
        })
        expect(verbs).toBeGreaterThan(1)
      }
    },
  )

  test('logout: whoever is told they are signed out is', async () => {
    const { op, failing } = await shaky()
    await atEachVerb(async (passing) => {
      const who = browser(op)
      const tokens = await tokensOf(op, who)
      const { page } = await who.open('/logout')
      const cookies = new Map(who.cookies)
      op.clock.advance(2_000)
      failing.failAfter(passing)
      const landing = await who.press(page!, 'logout')
      failing.recover()
      if (landing.page!.status === 200) {
        const thief = browser(op)
        for (const [name, value] of cookies) thief.cookies.set(name, value)
        expect(await outcome(op, thief, { prompt: 'none' })).toBe('error:login_required')
        expect((await userinfo(op, tokens.access_token)).status).toBe(401)
        return true
      }
      unavailable(landing.page!)
      expect(who.cookies.get('latchkey_session')).toBe(cookies.get('latchkey_session')!)
      const again = await who.press(page!, 'logout')
      expect(again.page!.status).toBe(200)
      expect((await userinfo(op, tokens.access_token)).status).toBe(401)
      return false
    })
  })

  test('a refresh that broke can be tried again', async () => {
    const { op, alice, failing } = await shaky({ ACCESS_TOKEN_FORMAT: 'opaque' })
    await atEachVerb(async (passing) => {
      const { refresh_token } = await tokensOf(op, alice)
      op.clock.advance(2_000)
      failing.failAfter(passing)
      const answer = await refresh(op, demo, refresh_token)
      failing.recover()
      if (answer.status === 200) return true
      unavailable(answer)
      const again = await refresh(op, demo, refresh_token)
      expect(again.status).toBe(200)
      expect((await userinfo(op, String(again.body.access_token))).status).toBe(200)
      return false
    })
  })

  test('a code never yields tokens twice, and a broken exchange yields none that live on', async () => {
    const { op, alice, failing } = await shaky({ ACCESS_TOKEN_FORMAT: 'opaque' })
    await atEachVerb(async (passing) => {
      const authorized = await authorize(op, alice)
      op.clock.advance(2_000)
      failing.failAfter(passing)
      const answer = await redeem(op, demo, authorized)
      failing.recover()
      if (answer.status === 200) return true
      unavailable(answer)
      const again = await redeem(op, demo, authorized)
      // Once claimed it is spent: a second exchange cannot be told from a replay.
      expect(again.status === 200 || again.body.error === 'invalid_grant').toBe(true)
      return false
    })
  })

  test('an authorization: a page that says so, never a code that was not kept', async () => {
    const { op, alice, failing } = await shaky()
    await atEachVerb(async (passing) => {
      op.clock.advance(2_000)
      failing.failAfter(passing)
      const landing = await open(op, alice)
      failing.recover()
      if (landing.location) return landing.location.searchParams.has('code')
      unavailable(landing.page)
      return false
    })
  })
})

test('what nobody foresaw is 500 with a request id, and its words stay in the log', async () => {
  const clock = turnableClock()
  const inner = memoryStore(clock)
  let broken = false
  const store = { ...failingStore(inner).store }
  const get = store.get
  store.get = async (key) => {
    if (broken) throw new TypeError('secret internals')
    return get(key)
  }
  const { op, alice } = await stage({ clock, store })
  const { access_token } = await tokensOf(op, alice)
  broken = true
  const { status, body, headers } = await read(await op.fetch('/userinfo', bearer(access_token)))
  expect([status, body.error]).toEqual([500, 'server_error'])
  expect(JSON.stringify(body)).not.toContain('secret internals')
  expect(String(body.error_description)).toContain(headers.get('x-request-id')!)
  expect(op.lines.some((line) => line.includes('secret internals'))).toBe(true)
  const form = await read(await op.fetch('/introspect', formPost(demo, { token: access_token })))
  expect(form.status).toBe(500)
})
