/** What a forgotten password must not tell or do: who has an account by the time an answer takes, and markup in a mail. OWASP ASVS 5.0 V6.3.8 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { writeMail } from '../../src/people/mail.ts'
import { say } from '../../src/lib/say.ts'
import { provider, type SpawnedProvider, spawnProvider } from '../support/provider.ts'
import { type Page, type Person, person } from '../support/person.ts'
import { compareTimes } from '../support/effort.ts'

describe('time', () => {
  let op: SpawnedProvider
  let who: Person
  let form: Page
  beforeAll(async () => {
    // A process of its own, where the job runs: what it does afterwards must not show either.
    op = await spawnProvider({
      LOG_LEVEL: 'error',
      RATE_LIMITING_ENABLED: 'false',
      SIGN_IN_ATTEMPTS_PER_ADDRESS: '100000',
    })
    who = person(op.issuer, fetch)
    form = (await who.open('/forgot_password')).page!
  })
  afterAll(() => op.stop())

  test('of the answer for a known and an unknown name is the same, over a thousand of each', async () => {
    const cookie = [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { 'content-type': 'application/x-www-form-urlencoded', cookie }
    const { csrf_token } = form.forms[0]!.fields
    const ask = async (username: string): Promise<number> => {
      const body = new URLSearchParams({ csrf_token: csrf_token!, username }).toString()
      const started = performance.now()
      const answer = await fetch(`${op.issuer}/forgot_password`, {
        method: 'POST',
        headers,
        body,
        redirect: 'manual',
      })
      const took = performance.now() - started
      expect(answer.status).toBe(303)
      return took
    }
    const alike = ({ known, unknown }: Record<'known' | 'unknown', number>) =>
      known < unknown * 1.25 && unknown < known * 1.25
    const medians = await compareTimes({
      kinds: { known: () => ask('alice@example.com'), unknown: () => ask('nobody@example.com') },
      warm: 50,
      samples: 1_000,
      alike,
    })
    expect([medians, alike(medians)]).toEqual([medians, true])
  }, 300_000)
})

test('no field that reaches a mail brings markup, another line or a link of its own', async () => {
  const { context } = await provider()
  const hostile = [
    '<img src=x onerror=alert(1)>',
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    '</style><script>alert(1)</script>',
    'a\r\nBcc: mallory@evil.example\r\n\r\nhttps://evil.example/',
    'javascript://evil.example/%0aalert(1)',
    '\u202emoc.live',
    '{username}{{t mail.hello}}',
    'x'.repeat(10_000),
  ]
  for (const text of hostile) {
    const letter = writeMail(context, {
      to: 'alice@example.com',
      language: 'en',
      subject: say('mail.hello', { username: text }),
      lines: [
        say('verification.line', { email: text, username: text }),
        say('event.email_changed', { detail: text }),
        say('recovery.mail_line', { address: text }),
      ],
      code: '123456',
      link: { url: `${context.config.issuer}/account`, label: say('mail.hello', { username: text }) },
      after: [say('mail.notice_when', { at: text, address: text })],
    })
    expect(letter.html).not.toMatch(/<(?:img|script)\b/)
    expect(letter.html).not.toMatch(/<[^>]*\son\w+=/)
    expect(letter.subject).not.toMatch(/[\p{Cc}\u202a-\u202e]/u)
    for (const part of [letter.text, letter.html]) {
      expect(part).not.toContain('//evil.example/\n')
      expect(part).not.toMatch(/(?:https?|javascript):\/\/evil/)
      expect(part).not.toMatch(/[\u202a-\u202e]/)
      expect(part.length).toBeLessThan(20_000)
    }
    expect(letter.text).not.toMatch(/^Bcc:/m)
  }
})

test('a link is an address of this provider or the mail is not written', async () => {
  const { context } = await provider()
  const write = (url: string) =>
    writeMail(context, {
      to: 'a@example.com',
      language: 'en',
      subject: say('mail.notice_subject'),
      lines: [],
      link: { url, label: say('mail.open_account') },
    })
  for (const url of [
    'javascript:alert(1)',
    'data:text/html,x',
    '//evil.example/',
    '/account',
    'https://evil.example/',
  ])
    expect(() => write(url)).toThrow()
  expect(write(`${context.config.issuer}/account`).text).toContain('/account')
})
