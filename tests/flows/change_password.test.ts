/** A person changes their password on the account page; whoever else was signed in with it is out. */
import { describe, expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import { mailsOf } from '../support/mailbox.ts'
import { alice, type Landing, person, type Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const fresh = 'seven lambs and a lantern'

async function signedIn(op: Provider, who = alice): Promise<Person> {
  const browser = person(op.issuer, op.fetch)
  const { page } = await browser.open('/login')
  await browser.press(page!, 'login', who)
  return browser
}

async function change(browser: Person, fields: Record<string, string>): Promise<Landing> {
  const { page } = await browser.open('/account/password')
  return browser.press(page!, 'change', { repeat: fields.password ?? '', ...fields })
}

const at = (landing: Landing): string => new URL(landing.page!.url).pathname

test('the new one is good, the old one is not; other sessions are over, this one goes on under a new cookie', async () => {
  const op = await provider()
  const [browser, other] = [await signedIn(op), await signedIn(op)]
  const before = new Map(browser.cookies)
  const landing = await change(browser, { current_password: alice.password, password: fresh })
  expect(landing.page!.status).toBe(200)
  expect(landing.page!.html).toContain('Your password was changed.')
  expect(at(await browser.open('/account/password'))).toBe('/account/password')
  expect(at(await other.open('/account/password'))).toBe('/login')
  const stolen = person(op.issuer, op.fetch)
  for (const [name, value] of before) stolen.cookies.set(name, value)
  expect(at(await stolen.open('/account/password'))).toBe('/login')
  expect(at(await (await signedIn(op, { ...alice, password: fresh })).open('/account/password'))).toBe(
    '/account/password',
  )
  expect(at(await (await signedIn(op)).open('/account/password'))).toBe('/login')
  const letters = (await mailsOf(op)).filter(({ to }) => to === 'alice@example.com')
  const mails = letters.map(({ text }) => text)
  expect(letters.map(({ subject }) => subject)).toContain('Your password was changed')
  expect(mails.join('\n')).toContain('Your password was changed.')
  expect(mails.join('\n')).not.toContain(fresh)
})

describe('refused beside the field, with nothing changed', () => {
  test.each([
    [403, 'isn’t your current password', { current_password: 'wrong', password: fresh }],
    [403, 'isn’t your current password', { current_password: '', password: fresh }],
    [400, '8 to 128 characters', { current_password: alice.password, password: 'short' }],
    [400, 'too common', { current_password: alice.password, password: 'iloveyou' }],
    [400, 'too close to your name', { current_password: alice.password, password: 'Alice2026!!' }],
    [400, 'don’t match', { current_password: alice.password, password: fresh, repeat: `${fresh}r` }],
  ])('%i %s', async (status, words, fields) => {
    const op = await provider()
    const browser = await signedIn(op)
    const hash = (await User.findByUsername(op.context, 'alice'))!.password_hash
    const { page } = await change(browser, fields)
    expect(page!.status).toBe(status)
    expect(page!.html).toContain(words)
    expect(page!.html).toContain('aria-invalid="true"')
    for (const typed of Object.values(fields)) if (typed) expect(page!.html).not.toContain(typed)
    expect((await User.findByUsername(op.context, 'alice'))!.password_hash).toBe(hash)
  })

  test('a wrong current password says nothing about the new one', async () => {
    const op = await provider()
    const { page } = await change(await signedIn(op), { current_password: 'wrong', password: 'short' })
    expect(page!.html).not.toContain('this one 5')
  })
})

test('an open session is no place to guess the password: tries are counted with those of the sign-in page', async () => {
  const op = await provider({ env: { SIGN_IN_ATTEMPTS_PER_ACCOUNT: '3' } })
  const browser = await signedIn(op)
  const statuses: number[] = []
  for (let i = 0; i < 5; i++)
    statuses.push((await change(browser, { current_password: `guess ${i}`, password: fresh })).page!.status)
  expect(statuses).toEqual([403, 403, 403, 429, 429])
})

test('a form of another purpose, or of another session, changes nothing', async () => {
  const op = await provider()
  const [browser, other] = [await signedIn(op), await signedIn(op)]
  const { page } = await other.open('/account/password')
  const form = { ...page!.forms.find(({ buttons }) => buttons.includes('change'))! }
  const landing = await browser.press({ ...page!, forms: [form] }, 'change', {
    current_password: alice.password,
    password: fresh,
    repeat: fresh,
  })
  expect(landing.page!.status).toBe(403)
})

test('two changes at once: one holds, and the other says so', async () => {
  const op = await provider()
  const browser = await signedIn(op)
  const { page } = await browser.open('/account/password')
  const wishes = Array.from({ length: 6 }, (_, i) => `${fresh} ${i}`)
  const landings = await Promise.all(
    wishes.map((password) =>
      browser.press(page!, 'change', { current_password: alice.password, password, repeat: password }),
    ),
  )
  const held = landings.filter(
    ({ page: shown }) => shown!.status === 200 && shown!.html.includes('was changed'),
  )
  expect(held.length).toBeLessThanOrEqual(1)
  const { password_hash } = (await User.findByUsername(op.context, 'alice'))!
  const good = await Promise.all(wishes.map((wish) => Bun.password.verify(wish, password_hash!)))
  expect(good.filter(Boolean)).toHaveLength(1)
}, 60_000)

test('who has no password sets one after a fresh sign-in, and not later', async () => {
  const op = await provider()
  const browser = await signedIn(op)
  const { sub } = (await User.findByUsername(op.context, 'alice'))!
  await User.update(op.context, sub, ({ password_hash: _, ...user }) => user)
  const { page } = await browser.open('/account/password')
  expect(page!.html).not.toContain('current_password')
  op.clock.advance(11 * 60_000)
  expect(at(await browser.press(page!, 'change', { password: fresh, repeat: fresh }))).toBe('/login')
  op.clock.advance(-11 * 60_000)
  const set = await browser.press(page!, 'change', { password: fresh, repeat: fresh })
  expect(set.page!.html).toContain('Your password was changed.')
  expect(at(await (await signedIn(op, { ...alice, password: fresh })).open('/account/password'))).toBe(
    '/account/password',
  )
})
