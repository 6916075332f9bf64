/** Mails on their way: to a real relay, over TLS, through its bad days, once, and never with more in them than was meant. */
import { afterAll, afterEach, describe, expect, test } from 'bun:test'
import { deliverDue } from '../../src/people/mail_delivery.ts'
import { canMail, type Mail, sendMail } from '../../src/people/mail.ts'
import { say } from '../../src/lib/say.ts'
import { mailQueue, outboxIndex } from '../../src/models/outbox.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { makeCertificate } from '../support/certificate.ts'
import { freePort } from '../support/free_port.ts'

import { mailsOf } from '../support/mailbox.ts'
import { failingStore } from '../support/odd_stores.ts'
import { provider, type Provider, type ProviderOptions, turnableClock } from '../support/provider.ts'
import { type Relay, type RelayOptions, smtpRelay } from '../support/smtp_relay.ts'

const certificate = makeCertificate()
const relays: Relay[] = []
afterEach(() => Promise.all(relays.splice(0).map((relay) => relay.stop())))
afterAll(() => certificate.remove())

async function relayed(options: RelayOptions = {}): Promise<Relay> {
  const relay = await smtpRelay({ certificate, ...options })
  relays.push(relay)
  return relay
}

const start = (port: number, { env, ...more }: ProviderOptions = {}): Promise<Provider> =>
  provider({
    env: {
      SMTP_URL: `smtp://localhost:${port}`,
      MAIL_FROM: 'Accounts <accounts@op.example>',
      SMTP_TIMEOUT_MS: '2000',
      ...env,
    },
    ...more,
  })

const alice = 'alice@example.com'
const mailTo = (to: string, more: Partial<Mail> = {}): Mail => ({
  to,
  language: 'en',
  subject: say('mail.notice_subject'),
  lines: [say('mail.hello', { username: 'alice' }), say('event.password_changed')],
  ...more,
})

