/** A person sets up an authenticator app, signs in with it, loses it, goes on with a recovery code, and trusts a device. https://www.rfc-editor.org/rfc/rfc6238 */
import { describe, expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import {
  afterCodes,
  codeOf,
  freshCode,
  home,
  idTokenThroughApp,
  pageOf,
  pathOf,
  seedOn,
  setUpApp,
  stageWithApp,
  withPassword,
} from '../support/authenticator.ts'
import { claimsOf } from '../support/client.ts'
import {
  alice as aliceAccount,
  bob,
  browser,
  demo,
  introspect,
  minute,
  open,
  tokensOf,
} from '../support/flow.ts'
import { mailsOf } from '../support/mailbox.ts'
import type { Landing, Page, Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

/** Whether a mail to Alice says so; which came last cannot be told while the clock stands. */
const told = async (op: Provider, words: string): Promise<boolean> =>
  (await mailsOf(op)).some(({ to, text }) => to === 'alice@example.com' && text.includes(words))

/** Presses the button that removes this factor. */
const remove = (who: Person, page: Page, factor: string): Promise<Landing> => {
  const forms = page.forms.filter((each) => each.fields.factor === factor)
  return who.press({ ...page, forms }, 'remove')
}

describe('an authenticator app', () => {
  test('is set up from a picture or a key, asked for at the next sign-in, and the tokens say so', async () => {
    const op = await provider()
    const alice = browser(op)
    await withPassword(alice)
    const page = pageOf(await alice.open('/account/factors/totp'))
    const [, image = ''] = /<img src="([^"]+)"/.exec(page.html.slice(page.html.indexOf('class="qr"'))) ?? []
    const picture = pageOf(await alice.open(image))
    expect(picture.headers.get('content-type')).toBe('image/svg+xml; charset=utf-8')
    expect(picture.headers.get('cache-control')).toBe('no-store')
    expect(picture.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(picture.html).toStartWith('<svg')
    const seed = await setUpApp(op, alice)
    expect(seed).toBe(seedOn(page)) // looking again changes nothing
    expect(await told(op, 'An authenticator app was added')).toBe(true)

    const elsewhere = browser(op)
    const half = await withPassword(elsewhere)
    expect(pathOf(half)).toBe('/second-factor/totp')
    const wrong = await elsewhere.press(pageOf(half), 'verify', { code: '000000' })
    expect([pageOf(wrong).status, pathOf(wrong)]).toEqual([401, '/second-factor/totp'])
    expect(pageOf(wrong).html).not.toContain('000000')
    const { claims, access_token } = await idTokenThroughApp(op, elsewhere, seed)
    expect(claims).toMatchObject({ acr: 'urn:latchkey:2fa', amr: ['pwd', 'otp', 'mfa'] })
    expect(claimsOf(access_token)).toMatchObject({ acr: 'urn:latchkey:2fa', amr: ['pwd', 'otp', 'mfa'] })
    expect(await introspect(op, access_token)).toMatchObject({
      acr: 'urn:latchkey:2fa',
      amr: ['pwd', 'otp', 'mfa'],
    })
  })

  test('may be one step fast or slow, and no more', async () => {
    const { op, seed } = await stageWithApp()
    op.clock.advance(10 * minute)
    for (const [drift, path] of [
      [-2, '/second-factor/totp'],
      [-1, home],
      [1, home],
      [2, '/second-factor/totp'],
    ] as const) {
      const who = browser(op)
      const half = pageOf(await withPassword(who))
      const landing = await who.press(half, 'verify', { code: codeOf(op, seed, drift) })
      expect([drift, pathOf(landing)]).toEqual([drift, path])
      op.clock.advance(10 * minute)
    }
  })

  test('a step is accepted once, nor any before it; the code that set it up opens nothing', async () => {
    const { op, seed } = await stageWithApp()
    const enter = async (code: string) => {
      const who = browser(op)
      return pathOf(await who.press(pageOf(await withPassword(who)), 'verify', { code }))
    }
    expect(await enter(codeOf(op, seed))).toBe('/second-factor/totp')
    const next = freshCode(op, seed)
    const typed = `${next.slice(0, 3)} ${next.slice(3)}`
    expect(await enter(typed)).toBe(home)
    expect(await enter(next)).toBe('/second-factor/totp')
    expect(await enter(codeOf(op, seed, -1))).toBe('/second-factor/totp')
    expect(await enter(codeOf(op, seed, 1))).toBe(home)
  })

  test('the page of a wrong confirmation keeps the key, and stores nothing', async () => {
    const op = await provider()
    const alice = browser(op)
    await withPassword(alice)
    const page = pageOf(await alice.open('/account/factors/totp'))
    const again = pageOf(await alice.press(page, 'verify', { code: '12' }))
    expect([again.status, seedOn(again)]).toEqual([400, seedOn(page)])
    expect(pathOf(await withPassword(browser(op)))).toBe(home)
  })

  test('is replaced and removed after a fresh sign-in with it, and the owner hears of it', async () => {
    const { op, alice, seed } = await stageWithApp()
    // What Alice has here is a session of one factor, from before: the page asks for the app first.
    const half = pageOf(await alice.open('/account/factors/totp'))
    expect(new URL(half.url).pathname).toBe('/second-factor/totp')
    const page = pageOf(await alice.press(half, 'verify', { code: freshCode(op, seed) }))
    expect(new URL(page.url).pathname).toBe('/account/factors/totp')
    const other = seedOn(page)
    expect(other).not.toBe(seed)
    op.clock.advance(minute)
    await alice.press(page, 'verify', { code: codeOf(op, other) })
    const who = browser(op)
    const step = pageOf(await withPassword(who))
    expect(pathOf(await who.press(step, 'verify', { code: freshCode(op, seed) }))).toBe('/second-factor/totp')
    expect(pathOf(await who.press(step, 'verify', { code: freshCode(op, other) }))).toBe(home)

    const gone = await remove(alice, pageOf(await alice.open('/account/factors')), 'totp')
    expect(pageOf(gone).url).toEndWith('?done=removed')
    expect(await told(op, 'was removed')).toBe(true)
    expect(pathOf(await withPassword(browser(op)))).toBe(home)
  })

  test('ten minutes after signing in nothing of it is shown or changed', async () => {
    const { op, alice } = await stageWithApp()
    op.clock.advance(11 * minute)
    for (const path of ['/account/factors/totp', '/account/factors/totp/qr'])
      expect(pathOf(await alice.open(path))).toBe('/login')
    const page = pageOf(await alice.open('/account/factors'))
    expect(pathOf(await remove(alice, page, 'totp'))).toBe('/login')
  })
})

describe('recovery codes', () => {
  const codesOn = (page: Page) =>
    [...page.html.matchAll(/<code>((?:[a-z2-7]{4}-){5}[a-z2-7]{4})<\/code>/g)].map(([, code]) => code!)

  /** The set that Alice makes, with the page that shows it. */
  async function make(op: Provider, alice: Person, seed: string) {
    const half = await alice.press(pageOf(await alice.open('/account/factors')), 'make')
    // The first time the app is asked for.
    if (pathOf(half) === '/second-factor/totp')
      await alice.press(pageOf(half), 'verify', { code: freshCode(op, seed) })
    const shown =
      pathOf(half) === '/account/factors/recovery'
        ? half
        : await alice.press(pageOf(await alice.open('/account/factors')), 'make')
    return { page: pageOf(shown), codes: codesOn(pageOf(shown)) }
  }
  const enter = async (op: Provider, code: string) => {
    const who = browser(op)
    const half = pageOf(await withPassword(who))
    const choice = pageOf(await who.open(`/second-factor${new URL(half.url).search}`))
    expect(choice.html).toContain('/second-factor/recovery?')
    const page = pageOf(await who.open(`/second-factor/recovery${new URL(half.url).search}`))
    return { who, landing: await who.press(page, 'verify', { code }) }
  }

  test('ten, shown once, kept as a file; each opens once, however it is typed; the owner is told', async () => {
    const { op, alice, seed } = await stageWithApp()
    const { page, codes } = await make(op, alice, seed)
    expect(codes).toHaveLength(10)
    expect(new Set(codes).size).toBe(10)
    expect(pageOf(await alice.open('/account/factors')).html).not.toContain(codes[0]!)

    const file = pageOf(await alice.press(page, 'download'))
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="recovery-codes.txt"')
    expect(file.html.split('\n').filter((line) => codes.includes(line))).toEqual(codes)

    const { who, landing } = await enter(op, ` ${codes[3]!.toUpperCase().replaceAll('-', ' ')} `)
    expect(pathOf(landing)).toBe(home)
    expect(claimsOf((await tokensOf(op, who)).id_token)).toMatchObject({
      acr: 'urn:latchkey:2fa',
      amr: ['pwd', 'otp', 'mfa'],
    })
    expect(await told(op, 'Codes left: 9')).toBe(true)
    expect(pageOf((await enter(op, codes[3]!)).landing).status).toBe(401)
    expect(pathOf((await enter(op, codes[4]!)).landing)).toBe(home)
  })

  test('a new set puts an end to the old one', async () => {
    const { op, alice, seed } = await stageWithApp()
    const { codes: old } = await make(op, alice, seed)
    const { codes } = await make(op, alice, seed)
    expect(pageOf((await enter(op, old[0]!)).landing).status).toBe(401)
    expect(pathOf((await enter(op, codes[0]!)).landing)).toBe(home)
  })

  test('without another factor there are none, and they go with the last one', async () => {
    const op = await provider()
    const alice = browser(op)
    await withPassword(alice)
    expect(pageOf(await alice.open('/account/factors')).html).not.toContain('name="make"')
    const staged = await stageWithApp()
    await make(staged.op, staged.alice, staged.seed)
    await remove(staged.alice, pageOf(await staged.alice.open('/account/factors')), 'totp')
    expect(await staged.op.context.store.get('recovery_codes:user-alice')).toBeUndefined()
    expect(pathOf(await withPassword(browser(staged.op)))).toBe(home)
  })
})

describe('a trusted device', () => {
  /** A browser in which Alice asked not to be asked again. */
  async function trusting(op: Provider, seed: string) {
    const who = browser(op)
    const half = pageOf(await withPassword(who))
    expect(half.html).toContain('for 30 days')
    const landing = await who.press(half, 'verify', { code: freshCode(op, seed), trust_device: 'yes' })
    expect(pathOf(landing)).toBe(home)
    return who
  }
  const signOut = (who: Person) => void who.cookies.delete('latchkey_session')
  /** Where the password alone leads in this browser. */
  const again = async (who: Person) => {
    signOut(who)
    return pathOf(await withPassword(who))
  }

  test('is not asked again, says one factor, and is asked all the same when two are demanded', async () => {
    const { op, seed } = await stageWithApp()
    const who = await trusting(op, seed)
    expect(await again(who)).toBe(home)
    const { id_token } = await tokensOf(op, who)
    expect(claimsOf(id_token)).toMatchObject({ acr: 'urn:latchkey:1fa', amr: ['pwd'] })
    const { claims } = await idTokenThroughApp(op, who, seed, { acr_values: 'urn:latchkey:2fa' })
    expect(claims).toMatchObject({ acr: 'urn:latchkey:2fa', amr: ['pwd', 'otp', 'mfa'] })
    // Whoever sits at it with the password changes no factor.
    expect(await again(who)).toBe(home)
    expect(pathOf(await who.open('/account/factors/totp'))).toBe('/second-factor/totp')
  })

  test('is trusted for so long, in this browser, for this person', async () => {
    const { op, seed } = await stageWithApp()
    const who = await trusting(op, seed)
    const thief = browser(op)
    thief.cookies.set('latchkey_trusted_device', who.cookies.get('latchkey_trusted_device')!)
    expect(pathOf(await withPassword(thief))).toBe('/second-factor/totp')
    op.clock.advance(30 * 24 * 60 * minute + minute)
    expect(await again(who)).toBe('/second-factor/totp')
  })

  test('until it is asked everywhere again, a factor changes, or the password does', async () => {
    const { op, alice, seed } = await stageWithApp()
    const forget = async () => {
      const half = await alice.press(pageOf(await alice.open('/account/factors')), 'forget_devices')
      if (pathOf(half) !== '/second-factor/totp') return half
      await alice.press(pageOf(half), 'verify', { code: freshCode(op, seed) })
      return alice.press(pageOf(await alice.open('/account/factors')), 'forget_devices')
    }
    const first = await trusting(op, seed)
    expect(pageOf(await forget()).url).toEndWith('?done=devices_forgotten')
    expect(await again(first)).toBe('/second-factor/totp')

    const second = await trusting(op, seed)
    const password_hash = await Bun.password.hash('alicepassword', { algorithm: 'bcrypt', cost: 4 })
    await User.update(op.context, 'user-alice', (user) => ({ ...user, password_hash }))
    expect(await again(second)).toBe('/second-factor/totp')
  })

  test('is not offered with TRUSTED_DEVICE_TTL=0, nor can it be asked for', async () => {
    const { op, seed } = await stageWithApp({ env: { TRUSTED_DEVICE_TTL: '0' } })
    const who = browser(op)
    const half = pageOf(await withPassword(who))
    expect(half.html).not.toContain('trust_device')
    await who.press(half, 'verify', { code: freshCode(op, seed), trust_device: 'yes' })
    expect(who.cookies.has('latchkey_trusted_device')).toBe(false)
  })
})

describe('who must have a second factor', () => {
  test.each([
    ['everybody', { SECOND_FACTOR: 'required' }, {}],
    ['a role', { SECOND_FACTOR_ROLES: 'staff admin' }, { roles: ['admin'] }],
    ['the record of the person', {}, { attributes: { second_factor: 'required' } }],
  ] as const)('required by %s: set up inside of the sign-in, before a session', async (_, env, record) => {
    const op = await provider({ env })
    await User.update(op.context, 'user-alice', (user) => ({
      ...user,
      ...('roles' in record && { roles: [...record.roles] }),
      ...('attributes' in record && { attributes: record.attributes }),
    }))
    const alice = browser(op)
    const login = pageOf(await open(op, alice))
    const choice = await alice.press(login, 'login', aliceAccount)
    expect(pathOf(choice)).toBe('/second-factor/set-up')
    expect(alice.cookies.has('latchkey_session')).toBe(false)
    const page = pageOf(await alice.open(`/second-factor/totp/set-up${new URL(pageOf(choice).url).search}`))
    const seed = seedOn(page)
    const codes = pageOf(await alice.press(page, 'verify', { code: codeOf(op, seed) }))
    expect(pathOf(await alice.open(afterCodes(codes)))).toBe('/consent')
    const { id_token } = await tokensOf(op, alice)
    expect(claimsOf(id_token)).toMatchObject({ acr: 'urn:latchkey:2fa', amr: ['pwd', 'otp', 'mfa'] })

    const kept = await remove(alice, pageOf(await alice.open('/account/factors')), 'totp')
    expect(pageOf(kept).status).toBe(409)
    expect(pageOf(kept).html).toContain('this is your only method')
    expect(pathOf(await withPassword(browser(op)))).toBe('/second-factor/totp')
  })

  test('a session from before the duty is raised at the next request of an application', async () => {
    const { op, alice, seed } = await stageWithApp()
    await tokensOf(op, alice)
    const bobs = browser(op)
    await tokensOf(op, bobs, demo, {}, bob)
    for (const sub of ['user-alice', 'user-bob'])
      await User.update(op.context, sub, (user) => ({ ...user, attributes: { second_factor: true } }))
    expect(pathOf(await open(op, alice))).toBe('/second-factor/totp')
    expect(pathOf(await open(op, bobs))).toBe('/second-factor/set-up')
    const { claims } = await idTokenThroughApp(op, alice, seed)
    expect(claims.acr).toBe('urn:latchkey:2fa')
  })

  test('where nothing can be set up nobody gets through', async () => {
    const op = await provider({ env: { SECOND_FACTORS: 'recovery' } })
    await User.update(op.context, 'user-alice', (user) => ({ ...user, attributes: { second_factor: true } }))
    const alice = browser(op)
    const landing = await withPassword(alice)
    expect(pathOf(landing)).toBe('/second-factor/set-up')
    expect(pageOf(landing).html).toContain('Contact your administrator')
    expect(alice.cookies.has('latchkey_session')).toBe(false)
  })
})

test('what is kept is told without any secret, and erased', async () => {
  const { op, seed } = await stageWithApp()
  const [data] = op.context.table.personData.filter(({ name }) => name === 'second_factors')
  const said = JSON.stringify(await data!.read(op.context, 'user-alice'))
  expect(said).toContain('"totp":{"created_at"')
  expect(said).not.toContain(seed)
  expect(await op.context.store.get('totp:user-alice')).not.toContain(seed)
  await data!.erase(op.context, 'user-alice')
  await data!.erase(op.context, 'user-alice')
  expect(await data!.read(op.context, 'user-alice')).toEqual({})
  expect(pathOf(await withPassword(browser(op)))).toBe(home)
  expect((await mailsOf(op)).length).toBeGreaterThan(0)
  expect(op.lines.join('\n')).not.toContain(seed)
})
