/** Records: their keys, when they count as absent, and races. docs/architecture.md, "Store" */
import { beforeEach, describe, expect, test } from 'bun:test'
import * as v from 'valibot'
import { createLog } from '../../../src/lib/log.ts'
import { systemRandom } from '../../../src/lib/random.ts'
import { Consent } from '../../../src/models/consent.ts'
import { defineRecord, type Memory } from '../../../src/models/define_record.ts'
import { Grant } from '../../../src/models/grant.ts'
import { Interaction } from '../../../src/models/interaction.ts'
import { lastGeneration, readRefreshHandle, refreshHandle } from '../../../src/models/refresh_token.ts'
import { Session } from '../../../src/models/session.ts'
import { canonicalUsername, type NewUser, User } from '../../../src/models/user.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import { sizedStore } from '../../support/odd_stores.ts'
import { type TurnableClock, turnableClock } from '../../support/provider.ts'

let memory: Memory & { clock: TurnableClock }
let lines: string[]
let keys: () => string[]

beforeEach(() => {
  const clock = turnableClock(1_000_000_000_000)
  const counting = sizedStore(memoryStore(clock))
  lines = []
  keys = counting.keys
  memory = { store: counting.store, clock, log: createLog('debug', 'text', (line) => lines.push(line)) }
})
const now = () => memory.clock.now() / 1000

describe('a kind of record', () => {
  const things = defineRecord('thing', v.object({ n: v.number(), exp: v.optional(v.number()) }))

  test('is written, found, taken once', async () => {
    await things.put(memory, 'a', { n: 1 })
    expect(await memory.store.get('thing:a')).toBe('{"n":1}')
    expect(await things.find(memory, 'a')).toEqual({ n: 1 })
    const taken = await Promise.all(Array.from({ length: 10 }, () => things.take(memory, 'a')))
    expect(taken.filter(Boolean)).toEqual([{ n: 1 }])
    expect(await things.find(memory, 'a')).toBeUndefined()
  })

  test('is created by one of many callers', async () => {
    const made = await Promise.all(Array.from({ length: 10 }, (_, n) => things.create(memory, 'a', { n })))
    expect(made.filter(Boolean)).toHaveLength(1)
    expect(await things.find(memory, 'a')).toEqual({ n: made.indexOf(true) })
  })

  test('is absent from its exp on, even while the store still has it', async () => {
    await things.put(memory, 'a', { n: 1, exp: now() + 10 })
    memory.clock.advance(9_999)
    expect(await things.find(memory, 'a')).toBeDefined()
    memory.clock.advance(1)
    expect(await memory.store.get('thing:a')).toBeDefined()
    expect(await things.find(memory, 'a')).toBeUndefined()
    expect(await things.load(memory, 'a')).toBeUndefined()
    expect(await things.update(memory, 'a', (each) => each)).toBeUndefined()
    expect(await things.take(memory, 'a')).toBeUndefined()
  })

  test('leaves the store soon after its exp', async () => {
    await things.put(memory, 'a', { n: 1, exp: now() + 10 })
    memory.clock.advance(13_000)
    expect(await memory.store.get('thing:a')).toBeUndefined()
  })

  test.each(['not json', '{"n":"text"}', '[]', 'null', '{}', ''])(
    '%j does not parse: absent, and one line in the log',
    async (raw) => {
      await memory.store.put('thing:a', raw)
      expect(await things.find(memory, 'a')).toBeUndefined()
      expect(lines).toHaveLength(1)
      expect(lines[0]).toContain('record_unreadable')
    },
  )

  test('counts every change of a race', async () => {
    await things.put(memory, 'a', { n: 0 })
    await Promise.all(Array.from({ length: 50 }, () => things.update(memory, 'a', ({ n }) => ({ n: n + 1 }))))
    expect(await things.find(memory, 'a')).toEqual({ n: 50 })
  })

  test('is not changed when the change returns undefined, or when it is absent', async () => {
    await things.put(memory, 'a', { n: 1 })
    expect(await things.update(memory, 'a', () => undefined)).toBeUndefined()
    expect(await things.update(memory, 'b', () => ({ n: 2 }))).toBeUndefined()
    expect(await things.find(memory, 'b')).toBeUndefined()
  })

  test('is changed from the loaded record, and read again when that is outdated', async () => {
    await things.put(memory, 'a', { n: 1 })
    const loaded = await things.load(memory, 'a')
    await things.put(memory, 'a', { n: 10 })
    expect(await things.update(memory, 'a', ({ n }) => ({ n: n + 1 }), loaded)).toEqual({ n: 11 })
  })
})

