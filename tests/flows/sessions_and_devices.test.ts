/** The sessions page: devices, addresses and times; ending sessions, their limit, and sessions on another device. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Session } from '../../src/models/session.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { authorizationUrl, demo } from '../support/client.ts'
import { agents, personWith, thiefOf } from '../support/devices.ts'
import { authorize, browser, tokensOf, userinfo } from '../support/flow.ts'
import { forgetMails, mailsOf } from '../support/mailbox.ts'
import { mmdb } from '../support/mmdb.ts'
import { alice, bob, type Page, type Person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const hour = 3_600_000

async function signIn(who: Person, account = alice): Promise<Page> {
  const { page } = await who.open('/login')
  return (await who.press(page!, 'login', account)).page!
}

const sessionsOf = async (who: Person): Promise<Page> => (await who.open('/account/sessions')).page!
const isSignedIn = async (who: Person): Promise<boolean> =>
  new URL((await sessionsOf(who)).url).pathname === '/account/sessions'
const entriesOf = ({ html }: Page): string[] => html.split('<li class="entry">').slice(1)

/** How many live sessions alice has. */
const count = async (op: Provider): Promise<number> => {
  const { sub } = (await User.findByUsername(op.context, 'alice'))!
  return (await Session.listOfUser(op.context, sub)).length
}

describe('the list', () => {
  test('says browser, system, address, first and last use, ends, and which is this one', async () => {
    const op = await provider()
    const [here, phone] = [
      personWith(op, agents.firefoxOnLinux),
      personWith(op, agents.safariOnIphone, '198.51.100.7'),
    ]
    await signIn(here)
    await signIn(phone)
    const [first, second, ...more] = entriesOf(await sessionsOf(here))
    expect(more).toEqual([])
    expect(first).toContain('<bdi>Firefox</bdi> on <bdi>Linux</bdi>')
    expect(first).toContain('Current session')
    expect(first).not.toContain('<button')
    expect(second).toContain('<bdi>Safari</bdi> on <bdi>iPhone</bdi>')
    expect(second).toContain('IP address <bdi>198.51.100.7</bdi>')
    expect(second).toContain('at the latest')
    expect(second).toContain('aria-label="End session: Safari on iPhone"')
  })

  test('ends one session with its tokens, and no other', async () => {
    const op = await provider()
    const [here, phone, third] = [browser(op), browser(op), browser(op)]
    await signIn(here)
    const tokens = await tokensOf(op, phone)
    await signIn(third)
    const page = await sessionsOf(here)
    expect(page.forms.filter(({ buttons }) => buttons.includes('end'))).toHaveLength(2)
    const done = (await here.press(page, 'end')).page!
    expect(done.html).toContain('The session was ended.')
    expect([await isSignedIn(phone), await isSignedIn(third)].filter(Boolean)).toHaveLength(1)
    await here.press(done, 'end')
    expect([await isSignedIn(here), await isSignedIn(phone), await isSignedIn(third)]).toEqual([
      true,
      false,
      false,
    ])
    expect((await userinfo(op, tokens.access_token)).status).toBe(401)
  })

  test('ends all others at once', async () => {
    const op = await provider()
    const all = Array.from({ length: 5 }, () => browser(op))
    for (const who of all) await signIn(who)
    const done = (await all[0]!.press(await sessionsOf(all[0]!), 'end_all')).page!
    expect(done.html).toContain('All other sessions were ended.')
    expect(await Promise.all(all.map(isSignedIn))).toEqual([true, false, false, false, false])
    expect(done.html).not.toContain('name="end_all"')
  })

  test('needs a recent sign-in before a session is ended, and returns to the list', async () => {
    for (const button of ['end', 'end_all']) {
      const op = await provider()
      const [phone, here] = [browser(op), browser(op)]
      await signIn(phone)
      await signIn(here)
      op.clock.advance(11 * 60_000)
      const asked = (await here.press(await sessionsOf(here), button)).page!
      expect(new URL(asked.url).pathname).toBe('/login')
      expect([await isSignedIn(here), await isSignedIn(phone)]).toEqual([true, true])
      const list = (await here.press(asked, 'login', alice)).page!
      expect(new URL(list.url).pathname).toBe('/account/sessions')
      expect(list.html).not.toContain('class="notice"')
      expect((await here.press(list, button)).page!.html).toContain('class="notice"')
      expect([await isSignedIn(here), await isSignedIn(phone)]).toEqual([true, false])
    }
  })

  test('the policy describes the rules in force alone', async () => {
    const policy = async (env: Record<string, string>) => {
      const who = browser(await provider({ env }))
      await signIn(who)
      return (await who.open('/account/sessions/policy')).page!.html.replaceAll(/<\/?bdi>/g, '')
    }
    const plain = await policy({})
    expect(plain).toContain('A session ends if you don’t use it for 1 day.')
    expect(plain).toContain('A session ends 7 days after you sign in')
    expect(plain).not.toContain('at a time')
    const strict = await policy({
      SESSION_LIMIT: '3',
      SESSION_LIMIT_POLICY: 'refuse',
      SESSION_DEVICE_CHECK: 'false',
      SESSION_IDLE_TTL: '5400',
    })
    expect(strict).toContain('don’t use it for 90 minutes')
    expect(strict).toContain('You can have 3 sessions at a time. To sign in somewhere else')
    expect(strict).not.toContain('in a different browser')
  })
})

