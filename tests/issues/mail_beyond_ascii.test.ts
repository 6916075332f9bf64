/** Issue 9, D.47: the bytes of a local part beyond ASCII were sent to relays that had not offered SMTPUTF8. RFC 6531 §3.2 */
import { afterAll, afterEach, expect, test } from 'bun:test'
import { openRelay } from '../../src/people/mail_relay.ts'
import { deliverDue } from '../../src/people/mail_delivery.ts'
import { sendMail } from '../../src/people/mail.ts'
import { say } from '../../src/lib/say.ts'
import { outboxIndex } from '../../src/models/outbox.ts'
import { makeCertificate } from '../support/certificate.ts'
import { freePort } from '../support/free_port.ts'
import { provider } from '../support/provider.ts'
import { type Relay, type RelayOptions, smtpRelay } from '../support/smtp_relay.ts'

const certificate = makeCertificate()
afterAll(() => certificate.remove())
const relays: Relay[] = []
afterEach(() => Promise.all(relays.splice(0).map((relay) => relay.stop())))

async function deliver(options: RelayOptions, recipients: string[], env: Record<string, string> = {}) {
  const relay = await smtpRelay({ certificate, ...options })
  relays.push(relay)
  const scheme = options.secure ? 'smtps' : 'smtp'
  const user = options.login ? `${options.login.user}:${options.login.pass}@` : ''
  const op = await provider({
    env: {
      SMTP_URL: `${scheme}://${user}localhost:${relay.port}`,
      MAIL_FROM: 'accounts@op.example',
      SMTP_TIMEOUT_MS: '2000',
      ...env,
    },
  })
  for (const to of recipients)
    await sendMail(op.context, {
      to,
      language: 'en',
      subject: say('mail.notice_subject'),
      lines: [say('mail.hello', { username: 'alice' })],
    })
  await deliverDue(op.context)
  return {
    relay,
    log: op.lines.filter((line) => line.includes('mail_')).join('\n'),
    waiting: (await op.context.store.range(outboxIndex)).length,
  }
}

const mixed = ['jürgen@example.com', 'alice@example.com', 'bob@bücher.example', 'δοκιμή@example.com']

test('a relay without SMTPUTF8 gets no such address, and every other mail', async () => {
  const { relay, log, waiting } = await deliver({ asciiOnly: true }, mixed)
  expect(relay.asked.toSorted()).toEqual(['alice@example.com', 'bob@bücher.example'])
  expect(relay.taken).toHaveLength(2)
  expect(log).toContain('the relay offers no SMTPUTF8')
  expect([log.match(/mail_refused/g)?.length, waiting]).toEqual([2, 0])
  // The question is asked once a run.
  expect(relay.connections()).toBeLessThanOrEqual(5)
})

test('a relay with SMTPUTF8 gets them, and is told', async () => {
  const { relay, waiting } = await deliver({}, mixed)
  expect(relay.taken.flatMap(({ to }) => to).toSorted()).toEqual(
    ['alice@example.com', 'bob@bücher.example', 'jürgen@example.com', 'δοκιμή@example.com'].toSorted(),
  )
  // The relay shows the domain of bob decoded; it came in ASCII.
  expect(relay.utf8.toSorted()).toEqual(['jürgen@example.com', 'δοκιμή@example.com'].toSorted())
  expect(waiting).toBe(0)
})

test('only ASCII: nothing is asked', async () => {
  const { relay } = await deliver({ asciiOnly: true }, ['alice@example.com'])
  expect([relay.taken.length, relay.connections()]).toEqual([1, 1])
})

test('over TLS and with a login', async () => {
  for (const secure of [true, false]) {
    const { relay } = await deliver({ secure, login: { user: 'op', pass: 'word' } }, ['jürgen@example.com'], {
      SMTP_CA_PATH: certificate.certPath,
    })
    expect(relay.taken.map(({ to, secure }) => [to, secure])).toEqual([[['jürgen@example.com'], true]])
  }
})

test('a relay that is away: the mail waits as any other', async () => {
  const relay = await smtpRelay()
  await relay.stop()
  const op = await provider({
    env: {
      SMTP_URL: `smtp://localhost:${relay.port}`,
      MAIL_FROM: 'accounts@op.example',
      SMTP_TIMEOUT_MS: '2000',
    },
  })
  await sendMail(op.context, {
    to: 'jürgen@example.com',
    language: 'en',
    subject: say('mail.notice_subject'),
    lines: [],
  })
  await deliverDue(op.context)
  expect(op.lines.join('\n')).toContain('mail_postponed')
  expect((await op.context.store.range(outboxIndex)).length).toBe(1)
})

test('a relay that did not answer the question is asked again for the next mail', async () => {
  const port = freePort()
  const env = {
    SMTP_URL: `smtp://localhost:${port}`,
    MAIL_FROM: 'accounts@op.example',
    SMTP_TIMEOUT_MS: '2000',
  }
  const op = await provider({ env })
  const transport = await openRelay(op.context)
  const message = { to: 'jürgen@example.com', subject: 'Hello', text: 'Hello', html: '<p>Hello' }
  const send = () => transport.send('id', message, new Date(op.clock.now()))
  await expect(send()).rejects.toMatchObject({ kind: 'relay' })
  relays.push(await smtpRelay({ certificate, port }))
  await send()
  await send()
  const [relay] = relays
  expect(relay!.taken).toHaveLength(2)
  expect(relay!.connections()).toBe(2) // one for the question, one for both mails
  transport.close()
})
