/** What somebody who knows the password, or shares a browser, tries against the second factor. OWASP ASVS 5.0 V6, https://www.rfc-editor.org/rfc/rfc6238#section-5 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { RecoveryCodes } from '../../src/features/second_factor/recovery.ts'
import { Session } from '../../src/models/session.ts'
import {
  codeOf,
  freshCode,
  home,
  pageOf,
  pathOf,
  showsCodes,
  seedOn,
  setUpApp,
  stageWithApp,
  withPassword,
} from '../support/authenticator.ts'
import { alice as aliceAccount, bob, browser, open } from '../support/flow.ts'
import { type Instances, sharedStores, turn } from '../support/instances.ts'
import { mailsOf } from '../support/mailbox.ts'
import { type Form, type Page, person, type Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { attempts } from './attacker.ts'

let instances: Instances

const racers = 20

/** Two instances on one store; Alice has an app. */
async function pair(env: Record<string, string> = {}) {
  const both = await instances.pair({
    SECOND_FACTOR_ATTEMPTS: '100',
    SIGN_IN_ATTEMPTS_PER_ACCOUNT: '1000',
    ...env,
  })
  const [one] = both
  const alice = browser(one)
  await withPassword(alice)
  const seed = await setUpApp(one, alice)
  return { both, one, seed }
}

const buttonOf = (page: Page, button: string): Form => {
  const form = page.forms.find(({ buttons }) => buttons.includes(button))
  if (!form) throw new Error(`no ${button} on ${page.url} (${page.status}):\n${page.html}`)
  return form
}