describe('a user', () => {
  const user = (username: string, sub = `user-${username}`): NewUser => ({
    sub,
    username,
    disabled: false,
    claims: {},
    created_at: 1,
    updated_at: 1,
  })

  test.each([
    ['alice', 'ALICE'],
    ['alice', ' alice\t'],
    ['alice', 'al\u200bice'],
    ['alice', 'al\u00adice\ufeff'],
    ['alice', 'ａｌｉｃｅ'],
    ['office', 'oﬃce'],
    ['münchen', 'mu\u0308nchen'],
    ['alice', '\u202ealice'],
  ])('%j is the same name as %j', (a, b) => expect(canonicalUsername(b)).toBe(canonicalUsername(a)))

  test('canonical names stay as they are', () => {
    for (const name of ['ALICE', 'oﬃce', 'İstanbul', 'ΑΣ', 'ẞ', '\u1e9e\u0307', 'mu\u0308'])
      expect(canonicalUsername(canonicalUsername(name))).toBe(canonicalUsername(name))
    expect(canonicalUsername('alice')).not.toBe(canonicalUsername('alíce'))
  })

  test('is found by any spelling, and one username has one account', async () => {
    expect(await User.create(memory, user('Alice', 'a'))).toBe(true)
    expect((await User.findByUsername(memory, ' aLICE'))!.sub).toBe('a')
    expect(await User.create(memory, user('ALICE', 'b'))).toBe(false)
    expect(await User.find(memory, 'b')).toBeUndefined()
    expect((await User.findByUsername(memory, 'alice'))!.sub).toBe('a')
  })

  test('a username that many claim at once goes to one', async () => {
    const made = await Promise.all(
      Array.from({ length: 10 }, (_, i) => User.create(memory, user('x', `s${i}`))),
    )
    expect(made.filter(Boolean)).toHaveLength(1)
    expect(await User.list(memory)).toHaveLength(1)
    expect((await User.findByUsername(memory, 'x'))!.sub).toBe(`s${made.indexOf(true)}`)
  })

  test('has the time of its last change', async () => {
    await User.create(memory, user('alice', 'a'))
    await User.update(memory, 'a', (each) => ({ ...each, claims: { name: 'A' } }))
    expect(await User.find(memory, 'a')).toMatchObject({ claims: { name: 'A' }, updated_at: now() })
  })
})

describe('a session', () => {
  const lifetimes = { idle: 100, absolute: 1000 }
  const signIn = { sub: 'a', acr: 'x', amr: ['pwd'] }
  const begin = (previous?: Session, who = signIn) =>
    Session.begin(memory, systemRandom, who, lifetimes, previous)

  test('is found by its exact cookie alone', async () => {
    const { session, cookie } = await begin()
    expect((await Session.ofCookie(memory, cookie))!.sid).toBe(session.sid)
    for (const bad of [session.sid, `${cookie}x`, cookie.slice(0, -1), `${session.sid}${'A'.repeat(44)}`, ''])
      expect(await Session.ofCookie(memory, bad)).toBeUndefined()
    expect(await memory.store.get(`session:${session.sid}`)).not.toContain(cookie.slice(20))
  })

  test('of the same End-User keeps its sid and clients with a new secret', async () => {
    const first = await begin()
    await Session.touch(memory, first.session, lifetimes, 'client')
    const seen = (await Session.find(memory, first.session.sid))!
    const second = await begin(seen)
    expect(second.session.sid).toBe(first.session.sid)
    expect(second.session.clients).toEqual(['client'])
    expect(await Session.ofCookie(memory, first.cookie)).toBeUndefined()
    expect(await Session.ofCookie(memory, second.cookie)).toBeDefined()
  })

  test('of another End-User shares nothing', async () => {
    const first = await begin()
    const second = await begin(first.session, { ...signIn, sub: 'b' })
    expect(second.session.sid).not.toBe(first.session.sid)
    expect(second.session.clients).toEqual([])
  })

  test('ends at its idle end, and at its absolute end', async () => {
    const { session } = await begin()
    for (let i = 0; i < 11; i++) {
      memory.clock.advance(90_000)
      await Session.touch(memory, (await Session.find(memory, session.sid))!, lifetimes)
    }
    expect((await Session.find(memory, session.sid))!.exp).toBe(session.created_at + 1000)
    memory.clock.advance(10_000)
    expect(await Session.find(memory, session.sid)).toBeUndefined()
  })

  test('is listed for its End-User until it ends, and ended once', async () => {
    const [one, two] = [await begin(), await begin()]
    expect(await Session.listOfUser(memory, 'a')).toHaveLength(2)
    const ended = await Promise.all([1, 2, 3].map(() => Session.end(memory, one.session.sid)))
    expect(ended.filter(Boolean)).toHaveLength(1)
    expect((await Session.listOfUser(memory, 'a')).map(({ sid }) => sid)).toEqual([two.session.sid])
    memory.clock.advance(100_000)
    expect(await Session.listOfUser(memory, 'a')).toEqual([])
  })
})

