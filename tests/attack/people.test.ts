/** Strangers and thieves round the ways in: who can lock out an owner, and what of a thief outlives a new password. OWASP ASVS 5.0 V6, V7 */
import { afterAll, describe, expect, test } from 'bun:test'
import { hashPassword } from '../../src/auth/password_hash.ts'
import { Passkey } from '../../src/features/passkeys/records.ts'
import { Links } from '../../src/features/upstream/links.ts'
import { removeConnection } from '../../src/features/upstream/remove.ts'
import { findUpstream } from '../../src/features/upstream/settings.ts'
import { PendingConnection, pendingConnectionMember } from '../../src/features/upstream/state.ts'
import { endEverything } from '../../src/people/end_session.ts'
import { sendVerification } from '../../src/people/verification.ts'
import { countSignInMethods } from '../../src/people/sign_in_methods.ts'
import { Interaction } from '../../src/models/interaction.ts'
import { Session } from '../../src/models/session.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import {
  freshCode,
  home,
  pageOf,
  pathOf,
  setUpApp,
  stageWithApp,
  withPassword,
} from '../support/authenticator.ts'
import { alice, bob, browser } from '../support/flow.ts'
import { forgetMails, linkMailed, mailsOf } from '../support/mailbox.ts'
import { addPasskey, provePasskey } from '../support/passkeys.ts'
import type { Page, Person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'
import { server, upstreamEnv, whoIs } from '../support/upstream.ts'
import { compareTimes } from '../support/effort.ts'

const gateway = server({ '/send': () => ({}) })
afterAll(() => gateway.stop())

const signInPage = async (who: Person): Promise<Page> => pageOf(await who.open('/login'))
const statusOf = async (who: Person, username: string, password: string) =>
  (await who.press(await signInPage(who), 'login', { username, password })).page?.status
const sessionsOf = async ({ context }: Provider, sub: string) =>
  (await Session.listOfUser(context, sub)).length

describe('an owner in a browser of theirs', () => {
  test('is not locked out by a stranger who guesses, by whatever name they sign in', async () => {
    const op = await provider({ env: { SIGN_IN_ATTEMPTS_PER_ACCOUNT: '5' } })
    const owner = browser(op)
    expect(pathOf(await withPassword(owner))).toBe(home)
    for (let i = 0; i < 6; i++) await statusOf(browser(op), 'alice', 'wrong')
    expect(await statusOf(browser(op), 'alice', alice.password)).toBe(429)
    expect(await statusOf(owner, 'alice@example.com', alice.password)).toBe(200)
  })

  test('is not kept from proving an address by a stranger who types it as theirs', async () => {
    const op = await provider()
    const stranger = browser(op)
    await withPassword(stranger, bob)
    const send = async (who: Person) => {
      const page = pageOf(await who.open('/account/email'))
      return pageOf(await who.press(page, 'change', { email: 'new@example.com' })).status
    }
    for (let hour = 0; hour < 3; hour++) {
      for (let i = 0; i < 5; i++) await send(stranger)
      op.clock.advance(3_700_000)
      stranger.cookies.delete('latchkey_session')
      await withPassword(stranger, bob)
    }
    expect(await send(stranger)).toBe(429)
    const toIt = async () => (await mailsOf(op)).filter(({ to }) => to === 'new@example.com').length
    expect(await toIt()).toBe(5)
    const owner = browser(op)
    await withPassword(owner)
    expect([await send(owner), await toIt()]).toEqual([200, 6])
    // However many strangers there are, the mailbox is not flooded.
    const dave = (await User.find(op.context, 'user-bob'))!
    for (let i = 0; i < 30; i++)
      await sendVerification(op.context, { ...dave, sub: `dave-${i}` }, 'new@example.com').catch(() => {})
    expect(await toIt()).toBe(20)
  })

  test('still gets codes on a phone that strangers try to set up as theirs, and that a thief of the password asks for', async () => {
    const op = await provider({
      env: {
        SECOND_FACTORS: 'totp sms recovery',
        SMS_GATEWAY_URL: `${gateway.origin}/send`,
        SMS_GATEWAY_BODY: 'number={to}&message={text}',
        OUTBOUND_ALLOW_HOSTS: gateway.hostPort,
      },
    })
    const phone = '+15550100'
    const ask = async (who: Person, path: string, fields = {}) => {
      const page = pageOf(await who.open(path))
      return (await who.press(page, 'send', fields)).page?.status
    }
    const owner = browser(op)
    await withPassword(owner)
    await ask(owner, '/account/factors/sms', { phone })
    const code = /\b\d{6}\b/.exec(gateway.asked.at(-1)!.form.message!)![0]
    const typed = pageOf(await owner.open('/account/factors/sms'))
    const form = typed.forms.find(({ buttons }) => buttons.includes('verify'))!
    await owner.press({ ...typed, forms: [form] }, 'verify', { code })
    expect(await whoIs(owner)).toBe('alice')

    const stranger = browser(op)
    await withPassword(stranger, bob)
    for (let i = 0; i < 7; i++) await ask(stranger, '/account/factors/sms', { phone })
    const thief = browser(op)
    for (let i = 0; i < 7; i++) {
      const { page } = await withPassword(thief)
      await thief.press(page!, 'send')
    }
    owner.cookies.delete('latchkey_session')
    const asked = pageOf(await withPassword(owner))
    const answer = pageOf(await owner.press(asked, 'send'))
    expect([answer.status, answer.forms.some(({ buttons }) => buttons.includes('verify'))]).toEqual([
      200,
      true,
    ])
  })
})

describe('an address that changes hands', () => {
  const when = { created_at: 1, updated_at: 1 }
  const address = 'sales@example.com'
  const proven = (email: string) => ({ email, email_verified: true })
  const job = (op: Provider, wanted: string) =>
    op.context.table.jobs.find(({ name }) => name === wanted)!.run(op.context)

  test('signs in its new owner, whatever name the one before goes by', async () => {
    const op = await provider()
    const { context } = op
    const password_hash = await hashPassword(alice.password)
    await User.create(context, {
      ...when,
      sub: 'old',
      username: address,
      password_hash,
      claims: proven(address),
    })
    expect(await statusOf(browser(op), address, alice.password)).toBe(200)
    expect(await User.proveEmail(context, 'old', 'elsewhere@example.com')).toBe(true)
    // As long as nobody else has it, the name is a name.
    expect(await statusOf(browser(op), address, alice.password)).toBe(200)

    const owner = browser(op)
    const asked = pageOf(await owner.open('/register_account'))
    await owner.press(asked, 'register', { email: address })
    await job(op, 'account_registrations')
    const page = pageOf(await owner.open(await linkMailed(op, address, '/create_account')))
    const password = 'seven lambs were on that meadow'
    const made = await owner.press(page, 'create', { username: 'sales2', password, repeat: password })
    expect(pathOf(made)).toBe(home)

    expect(await statusOf(browser(op), address, alice.password)).toBe(401)
    expect(await statusOf(browser(op), address, password)).toBe(200)
    expect(await statusOf(browser(op), 'elsewhere@example.com', alice.password)).toBe(200)
    await forgetMails(op)
    await owner.press(pageOf(await owner.open('/forgot_password')), 'send', { username: address })
    await job(op, 'recovery')
    expect((await mailsOf(op)).map(({ to, text }) => [to, text.includes('sales2')])).toEqual([
      [address, true],
    ])
  })

  test('is nobody else’s to prove while an account has no other name', async () => {
    const op = await provider()
    const { context } = op
    expect(await User.create(context, { ...when, sub: 'named', username: address, claims: {} })).toBe(true)
    expect(await User.proveEmail(context, 'user-bob', address)).toBe(false)
    const second = { ...when, sub: 'second', username: 'second' }
    expect(await User.create(context, { ...second, claims: proven(address) })).toBe(false)
    expect(await User.find(context, 'second')).toBeUndefined()
    expect(await User.proveEmail(context, 'named', address)).toBe(true)
    // Nor is it a name to take once it is proven, in any spelling.
    for (const username of ['alice@example.com', 'ＡＬＩＣＥ＠example.com'])
      expect(await User.create(context, { ...second, username, claims: {} })).toBe(false)
  })
})

describe('after a new password', () => {
  /** A thief with the password, at the page that offers a passkey: signed in by half. */
  async function thiefHalfway(op: Provider) {
    const thief = browser(op)
    thief.cookies.set('latchkey_passkey_able', '1')
    const landing = await withPassword(thief)
    expect(pathOf(landing)).toBe('/passkeys/enrol')
    return { thief, page: pageOf(landing) }
  }

  test('what a thief had begun with the old one leads nowhere', async () => {
    const op = await provider()
    const { thief, page } = await thiefHalfway(op)
    const owner = browser(op)
    const forgot = pageOf(await owner.open('/forgot_password'))
    const [button = ''] = forgot.forms.find(({ action }) => action.endsWith('/forgot_password'))!.buttons
    await owner.press(forgot, button, { username: 'alice' })
    await op.context.table.jobs.find(({ name }) => name === 'recovery')!.run(op.context)
    const reset = pageOf(await owner.open(await linkMailed(op, 'alice@example.com', '/reset_password')))
    const password = 'a sentence that nobody has guessed'
    const form = reset.forms.find(({ fields }) => fields.token !== undefined)!
    const done = await owner.press({ ...reset, forms: [form] }, form.buttons[0]!, {
      password,
      repeat: password,
    })
    expect(pageOf(done).url).toEndWith('?done=changed')
    await thief.press(page, 'later')
    expect([await whoIs(thief), await sessionsOf(op, 'user-alice')]).toEqual([undefined, 0])
  })

  test('a sign-in under way with the old one ends with it', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const put = store.put.bind(store)
    let meanwhile: (() => Promise<unknown>) | undefined
    store.put = async (key, ...rest) => {
      const now = key.startsWith('session:') ? meanwhile : undefined
      if (now) meanwhile = undefined
      await now?.()
      return put(key, ...rest)
    }
    const op = await provider({ store, clock })
    const password_hash = await hashPassword('another that is long enough')
    meanwhile = async () => {
      await User.update(op.context, 'user-alice', (user) => ({ ...user, password_hash }))
      await endEverything('user-alice', op.context)
    }
    const thief = browser(op)
    expect(pathOf(await withPassword(thief))).toBe('/login')
    expect([thief.cookies.has('latchkey_session'), await sessionsOf(op, 'user-alice')]).toEqual([false, 0])
  })
})