/** A form as this browser sends it, whoever else has sent it already: the answer, unfollowed. */
function send(op: Provider, who: Person, form: Form, fields: Record<string, string>): Promise<Response> {
  return op.fetch(form.action, {
    method: 'POST',
    body: new URLSearchParams({ ...form.fields, ...fields }).toString(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      origin: new URL(op.issuer).origin,
      cookie: [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
    },
  })
}

/** How many of these answers begin a session. */
const sessionsIn = (answers: readonly Response[]): number =>
  answers.filter(({ headers }) => headers.getSetCookie().some((each) => each.startsWith('latchkey_session=')))
    .length

describe.each(sharedStores)('two instances on one %s', (_, begin) => {
  beforeAll(async () => void (instances = await begin()))
  afterAll(() => instances.stop())

  describe('races of twenty across two instances', () => {
    /** As many browsers in which the password was right. */
    async function halfSignedIn(both: readonly [Provider, Provider]) {
      const browsers = []
      for (let i = 0; i < racers; i++) {
        const op = turn(both, i)
        const who = browser(op)
        browsers.push({ op, who, page: pageOf(await withPassword(who)) })
      }
      return browsers
    }

    test('one time step of the app opens one session', async () => {
      const { both, one, seed } = await pair()
      const browsers = await halfSignedIn(both)
      const code = freshCode(one, seed)
      const answers = await attempts(racers, (i) => {
        const { op, who, page } = browsers[i]!
        return send(op, who, buttonOf(page, 'verify'), { code })
      })
      expect(sessionsIn(answers)).toBe(1)
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(racers - 1)
    })

    test('one recovery code opens one session', async () => {
      const { both, one } = await pair()
      const [code = ''] = await RecoveryCodes.make(one.context, 'user-alice')
      const browsers = await halfSignedIn(both)
      const pages = await attempts(racers, async (i) => {
        const { who, page } = browsers[i]!
        return pageOf(await who.open(`/second-factor/recovery${new URL(page.url).search}`))
      })
      const answers = await attempts(racers, (i) =>
        send(browsers[i]!.op, browsers[i]!.who, buttonOf(pages[i]!, 'verify'), { code }),
      )
      expect(sessionsIn(answers)).toBe(1)
      expect((await RecoveryCodes.find(one.context, 'user-alice'))?.hashes).toHaveLength(9)
    })

    test('one mailed code, sent twenty times by its own browser, opens one session', async () => {
      const { both, one } = await pair({ SECOND_FACTORS: 'totp email' })
      await one.context.store.put(
        'factor_mailbox:user-alice',
        JSON.stringify({ sub: 'user-alice', to: 'alice@example.com', created_at: 1 }),
      )
      const who = browser(one)
      const { search } = new URL(pageOf(await withPassword(who)).url)
      const page = pageOf(await who.press(pageOf(await who.open(`/second-factor/email${search}`)), 'send'))
      const mails = await mailsOf(one)
      const code = mails.map(({ text }) => /^\d{6}$/m.exec(text)?.[0]).find((each) => each !== undefined)!
      const answers = await attempts(racers, (i) =>
        send(turn(both, i), who, buttonOf(page, 'verify'), { code }),
      )
      expect(sessionsIn(answers)).toBe(1)
    })

    test('one form with a right code, sent twenty times, begins one session', async () => {
      const { both, one, seed } = await pair()
      const who = browser(one)
      const page = pageOf(await withPassword(who))
      const code = freshCode(one, seed)
      const answers = await attempts(racers, (i) =>
        send(turn(both, i), who, buttonOf(page, 'verify'), { code }),
      )
      expect(sessionsIn(answers)).toBe(1)
    })

    test('one key that was shown becomes one authenticator', async () => {
      const { both, one } = await pair()
      const who = browser(one)
      await withPassword(who, bob)
      const page = pageOf(await who.open('/account/factors/totp'))
      const code = codeOf(one, seedOn(page))
      const answers = await attempts(racers, (i) =>
        send(turn(both, i), who, buttonOf(page, 'verify'), { code }),
      )
      // Who comes second is shown a new key, or asked for the app that is there by now.
      const pages = await Promise.all(answers.map((answer) => answer.text()))
      const set = pages.filter(showsCodes)
      expect(set).toHaveLength(1)
    })
  })

  describe('guessing', () => {
    const wrongOf = (op: Provider, seed: string) => {
      const near = new Set([-2, -1, 0, 1, 2].map((drift) => codeOf(op, seed, drift)))
      return ['000000', '111111', '222222', '333333', '444444', '555555'].find((each) => !near.has(each))!
    }

    test('is counted by account over browsers, sessions and instances; the owner is told once, and still gets in', async () => {
      const { both, one, seed } = await pair({
        SECOND_FACTOR_ATTEMPTS: '6',
      })
      // The owner signed in here before.
      const owner = browser(one)
      await owner.press(pageOf(await withPassword(owner)), 'verify', { code: freshCode(one, seed) })
      const code = wrongOf(one, seed)
      const statuses: number[] = []
      for (let i = 0; i < 9; i++) {
        const who = browser(turn(both, i))
        statuses.push(pageOf(await who.press(pageOf(await withPassword(who)), 'verify', { code })).status)
      }
      expect(statuses).toEqual([...Array<number>(6).fill(401), 429, 429, 429])
      // Even the right code is not looked at any more.
      const thief = browser(both[1])
      const late = pageOf(
        await thief.press(pageOf(await withPassword(thief)), 'verify', { code: freshCode(one, seed) }),
      )
      expect(late.status).toBe(429)
      expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0)
      const warnings = (await mailsOf(one)).filter(({ text }) =>
        text.includes('too many incorrect verification codes'),
      )
      expect(warnings).toHaveLength(1)
      owner.cookies.delete('latchkey_session')
      const half = pageOf(await withPassword(owner))
      expect(pathOf(await owner.press(half, 'verify', { code: freshCode(one, seed) }))).toBe(home)
    })

    test('twenty at once get no more tries than one after another', async () => {
      const { both, one, seed } = await pair({ SECOND_FACTOR_ATTEMPTS: '5' })
      const who = browser(one)
      const form = buttonOf(pageOf(await withPassword(who)), 'verify')
      const code = wrongOf(one, seed)
      const answers = await attempts(racers, (i) => send(turn(both, i), who, form, { code }))
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(5)
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(racers - 5)
    })

    test('without the first factor nothing is counted, so a stranger locks nobody out', async () => {
      const { op, seed } = await stageWithApp({ env: { SECOND_FACTOR_ATTEMPTS: '3' } })
      const stranger = browser(op)
      const login = pageOf(await open(op, stranger))
      const { search } = new URL(login.url)
      for (let i = 0; i < 10; i++)
        expect(pathOf(await stranger.open(`/second-factor/totp${search}`))).toBe('/login')
      const who = browser(op)
      expect(
        pathOf(await who.press(pageOf(await withPassword(who)), 'verify', { code: freshCode(op, seed) })),
      ).toBe(home)
    })
  })
})