/** Everything the outbox still holds. */
const waiting = async (op: Provider): Promise<number> => (await op.context.store.range(outboxIndex)).length
const header = (raw: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)`, 'im').exec(raw)?.[1]
const events = (op: Provider) => op.lines.map((line) => /^\S+ \w+ (mail_\w+)/.exec(line)?.[1]).filter(Boolean)
const metricsOf = async (op: Provider) => (await op.fetch('/metrics')).text()
const minute = 60_000

describe('a mail', () => {
  test('arrives with both its forms, who it is from, and a name of its own', async () => {
    const relay = await relayed()
    const op = await start(relay.port)
    await sendMail(
      op.context,
      mailTo(alice, { link: { url: `${op.issuer}/x?token=abc`, label: say('mail.open_account') } }),
    )
    expect(relay.asked).toEqual([]) // whoever asked for it did not wait for the relay
    await deliverDue(op.context)
    expect(relay.taken).toHaveLength(1)
    const [{ raw, from, to }] = relay.taken as [(typeof relay.taken)[0]]
    expect([from, to]).toEqual(['accounts@op.example', [alice]])
    expect(header(raw, 'From')).toBe('Accounts <accounts@op.example>')
    expect(header(raw, 'To')).toBe(alice)
    expect(header(raw, 'Subject')).toBe('A change to your account')
    expect(header(raw, 'Message-ID')).toMatch(/^<[\w-]{20}@localhost>$/)
    expect(header(raw, 'Auto-Submitted')).toBe('auto-generated')
    expect(header(raw, 'Content-Type')).toContain('multipart/alternative')
    expect(raw).toContain('text/plain')
    expect(raw).toContain('text/html')
    await deliverDue(op.context)
    expect([relay.taken.length, await waiting(op)]).toEqual([1, 0])
    expect(await metricsOf(op)).toContain('latchkey_mails_total{result="delivered"} 1')
  })

  test('cannot be made to carry another header, another reader or a link that somebody else typed', async () => {
    const relay = await relayed()
    const op = await start(relay.port)
    const hostile =
      'eve\r\nBcc: mallory@evil.example\r\n\r\n<script>alert(1)</script> https://evil.example/ \u202eabc'
    await sendMail(
      op.context,
      mailTo(alice, {
        subject: say('mail.hello', { username: hostile }),
        lines: [say('mail.hello', { username: hostile })],
      }),
    )
    for (const to of [
      'alice@example.com\r\nBcc: mallory@evil.example',
      'alice@example.com, mallory@evil.example',
      '"alice@example.com" <mallory@evil.example>',
      'alice@example.com>\r\nRCPT TO:<mallory@evil.example',
      'mallory@evil.example\0@example.com',
      'alice@example.com mallory@evil.example',
      '@evil.example:alice@example.com',
      'alice',
    ])
      await sendMail(op.context, mailTo(to))
    await deliverDue(op.context)
    expect(relay.asked).toEqual([alice])
    expect(relay.taken.map(({ to }) => to)).toEqual([[alice]])
    const { raw } = relay.taken[0]!
    expect(header(raw, 'Bcc')).toBeUndefined()
    expect(await waiting(op)).toBe(0)
    const { text, html } = await written(op, hostile)
    expect(text.split('\n')[0]).toBe(
      'Hello eve Bcc: mallory@evil.example <script>alert(1)</script> https: //evil.example/ abc,',
    )
    expect(html).not.toContain('<script')
    expect(`${text}${html}`).not.toContain('://evil.example')
    expect(events(op).filter((each) => each === 'mail_refused')).toHaveLength(8)
  })

  const written = async (op: Provider, username: string) => {
    await sendMail(op.context, mailTo(alice, { lines: [say('mail.hello', { username })] }))
    return (await mailsOf(op)).at(-1)!
  }

  test('is sealed where it waits, and says nothing in the log', async () => {
    const store = memoryStore(turnableClock())
    const op = await start(freePort(), { store })
    await sendMail(
      op.context,
      mailTo(alice, { link: { url: `${op.issuer}/x?token=secret-token`, label: say('mail.open_account') } }),
    )
    const [waitsThere] = await store.range(outboxIndex)
    const kept = await store.get(`mail:${waitsThere!.member}`)
    expect(kept).not.toContain('alice')
    expect(kept).not.toContain('secret-token')
    await deliverDue(op.context) // refused: nothing listens there
    expect(op.lines.join('\n')).not.toContain('secret-token')
  })
})

describe('the wire', () => {
  const remote = { SMTP_CA_PATH: certificate.certPath } // whoever names certificates wants them checked, loopback or not

  test('is upgraded by STARTTLS before anything is said, and the relay gets its password inside', async () => {
    const relay = await relayed({ login: { user: 'latch', pass: 'p@ss/word' } })
    const op = await start(relay.port, {
      env: { ...remote, SMTP_URL: `smtp://latch:p%40ss%2Fword@localhost:${relay.port}` },
    })
    await sendMail(op.context, mailTo(alice))
    await deliverDue(op.context)
    expect(relay.taken).toMatchObject([{ secure: true, user: 'latch', to: [alice] }])
  })

  test('is TLS from the first byte with smtps', async () => {
    const relay = await relayed({ secure: true })
    const op = await start(relay.port, { env: { ...remote, SMTP_URL: `smtps://localhost:${relay.port}` } })
    await sendMail(op.context, mailTo(alice))
    await deliverDue(op.context)
    expect(relay.taken).toMatchObject([{ secure: true, to: [alice] }])
  })

  test('without TLS takes no mail, nor with a certificate that nobody vouches for; the mail waits', async () => {
    const other = makeCertificate()
    const plain = await relayed({ plain: true })
    const unknown = await relayed({ certificate: other })
    const secure = await relayed({ certificate: other, secure: true })
    for (const url of [
      `smtp://localhost:${plain.port}`,
      `smtp://localhost:${unknown.port}`,
      `smtps://localhost:${secure.port}`,
    ]) {
      const op = await start(0, { env: { ...remote, SMTP_URL: url } })
      await sendMail(op.context, mailTo(alice))
      await deliverDue(op.context)
      expect([url, await waiting(op), events(op).at(-1)]).toEqual([url, 1, 'mail_postponed'])
    }
    for (const relay of [plain, unknown, secure]) expect(relay.asked).toEqual([])
    other.remove()
  })

  test('on loopback may do without', async () => {
    const relay = await relayed({ plain: true })
    const op = await start(relay.port)
    await sendMail(op.context, mailTo(alice))
    await deliverDue(op.context)
    expect(relay.taken).toMatchObject([{ secure: false, to: [alice] }])
  })
})

