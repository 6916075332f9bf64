/**
 * The store fails at each verb of a change in turn. Whatever was written by then is safe, and the same form finishes the
 * rest once the store is back. OWASP ASVS 5.0 V2.3.3, V7.4.3; issue 8, line 65
 */
import { expect } from 'bun:test'
import { Consent } from '../../src/models/consent.ts'
import { Event } from '../../src/models/event.ts'
import { FactorGeneration } from '../../src/models/factor_generation.ts'
import { User } from '../../src/models/user.ts'
import { Passkey } from '../../src/features/passkeys/records.ts'
import { Totp } from '../../src/features/second_factor/totp.ts'
import { answerRequests } from '../../src/features/recovery/job.ts'
import { codeOf, freshCode, pageOf, seedOn, setUpApp, withPassword } from '../support/authenticator.ts'
import { demo, refresh, tokensOf, userinfo } from '../support/flow.ts'
import { linkMailed } from '../support/mailbox.ts'
import { addPasskey, ceremonyForm, optionsIn, provePasskey } from '../support/passkeys.ts'
import { create, type CreationOptions, type Credential } from '../support/security_key.ts'
import { alice, type Page, type Person, person } from '../support/person.ts'
import type { Provider } from '../support/provider.ts'
import { type Change, type Scene, stopsSafely, sub } from '../support/stops.ts'
import { rememberPasswords } from '../support/remembered_passwords.ts'

rememberPasswords()

const day = 86_400_000
const better = 'four bricks under moonlight'
const fresh = 'alice@new.example'

const lives = async (browser: Person): Promise<boolean> =>
  !(await browser.open('/account')).page!.url.includes('/login')

async function signsIn({ op }: Scene, password: string): Promise<boolean> {
  const browser = person(op.issuer, op.fetch)
  await withPassword(browser, { username: 'alice', password })
  return browser.cookies.has('latchkey_session')
}

const tokensLive = async ({ op, tokens }: Scene): Promise<boolean> =>
  (await userinfo(op, tokens.access_token)).status === 200 ||
  (await refresh(op, demo, tokens.refresh_token)).status === 200

/** The new password never holds beside a session or a token of before. */
async function noOldAccess(scene: Scene): Promise<void> {
  if (await signsIn(scene, better))
    expect([await lives(scene.other), await tokensLive(scene)]).toEqual([false, false])
}

async function newPasswordAlone(scene: Scene): Promise<void> {
  expect([await signsIn(scene, better), await signsIn(scene, alice.password)]).toEqual([true, false])
  expect([await lives(scene.other), await tokensLive(scene)]).toEqual([false, false])
}

/** The page of the app, after a sign-in with it. */
async function afterApp(op: Provider, who: Person, seed: string): Promise<Page> {
  const page = pageOf(await who.open('/account/factors/totp'))
  if (!page.url.includes('/second-factor')) return page
  await who.press(page, 'verify', { code: freshCode(op, seed) })
  return pageOf(await who.open('/account/factors/totp'))
}

