/** Account registration with a proven address or an invitation, and attacks on both. */
import { describe, expect, test } from 'bun:test'
import type { Config } from '../../src/config.ts'
import { accounts } from '../../src/features/accounts/feature.ts'
import { Invitation } from '../../src/models/invitation.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { forgetMails, lastMailTo, linkIn, mailsOf } from '../support/mailbox.ts'
import { type Landing, type Page, person, type Person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const password = 'seven lambs and a lantern'
const email = 'nora@new.example'

const runJob = (op: Provider): Promise<void> =>
  op.context.table.jobs.find(({ name }) => name === 'account_registrations')!.run(op.context)

async function ask(op: Provider, browser: Person, address: string): Promise<Page> {
  const { page } = await browser.open('/register_account')
  const landing = await browser.press(page!, 'register', { email: address })
  await runJob(op)
  return landing.page!
}

/** The page that the mailed link shows. */
async function follow(op: Provider, browser: Person, address = email): Promise<Page> {
  await ask(op, browser, address)
  return (await browser.open(linkIn(await lastMailTo(op, address), '/create_account'))).page!
}

const create = (browser: Person, page: Page, fields: Record<string, string> = {}): Promise<Landing> =>
  browser.press(page, 'create', { password, repeat: password, ...fields })

const browserOf = (op: Provider): Person => person(op.issuer, op.fetch)
const at = (landing: Landing): string => new URL(landing.page!.url).pathname

async function signIn(op: Provider, username: string): Promise<string> {
  const browser = browserOf(op)
  const { page } = await browser.open('/login')
  return at(await browser.press(page!, 'login', { username, password }))
}

/** The first step of a request of the demo client. */
const request = (op: Provider): string =>
  `${op.issuer}/authorize?${new URLSearchParams({
    client_id: 'client123',
    response_type: 'code',
    redirect_uri: 'http://localhost:3000/callback',
    scope: 'openid',
    state: 'from-the-start',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })}`

describe('with an address', () => {
  test('from the application to the mail and back to the application, in one browser', async () => {
    const op = await provider()
    const browser = browserOf(op)
    const { page } = await browser.open(request(op))
    const href = /href="([^"]*register_account[^"]*)"/.exec(page!.html)![1]!
    const form = (await browser.open(href)).page!
    const sent = (await browser.press(form, 'register', { email })).page!
    expect(sent.html).toContain('We’ve sent you an email')
    await runJob(op)
    const shown = (await browser.open(linkIn(await lastMailTo(op, email), '/create_account'))).page!
    expect(shown.html).toContain(email)
    const landing = await create(browser, shown, { username: 'nora' })
    const location = landing.location ?? (await browser.press(landing.page!, 'allow')).location!
    expect(location.searchParams.get('state')).toBe('from-the-start')
    expect(location.searchParams.get('code')).toBeTruthy()
    const user = await User.findByUsername(op.context, 'nora')
    expect(user).toMatchObject({ claims: { email, email_verified: true }, roles: [], attributes: {} })
    expect(await signIn(op, email)).toBe('/account')
  })

  test('in another browser the link just signs in there', async () => {
    const op = await provider()
    const [asking, reading] = [browserOf(op), browserOf(op)]
    const form = (
      await asking.open((await asking.open(request(op))).page!.url.replace('/login', '/register_account'))
    ).page!
    await asking.press(form, 'register', { email })
    await runJob(op)
    const { page } = await reading.open(linkIn(await lastMailTo(op, email), '/create_account'))
    expect(at(await create(reading, page!))).toBe('/account')
  })

  test('a link can be opened any number of times, and used once', async () => {
    const op = await provider()
    const browser = browserOf(op)
    const page = await follow(op, browser)
    const url = page.url
    for (let i = 0; i < 3; i++) expect((await browserOf(op).open(url)).page!.status).toBe(200)
    expect(at(await create(browser, page))).toBe('/account')
    const again = await browserOf(op).open(url)
    expect(again.page!.status).toBe(400)
    expect(again.page!.html).toContain('no longer valid')
    op.clock.advance(61_000) // until then the same form is led where the first one led
    expect((await create(browser, page)).page!.status).toBe(400)
  })

  test('and good for a day', async () => {
    const op = await provider()
    const page = await follow(op, browserOf(op))
    op.clock.advance(86_401_000)
    expect((await browserOf(op).open(page.url)).page!.status).toBe(400)
  })
})

describe('nothing tells whether there is an account', () => {
  test('the same page; only a mail to the owner tells', async () => {
    const op = await provider()
    const pages = [await ask(op, browserOf(op), email), await ask(op, browserOf(op), 'ALICE@example.com')]
    const [unknown, known] = pages.map(({ status, html, url }) => ({
      status,
      html,
      path: new URL(url).pathname,
    }))
    expect(known).toEqual(unknown!)
    expect((await lastMailTo(op, email)).text).toContain('/create_account?token=')
    const told = await lastMailTo(op, 'ALICE@example.com')
    expect(told.text).toContain('the username alice')
    expect(told.text).not.toContain('/create_account')
  })

  test('look-alikes of an address are one account', async () => {
    const op = await provider()
    await create(browserOf(op), await follow(op, browserOf(op), 'bücher@bücher.example')).catch(
      () => undefined,
    )
    const browser = browserOf(op)
    await create(browser, await follow(op, browser, 'bücher@bücher.example'))
    for (const alike of [
      'BÜCHER@BÜCHER.example',
      'bücher@xn--bcher-kva.example',
      'bu\u0308cher@bücher.example',
    ]) {
      await forgetMails(op)
      op.clock.advance(3_601_000)
      await ask(op, browserOf(op), alike)
      const [mail] = await mailsOf(op)
      expect(mail!.text).toContain('You already have an account')
    }
  })

  test('one address is mailed three times an hour, whoever asks', async () => {
    const op = await provider()
    for (let i = 0; i < 5; i++) expect((await ask(op, browserOf(op), email)).status).toBe(200)
    expect(await mailsOf(op)).toHaveLength(3)
  })

  test('one network address is counted', async () => {
    const op = await provider({ env: { SIGN_IN_ATTEMPTS_PER_ADDRESS: '2' } })
    const statuses: number[] = []
    for (let i = 0; i < 4; i++) statuses.push((await ask(op, browserOf(op), `n${i}@new.example`)).status)
    expect(statuses).toEqual([200, 200, 429, 429])
  })
})

describe('refused beside the field, with what was typed kept', () => {
  test.each([
    'nora',
    'nora@',
    '@new.example',
    'nora@new',
    'a@b.example\r\nBcc: c@d.example',
    '"><script>alert(1)</script>@x.example',
  ])('the address %j', async (address) => {
    const op = await provider()
    const page = await ask(op, browserOf(op), address)
    expect(page.status).toBe(400)
    expect(page.html).toContain('Enter a valid email address')
    expect(page.html).not.toContain('<script>alert')
    expect(await mailsOf(op)).toHaveLength(0)
  })

  test.each([
    [{ username: 'alice' }, 'is taken'],
    [{ username: 'ＡＬＩＣＥ' }, 'is taken'],
    [{ username: 'alice@example.com' }, 'use your own'],
    [{ username: 'someone@else.example' }, 'use your own'],
    [{ username: 'al\u200bice' }, 'letters from one alphabet'],
    [{ username: 'аlice' /* Cyrillic а */ }, 'letters from one alphabet'],
    [{ username: '   ' }, 'letters from one alphabet'],
    [{ password: 'short', repeat: 'short' }, '8 to 128'],
    [{ password: 'nora@new.example', repeat: 'nora@new.example' }, 'too close to your name'],
    [{ repeat: 'another one' }, 'don’t match'],
  ] as const)('%j', async (fields, words) => {
    const op = await provider()
    const browser = browserOf(op)
    const page = await follow(op, browser)
    const { page: again } = await create(browser, page, { ...fields })
    expect(again!.status).toBe(400)
    expect(again!.html).toContain(words)
    expect(again!.html).not.toContain(`value="${password}"`)
    // And the link is still good.
    expect(at(await create(browser, again!, { username: 'nora' }))).toBe('/account')
  })
})

test('fields outside the form have no effect', async () => {
  const op = await provider()
  const browser = browserOf(op)
  const page = await follow(op, browser)
  const more = {
    roles: 'admin',
    attributes: '{"permissions":["all"]}',
    sub: 'user-alice',
    email: 'alice@example.com',
  }
  await create(browser, page, { username: 'nora', ...more, email_verified: 'true', disabled: 'true' })
  const user = (await User.findByUsername(op.context, 'nora'))!
  expect(user).toMatchObject({
    roles: [],
    attributes: {},
    disabled: false,
    claims: { email, email_verified: true },
  })
  expect(user.sub).not.toBe('user-alice')
})

test('an account cannot be prepared with a foreign address: only the link creates it', async () => {
  const op = await provider()
  const attacker = browserOf(op)
  await ask(op, attacker, email)
  // The owner, whose mailbox it is, chooses the password; the attacker's browser is no part of it.
  const owner = browserOf(op)
  await create(owner, (await owner.open(linkIn(await lastMailTo(op, email), '/create_account'))).page!)
  expect(at(await attacker.open('/account'))).toBe('/login')
})

test('a link from a mail, guessed or changed in a letter, is worth nothing', async () => {
  const op = await provider()
  const url = new URL((await follow(op, browserOf(op))).url)
  const token = url.searchParams.get('token')!
  const flipped = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A')
  for (const odd of ['', 'x', flipped, token.slice(0, 12), `${token}x`, token.toLowerCase()]) {
    const { page } = await browserOf(op).open(`/create_account?token=${encodeURIComponent(odd)}`)
    expect(page!.status).toBe(400)
  }
})

describe('who may register', () => {
  test('closed: nothing is served and no link is shown', async () => {
    const op = await provider({ env: { ACCOUNT_REGISTRATION: 'closed' } })
    expect((await op.fetch('/register_account')).status).toBe(404)
    expect((await browserOf(op).open('/login')).page!.html).not.toContain('register_account')
  })

  test('by invitation: no link, and the page says so', async () => {
    const op = await provider({ env: { ACCOUNT_REGISTRATION: 'invitation' } })
    const { page } = await browserOf(op).open('/register_account')
    expect(page!.status).toBe(403)
    expect(page!.html).toContain('You need an invitation')
    expect((await browserOf(op).open('/login')).page!.html).not.toContain('register_account')
  })

  test('a link of before is worth nothing once registration is no longer open', async () => {
    const store = memoryStore({ now: () => Date.now() })
    const op = await provider({ store })
    const { url } = await follow(op, browserOf(op))
    const closed = await provider({
      store,
      env: { ACCOUNT_REGISTRATION: 'invitation', ISSUER_URL: op.issuer },
    })
    expect((await browserOf(closed).open(url)).page!.status).toBe(400)
  })

  test('domains: those allowed, in any spelling, and no others', async () => {
    const op = await provider({ env: { ACCOUNT_REGISTRATION_DOMAINS: 'bücher.example, corp.example' } })
    for (const good of ['a@corp.example', 'b@CORP.example', 'c@xn--bcher-kva.example', 'd@BÜCHER.example'])
      expect((await ask(op, browserOf(op), good)).status).toBe(200)
    for (const bad of [
      'a@evil.example',
      'a@sub.corp.example',
      'a@corp.example.evil.example',
      'a@xcorp.example',
    ]) {
      const page = await ask(op, browserOf(op), bad)
      expect(page.status).toBe(400)
      expect(page.html).toContain('an address of this domain')
    }
  })
})

describe('invitations', () => {
  async function invited(op: Provider, more = {}): Promise<string> {
    const about = { email, invited: true, roles: ['editor'], ...more }
    const { token } = await Invitation.issue(op.context, op.context.random, about, 3600)
    return `/create_account?token=${token}`
  }

  test('give the roles and attributes of the operator, also when registration is closed', async () => {
    const op = await provider({ env: { ACCOUNT_REGISTRATION: 'invitation' } })
    const browser = browserOf(op)
    const { page } = await browser.open(await invited(op, { attributes: { organization: 'Example Corp' } }))
    expect(at(await create(browser, page!, { email: 'other@new.example' }))).toBe('/account')
    expect(await User.findByEmail(op.context, email)).toMatchObject({
      roles: ['editor'],
      attributes: { organization: 'Example Corp' },
    })
    expect(await Invitation.list(op.context)).toEqual([])
  })

  test('a withdrawn invitation is invalid', async () => {
    const op = await provider()
    const browser = browserOf(op)
    const { page } = await browser.open(await invited(op))
    const [{ id }] = (await Invitation.list(op.context)) as [Invitation]
    expect(await Invitation.revoke(op.context, id)).toBe(true)
    expect((await create(browser, page!)).page!.status).toBe(400)
    expect(await User.findByEmail(op.context, email)).toBeUndefined()
  })

  test('20 concurrent requests at two instances create one account', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const env = { SIGN_IN_QUEUE: '1000' }
    const a = await provider({ store, clock, env })
    const b = await provider({
      store,
      clock,
      env: { ...env, ISSUER_URL: a.issuer },
    })
    const path = await invited(a)
    const pages = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const browser = browserOf(i % 2 ? a : b)
        return { browser, page: (await browser.open(path)).page! }
      }),
    )
    const landings = await Promise.all(
      pages.map(({ browser, page }, i) => create(browser, page, { username: `nora${i}` })),
    )
    expect(landings.filter((landing) => at(landing) === '/account')).toHaveLength(1)
    const users = await User.list(a.context)
    expect(users.filter(({ claims }) => claims.email === email)).toHaveLength(1)
  }, 60_000)
})

test('registration that is open where no mail leaves stops the boot', () => {
  const op = { features: { accounts: { accountRegistration: 'open' }, mail: {} }, environment: 'production' }
  expect(accounts.problems!(op as unknown as Config)).toEqual([expect.stringContaining('SMTP_URL')])
})
