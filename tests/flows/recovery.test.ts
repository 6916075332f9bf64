/** Password recovery: from "Forgot your password?" to the sign-in with a new one, and attacks on it. */
import { beforeAll, describe, expect, test } from 'bun:test'
import { answerRequests } from '../../src/features/recovery/job.ts'
import { Event } from '../../src/models/event.ts'
import { OneTime } from '../../src/models/one_time.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { freshCode, pageOf, pathOf, stageWithApp, withPassword } from '../support/authenticator.ts'
import { browser, minute, refresh, tokensOf, userinfo, demo } from '../support/flow.ts'
import { forgetMails, lastMailTo, linkIn, linkMailed, mailsOf } from '../support/mailbox.ts'
import { failingStore } from '../support/odd_stores.ts'
import { alice, type Page, type Person, person } from '../support/person.ts'
import { provider, type Provider, type ProviderOptions, turnableClock } from '../support/provider.ts'

const mailbox = 'alice@example.com'
const better = 'four bricks under moonlight'

/** Asks for a link, and runs the job. */
async function ask(op: Provider, login: string, who: Person = browser(op)): Promise<Page> {
  const { page } = await who.open('/forgot_password')
  const answer = await who.press(page!, 'send', { username: login })
  await answerRequests(op.context)
  return answer.page!
}

async function linkFor(op: Provider, login = 'alice'): Promise<string> {
  await ask(op, login)
  return linkMailed(op, mailbox, '/reset_password')
}

async function choose(op: Provider, link: string, password = better, repeat = password): Promise<Page> {
  const who = browser(op)
  const { page } = await who.open(link)
  if (!page!.forms.some(({ buttons }) => buttons.includes('reset'))) return page!
  return (await who.press(page!, 'reset', { password, repeat })).page!
}

async function signsIn(op: Provider, password: string, username = 'alice'): Promise<boolean> {
  const who = browser(op)
  const { page } = await who.open('/login')
  await who.press(page!, 'login', { username, password })
  return who.cookies.has('latchkey_session')
}

const events = async (op: Provider, sub = 'user-alice') =>
  (await Event.listOfUser(op.context, sub)).map(({ kind }) => kind)

test('from the sign-in page to a new password: the old one, every session and every token are over', async () => {
  const op = await provider()
  const elsewhere = browser(op)
  const tokens = await tokensOf(op, elsewhere)
  const who = browser(op)
  const { page: login } = await who.open('/login')
  const [, path] = /href="([^"]*\/forgot_password\?interaction=[^"]+)"/.exec(login!.html)!
  const { page: form } = await who.open(path!)
  const { page: sent } = await who.press(form!, 'send', { username: 'alice' })
  expect(sent!.html).toContain('Check your email')
  expect(sent!.html).toContain('/login?interaction=') // the way back to the application is kept
  expect(await mailsOf(op)).toEqual([]) // nothing was looked up before the answer
  await answerRequests(op.context)
  const mail = await lastMailTo(op, mailbox)
  expect(mail.subject).toBe('Reset your password')
  const link = linkIn(mail, '/reset_password')
  expect(link.startsWith(`${op.issuer}/reset_password?token=`)).toBe(true)
  await forgetMails(op)

  const done = await choose(op, link)
  expect(done.html).toContain('Password changed')
  expect(await signsIn(op, 'alicepassword')).toBe(false)
  expect(await signsIn(op, better)).toBe(true)
  expect((await userinfo(op, tokens.access_token)).status).toBe(401)
  expect((await refresh(op, demo, tokens.refresh_token)).body.error).toBe('invalid_grant')
  expect((await elsewhere.open('/account')).page!.url).toContain('/login')
  const told = (await mailsOf(op)).find(({ text }) => text.includes('reset through a link'))!
  expect([told.to, told.text.includes('If this wasn’t you')]).toEqual([mailbox, true])
  expect(await events(op)).toEqual(expect.arrayContaining(['password_asked', 'password_reset']))
})

test('the link starts no session: every factor is still needed', async () => {
  const op = await provider()
  const who = browser(op)
  const { page } = await who.open(await linkFor(op))
  await who.press(page!, 'reset', { password: better, repeat: better })
  expect(who.cookies.has('latchkey_session')).toBe(false)
  expect((await who.open('/account')).page!.url).toContain('/login')
})

test('a second factor is asked for after it as before, also where the device was trusted', async () => {
  const { op, seed } = await stageWithApp()
  const device = browser(op)
  const half = pageOf(await withPassword(device))
  const home = await device.press(half, 'verify', { code: freshCode(op, seed), trust_device: 'yes' })
  expect(pathOf(home)).toBe('/account')
  expect(pathOf(await withPassword(device))).toBe('/account') // trusted
  await choose(op, await linkFor(op))
  for (const who of [device, browser(op)]) {
    const next = await withPassword(who, { ...alice, password: better })
    expect(pathOf(next)).toBe('/second-factor/totp')
    expect((await who.open('/account')).page!.url).toContain('/login')
  }
})