describe('half of a sign-in', () => {
  test('opens no page of ours: all lead back to what is missing', async () => {
    const { op } = await stageWithApp()
    const who = browser(op)
    const half = pageOf(await who.press(pageOf(await open(op, who)), 'login', aliceAccount))
    const { search } = new URL(half.url)
    const codes = ['/second-factor/totp', '/second-factor/recovery', '/passkeys/second_factor']
    const steps = ['/second-factor', '/second-factor/set-up', ...codes]
    const allowed = ['/login', ...steps]
    const before = new Set(['/', '/logout', '/dev/mail', '/health', '/metrics'])
    let seen = 0
    for (const { path, get, page } of op.context.table.endpoints) {
      if (!page || !get || path.includes('*') || before.has(path)) continue
      seen++
      const landing = await who.open(`${path}${search}`)
      expect([path, landing.location?.searchParams.get('code')]).toEqual([path, undefined])
      expect([path, who.cookies.has('latchkey_session')]).toEqual([path, false])
      // Whoever asks for an account is asked to sign in; nothing of Alice is on any page.
      if (landing.page && !allowed.includes(pathOf(landing)))
        expect([path, landing.page.html.includes('alice')]).toEqual([path, false])
    }
    expect(seen).toBeGreaterThan(20)
    expect(await Session.listOfUser(op.context, 'user-alice')).toHaveLength(1) // the one that set the app up
  })

  test('sets up no second factor of its own, not even one begun before the owner had theirs', async () => {
    const op = await provider({ env: { SECOND_FACTOR: 'required' } })
    const thief = browser(op)
    const begun = pageOf(await withPassword(thief))
    const { search } = new URL(begun.url)
    const page = pageOf(await thief.open(`/second-factor/totp/set-up${search}`))
    const seed = seedOn(page)
    const owner = browser(op)
    const own = pageOf(await withPassword(owner))
    // A link to the picture shows nothing in another browser.
    for (const path of ['/second-factor/totp/set-up', '/second-factor/totp/set-up/qr']) {
      const stolen = pageOf(await owner.open(`${path}${search}`))
      expect([stolen.status, stolen.html.includes(seed)]).toEqual([400, false])
    }
    const ownPage = pageOf(await owner.open(`/second-factor/totp/set-up${new URL(own.url).search}`))
    expect(seedOn(ownPage)).not.toBe(seed)
    await owner.press(ownPage, 'verify', { code: codeOf(op, seedOn(ownPage)) })
    expect(pathOf(await thief.press(page, 'verify', { code: codeOf(op, seed) }))).toBe('/second-factor')
    for (const path of [
      '/second-factor/totp/set-up',
      '/second-factor/totp/set-up/qr',
      '/second-factor/set-up',
    ])
      expect(pathOf(await thief.open(`${path}${search}`))).toBe('/second-factor')
    expect(thief.cookies.has('latchkey_session')).toBe(false)
  })

  test('declines no duty, whatever its form says', async () => {
    const op = await provider({ env: { SECOND_FACTOR: 'required' } })
    const who = browser(op)
    const page = pageOf(await withPassword(who))
    const { interaction } = Object.fromEntries(new URL(page.url).searchParams)
    // The token of that form is on no page of this interaction; without one it is refused.
    const form: Form = {
      action: '/second-factor/set-up',
      method: 'post',
      fields: { interaction: interaction! },
      buttons: ['decline'],
    }
    expect((await send(op, who, form, { decline: 'decline' })).status).toBe(403)
    expect(who.cookies.has('latchkey_session')).toBe(false)
  })

  test('of one interaction is nothing in another, in another browser, or for another person', async () => {
    const { op, seed } = await stageWithApp()
    const who = browser(op)
    const first = buttonOf(pageOf(await withPassword(who)), 'verify')
    const second = buttonOf(pageOf(await withPassword(who)), 'verify')
    const code = freshCode(op, seed)
    const swapped = { ...first, fields: { ...first.fields, interaction: second.fields.interaction! } }
    expect((await send(op, who, swapped, { code })).status).toBe(403)
    const thief = browser(op)
    await thief.open('/login')
    expect((await send(op, thief, first, { code })).status).toBe(403)
    // Bob signs in where Alice was half way: her form cannot finish as her.
    const login = pageOf(await who.open(`/login?interaction=${first.fields.interaction}`))
    expect(pathOf(await who.press(login, 'login', bob))).toBe(home)
    const late = await send(op, who, first, { code })
    expect([late.status, sessionsIn([late])]).toEqual([303, 0])
    const subs = (await Session.listOfUser(op.context, 'user-bob')).map(({ sub }) => sub)
    expect(subs).toEqual(['user-bob'])
    expect(pathOf(await who.open('/account'))).toBe('/account')
  })

  test('waits ten minutes, and is spent by the session it becomes', async () => {
    const { op, seed } = await stageWithApp()
    const slow = browser(op)
    const half = pageOf(await withPassword(slow))
    op.clock.advance(601_000)
    expect(pathOf(await slow.press(half, 'verify', { code: freshCode(op, seed) }))).toBe('/login')
    const who = browser(op)
    const form = buttonOf(pageOf(await withPassword(who)), 'verify')
    expect(sessionsIn([await send(op, who, form, { code: freshCode(op, seed) })])).toBe(1)
    // Signed out or not: the second factor alone opens nothing.
    const again = await send(op, who, form, { code: freshCode(op, seed) })
    expect([again.status, sessionsIn([again])]).toEqual([303, 0])
  })
})

