/** A sign-in that read a session before its end revived its sid, and forgot the clients that joined in between. Issue 8, A.14 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { Session, type SignIn } from '../../src/models/session.ts'
import { endSession } from '../../src/people/end_session.ts'
import { createLog } from '../../src/lib/log.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { authorizationUrl, claimsOf, demo } from '../support/client.ts'
import { alice, browser, operatorClient, redeem, refresh, stage, tokensOf } from '../support/flow.ts'
import { type Instances, sharedStores } from '../support/instances.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const lifetimes = { idle: 86_400, absolute: 604_800 }
const signIn: SignIn = { sub: 'a', acr: '1', amr: ['pwd'] }
const memory = (store?: Store) => {
  const clock = turnableClock()
  return { store: store ?? memoryStore(clock), clock, log: createLog('error', 'json', () => {}) }
}
type Own = ReturnType<typeof memory>
const begin = (own: Own, previous?: Session, more: Partial<SignIn> = {}) =>
  Session.begin(own, systemRandom, { ...signIn, ...more }, lifetimes, previous)

describe('a repeated sign-in', () => {
  test('keeps the sid and the clients that joined since the session was read', async () => {
    const own = memory()
    const { session, cookie } = await begin(own)
    await Session.touch(own, session, lifetimes, 'joined')
    const again = await begin(own, session)
    expect([again.session.sid, again.session.clients]).toEqual([session.sid, ['joined']])
    expect((await Session.find(own, session.sid))?.clients).toEqual(['joined'])
    expect(await Session.ofCookie(own, cookie)).toBeUndefined()
    expect((await Session.ofCookie(own, again.cookie))?.sid).toBe(session.sid)
  })

  test.each([{}, { authenticated_at: 1 }])('after the end has another sid (%j)', async (more) => {
    const own = memory()
    const { session } = await begin(own)
    await Session.touch(own, session, lifetimes, 'told')
    await Session.end(own, session.sid)
    const again = await begin(own, session, more)
    expect(again.session.sid).not.toBe(session.sid)
    expect(again.session.clients).toEqual([])
    expect(await Session.find(own, session.sid)).toBeUndefined()
    expect((await Session.listOfUser(own, 'a')).map(({ sid }) => sid)).toEqual([again.session.sid])
  })

  test('after the session has expired has another sid', async () => {
    const own = memory()
    const { session } = await begin(own)
    own.clock.advance(lifetimes.idle * 1000 + 1)
    expect((await begin(own, session)).session.sid).not.toBe(session.sid)
  })
})

describe.each(sharedStores)('two instances on one %s', (_, open) => {
  let instances: Instances
  beforeAll(async () => void (instances = await open()), 60_000)
  afterAll(() => instances.stop())

  test('of an end, sign-ins and clients at once: an ended sid stays ended, and no client is forgotten', async () => {
    const [one, other] = (await instances.pair()).map(({ context }) => context) as [
      Provider['context'],
      Provider['context'],
    ]
    for (let round = 0; round < 20; round++) {
      const { session } = await Session.begin(one, systemRandom, signIn, lifetimes)
      const [ended] = await Promise.all([
        round % 2 ? Session.end(other, session.sid) : undefined,
        ...Array.from({ length: 4 }, () => Session.begin(one, systemRandom, signIn, lifetimes, session)),
        ...['x', 'y', 'z'].map((client) => Session.touch(other, session, lifetimes, client)),
      ])
      const now = await Session.find(one, session.sid)
      if (ended) expect(now).toBeUndefined()
      else expect(now?.clients.toSorted()).toEqual(['x', 'y', 'z'])
    }
  })
})

test('a browser that signs in again while its session is signed out elsewhere gets another sid', async () => {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const op = await provider({ clock, store })
  const who = browser(op)
  const sidIn = async (tokens: { id_token: unknown }) => claimsOf(tokens.id_token).sid
  const first = await sidIn(await tokensOf(op, who))
  const login = (await who.open(authorizationUrl(op.issuer, demo, { prompt: 'login' }).url)).page!
  // The end comes between the read of the cookie's session and the write of the new one.
  const replace = store.replace.bind(store)
  let ended = false
  store.replace = async (key, ...rest) => {
    if (key === `session:${String(first)}` && !ended) {
      ended = true
      await Session.end(op.context, String(first))
    }
    return replace(key, ...rest)
  }
  await who.press(login, 'login', alice)
  expect(ended).toBe(true)
  expect(await Session.find(op.context, String(first))).toBeUndefined()
  const [now] = await Session.listOfUser(op.context, 'user-alice')
  expect(now?.sid).toBeString()
  expect(now?.sid).not.toBe(String(first))
})

describe('the index of the grants of a session', () => {
  const members = async (op: Provider) => {
    const [session] = await Session.listOfUser(op.context, 'user-alice')
    return (await op.context.store.range(`session_grants:${session!.sid}`, { limit: 10_000 })).length
  }
  const renew = async (op: Provider, who: ReturnType<typeof browser>, client = demo) => {
    const { url, code_verifier } = authorizationUrl(op.issuer, client, { prompt: 'none', scope: 'openid' })
    const code = (await who.open(url)).location!.searchParams.get('code')!
    return { code, code_verifier }
  }

  test('holds those that live, after many silent renewals whose codes are not redeemed', async () => {
    const { op, alice: who } = await stage()
    for (let i = 0; i < 300; i++) {
      op.clock.advance(60_000)
      await renew(op, who)
    }
    expect(await members(op)).toBeLessThan(10)
  })

  test('and after those of a client without refresh tokens', async () => {
    const op = await provider()
    const who = browser(op)
    const spa = await operatorClient(op, {
      client_id: 'spa',
      grant_types: ['authorization_code'],
      scope: 'openid',
    })
    await tokensOf(op, who, spa, { scope: 'openid' })
    for (let i = 0; i < 100; i++) {
      op.clock.advance(300_000)
      expect((await redeem(op, spa, await renew(op, who, spa))).status).toBe(200)
    }
    expect(await members(op)).toBeLessThan(20)
  })

  test('keeps a redeemed grant for as long as its tokens: the sign-out ends them', async () => {
    const { op, alice: who } = await stage()
    const { body } = await redeem(op, demo, await renew(op, who))
    for (let i = 0; i < 20; i++) {
      op.clock.advance(600_000)
      await renew(op, who)
    }
    const [session] = await Session.listOfUser(op.context, 'user-alice')
    await endSession(session!.sid, op.context)
    expect((await refresh(op, demo, String(body.refresh_token))).status).toBe(400)
  })
})