test('an account locked by wrong passwords can sign in again', async () => {
  const op = await provider({ env: { SIGN_IN_ATTEMPTS_PER_ACCOUNT: '2' } })
  for (let i = 0; i < 4; i++) await signsIn(op, 'wrong')
  expect(await signsIn(op, 'alicepassword')).toBe(false)
  await choose(op, await linkFor(op, mailbox))
  expect(await signsIn(op, better)).toBe(true)
})

describe('a link', () => {
  test('opened by a mail scanner is still valid, and valid once', async () => {
    const op = await provider()
    const link = await linkFor(op)
    for (let i = 0; i < 3; i++) expect((await op.fetch(link)).status).toBe(200)
    expect((await choose(op, link)).status).toBe(200)
    expect(await choose(op, link, 'another word of mine')).toMatchObject({ status: 400 })
    expect(await signsIn(op, better)).toBe(true)
  })

  test('is spent by one of 20 concurrent requests at two instances', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const both = [await provider({ store, clock }), await provider({ store, clock })] as const
    const link = await linkFor(both[0])
    const pages = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const op = both[i % 2]!
        const who = browser(op)
        return { who, page: (await who.open(link)).page!, password: `${better} ${i}` }
      }),
    )
    const answers = await Promise.all(
      pages.map(async ({ who, page, password }) => ({
        password,
        status: (await who.press(page, 'reset', { password, repeat: password })).page!.status,
      })),
    )
    const won = answers.filter(({ status }) => status === 200)
    expect(won).toHaveLength(1)
    expect(await signsIn(both[1], won[0]!.password)).toBe(true)
  }, 60_000)

  test('ends after half an hour, with a newer one, with another password, another address, a disabled account', async () => {
    const ends: Record<string, (op: Provider) => Promise<unknown> | void> = {
      time: ({ clock }) => clock.advance(31 * minute),
      'a newer one': (op) => ask(op, 'alice'),
      'a changed password': ({ context }) =>
        User.update(context, 'user-alice', (user) => ({ ...user, password_hash: '$argon2id$other' })),
      'another address': ({ context }) => User.proveEmail(context, 'user-alice', 'alice@elsewhere.example'),
      'a disabled account': ({ context }) =>
        User.update(context, 'user-alice', (user) => ({ ...user, disabled: true })),
    }
    for (const [why, happens] of Object.entries(ends)) {
      const op = await provider()
      const link = await linkFor(op)
      await happens(op)
      expect([why, (await choose(op, link)).status]).toEqual([why, 400])
    }
  })

  test('is not spent by a refused password or a differing repetition', async () => {
    const op = await provider()
    const link = await linkFor(op)
    const short = await choose(op, link, 'short')
    expect([short.status, short.html.includes('8 to 128 characters')]).toEqual([400, true])
    expect(short.html).not.toContain('value="short"')
    const slip = await choose(op, link, better, `${better}.`)
    expect([slip.status, slip.html.includes('id="repeat_problem"')]).toEqual([400, true])
    expect((await choose(op, link)).status).toBe(200)
  })

  test('of another purpose is invalid here, and this one is invalid there', async () => {
    const op = await provider()
    const about = { sub: 'user-alice', stamp: 'x', email: mailbox, password: 'x' }
    for (const purpose of ['verify_email', 'invitation', 'reset_password ', '']) {
      const token = await OneTime.issue(op.context, op.context.random, purpose, about, 600)
      expect((await op.fetch(`/reset_password?token=${token}`)).status).toBe(400)
    }
    const token = new URL(await linkFor(op)).searchParams.get('token')!
    const who = browser(op)
    await tokensOf(op, who)
    expect((await who.open(`/verify_email?token=${token}`)).page!.status).toBe(400)
    for (const path of ['/authorize/resume?interaction=', '/login?interaction='])
      expect((await op.fetch(`${path}${token}`)).status).toBe(400)
  })

  test('is never stored in plain text', async () => {
    const store = memoryStore(turnableClock())
    const written: unknown[] = []
    const watched = new Proxy(store, {
      get(target, verb: keyof Store) {
        return (...args: never[]) => {
          written.push(...args)
          return (target[verb] as (...given: never[]) => unknown).apply(target, args)
        }
      },
    })
    const op = await provider({ store: watched })
    const token = new URL(await linkFor(op, 'alice')).searchParams.get('token')!
    expect(written.length).toBeGreaterThan(20)
    expect(written.some((each) => String(each).includes(token))).toBe(false)
    expect(op.lines.some((each) => each.includes(token))).toBe(false)
  })

  test('is built from the issuer, whatever Host the request names', async () => {
    const op = await provider()
    const who = person(op.issuer, (url, init) => {
      const at = new URL(url)
      const headers = new Headers(init?.headers)
      for (const [name, value] of [
        ['host', 'evil.example'],
        ['x-forwarded-host', 'evil.example'],
        ['forwarded', 'host=evil.example'],
        ['x-forwarded-proto', 'ftp'],
      ] as const)
        headers.set(name, value)
      return op.fetch(`http://evil.example${at.pathname}${at.search}`, { ...init, headers })
    })
    await ask(op, 'alice', who)
    const mail = await lastMailTo(op, mailbox)
    expect(`${mail.text}${mail.html}`).not.toContain('evil.example')
    expect(linkIn(mail, '/reset_password')).toStartWith(`${op.issuer}/`)
  })
})

