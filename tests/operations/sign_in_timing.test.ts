/** Who exists here? A stopwatch does not tell: a thousand sign-ins of each kind. OWASP ASVS 5.0 V6.3.8 */
import { beforeAll, expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import { type Page, type Person, person } from '../support/person.ts'
import { provider } from '../support/provider.ts'
import { compareTimes } from '../support/effort.ts'

let browser: Person
let page: Page
beforeAll(async () => {
  const op = await provider({
    env: {
      LOG_LEVEL: 'silent',
      SIGN_IN_ATTEMPTS_PER_ACCOUNT: '100000',
      SIGN_IN_ATTEMPTS_PER_ADDRESS: '100000',
    },
  })
  browser = person(op.issuer, op.fetch)
  page = (await browser.open('/login')).page!
  const now = { created_at: 0, updated_at: 0, claims: {} }
  await User.create(op.context, { ...now, sub: 'carol', username: 'carol', disabled: false }) // has no password
  const { password_hash } = (await User.find(op.context, 'user-alice'))!
  await User.create(op.context, { ...now, sub: 'dave', username: 'dave', disabled: true, password_hash })
})

const kinds = {
  known: ['alice', 'wrong'],
  unknown: ['nobody', 'wrong'],
  'known by address': ['alice@example.com', 'wrong'],
  'unknown by address': ['nobody@example.com', 'wrong'],
  passwordless: ['carol', 'wrong'],
  disabled: ['dave', 'alicepassword'],
  long: ['alice', 'x'.repeat(2000)],
} as const
type Kind = keyof typeof kinds

const time = async ([username, password]: readonly [string, string]) => {
  const started = performance.now()
  const { status } = (await browser.press(page, 'login', { username, password })).page!
  expect(status).toBe(401)
  return performance.now() - started
}

/** `unknown` is what an attacker asks for: it gets the most samples and the least tolerance. */
const rounds = [
  { names: ['known', 'unknown'], samples: 1_000, tolerance: 1.15 },
  {
    names: ['known', 'known by address', 'unknown by address', 'passwordless', 'disabled', 'long'],
    samples: 100,
    tolerance: 1.5,
  },
] as const

test.each(rounds)(
  'of an unknown person, a wrong password, a disabled account and none at all are alike: $names',
  async ({ names, samples, tolerance }) => {
    const ratios = (medians: Record<string, number>) => names.map((name) => medians[name]! / medians.known!)
    const alike = (medians: Record<string, number>) =>
      ratios(medians).every((ratio) => ratio > 1 / tolerance && ratio < tolerance)
    const medians = await compareTimes({
      kinds: Object.fromEntries(names.map((name: Kind) => [name, () => time(kinds[name])])),
      samples,
      alike,
    })
    expect([medians, alike(medians)]).toEqual([medians, true])
  },
  900_000,
)
