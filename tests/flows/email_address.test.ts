/** The email address of an account: proof, change, and attacks on both. */
import { describe, expect, test } from 'bun:test'
import { answerRequests } from '../../src/features/recovery/job.ts'
import { spendVerification } from '../../src/people/verification.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { browser, minute } from '../support/flow.ts'
import { forgetMails, lastMailTo, linkMailed, mailsOf } from '../support/mailbox.ts'
import { alice, bob, type Page, type Person } from '../support/person.ts'
import { provider, type Provider, turnableClock } from '../support/provider.ts'

const fresh = 'alice@new.example'

async function signedIn(op: Provider, who = alice): Promise<Person> {
  const self = browser(op)
  const { page } = await self.open('/login')
  await self.press(page!, 'login', who)
  await forgetMails(op)
  return self
}

const section = async (who: Person): Promise<Page> => (await who.open('/account/email')).page!
const askFor = async (who: Person, email: string): Promise<Page> =>
  (await who.press(await section(who), 'change', { email })).page!
const linkTo = async (op: Provider, email: string): Promise<string> => linkMailed(op, email, '/verify_email')
const confirm = async (who: Person, link: string): Promise<Page> => {
  const { page } = await who.open(link)
  const asks = page!.forms.some(({ buttons }) => buttons.includes('confirm'))
  return asks ? (await who.press(page!, 'confirm')).page! : page!
}
const emailOf = async (op: Provider, sub = 'user-alice') => {
  const { email, email_verified } = (await User.find(op.context, sub))!.claims
  return [email, email_verified]
}

test('a new address gets the link, the old one a notice, and nothing changes before the confirmation', async () => {
  const op = await provider()
  const who = await signedIn(op)
  expect((await section(who)).html).toContain('<bdi>alice@example.com</bdi> (verified)')
  const asked = await askFor(who, ` ${fresh} `)
  expect(asked.html).toContain('Verification email sent')
  expect(asked.html).toContain(fresh)
  const warning = await lastMailTo(op, 'alice@example.com')
  expect(warning.text).toContain(`A change of your email address to ${fresh} was requested`)
  expect(warning.text).not.toContain('token=')
  expect(await emailOf(op)).toEqual(['alice@example.com', true])

  const link = await linkTo(op, fresh)
  for (let i = 0; i < 3; i++) await who.open(link) // looking changes nothing
  expect(await emailOf(op)).toEqual(['alice@example.com', true])
  op.clock.advance(1_000) // mails of the same millisecond have no order
  const done = await confirm(who, link)
  expect(done.html).toContain('Your email address is verified')
  expect(await emailOf(op)).toEqual([fresh, true])
  const told = await lastMailTo(op, 'alice@example.com')
  expect(told.text).toContain(`was changed to ${fresh}`)
  const mails = (await mailsOf(op)).length
  expect((await confirm(who, link)).html).toContain('Your email address is verified')
  expect(await mailsOf(op)).toHaveLength(mails) // opened again, the link says so and does nothing
  expect(await User.findByEmail(op.context, 'alice@example.com')).toBeUndefined() // free for others
})

test('an address that is not proven yet: another mail, at another device, after signing in there', async () => {
  const op = await provider()
  const who = await signedIn(op, bob)
  const page = await section(who)
  expect(page.html).toContain('not verified yet')
  await who.press(page, 'resend')
  expect(await mailsOf(op)).toHaveLength(1) // no notice: the address does not change
  const link = await linkTo(op, 'bob@example.com')

  const phone = browser(op)
  const { page: login } = await phone.open(link)
  expect(login!.url).toContain('/login')
  const { page: ask } = await phone.press(login!, 'login', bob)
  expect(ask!.url).toContain('/verify_email')
  expect(ask!.html).toContain(
    'Confirm that <bdi>bob@example.com</bdi> is the email address of your account <bdi>bob</bdi>.',
  )
  const { page: done } = await phone.press(ask!, 'confirm')
  expect(done!.html).toContain('is verified')
  expect(await emailOf(op, 'user-bob')).toEqual(['bob@example.com', true])
  expect(phone.cookies.has('latchkey_verification')).toBe(false)
})