describe('no mail is sent', () => {
  let op: Provider
  beforeAll(async () => {
    op = await provider()
    const now = { created_at: 0, updated_at: 0 }
    const proven = (email: string) => ({ email, email_verified: true })
    const { password_hash } = (await User.find(op.context, 'user-alice'))!
    const make = (sub: string, more: object) =>
      User.create(op.context, { ...now, sub, username: sub, claims: {}, ...more })
    await make('disabled', { disabled: true, password_hash, claims: proven('disabled@example.com') })
    await make('upstream', { claims: proven('upstream@example.com') })
  })

  test.each([
    'nobody',
    'nobody@example.com',
    'bob', // his address is not proven
    'bob@example.com',
    'disabled@example.com',
    'upstream@example.com',
    'alice@example.com\r\nBcc: mallory@evil.example',
    'alice@example.com,mallory@evil.example',
    '<script>alert(1)</script>',
    'x'.repeat(5_000),
  ])('for %p, and the answer is the same', async (login) => {
    await forgetMails(op)
    const usual = await ask(op, 'alice')
    await forgetMails(op)
    const answer = await ask(op, login)
    expect(await mailsOf(op)).toEqual([])
    const headersOf = ({ headers }: Page) => [...headers].filter(([name]) => name !== 'x-request-id')
    expect([answer.status, answer.html, headersOf(answer)]).toEqual([200, usual.html, headersOf(usual)])
    op.clock.advance(24 * 60 * minute)
  })

  test('more than three times an hour, and no answer discloses the limit', async () => {
    const op = await provider()
    for (let i = 0; i < 8; i++) expect((await ask(op, i % 2 ? 'alice' : mailbox)).status).toBe(200)
    expect(await mailsOf(op)).toHaveLength(3)
    op.clock.advance(61 * minute)
    await ask(op, 'alice')
    expect(await mailsOf(op)).toHaveLength(4)
  })

  test('twice for one request, however many instances look', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const options: ProviderOptions = { store, clock }
    const both = [await provider(options), await provider(options)]
    const who = browser(both[0]!)
    const { page } = await who.open('/forgot_password')
    await who.press(page!, 'send', { username: 'alice' })
    await Promise.all([...both, ...both].map(({ context }) => answerRequests(context)))
    expect(await mailsOf(both[0]!)).toHaveLength(1)
  })
})

test('the requests of one network address are limited; a form of another site is refused', async () => {
  const op = await provider({ env: { SIGN_IN_ATTEMPTS_PER_ADDRESS: '3' } })
  const statuses = []
  for (let i = 0; i < 5; i++) statuses.push((await ask(op, `nobody${i}`)).status)
  expect(statuses).toEqual([200, 200, 200, 429, 429])
  const foreign = await op.fetch('/forgot_password', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://evil.example' },
    body: 'username=alice',
  })
  expect(foreign.status).toBe(403)
})

test('it can be switched off, and is where no mail leaves', async () => {
  const off = await provider({ env: { PASSWORD_RECOVERY: 'false' } })
  expect((await off.fetch('/forgot_password')).status).toBe(404)
  expect((await browser(off).open('/login')).page!.html).not.toContain('forgot_password')
})

test('when the store fails in between, no session outlives the password that it began with', async () => {
  for (let verbs = 6; verbs < 60; verbs += 3) {
    const clock = turnableClock()
    const away = failingStore(memoryStore(clock))
    const op = await provider({ store: away.store, clock })
    const elsewhere = browser(op)
    const { page: login } = await elsewhere.open('/login')
    await elsewhere.press(login!, 'login', alice)
    const who = browser(op)
    const { page } = await who.open(await linkFor(op))
    away.failAfter(verbs)
    const { page: answer } = await who.press(page!, 'reset', { password: better, repeat: better })
    away.recover()
    expect([200, 503]).toContain(answer!.status)
    const replaced = await signsIn(op, better)
    const sessionLives = !(await elsewhere.open('/account')).page!.url.includes('/login')
    expect([verbs, replaced && sessionLives]).toEqual([verbs, false])
    if (answer!.status === 200) expect(replaced).toBe(true)
  }
}, 60_000)
