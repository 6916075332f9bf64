/** The store goes away in the middle: no false success, and an answer soon. https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { systemClock } from '../../src/lib/clock.ts'
import { postgresStore } from '../../src/store/postgres.ts'
import { redisStore } from '../../src/store/redis.ts'
import type { Store } from '../../src/store/store.ts'
import { authorizationUrl, demo, formPost } from '../support/client.ts'
import { alice, person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { startRedis } from '../support/redis.ts'
import { attempts, codeFor, redeem, refresh, type Tokens, tokensFor, userinfo } from './attacker.ts'
import { until } from '../support/until.ts'

type Server = Pick<PostgresServer, 'pause' | 'resume' | 'kill' | 'restart' | 'stop'>

const timeoutMs = 1_000
const stores: Record<string, () => Promise<{ server: Server; store: Store }>> = {
  async Redis() {
    const server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    return { server, store: redisStore(server.url, { timeoutMs }) }
  },
  async PostgreSQL() {
    const server = await startPostgres({ settings: { fsync: 'on' } })
    return { server, store: await postgresStore(server.database(), systemClock, { timeoutMs }) }
  },
}

describe.each(Object.entries(stores))('%s', (_, open) => {
  let server: Server
  let store: Store
  let op: Provider

  beforeAll(async () => {
    ;({ server, store } = await open())
    op = await provider({ store, env: { ACCESS_TOKEN_FORMAT: 'opaque', LOG_LEVEL: 'silent' } })
  }, 60_000)
  afterEach(async () => {
    server.resume()
    await until(
      () =>
        store.ping().then(
          () => true,
          () => false,
        ),
      'the store to answer',
    )
  })
  afterAll(async () => {
    await store.close()
    await server.stop()
  })

  /** Everything that touches the store, and what it must not say while there is none. */
  async function everything() {
    const tokens = await tokensFor(op)
    const unspent = await codeFor(op, { browser: tokens.browser })
    const login = (await person(op.issuer, op.fetch).open('/login')).page!
    const out = (await tokens.browser.open('/logout')).page!
    const cookie = [...tokens.browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const page = (form: typeof login, fields: Record<string, string>) =>
      op.fetch(form.forms[0]!.action, {
        method: 'POST',
        body: new URLSearchParams({ ...form.forms[0]!.fields, ...fields }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', cookie },
      })
    const requests: Record<string, () => Promise<Response>> = {
      'a code': () => redeem(op, unspent),
      'a refresh': () => refresh(op, tokens.refresh_token),
      'a token for the client': () =>
        op.fetch('/token', formPost(demo, { grant_type: 'client_credentials' })),
      userinfo: () => op.fetch('/userinfo', { headers: { authorization: `Bearer ${tokens.access_token}` } }),
      introspection: () => op.fetch('/introspect', formPost(demo, { token: tokens.access_token })),
      'introspection of a refresh token': () =>
        op.fetch('/introspect', formPost(demo, { token: tokens.refresh_token })),
      revocation: () => op.fetch('/revoke', formPost(demo, { token: tokens.refresh_token })),
      'revocation of an access token': () =>
        op.fetch('/revoke', formPost(demo, { token: tokens.access_token })),
      registration: () =>
        op.fetch('/register', {
          method: 'POST',
          body: JSON.stringify({ redirect_uris: ['https://app.example/cb'] }),
          headers: { 'content-type': 'application/json' },
        }),
      'an authorization request': () =>
        op.fetch(authorizationUrl(op.issuer, demo).url, { headers: { cookie } }),
      'a silent one': () =>
        op.fetch(authorizationUrl(op.issuer, demo, { prompt: 'none' }).url, { headers: { cookie } }),
      'signing out': () => page(out, { logout: 'logout' }),
      health: () => op.fetch('/health', {}, '192.0.2.1'), // this machine is told more
    }
    return { tokens, unspent, requests, login }
  }

  test('stopped dead under load: every request is answered 503, none succeeds, nothing was done', async () => {
    const { tokens, unspent, requests } = await everything()
    op.clock.advance(1_100) // the client is not remembered either
    server.pause()
    const names = Object.keys(requests)
    const answers = await attempts(names.length * 8, async (i) => {
      const name = names[i % names.length]!
      return { name, answer: await requests[name]!() }
    })
    for (const { name, answer } of answers) {
      expect([name, answer.status]).toEqual([name, 503])
      expect([name, answer.headers.getSetCookie()]).toEqual([name, []])
      if (name !== 'health')
        expect([name, Number(answer.headers.get('retry-after')) > 0]).toEqual([name, true])
      expect(await answer.text()).not.toMatch(/redis|postgres|ECONN|127\.0\.0\.1|"active"/i)
    }
    server.resume()
    await Bun.sleep(50)
    await until(async () => (await op.fetch('/health')).ok, 'health')
    // What arrived at the stopped server may have been done once it woke; what was not told of may not be half done.
    const after = await redeem(op, unspent)
    expect([200, 400]).toContain(after.status)
    if (after.ok)
      expect(await userinfo(op, ((await after.json()) as unknown as Tokens).access_token)).toBe(200)
    expect([200, 401]).toContain(await userinfo(op, tokens.access_token))
  }, 60_000)

  test('killed in the middle: refusals, and with append-only nothing that was acknowledged is lost', async () => {
    const { tokens, unspent, requests } = await everything()
    await server.kill()
    await Bun.sleep(timeoutMs + 100)
    op.clock.advance(1_100)
    const answers = await Promise.all(Object.values(requests).map((request) => request()))
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 503))
    await server.restart()
    await until(async () => (await op.fetch('/health')).ok, 'health')
    expect(await userinfo(op, tokens.access_token)).toBe(200)
    expect((await redeem(op, unspent)).status).toBe(200)
    expect((await refresh(op, tokens.refresh_token)).status).toBe(200)
  }, 60_000)

  test('a password is neither right nor wrong while nobody can count the tries', async () => {
    const { login } = await everything()
    server.pause()
    const browser = person(op.issuer, op.fetch)
    for (const who of [
      alice,
      { username: 'alice', password: 'wrong' },
      { username: 'nobody', password: 'wrong' },
    ]) {
      const landing = await browser.press(login, 'login', who)
      expect(landing.page?.status).not.toBe(401)
      expect(browser.cookies.has('latchkey_session')).toBe(false)
    }
  }, 60_000)

  test('a revocation that was answered 200 holds after a crash', async () => {
    const tokens = await tokensFor(op)
    expect((await op.fetch('/revoke', formPost(demo, { token: tokens.refresh_token }))).status).toBe(200)
    await server.restart()
    await until(async () => (await op.fetch('/health')).ok, 'health')
    expect(await userinfo(op, tokens.access_token)).toBe(401)
    expect((await refresh(op, tokens.refresh_token)).status).toBe(400)
  }, 60_000)
})