describe('a refresh token', () => {
  const key = new Uint8Array(32).fill(7)
  const id = 'AbCdEfGhIjKlMnOpQrSt'

  test('names its grant and generation; equal input gives an equal token', () => {
    for (const generation of [0, 1, 63, 64, 4095, 4096, lastGeneration]) {
      const handle = refreshHandle(key, id, generation)
      expect(readRefreshHandle(key, handle)).toEqual({ grantId: id, generation })
      expect(refreshHandle(key, id, generation)).toBe(handle)
    }
    expect(refreshHandle(key, id, 0)).toMatch(/^lkr_[A-Za-z0-9_-]{67}$/)
  })

  test('cannot be forged or advanced without the key', () => {
    const handle = refreshHandle(key, id, 5)
    const at = (index: number, character: string) =>
      handle.slice(0, index) + character + handle.slice(index + 1)
    for (let index = 0; index < handle.length; index++)
      expect(readRefreshHandle(key, at(index, handle[index] === 'x' ? 'y' : 'x'))).toBeUndefined()
    expect(readRefreshHandle(new Uint8Array(32), handle)).toBeUndefined()
    for (const bad of ['', 'lkr_', `${handle}x`, handle.slice(0, -1), handle.replace('lkr_', 'lka_')])
      expect(readRefreshHandle(key, bad)).toBeUndefined()
  })
})

describe('an interaction', () => {
  const begin = async (browser: string) => {
    const what = { params: { client_id: 'c' } }
    const { handle, write } = await Interaction.draft(memory, systemRandom, browser, what, 600)
    await write()
    return handle
  }

  test('is found in its own browser alone, until it expires', async () => {
    const handle = await begin('mine')
    expect((await Interaction.find(memory, handle, 'mine'))!.params).toEqual({ client_id: 'c' })
    expect(await Interaction.find(memory, handle, 'theirs')).toBeUndefined()
    expect(await Interaction.find(memory, handle, undefined)).toBeUndefined()
    expect(keys().join()).not.toContain(handle)
    memory.clock.advance(600_000)
    expect(await Interaction.find(memory, handle, 'mine')).toBeUndefined()
  })
})