describe('a way in', () => {
  const nowhere = server()
  afterAll(() => nowhere.stop())
  const env = upstreamEnv(
    [{ id: 'corp', provider: 'oidc', label: 'Corp', base_url: nowhere.origin }],
    [nowhere],
  )
  nowhere.routes['/.well-known/openid-configuration'] = () => ({
    issuer: nowhere.origin,
    authorization_endpoint: `${nowhere.origin}/authorize`,
    token_endpoint: `${nowhere.origin}/token`,
    userinfo_endpoint: `${nowhere.origin}/userinfo`,
    jwks_uri: `${nowhere.origin}/keys`,
  })
  const identity = { issuer: nowhere.origin, subject: 'eve', emailVerified: false, amr: [] }
  const tokens = { access_token: 'an-access-token' }

  test('stays, when the last passkey and the last connection go in the same moment', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const op = await provider({ store, clock, env })
    const { context } = op
    const owner = browser(op)
    await withPassword(owner)
    await provePasskey(op.issuer, owner, await addPasskey(op.issuer, owner))
    await User.update(context, 'user-alice', ({ password_hash: _, ...user }) => user)
    const user = (await User.find(context, 'user-alice'))!
    await Links.create(context, findUpstream(context.config, 'corp')!, identity, user.sub, tokens)
    const [passkey] = await Passkey.listOf(context, user.sub)
    const page = pageOf(await owner.open(`/account/passkeys/remove?passkey=${passkey!.key}`))
    const replace = store.replace.bind(store)
    let removed: boolean | undefined
    store.replace = async (key, ...rest) => {
      if (key.startsWith('passkey_owner:') && removed === undefined) {
        const [kept] = await Links.listOfUser(context, user.sub)
        removed = await removeConnection(context, user, kept!)
      }
      return replace(key, ...rest)
    }
    await owner.press(page, 'remove')
    expect([removed, await countSignInMethods(user, context)]).toEqual([true, 1])
    expect((await Passkey.find(context, passkey!.key))?.passkey).toEqual(passkey!)
  })

  test('through a provider is not added with a password and a trusted device alone', async () => {
    const { op, seed } = await stageWithApp({ env })
    const here = browser(op)
    const asked = pageOf(await withPassword(here))
    await here.press(asked, 'verify', { code: freshCode(op, seed), trust_device: 'yes' })
    here.cookies.delete('latchkey_session')
    expect(pathOf(await withPassword(here))).toBe(home)
    const page = pageOf(await here.open('/account/connections'))
    expect(pathOf(await here.press(page, 'connect_corp'))).toBe('/second-factor/totp')
    // Nor on the way in, with an identity that nobody here knows yet.
    here.cookies.delete('latchkey_session')
    const login = await signInPage(here)
    const handle = new URL(login.url).searchParams.get('interaction')!
    const waiting = await PendingConnection.keep(op.context, { provider: 'corp', identity, tokens }, 900)
    await Interaction.update(op.context, handle, (current) =>
      pendingConnectionMember.set(current, { upstream_waiting: waiting }),
    )
    const step = await here.press(login, 'login', alice)
    expect(pathOf(step)).toBe('/second-factor/totp')
    expect(pathOf(await here.open(`/upstream/connect?interaction=${handle}`))).not.toBe('/upstream/connect')
    const offered = await here.press(pageOf(step), 'verify', { code: freshCode(op, seed) })
    expect(pathOf(offered)).toBe('/upstream/connect')
  })
})

