/** Mails in development: shown at /dev/mail and in the terminal, to this machine alone. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { deliverDue } from '../../src/people/mail_delivery.ts'
import { sendMail } from '../../src/people/mail.ts'
import { say } from '../../src/lib/say.ts'
import { until } from '../support/until.ts'
import { type Person, person } from '../support/person.ts'
import { provider, type SpawnedProvider, spawnProvider } from '../support/provider.ts'

let op: SpawnedProvider
let who: Person
beforeAll(async () => {
  op = await spawnProvider()
  who = person(op.issuer, fetch)
})
afterAll(() => op.stop())

test('a forgotten password in development: the mail is in the terminal, readable, and the link works', async () => {
  const { page } = await who.open('/forgot_password')
  await who.press(page!, 'send', { username: 'alice' })
  await until(() => op.output().includes('As HTML:'), 'the mail in the terminal')
  const text = op.output()
  expect(text).toContain('│ Mail to alice@example.com')
  expect(text).toContain('│ Reset your password')
  const [link] = /http:\S+\/reset_password\?token=\S+/.exec(text)!
  expect((await who.open(link)).page!.html).toContain('Save password')

  const list = (await who.open('/dev/mail')).page!
  expect(list.html).toContain('Reset your password')
  const [, path] = /href="(\/dev\/mail\?id=[^"]+)"/.exec(list.html)!
  const one = (await who.open(path!)).page!
  expect(one.html).toContain(link)
  expect(one.headers.get('content-security-policy')).toContain("frame-src 'self'")
  const [, frame] = /<iframe[^>]* src="([^"]+)"[^>]* sandbox/.exec(one.html)!
  const shown = (await who.open(frame!)).page!
  expect(shown.html).toContain('<style>')
  const policy = shown.headers.get('content-security-policy')!
  expect(policy.split('; ')).toEqual(
    expect.arrayContaining(["default-src 'none'", 'sandbox', "frame-ancestors 'self'", "form-action 'none'"]),
  )
  expect(policy).not.toContain('script-src')
})

test('nobody else sees them: neither another machine, nor a site that has its name lead here', async () => {
  const own = await provider()
  await sendMail(own.context, {
    to: 'alice@example.com',
    language: 'en',
    subject: say('mail.notice_subject'),
    lines: [say('event.password_changed')],
  })
  await deliverDue(own.context)
  const ask = (url: string, peer?: string) => own.fetch(url, {}, peer)
  expect(await (await ask('/dev/mail')).text()).toContain('A change to your account')
  expect((await ask('/dev/mail', '192.0.2.1')).status).toBe(404)
  for (const path of ['/dev/mail', '/dev/mail/html'])
    expect((await ask(`http://evil.example${path}`)).status).toBe(404)
  expect((await ask('/dev/mail?id=nothing')).status).toBe(404)
  expect((await ask('/dev/mail/html?id=nothing')).status).toBe(404)
})

test('with a relay, or in production, the pages are not there', async () => {
  const relayed = await provider({ env: { SMTP_URL: 'smtp://localhost:1', MAIL_FROM: 'a@op.example' } })
  expect((await relayed.fetch('/dev/mail')).status).toBe(404)
  expect(relayed.context.table.features).not.toContain('dev_mail')
})