describe('a link', () => {
  test('takes effect only for the account that asked: a victim who opens it proves nothing for the attacker', async () => {
    const op = await provider()
    const attacker = await signedIn(op, bob)
    await askFor(attacker, fresh) // the mailbox of the victim
    const link = await linkTo(op, fresh)
    const reader = await signedIn(op)
    const page = await confirm(reader, link)
    expect([page.status, page.html.includes('for another account')]).toEqual([403, true])
    const stranger = await browser(op).open(link)
    expect(stranger.page!.url).toContain('/login')
    const token = new URL(link).searchParams.get('token')!
    const direct = await op.fetch('/verify_email', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `token=${token}`,
    })
    // It came without the cookie of any browser, so it is no form of ours, and sets none (issue 8, A.5).
    expect([direct.status, direct.headers.getSetCookie()]).toEqual([403, []])
    expect(await emailOf(op, 'user-bob')).toEqual(['bob@example.com', false])
  })

  test('is invalid after a day, a newer link, a withdrawal, another change of address, a password reset', async () => {
    const ends: Record<string, (op: Provider, who: Person) => Promise<unknown> | void> = {
      'a day': ({ clock }) => clock.advance(25 * 60 * minute),
      'a newer one': (_op, who) => askFor(who, 'alice@newer.example'),
      'a withdrawal': async (_op, who) => who.press(await section(who), 'withdraw'),
      'another address': ({ context }) => User.proveEmail(context, 'user-alice', 'alice@other.example'),
      'a reset': async (op) => {
        const self = browser(op)
        const { page } = await self.open('/forgot_password')
        await self.press(page!, 'send', { username: 'alice' })
        await answerRequests(op.context)
        const { page: form } = await self.open(await linkMailed(op, 'alice@example.com', '/reset_password'))
        const password = 'four bricks under moonlight'
        await self.press(form!, 'reset', { password, repeat: password })
      },
    }
    for (const [why, happens] of Object.entries(ends)) {
      const op = await provider()
      const who = await signedIn(op)
      await askFor(who, fresh)
      const token = new URL(await linkTo(op, fresh)).searchParams.get('token')!
      await happens(op, who)
      expect([why, await spendVerification(op.context, token)]).toEqual([why, undefined])
      expect((await emailOf(op))[0]).not.toBe(fresh)
    }
  })

  test('is spent by one of twenty, and of two accounts that want one address one gets it', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const both = [await provider({ store, clock }), await provider({ store, clock })] as const
    const who = await signedIn(both[0])
    await askFor(who, fresh)
    const token = new URL(await linkTo(both[0], fresh)).searchParams.get('token')!
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => spendVerification(both[i % 2]!.context, token)),
    )
    expect(results.filter((each) => each === 'changed')).toHaveLength(1)
    expect(results.filter((each) => each === undefined)).toHaveLength(19)

    const wanted = 'wanted@new.example'
    const tokens: string[] = []
    for (const each of [alice, bob]) {
      await askFor(await signedIn(both[0], each), wanted)
      tokens.push(new URL(await linkTo(both[0], wanted)).searchParams.get('token')!)
    }
    const raced = await Promise.all(tokens.map((each, i) => spendVerification(both[i]!.context, each)))
    expect(raced.sort()).toEqual(['changed', 'taken'])
  })

  test('to an address that another account has says so when it is proven, and not before', async () => {
    const op = await provider()
    const who = await signedIn(op, bob)
    const free = await askFor(who, fresh)
    const taken = await askFor(who, 'alice@example.com')
    expect(taken.html.replaceAll('alice@example.com', fresh)).toBe(free.html)
    const link = await linkTo(op, 'alice@example.com')
    const page = await confirm(who, link)
    expect([page.status, page.html.includes('Another account already uses this email address')]).toEqual([
      409,
      true,
    ])
    expect(await emailOf(op)).toEqual(['alice@example.com', true])
  })
})

describe('asking', () => {
  test('needs a fresh sign-in, and our own form', async () => {
    const op = await provider()
    const who = await signedIn(op)
    const page = await section(who)
    op.clock.advance(11 * minute)
    const answer = (await who.press(page, 'change', { email: fresh })).page!
    expect(answer.url).toContain('/login')
    expect(await mailsOf(op)).toEqual([])
    const self = await signedIn(op)
    const form = await section(self)
    const forged = await self.press(
      { ...form, forms: form.forms.map((each) => ({ ...each, fields: {} })) },
      'change',
      {
        email: fresh,
      },
    )
    expect(forged.page!.status).toBe(403)
  })

  test.each([
    'alice',
    'alice@',
    '@example.com',
    'alice@localhost',
    'a b@example.com',
    'alice@example.com\r\nBcc: mallory@evil.example',
    'alice@example.com,mallory@evil.example',
    '"alice"@example.com',
    'Alice <alice@example.com>',
    '"><script>alert(1)</script>@example.com',
    'alice@[127.0.0.1]',
    'alice@127.0.0.1',
    `${'a'.repeat(65)}@example.com`,
    'alice@exa\u202emple.com',
  ])('for %j says what is wrong beside the field, and keeps what was typed', async (typed) => {
    const op = await provider()
    const who = await signedIn(op)
    const page = await askFor(who, typed)
    expect(page.status).toBe(400)
    expect(page.html).toContain('id="email_problem"')
    expect(page.html).not.toContain('<script>alert')
    expect(page.forms.find(({ buttons }) => buttons.includes('change'))!.fields.email).toBe(typed)
    expect(await mailsOf(op)).toEqual([])
  })

  test('floods no mailbox: so many an hour for an account, so many a day from it to an address', async () => {
    const op = await provider()
    const who = await signedIn(op)
    const statuses = []
    for (let i = 0; i < 7; i++) statuses.push((await askFor(who, `alice${i}@new.example`)).status)
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429])
    op.clock.advance(61 * minute)
    const again = await signedIn(op)
    const later = []
    for (let i = 0; i < 6; i++) later.push((await askFor(again, fresh)).status)
    const other = await signedIn(op, bob)
    for (let i = 0; i < 3; i++) later.push((await askFor(other, fresh)).status)
    expect(later).toEqual([200, 200, 200, 200, 200, 429, 200, 200, 200])
  })
})