const changes: Record<string, Change> = {
  async 'a change of password'(scene) {
    const page = pageOf(await scene.who.open('/account/password'))
    const fields = { current_password: alice.password, password: better, repeat: better }
    return {
      act: () => scene.send(page, 'change', fields),
      safe: () => noOldAccess(scene),
      done: () => newPasswordAlone(scene),
      told: 'password_changed',
    }
  },
  async 'a reset of the password'(scene) {
    const { op, send } = scene
    const forgot = pageOf(await scene.who.open('/forgot_password'))
    await scene.who.press(forgot, 'send', { username: 'alice' })
    await answerRequests(op.context)
    const page = pageOf(await scene.who.open(await linkMailed(op, 'alice@example.com', '/reset_password')))
    return {
      act: () => send(page, 'reset', { password: better, repeat: better }),
      safe: () => noOldAccess(scene),
      done: () => newPasswordAlone(scene),
      told: 'password_reset',
    }
  },
  async 'a sign-out'({ who, send, op }) {
    const { access_token } = await tokensOf(op, who)
    const cookies = new Map(who.cookies)
    const page = pageOf(await who.open('/logout'))
    return {
      act: () => send(page, 'logout'),
      async done() {
        const copied = person(op.issuer, op.fetch)
        for (const [name, value] of cookies) copied.cookies.set(name, value)
        expect(await lives(copied)).toBe(false)
        expect((await userinfo(op, access_token)).status).toBe(401)
      },
    }
  },
  async 'the end of another session'(scene) {
    const page = pageOf(await scene.who.open('/account/sessions'))
    return {
      act: () => scene.send(page, 'end'),
      async done() {
        expect([await lives(scene.other), await tokensLive(scene)]).toEqual([false, false])
        expect(await lives(scene.who)).toBe(true)
      },
      told: 'session_ended',
    }
  },
  async 'the end of all other sessions'(scene) {
    const page = pageOf(await scene.who.open('/account/sessions'))
    return {
      act: () => scene.send(page, 'end_all'),
      async done() {
        expect([await lives(scene.other), await tokensLive(scene)]).toEqual([false, false])
        expect(await lives(scene.who)).toBe(true)
      },
      told: 'sessions_ended',
    }
  },
  async 'the withdrawal of a consent'(scene) {
    const { op, who } = scene
    const page = pageOf(await who.open('/account/applications'))
    const consent = () => Consent.find(op.context, sub, demo.client_id)
    expect(await consent()).toBeDefined()
    return {
      act: () => scene.send(page, 'withdraw'),
      async safe() {
        if (!(await consent())) expect(await tokensLive(scene)).toBe(false)
      },
      async done() {
        expect([await consent(), await tokensLive(scene)]).toEqual([undefined, false])
      },
      told: 'access_withdrawn',
    }
  },
  async 'another address'({ op, who, send }) {
    await who.press(pageOf(await who.open('/account/email')), 'change', { email: fresh })
    const page = pageOf(await who.open(await linkMailed(op, fresh, '/verify_email')))
    const emailOf = async () => (await User.find(op.context, sub))!.claims
    return {
      act: () => send(page, 'confirm'),
      async safe() {
        const { email, email_verified } = await emailOf()
        expect([fresh, 'alice@example.com']).toContain(String(email))
        expect(email_verified).toBe(true)
      },
      async done() {
        expect((await emailOf()).email).toBe(fresh)
        expect((await User.findByEmail(op.context, fresh))?.sub).toBe(sub)
        expect(await User.findByEmail(op.context, 'alice@example.com')).toBeUndefined()
      },
      told: 'email_changed',
    }
  },
  async 'an authenticator app'({ op, who, send }) {
    const page = pageOf(await who.open('/account/factors/totp'))
    const seed = seedOn(page)
    const before = await FactorGeneration.of(op.context, sub)
    const isRenewed = async () => (await FactorGeneration.of(op.context, sub)) !== before
    return {
      async act(again) {
        // Once the app is stored it is asked for, before the form can be sent again.
        const current = again && (await Totp.find(op.context, sub)) ? await afterApp(op, who, seed) : page
        return send(current, 'verify', { code: codeOf(op, seed) })
      },
      async safe() {
        if (await Totp.find(op.context, sub)) expect(await isRenewed()).toBe(true)
      },
      async done() {
        expect(await Totp.find(op.context, sub)).toBeDefined()
        expect(await isRenewed()).toBe(true)
      },
      told: 'totp_added',
    }
  },
  async 'no authenticator app any more'({ op, who, send }) {
    await afterApp(op, who, await setUpApp(op, who))
    const page = pageOf(await who.open('/account/factors'))
    const before = await FactorGeneration.of(op.context, sub)
    const forms = page.forms.filter(({ fields }) => fields.factor === 'totp')
    const trusted = async () => (await FactorGeneration.of(op.context, sub)) === before
    return {
      act: () => send({ ...page, forms }, 'remove'),
      async safe() {
        if (!(await Totp.find(op.context, sub))) expect(await trusted()).toBe(false)
      },
      async done() {
        expect([await Totp.find(op.context, sub), await trusted()]).toEqual([undefined, false])
      },
      told: 'totp_removed',
    }
  },
  async 'a passkey'({ op, who, send }) {
    let page = pageOf(await who.open('/account/passkeys/add'))
    const before = await FactorGeneration.of(op.context, sub)
    const isRenewed = async () => (await FactorGeneration.of(op.context, sub)) !== before
    let made: Credential | undefined
    return {
      async act(again) {
        if (again) {
          const isListed = (await Passkey.listOf(op.context, sub)).length > 0
          page = isListed
            ? await provePasskey(op.issuer, who, made!)
            : pageOf(await who.open('/account/passkeys/add'))
        }
        const { credential, json } = create(op.issuer, optionsIn<CreationOptions>(page))
        made = credential
        const forms = [{ ...ceremonyForm(page), buttons: ['sent'] }]
        return send({ ...page, forms }, 'sent', { credential: json })
      },
      async safe() {
        if ((await Passkey.listOf(op.context, sub)).length > 0) expect(await isRenewed()).toBe(true)
      },
      async done() {
        expect((await Passkey.listOf(op.context, sub)).length).toBeGreaterThan(0)
        expect(await isRenewed()).toBe(true)
      },
      told: 'passkey_added',
    }
  },
  async 'no passkey any more'({ op, who, send }) {
    await provePasskey(op.issuer, who, await addPasskey(op.issuer, who))
    const list = pageOf(await who.open('/account/passkeys'))
    const [path = ''] = /\/account\/passkeys\/remove\?passkey=[\w-]+/.exec(list.html) ?? []
    const page = pageOf(await who.open(path))
    const before = await FactorGeneration.of(op.context, sub)
    return {
      act: () => send(page, 'remove'),
      async safe() {
        if ((await Passkey.listOf(op.context, sub)).length === 0)
          expect(await FactorGeneration.of(op.context, sub)).not.toBe(before)
      },
      async done() {
        expect(await Passkey.listOf(op.context, sub)).toEqual([])
        expect(await FactorGeneration.of(op.context, sub)).not.toBe(before)
      },
      told: 'passkey_removed',
    }
  },
  async 'the end of an account'(scene) {
    const { op, who, send } = scene
    const page = pageOf(await who.open('/account/data/delete'))
    const isLeaving = async () => (await User.find(op.context, sub))!.leaving_at !== undefined
    return {
      act: () => send(page, 'delete', { confirmation: 'alice' }),
      async safe() {
        if (await isLeaving()) expect(await tokensLive(scene)).toBe(false)
      },
      async done() {
        expect([await isLeaving(), await tokensLive(scene)]).toEqual([true, false])
      },
      told: 'deletion_asked',
    }
  },
}