describe('a bad day of the relay', () => {
  test('that is down for hours: the mail is tried ever more slowly, and arrives', async () => {
    const port = freePort()
    const op = await start(port)
    await sendMail(op.context, mailTo(alice))
    const attempts: number[] = []
    for (let minutes = 0; minutes < 180; minutes++) {
      await deliverDue(op.context)
      if (events(op).length > attempts.length + 1) attempts.push(minutes)
      op.clock.advance(minute)
    }
    expect(attempts).toEqual([0, 1, 2, 3, 5, 8, 14, 25, 47, 90, 150])
    const relay = await relayed({ port })
    op.clock.advance(60 * minute)
    await deliverDue(op.context)
    expect([relay.taken.length, await waiting(op)]).toEqual([1, 0])
  })

  test('that says "later", then takes it: under the same name', async () => {
    const relay = await relayed()
    const op = await start(relay.port)
    relay.answerMessages(451)
    await sendMail(op.context, mailTo(alice))
    await deliverDue(op.context)
    expect(events(op).at(-1)).toBe('mail_postponed')
    const id = (await op.context.store.range(outboxIndex))[0]!.member
    relay.answerMessages(0)
    await deliverDue(op.context)
    expect(relay.taken).toEqual([]) // not before its time
    op.clock.advance(minute)
    await deliverDue(op.context)
    expect(header(relay.taken[0]!.raw, 'Message-ID')).toBe(`<${id}@localhost>`)
    expect(await metricsOf(op)).toContain('latchkey_mails_total{result="postponed"} 1')
  })

  test('that knows no such reader: the mail is given up at once, with a line, and the next is not held up', async () => {
    const relay = await relayed()
    const op = await start(relay.port)
    relay.answerRecipients(550)
    await sendMail(op.context, mailTo('nobody@example.com'))
    await deliverDue(op.context)
    expect([events(op).at(-1), await waiting(op)]).toEqual(['mail_refused', 0])
    relay.answerRecipients(0)
    await sendMail(op.context, mailTo(alice))
    await deliverDue(op.context)
    expect(relay.taken.map(({ to }) => to)).toEqual([[alice]])
  })

  test('that refuses our own password: no mail is lost by it', async () => {
    const relay = await relayed({ login: { user: 'latch', pass: 'right' } })
    const wrong = await start(relay.port, { env: { SMTP_URL: `smtp://latch:wrong@localhost:${relay.port}` } })
    await sendMail(wrong.context, mailTo(alice))
    await deliverDue(wrong.context)
    expect([events(wrong).at(-1), await waiting(wrong)]).toEqual(['mail_postponed', 1])
    expect(wrong.lines.join('\n')).not.toContain('wrong@')
  })

  test('that hangs: the turn ends in time, what was not begun stays due, and all arrives later', async () => {
    const relay = await relayed()
    const op = await start(relay.port)
    relay.answerRecipients('hang')
    for (let i = 0; i < 10; i++) await sendMail(op.context, mailTo(`reader${i}@example.com`))
    await deliverDue(op.context)
    expect(relay.asked.length).toBeLessThanOrEqual(4)
    relay.answerRecipients(0)
    await deliverDue(op.context)
    op.clock.advance(minute)
    await deliverDue(op.context)
    expect(relay.taken.flatMap(({ to }) => to).sort()).toEqual(
      Array.from({ length: 10 }, (_, i) => `reader${i}@example.com`),
    )
    expect(await waiting(op)).toBe(0)
  })

  test('that never ends: after MAIL_RETRY_FOR the mail is given up, with a line', async () => {
    const op = await start(freePort(), { env: { MAIL_RETRY_FOR: '3600' } })
    await sendMail(op.context, mailTo(alice))
    for (let turns = 0; turns < 12 && (await waiting(op)) > 0; turns++) {
      await deliverDue(op.context)
      op.clock.advance(60 * minute)
    }
    expect(events(op).at(-1)).toBe('mail_given_up')
    expect(await waiting(op)).toBe(0)
  })
})

