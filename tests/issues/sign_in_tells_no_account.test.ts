/**
 * Issue 8, A.18: a sign-in with the name of an account cost one round trip more than with an unknown one, and the count of
 * tries told that a name and an address are of one account.
 */
import { describe, expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import { forgetAccountTries } from '../../src/people/password.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { type Cost, countingStore } from '../support/counting_store.ts'
import { alice, person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

async function attempt(op: Provider, username: string, password: string, before = async () => {}) {
  const browser = person(op.issuer, op.fetch)
  const { page } = await browser.open('/login')
  await before()
  return (await browser.press(page!, 'login', { username, password })).page!
}

async function accounts(op: Provider): Promise<void> {
  const { context } = op
  await User.update(context, 'user-bob', (user) => ({ ...user, disabled: true }))
  for (const [sub, username, claims] of [
    ['none', 'nopassword', {}],
    ['addressed', 'first@named.example', {}],
    ['two', 'two@named.example', { email: 'two@proven.example', email_verified: true }],
    ['wide', 'wide', { email: 'ﬁ@wide.example', email_verified: true }],
  ] as const)
    expect(await User.create(context, { sub, username, claims, created_at: 1, updated_at: 1 })).toBe(true)
}

const groups = {
  names: [
    'alice',
    'ALICE',
    'bob',
    'nopassword',
    'wide',
    'nobody',
    'Nobody at all',
    'ünknown',
    'x'.repeat(500),
  ],
  addresses: [
    'alice@example.com',
    'first@named.example',
    'two@named.example',
    'two@proven.example',
    'nobody@example.com',
    'fi@wide.example',
  ],
  'addresses in full width': ['ａｌｉｃｅ@example.com', 'ﬁ@wide.example', 'ｎobody@example.com'],
}

describe('a refused sign-in waits for the store as often, whether there is an account or not', () => {
  for (const [what, logins] of Object.entries(groups))
    test(what, async () => {
      const clock = turnableClock()
      const counted = countingStore(memoryStore(clock))
      const op = await provider({ store: counted.store, clock })
      await accounts(op)
      const costs: Cost[] = []
      for (const login of logins) {
        const page = await attempt(op, login, 'wrong password', async () => void counted.take())
        expect(page.status).toBe(401)
        costs.push(counted.take())
      }
      expect(costs).toEqual(costs.map(() => costs[0]!))
    })
})

describe('the count of tries', () => {
  const env = { SIGN_IN_ATTEMPTS_PER_ACCOUNT: '2' }

  test.each([
    ['alice', 'alice@example.com'],
    ['alice@example.com', 'alice'],
  ])('of %j says nothing of %j', async (one, other) => {
    const op = await provider({ env })
    const statuses = async (login: string) => {
      const said = []
      for (let i = 0; i < 3; i++) said.push((await attempt(op, login, 'wrong password')).status)
      return said
    }
    expect(await statuses(one)).toEqual([401, 401, 429])
    expect(await statuses(other)).toEqual([401, 401, 429])
    expect(await statuses('bob@example.com')).toEqual([401, 401, 429])
  })

  test('does not start anew for the address when its owner signs in by name', async () => {
    const op = await provider({ env })
    for (let i = 0; i < 3; i++) await attempt(op, 'alice@example.com', 'wrong password')
    expect(new URL((await attempt(op, 'alice', alice.password)).url).pathname).toBe('/account')
    expect((await attempt(op, 'alice@example.com', 'wrong password')).status).toBe(429)
  })

  test('is one for all spellings of a name, and of an address', async () => {
    const op = await provider({ env })
    for (const logins of [
      ['alice', 'ALICE', 'ａlice'],
      ['alice@example.com', 'Alice@EXAMPLE.com', 'ａlice＠example.com'],
    ]) {
      const said = []
      for (const login of logins) said.push((await attempt(op, login, 'wrong password')).status)
      expect(said).toEqual([401, 401, 429])
    }
  })

  test('is forgotten for both when the owner has chosen another password', async () => {
    const op = await provider({ env })
    for (const login of ['alice', 'alice@example.com'])
      for (let i = 0; i < 3; i++) await attempt(op, login, 'wrong password')
    await forgetAccountTries((await User.find(op.context, 'user-alice'))!, op.context)
    for (const login of ['alice', 'alice@example.com'])
      expect(new URL((await attempt(op, login, alice.password)).url).pathname).toBe('/account')
  })
})