describe('the time of an answer', () => {
  test('does not tell whose password came from another system', async () => {
    const op = await provider({ env: { SIGN_IN_ATTEMPTS_PER_ACCOUNT: '1000' } })
    const add = async (name: string, cost: number) =>
      User.create(op.context, {
        sub: name,
        username: name,
        password_hash: await Bun.password.hash('from elsewhere', { algorithm: 'bcrypt', cost }),
        claims: {},
        created_at: 1,
        updated_at: 1,
      })
    await Promise.all([add('slow', 11), add('quick', 4)])
    const who = browser(op)
    const page = await signInPage(who)
    const time = (username: string) => async () => {
      const began = performance.now()
      await who.press(page, 'login', { username, password: 'wrong' })
      return performance.now() - began
    }
    const alike = ({ slow, ...others }: Record<'slow' | 'nobody' | 'alice' | 'quick', number>) =>
      Object.values(others).every((each) => each > slow / 2)
    const medians = await compareTimes({
      kinds: { slow: time('slow'), nobody: time('nobody'), alice: time('alice'), quick: time('quick') },
      samples: 3,
      alike,
    })
    expect([medians, alike(medians)]).toEqual([medians, true])
    expect(await statusOf(browser(op), 'slow', 'from elsewhere')).toBe(200)
  })
})

test('an address that nobody has proven is not flooded with notices', async () => {
  const op = await provider()
  await User.update(op.context, 'user-alice', (user) => ({
    ...user,
    claims: { ...user.claims, email: 'victim@example.com', email_verified: false },
  }))
  const who = browser(op)
  await withPassword(who)
  const seed = await setUpApp(op, who)
  who.cookies.delete('latchkey_session')
  await who.press(pageOf(await withPassword(who)), 'verify', { code: freshCode(op, seed) })
  for (let i = 0; i < 12; i++) {
    const factors = pageOf(await who.open('/account/factors'))
    expect(pageOf(await who.press(factors, 'forget_devices')).url).toEndWith('?done=devices_forgotten')
  }
  const mails = (await mailsOf(op)).filter(({ to }) => to === 'victim@example.com')
  expect(mails.length).toBe(5)
})