/** The job that erases an account; not a form, so it has no status of its own. */
changes['the erasure of an account'] = async (scene) => {
  const { op, who } = scene
  await provePasskey(op.issuer, who, await addPasskey(op.issuer, who))
  await who.press(pageOf(await who.open('/account/data/delete')), 'delete', { confirmation: 'alice' })
  op.clock.advance(60 * day)
  const job = op.context.table.jobs.find(({ name }) => name === 'account_deletions')!
  return {
    async act(again) {
      if (again) op.clock.advance(700_000) // the lease of the run that stopped is over
      await Promise.resolve(job.run(op.context)).catch(() => undefined)
      scene.recover()
      return (await User.find(op.context, sub)) ? 503 : 200
    },
    async safe() {
      expect(await tokensLive(scene)).toBe(false)
      expect(await signsIn(scene, alice.password)).toBe(false)
    },
    async done() {
      const at = Math.floor(op.clock.now() / 1000)
      const next = { sub: 'user-next', username: 'alice', claims: {}, created_at: at, updated_at: at }
      expect(await User.create(op.context, next)).toBe(true) // the names are free
      expect(await Passkey.listOf(op.context, sub)).toEqual([])
      expect(await Event.listOfUser(op.context, sub)).toEqual([])
    },
  }
}

stopsSafely(changes)
