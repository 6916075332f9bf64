/** Issue 8, A.20: `alıce` and `alİce` could stand beside `alice`. https://www.unicode.org/reports/tr39/#Confusable_Detection */
import { describe, expect, test } from 'bun:test'
import { isPlainName, isUsername } from '../../src/lib/plain_name.ts'
import { sha256 } from '../../src/lib/hash.ts'
import { createLog } from '../../src/lib/log.ts'
import type { Memory } from '../../src/models/define_record.ts'
import { names } from '../../src/models/names.ts'
import { canonicalUsername, type NewUser, User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { turnableClock } from '../support/provider.ts'

const clock = turnableClock()
const fresh = (): Memory => ({ store: memoryStore(clock), clock, log: createLog('error', 'json', () => {}) })
const account = (username: string): NewUser => ({
  sub: `sub-${username}`,
  username,
  claims: {},
  created_at: 1,
  updated_at: 1,
})

const pairs = [
  ['alice', 'alıce'],
  ['alice', 'alİce'],
  ['alice', 'ALİCE'],
  ['alice', 'ali\u0307ce'],
  ['alice', 'aIice'],
  ['alice', 'ɑlice'],
  ['alice', 'аlісе'],
  ['alice', 'ａｌıｃｅ'],
  ['alice', 'al\u200dıce'],
  ['TOM', 'ТОМ'],
  ['coco', 'сосо'],
  ['bob', 'bօb'],
  ['strasse', 'straße'],
  ['strasse', 'STRAẞE'],
  ['kelvin', '\u212aelvin'],
  ['sam', 'ſam'],
  ['ilker', 'İlker'],
] as const

describe.each(pairs)('%j and %j', (one, other) => {
  for (const [first, second] of [
    [one, other],
    [other, one],
  ] as const)
    test(`when ${JSON.stringify(first)} is there, the other is taken`, async () => {
      const memory = fresh()
      expect(await User.create(memory, account(first))).toBe(true)
      expect(await User.areNamesFree(memory, account(second))).toBe(false)
      expect(await User.create(memory, account(second))).toBe(false)
      expect(await User.find(memory, `sub-${second}`)).toBeUndefined()
      expect((await User.findByUsername(memory, first))?.username).toBe(first)
      await User.remove(memory, (await User.findByUsername(memory, first))!)
      expect(await User.create(memory, account(second))).toBe(true)
    })
})

test.each([
  ['élise', 'elise'],
  ['jörg', 'jorg'],
  ['user1', 'userl'],
  ['нова', 'nova'],
  ['łukasz', 'lukasz'],
  ['山田', '田山'],
])('%j and %j are told apart', async (one, other) => {
  const memory = fresh()
  expect(await User.create(memory, account(one))).toBe(true)
  expect(await User.create(memory, account(other))).toBe(true)
})

test('of many that look alike, created at once, at most one is there', async () => {
  const memory = fresh()
  const made = await Promise.all(
    ['alice', 'alıce', 'alİce', 'aIice', 'аlісе'].map((name) => User.create(memory, account(name))),
  )
  expect(made.filter(Boolean).length).toBeLessThanOrEqual(1)
  expect(await User.list(memory)).toHaveLength(made.filter(Boolean).length)
})

test('accounts that stood beside each other before stay as they are: each is found and removed alone', async () => {
  const memory = fresh()
  await User.create(memory, account('alice'))
  // As an older release stored it.
  const { store } = memory
  await store.put('user:old', JSON.stringify({ ...account('alıce'), sub: 'old', roles: [] }))
  await names.put(memory, sha256(canonicalUsername('alıce')), { sub: 'old' })
  expect((await User.findByLogin(memory, 'alıce'))?.sub).toBe('old')
  expect((await User.findByLogin(memory, 'alice'))?.sub).toBe('sub-alice')
  await User.remove(memory, (await User.find(memory, 'old'))!)
  expect((await User.findByLogin(memory, 'alice'))?.sub).toBe('sub-alice')
})

test('a name is of one alphabet, among all whose letters look alike', () => {
  for (const name of ['bօb', 'Ꭺlice', 'ⲁlice', 'ꓐob', 'аlice', 'αlice']) expect(isPlainName(name)).toBe(false)
  for (const name of ['алиса', 'Ալիսա', 'αλίκη', '山田taro', 'o’hara', 'jean-luc'])
    expect(isUsername(name)).toBe(true)
})
