/** What examples/web_app remembers is bounded in number and time, and what back-channel logout ended does not begin again. */
import { afterEach, describe, expect, setSystemTime, test } from 'bun:test'
import { type Pending, remember, take } from '../../examples/web_app/pending.ts'
import { begin, endAll, endedMeanwhile, hasCsrf, sessionOf } from '../../examples/web_app/sessions.ts'

afterEach(() => {
  setSystemTime()
})

const minutes = 60_000
const start = Date.now()
const at = (ms: number) => setSystemTime(new Date(start + ms))

/** A browser, of which the application sees cookies alone. */
const browser = () => ({ cookies: new Bun.CookieMap() }) as unknown as Bun.BunRequest
const person = (sub: string, sid?: string) => ({
  sub,
  sid,
  name: sub,
  email: undefined,
  idToken: '',
  refreshToken: undefined,
  exchanges: new Map(),
})
const pending = (): Pending => ({
  pkceCodeVerifier: '',
  expectedNonce: '',
  maxAge: undefined,
  acrValues: undefined,
  returnTo: '',
  startedAt: Date.now(),
  exchanges: new Map(),
})

describe('sessions', () => {
  test('one that is not used ends after half an hour, and each after eight hours', () => {
    const [idle, busy] = [browser(), browser()]
    begin(idle, person('idle'))
    begin(busy, person('busy'))
    at(29 * minutes)
    expect(sessionOf(busy)?.sub).toBe('busy')
    at(31 * minutes)
    expect(sessionOf(idle)).toBeUndefined()
    at(10 * minutes)
    expect(sessionOf(idle)).toBeUndefined() // it does not come back with a clock that is set back
    for (let minute = 31; minute <= 8 * 60; minute += 20) {
      at(minute * minutes)
      expect(sessionOf(busy)?.sub).toBe('busy')
    }
    at(8 * 60 * minutes + 1_000)
    expect(sessionOf(busy)).toBeUndefined()
  })

  test('there are at most ten thousand: the oldest goes first', () => {
    const [first, second] = [browser(), browser()]
    begin(first, person('first'))
    begin(second, person('second'))
    for (let count = 0; count < 9_999; count++) begin(browser(), person('other'))
    expect(sessionOf(first)).toBeUndefined()
    expect(sessionOf(second)?.sub).toBe('second')
  })

  test('the value for the header is that of the session, exactly', () => {
    const session = begin(browser(), person('alice'))
    expect(hasCsrf(session, session.csrf)).toBe(true)
    const other = begin(browser(), person('bob')).csrf
    for (const sent of [
      other,
      '',
      null,
      `${session.csrf}x`,
      session.csrf.slice(1),
      session.csrf.toLowerCase(),
    ])
      expect(hasCsrf(session, sent)).toBe(false)
  })
})

describe('sign-ins on their way', () => {
  test('each is good once, in its browser, for ten minutes', () => {
    const [own, other] = [browser(), browser()]
    remember(own, 'one', pending())
    remember(own, 'two', pending())
    remember(own, 'late', pending())
    remember(other, 'of another', pending())
    expect(take(other, 'one')).toBeUndefined()
    expect(take(browser(), 'one')).toBeUndefined()
    for (const state of ['', null, '__proto__', 'of another']) expect(take(own, state)).toBeUndefined()
    expect(take(own, 'two')).toBeDefined()
    expect(take(own, 'one')).toBeDefined()
    expect(take(own, 'one')).toBeUndefined()
    at(10 * minutes + 1_000)
    expect(take(own, 'late')).toBeUndefined()
  })

  test('a flood of them ends no session, and the last ones stay', () => {
    const alice = browser()
    begin(alice, person('alice'))
    const [flooded, last] = [browser(), browser()]
    remember(flooded, 'before the flood', pending())
    for (let count = 0; count < 10_000; count++) remember(browser(), `flood ${count}`, pending())
    remember(last, 'last', pending())
    expect(take(flooded, 'before the flood')).toBeUndefined()
    expect(take(last, 'last')).toBeDefined()
    expect(sessionOf(alice)?.sub).toBe('alice')
  })
})

describe('what back-channel logout ended', () => {
  test('a session at the provider, or all of a person, and no other', () => {
    const [here, there, other] = [browser(), browser(), browser()]
    begin(here, person('carol', 'sid-1'))
    begin(there, person('carol', 'sid-2'))
    begin(other, person('dave', 'sid-3'))
    endAll({ sid: 'sid-1', sub: 'carol' })
    expect([here, there, other].map((each) => sessionOf(each)?.sid)).toEqual([undefined, 'sid-2', 'sid-3'])
    endAll({ sid: undefined, sub: 'carol' })
    expect([there, other].map((each) => sessionOf(each)?.sid)).toEqual([undefined, 'sid-3'])
  })

  test('a sign-in that was under way at that moment begins no session; one after it does', () => {
    at(0)
    endAll({ sid: 'sid-4', sub: undefined })
    endAll({ sid: undefined, sub: 'erin' })
    expect(endedMeanwhile({ sid: 'sid-4', sub: 'frank' }, start - 1_000)).toBe(true)
    expect(endedMeanwhile({ sid: 'sid-5', sub: 'frank' }, start - 1_000)).toBe(false)
    expect(endedMeanwhile({ sid: 'sid-6', sub: 'erin' }, start - 1_000)).toBe(true)
    expect(endedMeanwhile({ sid: 'sid-6', sub: 'erin' }, start + 1_000)).toBe(false)
  })
})
