/** Records about End-Users: verified addresses, single-use secrets, events, queued mails. */
import { beforeEach, describe, expect, test } from 'bun:test'
import { createLog } from '../../../src/lib/log.ts'
import { systemRandom } from '../../../src/lib/random.ts'
import { type Birth, neverLost } from '../../../src/models/birth.ts'
import type { Memory } from '../../../src/models/define_record.ts'
import { Event } from '../../../src/models/event.ts'
import { OneTime } from '../../../src/models/one_time.ts'
import { mailQueue, Outbox, outboxIndex } from '../../../src/models/outbox.ts'
import { canonicalEmail, type NewUser, User } from '../../../src/models/user.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import { turnableClock } from '../../support/provider.ts'

const clock = turnableClock()
let memory: Memory & { birth: Birth }
beforeEach(() => {
  memory = { store: memoryStore(clock), clock, log: createLog('error', 'json', () => {}), birth: neverLost }
})

const user = (sub: string, claims: Record<string, unknown> = {}): NewUser => ({
  sub,
  username: sub,
  claims,
  created_at: 1,
  updated_at: 1,
})
const proven = (email: string) => ({ email, email_verified: true })

describe('an address', () => {
  test.each([
    ['alice@example.com', ' Alice@EXAMPLE.com'],
    ['alice@example.com', 'al\u200bice@example.com'],
    ['alice@example.com', 'alice@ｅｘａｍｐｌｅ.com'],
    ['a@xn--mnchen-3ya.de', 'a@münchen.de'],
    ['a@xn--mnchen-3ya.de', 'a@mu\u0308nchen.de'],
  ])('%j is the same as %j', (a, b) => expect(canonicalEmail(b)).toBe(canonicalEmail(a)))

  test('finds its account in any spelling when it is verified, and none when it is not', async () => {
    await User.create(memory, user('a', proven('Alice@example.com')))
    await User.create(memory, user('b', { email: 'bob@example.com', email_verified: false }))
    expect((await User.findByEmail(memory, 'alice@EXAMPLE.com'))?.sub).toBe('a')
    expect((await User.findByLogin(memory, 'alice@example.com'))?.sub).toBe('a')
    expect(await User.findByEmail(memory, 'bob@example.com')).toBeUndefined()
  })

  test('that is verified belongs to one account, also when several claim it at once', async () => {
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, i) => User.create(memory, user(`s${i}`, proven('same@example.com')))),
    )
    expect(made.filter(Boolean)).toHaveLength(1)
    expect(await User.list(memory)).toHaveLength(1)
    expect((await User.findByEmail(memory, 'same@example.com'))!.sub).toBe(`s${made.indexOf(true)}`)
    // A creation that failed leaves no username either.
    expect(await User.findByUsername(memory, `s${(made.indexOf(true) + 1) % 20}`)).toBeUndefined()
  })

  test('that an interrupted change has claimed is free after a minute, for one account', async () => {
    await User.create(memory, user('a', proven('one@example.com')))
    for (const sub of ['b', 'c']) await User.create(memory, user(sub))
    const { store } = memory
    const take = store.take.bind(store)
    store.take = (key) => (key.startsWith('user_email:') ? Promise.reject(new Error('gone')) : take(key))
    await expect(User.proveEmail(memory, 'a', 'two@example.com')).rejects.toThrow('gone')
    store.take = take
    expect(await User.proveEmail(memory, 'b', 'one@example.com')).toBe(false)
    clock.advance(61_000)
    const claims = ['b', 'c', 'a', 'b', 'c'].map((sub) => User.proveEmail(memory, sub, 'one@example.com'))
    const won = (await Promise.all(claims)).flatMap((yes, i) => (yes ? ['b', 'c', 'a', 'b', 'c'][i]! : []))
    expect(new Set(won).size).toBe(1)
    expect((await User.findByEmail(memory, 'one@example.com'))?.sub).toBe(won[0]!)
  })

  test('that an account no longer has is free, and one that an account has verified is not', async () => {
    await User.create(memory, user('a', proven('one@example.com')))
    await User.create(memory, user('b', { email: 'one@example.com', email_verified: false }))
    expect(await User.proveEmail(memory, 'b', 'ONE@example.com')).toBe(false)
    expect(await User.proveEmail(memory, 'a', 'two@example.com')).toBe(true)
    expect(await User.findByEmail(memory, 'one@example.com')).toBeUndefined()
    expect(await User.proveEmail(memory, 'b', 'one@example.com')).toBe(true)
    expect((await User.findByEmail(memory, 'one@example.com'))?.sub).toBe('b')
    expect(await User.proveEmail(memory, 'nobody', 'three@example.com')).toBe(false)
    expect(await User.create(memory, user('c', proven('three@example.com')))).toBe(true)
  })

  test('is deleted with its account, and so is the username', async () => {
    await User.create(memory, user('a', proven('a@example.com')))
    await User.remove(memory, (await User.find(memory, 'a'))!)
    expect(await User.list(memory)).toEqual([])
    expect(await User.create(memory, { ...user('b', proven('a@example.com')), username: 'a' })).toBe(true)
  })
})

describe('a one-time secret', () => {
  test('is spent once, also by concurrent callers', async () => {
    const secret = await OneTime.issue(memory, systemRandom, 'reset', { sub: 'a' }, 60)
    expect(await OneTime.peek(memory, 'reset', secret)).toEqual({ sub: 'a' })
    const taken = await Promise.all(Array.from({ length: 20 }, () => OneTime.take(memory, 'reset', secret)))
    expect(taken.filter(Boolean)).toEqual([{ sub: 'a' }])
    expect(await OneTime.peek(memory, 'reset', secret)).toBeUndefined()
  })

  test('is unknown to other purposes, and after its expiry', async () => {
    const secret = await OneTime.issue(memory, systemRandom, 'reset', { sub: 'a' }, 60)
    expect(await OneTime.take(memory, 'verify', secret)).toBeUndefined()
    clock.advance(60_000)
    expect(await OneTime.take(memory, 'reset', secret)).toBeUndefined()
  })
})

test('events are listed newest first, and end when they are old or the account is erased', async () => {
  for (const kind of ['one', 'two', 'three']) {
    await Event.add(memory, systemRandom, { sub: 'a', kind })
    clock.advance(1_000)
  }
  await Event.add(memory, systemRandom, { sub: 'b', kind: 'other' })
  expect((await Event.listOfUser(memory, 'a')).map(({ kind }) => kind)).toEqual(['three', 'two', 'one'])
  expect(await Event.listOfUser(memory, 'a', 1)).toMatchObject([{ kind: 'three' }])
  await Event.forgetUser(memory, 'a')
  expect(await Event.listOfUser(memory, 'a')).toEqual([])
  clock.advance(401 * 86_400_000)
  expect(await Event.listOfUser(memory, 'b')).toEqual([])
})

test('a queued mail is sealed, and opens with its own key and id alone', async () => {
  const [key, other] = [crypto.getRandomValues(new Uint8Array(32)), new Uint8Array(32)]
  const letter = { to: 'a@example.com', subject: 'Hello', text: 'link', html: '<p>link</p>' }
  const id = await Outbox.add(memory, systemRandom, key, letter)
  const record = (await mailQueue.find(memory, id))!
  expect(JSON.stringify(record)).not.toContain('example.com')
  expect(Outbox.open(key, id, record)).toEqual(letter)
  expect(Outbox.open(other, id, record)).toBeUndefined()
  expect(Outbox.open(key, 'another', record)).toBeUndefined()
  expect(await memory.store.range(outboxIndex)).toMatchObject([{ member: id }])
})