describe('places', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-places-'))
  const path = join(folder, 'places.mmdb')
  const at = (city: string, country: string) => ({
    city: { names: { en: city, de: `${city} (de)` } },
    country: { iso_code: country },
  })
  beforeAll(() =>
    writeFileSync(
      path,
      mmdb({ '203.0.113.0/24': at('Vienna', 'AT'), '198.51.100.0/25': { country: { iso_code: 'JP' } } }),
    ),
  )
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('city and country by a database of the operator, in the language of the page', async () => {
    const op = await provider({ env: { GEOIP_DATABASE_PATH: path } })
    const shown = async (address: string) => {
      const who = personWith(op, agents.firefoxOnLinux, address)
      await signIn(who)
      return (await sessionsOf(who)).html
    }
    expect(await shown('203.0.113.9')).toContain(
      'Near <bdi>Vienna, Austria</bdi> · IP address <bdi>203.0.113.9</bdi>',
    )
    expect(await shown('198.51.100.7')).toContain('Near <bdi>Japan</bdi>')
    expect(await shown('192.0.2.1')).toContain('IP address <bdi>192.0.2.1</bdi>')
    const who = personWith(op, agents.firefoxOnLinux, '203.0.113.9')
    await signIn(who)
    who.cookies.set('latchkey_language', 'de')
    expect((await who.open('/account/activity')).page!.html).toContain('Vienna (de), Österreich')
  })

  test('a database that is missing or broken takes no page down', async () => {
    const broken = join(folder, 'broken.mmdb')
    writeFileSync(broken, 'not a database')
    for (const GEOIP_DATABASE_PATH of [join(folder, 'none.mmdb'), broken]) {
      const op = await provider({ env: { GEOIP_DATABASE_PATH } })
      const who = browser(op)
      await signIn(who)
      expect((await sessionsOf(who)).html).toContain('IP address <bdi>127.0.0.1</bdi>')
      expect(op.lines.join('\n')).toContain('place_unknown')
    }
  })

  test('a database put in its place later is read without a restart', async () => {
    const late = join(folder, 'late.mmdb')
    const op = await provider({ env: { GEOIP_DATABASE_PATH: late } })
    const who = personWith(op, agents.firefoxOnLinux, '203.0.113.9')
    await signIn(who)
    expect((await sessionsOf(who)).html).not.toContain('Vienna')
    writeFileSync(late, mmdb({ '203.0.113.0/24': at('Vienna', 'AT') }))
    expect((await sessionsOf(who)).html).toContain('Vienna')
  })
})

describe('the limit', () => {
  test('one more ends the oldest, which says so in the activity', async () => {
    const op = await provider({ env: { SESSION_LIMIT: '2' } })
    const all = Array.from({ length: 3 }, () => browser(op))
    for (const who of all) {
      op.clock.advance(1000)
      await signIn(who)
    }
    expect(await Promise.all(all.map(isSignedIn))).toEqual([false, true, true])
    expect((await all[2]!.open('/account/activity')).page!.html).toContain('Your oldest session was ended')
  })

  test('signing in again in the same browser counts once', async () => {
    const op = await provider({ env: { SESSION_LIMIT: '2' } })
    const [one, two] = [browser(op), browser(op)]
    await signIn(one)
    for (let again = 0; again < 3; again++) await signIn(two)
    expect([await isSignedIn(one), await isSignedIn(two)]).toEqual([true, true])
  })

  test('or the new sign-in is refused with advice; after a sign-out it succeeds', async () => {
    const op = await provider({ env: { SESSION_LIMIT: '1', SESSION_LIMIT_POLICY: 'refuse' } })
    const [one, two] = [browser(op), browser(op)]
    await signIn(one)
    const refused = await signIn(two)
    expect(refused.status).toBe(403)
    expect(refused.html).toContain('Sign out there first')
    expect(refused.html).toContain('<code dir="ltr">session_limit</code>')
    expect([await isSignedIn(one), await isSignedIn(two)]).toEqual([true, false])
    expect((await signIn(browser(op), bob)).status).toBe(200)
    await one.press((await one.open('/logout')).page!, 'logout')
    expect((await signIn(two)).status).toBe(200)
  })

  test('the first sign-in after the limit was lowered ends the surplus sessions', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const before = await provider({ store, clock })
    for (let i = 0; i < 5; i++) await signIn(browser(before))
    clock.advance(2 * 60_000)
    const after = await provider({ store, clock, env: { SESSION_LIMIT: '2' } })
    await signIn(browser(after))
    expect(await count(after)).toBe(2)
  })

  for (const policy of ['end_oldest', 'refuse'])
    test(`twenty at once on two instances (${policy}): never more than three`, async () => {
      const clock = turnableClock()
      const store = memoryStore(clock)
      const env = {
        SESSION_LIMIT: '3',
        SESSION_LIMIT_POLICY: policy,
        SIGN_IN_ATTEMPTS_PER_ADDRESS: '1000',
        SIGN_IN_ATTEMPTS_PER_ACCOUNT: '1000',
      }
      const both = [await provider({ store, clock, env }), await provider({ store, clock, env })]
      const all = Array.from({ length: 20 }, (_, i) => browser(both[i % 2]!))
      await Promise.all(all.map((who) => signIn(who)))
      expect(await count(both[0]!)).toBe(3)
      expect((await Promise.all(all.map(isSignedIn))).filter(Boolean)).toHaveLength(3)
    }, 60_000)
})

