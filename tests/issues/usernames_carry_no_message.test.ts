/** Issue 8, A.20: a username may be a sentence with a link, and was mailed to strangers whose address an attacker typed. */
import { describe, expect, test } from 'bun:test'
import { Invitation } from '../../src/models/invitation.ts'
import { User } from '../../src/models/user.ts'
import { tellOwner } from '../../src/people/tell_owner.ts'
import { sendVerification } from '../../src/people/verification.ts'
import { lastMailTo, mailsOf } from '../support/mailbox.ts'
import { person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const sentence = 'Your account is locked. Visit www.evil.example/unlock or call 0900 1234'
const stranger = 'victim@stranger.example'

const call = {
  address: '192.0.2.1',
  request: new Request('https://op.example/'),
} as unknown as Parameters<typeof tellOwner>[0]

async function accountCalled(op: Provider, username: string, claims: Record<string, unknown>): Promise<User> {
  await User.create(op.context, { sub: 'eve', username, claims, created_at: 1, updated_at: 1 })
  return (await User.find(op.context, 'eve'))!
}

const words = ['locked', 'evil.example', '0900']
const isSilent = ({ subject, text, html }: { subject: string; text: string; html: string }): boolean =>
  words.every((word) => ![subject, text, html].join('\n').includes(word))

describe('a mail to an address that the account has not verified', () => {
  test('asks to verify it, without the username', async () => {
    const op = await provider()
    await sendVerification(op.context, await accountCalled(op, sentence, {}), stranger)
    const mail = await lastMailTo(op, stranger)
    expect(isSilent(mail)).toBe(true)
    expect(mail.text).toContain(`Confirm that ${stranger} is the email address of your account.`)
  })

  test('tells of an event, without the username and without text that its owner typed', async () => {
    const op = await provider()
    const user = await accountCalled(op, sentence, { email: stranger, email_verified: false })
    for (const kind of ['passkey_added', 'password_changed'] as const)
      await tellOwner(call, op.context, user, { kind, detail: `My key at www.evil.example` })
    const mails = await mailsOf(op)
    expect(mails).toHaveLength(2)
    for (const mail of mails) {
      expect(isSilent(mail)).toBe(true)
      expect(mail.text).toContain('Hello,')
    }
  })

  test('and a mail to the verified one greets by name', async () => {
    const op = await provider()
    const user = (await User.findByUsername(op.context, 'alice'))!
    await tellOwner(call, op.context, user, { kind: 'passkey_added', detail: 'My key. At home' })
    const { text } = await lastMailTo(op, 'alice@example.com')
    expect(text).toContain('Hello alice,')
    expect(text).toContain('My key. At home')
  })
})

describe('a new username is one word', () => {
  const create = async (username: string) => {
    const op = await provider()
    const { token } = await Invitation.issue(
      op.context,
      op.context.random,
      { email: 'nora@new.example', invited: true },
      600,
    )
    const browser = person(op.issuer, op.fetch)
    const { page } = await browser.open(`/create_account?token=${token}`)
    const password = 'seven lambs and a lantern'
    return (await browser.press(page!, 'create', { username, password, repeat: password })).page!
  }

  test.each([
    sentence,
    'two words',
    'https://evil.example',
    'evil.example/x',
    'mailto:eve',
    '<b>eve</b>',
    'eve,bob',
    'call\u00a0me',
    'x'.repeat(65),
    '...',
  ])('%j is none', async (username) => {
    const { status, html } = await create(username)
    expect([status, html.includes('letters from one alphabet')]).toEqual([400, true])
  })

  test.each([
    'nora',
    'nora.new',
    'Nora_2',
    "o'hara",
    'o’hara',
    'jean-luc',
    '山田',
    'نورا',
    'nora@new.example',
  ])('%j is one', async (username) => expect(new URL((await create(username)).url).pathname).toBe('/account'))
})