describe('consent', () => {
  test('covers what was agreed, adds up, and can be withdrawn', async () => {
    const extend = (scope: string[], claims: string[] = []) =>
      Consent.extend(memory, 'a', 'c', { scope, claims }, 1000)
    expect(Consent.covers(undefined, { scope: [], claims: [] })).toBe(false)
    await extend(['openid'])
    await extend(['email'], ['nickname'])
    const found = await Consent.find(memory, 'a', 'c')
    expect(Consent.covers(found, { scope: ['openid', 'email'], claims: ['nickname'] })).toBe(true)
    expect(Consent.covers(found, { scope: ['phone'], claims: [] })).toBe(false)
    expect(Consent.covers(found, { scope: ['openid'], claims: ['birthdate'] })).toBe(false)
    expect(await Consent.find(memory, 'a', 'other')).toBeUndefined()
    expect(await Consent.find(memory, 'b', 'c')).toBeUndefined()
    await Consent.withdraw(memory, 'a', 'c')
    expect(await Consent.find(memory, 'a', 'c')).toBeUndefined()
  })

  test('of one API or appearance is not that of another, and an older record is one without either', async () => {
    const extend = (more: object, scope = ['read']) =>
      Consent.extend(memory, 'a', 'c', { scope, claims: [], ...more }, 1000)
    const covers = async (more: object, scope = ['read']) =>
      Consent.covers(await Consent.find(memory, 'a', 'c'), { scope, claims: [], ...more })
    await extend({ resources: ['https://a', 'https://b'] })
    await extend({ resources: ['https://a'] }, ['write'])
    expect(await covers({})).toBe(false)
    expect(await covers({ resources: ['https://b', 'https://a'] })).toBe(true)
    expect(await covers({ resources: ['https://a'] }, ['write', 'read'])).toBe(true)
    expect(await covers({ resources: ['https://a', 'https://b'] }, ['write'])).toBe(false)
    expect(await covers({ resources: ['https://c'] })).toBe(false)
    await extend({ shown_as: 'one' })
    expect(await covers({ shown_as: 'one' })).toBe(true)
    expect(await covers({ shown_as: 'two' })).toBe(false)
    const now = Math.floor(memory.clock.now() / 1000)
    const older = { scope: ['openid'], claims: [], granted_at: now, exp: now + 9 }
    expect(Consent.covers(older, { scope: ['openid'], claims: [] })).toBe(true)
    expect(Consent.covers(older, { scope: ['openid'], claims: [], shown_as: 'one' })).toBe(false)
    for (let n = 0; n < 200; n++) await extend({ shown_as: `${n}` })
    const found = (await Consent.find(memory, 'a', 'c'))!
    expect(found.parts).toHaveLength(100)
  })

  test('of a client_id with a | is not that of another pair', async () => {
    await Consent.extend(memory, 'a', 'b|c', { scope: ['openid'], claims: [] }, 1000)
    expect(await Consent.find(memory, 'a|b', 'c')).toBeUndefined()
  })

  test('given in many tabs at once is kept completely', async () => {
    const scopes = Array.from({ length: 10 }, (_, i) => `s${i}`)
    await Promise.all(
      scopes.map((scope) => Consent.extend(memory, 'a', 'c', { scope: [scope], claims: [] }, 1000)),
    )
    expect((await Consent.find(memory, 'a', 'c'))!.scope.sort()).toEqual(scopes)
  })
})

describe('a grant', () => {
  const make = async (grant_id: string, more: Partial<Grant> = {}) => {
    const grant: Grant = {
      grant_id,
      client_id: 'c',
      sub: 'a',
      username: 'a',
      scope: ['openid'],
      authentication: { auth_time: 1, acr: 'x', amr: ['pwd'], sid: 's' },
      session_bound: true,
      exp: now() + 1000,
      ...more,
    }
    await Grant.create(memory, grant, 1000)
    return grant
  }
  const alive = async (...ids: string[]) =>
    (await Promise.all(ids.map((id) => Grant.find(memory, id)))).map(Boolean)

  test('ends once, and again without harm', async () => {
    await make('g')
    await Grant.end(memory, 'g')
    await Grant.end(memory, 'g')
    expect(await alive('g')).toEqual([false])
    expect(await Grant.listOfUser(memory, 'a')).toEqual([])
  })

  test('ends with its session when it is bound to it, not with another', async () => {
    await make('bound')
    await make('offline', { session_bound: false })
    await make('elsewhere', { authentication: { auth_time: 1, acr: 'x', amr: [], sid: 't' } })
    await Grant.endOfSession(memory, 's')
    expect(await alive('bound', 'elsewhere')).toEqual([false, true])
  })

  test('ends with all grants of an End-User, or of one client', async () => {
    await make('one')
    await make('two', { client_id: 'd' })
    await make('other', { sub: 'b' })
    await Grant.endOfUser(memory, 'a', 'd')
    expect(await alive('one', 'two', 'other')).toEqual([true, false, true])
    await Grant.endOfUser(memory, 'a')
    expect(await alive('one', 'two', 'other')).toEqual([false, false, true])
  })

  test('ends with all grants of an End-User, however many there are', async () => {
    const ids = Array.from({ length: 1203 }, (_, i) => `g${i}`)
    await Promise.all(ids.map((id, i) => make(id, { client_id: i % 2 ? 'c' : 'd' })))
    await Grant.endOfUser(memory, 'a', 'd')
    expect((await alive(...ids)).filter(Boolean)).toHaveLength(601)
    await Grant.endOfUser(memory, 'a')
    expect((await alive(...ids)).some(Boolean)).toBe(false)
  })
})
