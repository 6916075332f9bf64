/** Who exists here? A stopwatch does not tell: a thousand sign-ins of each kind, with the machine to themselves. OWASP ASVS 5.0 V6.3.8 */
import { beforeAll, expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import { type Page, type Person, person } from '../support/person.ts'
import { provider } from '../support/provider.ts'

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

const median = (times: number[]) => times.toSorted((a, b) => a - b)[times.length >> 1]!

/** Of the two that matter most every time; of the others one in ten. */
const samples = 1_000
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

test('of an unknown person, a wrong password, a disabled account and none at all are alike', async () => {
  const times = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []])) as unknown as Record<
    Kind,
    number[]
  >
  for (let i = 0; i < samples; i++)
    for (const kind of Object.keys(kinds) as Kind[])
      if (i % 10 === 0 || kind === 'known' || kind === 'unknown') times[kind].push(await time(kinds[kind]))
  const known = median(times.known)
  for (const kind of Object.keys(kinds) as Kind[]) {
    const ratio = median(times[kind]) / known
    const tolerance = kind === 'unknown' ? 1.15 : 1.5 // fewer samples, more noise
    expect([kind, ratio, ratio > 1 / tolerance && ratio < tolerance]).toEqual([kind, ratio, true])
  }
}, 300_000)