test('a code that was sent is good on the page that asked for it alone', async () => {
  const op = await provider({ env: { SECOND_FACTORS: 'totp email' } })
  const alice = browser(op)
  await withPassword(alice)
  const codes = async () =>
    (await mailsOf(op)).flatMap(({ text }) => /^\d{6}$/m.exec(text) ?? []).map((each) => `${each}`)
  /** The code that came since `before`. */
  const news = async (before: string[]) => (await codes()).find((each) => !before.includes(each))!
  const set = pageOf(await alice.press(pageOf(await alice.open('/account/factors/email')), 'send'))
  const forSetUp = await news([])
  await alice.press({ ...set, forms: [buttonOf(set, 'verify')] }, 'verify', { code: forSetUp })

  const ask = async () => {
    const who = browser(op)
    const seen = await codes()
    const page = pageOf(await who.press(pageOf(await withPassword(who)), 'send'))
    return { who, form: buttonOf(page, 'verify'), code: await news(seen) }
  }
  const one = await ask()
  const two = await ask()
  for (const code of [forSetUp, two.code])
    if (code !== one.code) expect((await send(op, one.who, one.form, { code })).status).toBe(401)
  // Neither is it spent by whoever typed it elsewhere.
  expect(sessionsIn([await send(op, two.who, two.form, { code: two.code })])).toBe(1)
  expect(sessionsIn([await send(op, one.who, one.form, { code: one.code })])).toBe(1)
})

test('a session planted before signing in is not the one that the second factor makes', async () => {
  const { op, seed } = await stageWithApp()
  const attacker = browser(op)
  await withPassword(attacker, bob)
  const planted = attacker.cookies.get('latchkey_session')!
  const victim = person(op.issuer, op.fetch)
  victim.cookies.set('latchkey_session', planted)
  await victim.press(pageOf(await withPassword(victim)), 'verify', { code: freshCode(op, seed) })
  expect(victim.cookies.get('latchkey_session')).not.toBe(planted)
  expect(victim.cookies.get('latchkey_session')!.slice(0, 20)).not.toBe(planted.slice(0, 20))
  expect(pathOf(await attacker.open('/account'))).toBe('/login') // Bob's session ended with it
})

test('a trusted device is not forged, stretched, or moved to another account', async () => {
  const { op, seed } = await stageWithApp()
  const who = browser(op)
  await who.press(pageOf(await withPassword(who)), 'verify', {
    code: freshCode(op, seed),
    trust_device: 'yes',
  })
  const cookie = who.cookies.get('latchkey_trusted_device')!
  const [exp = '', mac = ''] = cookie.split('.')
  for (const forged of [
    `${Number(exp) + 60}.${mac}`,
    `${exp}.${mac.slice(0, -1)}A`,
    `${exp}.`,
    `x.${mac}`,
    `${cookie}.`,
  ]) {
    if (forged === cookie) continue
    who.cookies.delete('latchkey_session')
    who.cookies.set('latchkey_trusted_device', forged)
    expect([forged, pathOf(await withPassword(who))]).toEqual([forged, '/second-factor/totp'])
  }
  // Bob, in Alice's trusted browser.
  who.cookies.set('latchkey_trusted_device', cookie)
  const other = browser(op)
  await withPassword(other, bob)
  await setUpApp(op, other)
  who.cookies.delete('latchkey_session')
  expect(pathOf(await withPassword(who, bob))).toBe('/second-factor/totp')
})

test('no form is answered without its own token', async () => {
  const { op, alice, seed } = await stageWithApp()
  const half = browser(op)
  const { interaction } = Object.fromEntries(new URL(pageOf(await withPassword(half)).url).searchParams)
  const mine = op.context.table.endpoints.filter(
    ({ path, post }) => /^\/(second-factor|account\/factors)/.test(path) && post !== undefined,
  )
  expect(mine.length).toBeGreaterThan(6)
  // The pages of the account ask for the app first.
  await alice.press(pageOf(await alice.open('/account/factors/totp')), 'verify', {
    code: freshCode(op, seed),
  })
  for (const { path } of mine) {
    const who = path.startsWith('/account') ? alice : half
    for (const token of [[], [['csrf_token', 'x'.repeat(43)]]] as [string, string][][]) {
      const form = { action: path, method: 'post', fields: { interaction: interaction! }, buttons: [] }
      const { status } = await send(op, who, form, { ...Object.fromEntries(token), code: '123456' })
      expect([path, status]).toEqual([path, 403])
    }
  }
})