describe('another device', () => {
  const mails = async (op: Provider) => (await mailsOf(op)).map(({ text }) => text)

  test('a cookie used in another browser is refused, ends the session, and one mail tells the End-User', async () => {
    const op = await provider()
    const victim = personWith(op, agents.firefoxOnLinux)
    const tokens = await tokensOf(op, victim)
    await forgetMails(op)
    const thief = thiefOf(op, victim, agents.chromeOnWindows)
    const tries = await Promise.all(Array.from({ length: 20 }, () => thief.open('/account')))
    for (const { page } of tries) expect(new URL(page!.url).pathname).toBe('/login')
    expect(await isSignedIn(victim)).toBe(false)
    expect((await userinfo(op, tokens.access_token)).status).toBe(401)
    const [told, ...more] = await mails(op)
    expect(more).toEqual([])
    expect(told).toContain('was used on another device')
    expect(told).toContain('203.0.113.9')
    expect(told).toContain('Chrome on Windows')
  })

  test('nor does it authorize a client: no code, no consent', async () => {
    const op = await provider()
    const victim = personWith(op, agents.firefoxOnLinux)
    await authorize(op, victim)
    const thief = thiefOf(op, victim, agents.safariOnIphone)
    const { url } = authorizationUrl(op.issuer, demo, { prompt: 'none' })
    const { location } = await thief.open(url)
    expect(location!.searchParams.get('error')).toBe('login_required')
  })

  test('an update of the browser is the same device', async () => {
    const op = await provider()
    const before = personWith(op, agents.firefoxOnLinux)
    await signIn(before)
    expect(await isSignedIn(thiefOf(op, before, agents.newerFirefoxOnLinux))).toBe(true)
    expect(await isSignedIn(before)).toBe(true)
  })

  test('where the check is off, sessions are left alone', async () => {
    const op = await provider({ env: { SESSION_DEVICE_CHECK: 'false' } })
    const before = personWith(op, agents.firefoxOnLinux)
    await signIn(before)
    expect(await isSignedIn(thiefOf(op, before, agents.chromeOnWindows))).toBe(true)
  })

  test('the first sign-in from a device is mailed once; the very first of a new account is not', async () => {
    const op = await provider()
    const home = personWith(op, agents.firefoxOnLinux)
    await signIn(home)
    expect(await mails(op)).toEqual([])
    op.clock.advance(2 * hour)
    const phone = personWith(op, agents.safariOnIphone, '198.51.100.7')
    await signIn(phone)
    await signIn(phone)
    await signIn(home)
    const [mail, ...more] = await mails(op)
    expect(more).toEqual([])
    expect(mail).toContain('A new device signed in')
    expect(mail).toContain('Safari on iPhone')
    expect((await phone.open('/account/activity')).page!.html).toContain('A new device signed in')
  })

  test('two End-Users of one browser each know the device', async () => {
    const op = await provider()
    const shared = personWith(op, agents.firefoxOnLinux)
    await signIn(shared)
    await signIn(shared, bob)
    op.clock.advance(2 * hour)
    await signIn(shared)
    await signIn(shared, bob)
    expect(await mails(op)).toEqual([])
  })

  test('a copy of the cookies on another device is a new device, however it signs in', async () => {
    const op = await provider()
    const home = personWith(op, agents.firefoxOnLinux)
    await signIn(home)
    op.clock.advance(2 * hour)
    const copy = thiefOf(op, home, agents.chromeOnAndroid)
    copy.cookies.delete('latchkey_session')
    await signIn(copy)
    expect((await mails(op)).join()).toContain('Chrome on Android')
  })
})