describe('instances', () => {
  test('two on one store deliver each mail once', async () => {
    const relay = await relayed()
    const clock = turnableClock()
    const store = memoryStore(clock)
    const more = { store, clock, env: { SMTP_TIMEOUT_MS: '30000' } } // how long a turn may be
    const both = [await start(relay.port, more), await start(relay.port, more)]
    for (let i = 0; i < 40; i++) await sendMail(both[i % 2]!.context, mailTo(`reader${i}@example.com`))
    await Promise.all([...both, ...both].map(({ context }) => deliverDue(context)))
    await Promise.all(both.map(({ context }) => deliverDue(context)))
    expect(new Set(relay.taken.flatMap(({ to }) => to)).size).toBe(40)
    expect(relay.taken).toHaveLength(40)
    expect(await waiting(both[0]!)).toBe(0)
  })

  test('one that dies with a mail in hand lets go of it, and another delivers', async () => {
    const relay = await relayed()
    const op = await start(relay.port)
    await sendMail(op.context, mailTo(alice))
    const [id] = (await mailQueue.due(op.context, { limit: 1 })) as [string]
    expect(await mailQueue.claim(op.context, id, 11_000)).toBeDefined() // and now it dies
    await deliverDue(op.context)
    expect(relay.taken).toEqual([])
    op.clock.advance(12_000)
    await deliverDue(op.context)
    expect(relay.taken).toHaveLength(1)
  })

  test('when the store goes away at any point, the mail is neither lost nor forgotten', async () => {
    for (let verbs = 0; verbs < 12; verbs++) {
      const relay = await relayed()
      const clock = turnableClock()
      const away = failingStore(memoryStore(clock))
      const op = await start(relay.port, { store: away.store, clock })
      await sendMail(op.context, mailTo(alice))
      away.failAfter(verbs)
      await deliverDue(op.context).catch(() => {})
      away.recover()
      clock.advance(2 * minute)
      await deliverDue(op.context)
      expect([verbs, relay.taken.length >= 1, await waiting(op)]).toEqual([verbs, true, 0])
      const names = relay.taken.map(({ raw }) => header(raw, 'Message-ID'))
      expect(new Set(names).size).toBe(1) // twice perhaps, under one name
    }
  })
})

describe('settings', () => {
  test('in production without a relay nothing of mail is there', async () => {
    const env = {
      NODE_ENV: 'production',
      ISSUER_URL: 'https://op.example',
      SECRET_KEY: 'q7PzW2mXk9LrT4vNc8JbY1dHs6GfQ3aE',
      STORE_URL: 'sqlite:/nonexistent',
    }
    const off = await provider({ env, store: memoryStore(turnableClock()) })
    expect(canMail(off.context)).toBe(false)
    // What an earlier configuration queued stays, and is shown nowhere.
    await sendMail(off.context, {
      to: 'a@app.example',
      language: 'en',
      subject: say('account.title'),
      lines: [],
    })
    await off.context.table.jobs.find(({ name }) => name === 'mail')!.run(off.context)
    expect(await mailQueue.due(off.context, { limit: 5 })).toHaveLength(1)
    const on = await provider({
      env: { ...env, SMTP_URL: 'smtps://relay.example', MAIL_FROM: 'a@op.example' },
      store: memoryStore(turnableClock()),
    })
    expect(canMail(on.context)).toBe(true)
    for (const op of [off, on]) expect((await op.fetch('/dev/mail')).status).toBe(404)
  })

  test.each([
    [{ SMTP_URL: 'smtp://relay.example' }, 'MAIL_FROM'],
    [{ SMTP_URL: 'http://relay.example', MAIL_FROM: 'a@op.example' }, 'SMTP_URL'],
    [
      { SMTP_URL: 'smtp://relay.example/?tls.rejectUnauthorized=false', MAIL_FROM: 'a@op.example' },
      'SMTP_URL',
    ],
    [{ SMTP_URL: 'smtp://relay.example', MAIL_FROM: 'a@op.example\r\nBcc: b@op.example' }, 'MAIL_FROM'],
    [
      { SMTP_URL: 'smtp://relay.example', MAIL_FROM: 'a@op.example', SMTP_CA_PATH: '/nonexistent' },
      'SMTP_CA_PATH',
    ],
  ])('%j stops the boot at %s and shows no password', async (env, name) => {
    const failing = provider({ env: env as Record<string, string> })
    await expect(failing).rejects.toThrow(name)
  })
})
