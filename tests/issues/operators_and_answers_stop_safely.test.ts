/**
 * The store fails at each verb of what an operator changes, of an account that is kept or created, and of an answer to a
 * device or to a backchannel request. Whatever was written by then is safe, and a repetition finishes the rest. Issue 8,
 * line 65
 */
import { expect } from 'bun:test'
import { disableAccount, eraseFactors, setEmail, setPassword } from '../../src/people/account_changes.ts'
import { FactorGeneration } from '../../src/models/factor_generation.ts'
import { Invitation } from '../../src/models/invitation.ts'
import { User } from '../../src/models/user.ts'
import { Totp } from '../../src/features/second_factor/totp.ts'
import { hashPassword } from '../../src/people/password.ts'
import { pageOf, setUpApp, withPassword } from '../support/authenticator.ts'
import { addClient, approvals, begin, poll } from '../support/backchannel.ts'
import { demo, operatorClient, post, refresh, userinfo } from '../support/flow.ts'
import { mailsOf } from '../support/mailbox.ts'
import { alice, person } from '../support/person.ts'
import { type Change, type Scene, stopsSafely, sub } from '../support/stops.ts'
import { rememberPasswords } from '../support/remembered_passwords.ts'

rememberPasswords()

const better = 'four bricks under moonlight'
const userOf = async ({ op }: Scene): Promise<User> => (await User.find(op.context, sub))!

const lives = async ({ other }: Scene): Promise<boolean> =>
  !pageOf(await other.open('/account')).url.includes('/login')
const tokensLive = async ({ op, tokens }: Scene): Promise<boolean> =>
  (await userinfo(op, tokens.access_token)).status === 200 ||
  (await refresh(op, demo, tokens.refresh_token)).status === 200

async function signsIn({ op }: Scene, password: string): Promise<boolean> {
  const browser = person(op.issuer, op.fetch)
  await withPassword(browser, { username: 'alice', password })
  return browser.cookies.has('latchkey_session')
}

const noAccess = async (scene: Scene) =>
  expect([await lives(scene), await tokensLive(scene)]).toEqual([false, false])

const operator: Record<string, Change> = {
  async 'latchkey user passwd'(scene) {
    const hash = await hashPassword(better)
    return {
      act: () => scene.run(async () => setPassword(scene.op.context, 'operator', await userOf(scene), hash)),
      async safe() {
        if (await signsIn(scene, better)) await noAccess(scene)
      },
      async done() {
        expect([await signsIn(scene, better), await signsIn(scene, alice.password)]).toEqual([true, false])
        await noAccess(scene)
      },
      told: 'password_set',
    }
  },
  async 'latchkey user disable'(scene) {
    return {
      act: () => scene.run(async () => disableAccount(scene.op.context, 'operator', await userOf(scene))),
      async safe() {
        if ((await userOf(scene)).disabled) await noAccess(scene)
      },
      async done() {
        expect((await userOf(scene)).disabled).toBe(true)
        await noAccess(scene)
      },
      told: 'account_disabled',
    }
  },
  async 'latchkey verify with another address'(scene) {
    const { op } = scene
    return {
      act: () =>
        scene.run(async () => setEmail(op.context, 'operator', await userOf(scene), 'alice@new.example')),
      async done() {
        expect((await userOf(scene)).claims.email).toBe('alice@new.example')
        const told = (await mailsOf(op)).map(({ to }) => to)
        for (const address of ['alice@new.example', 'alice@example.com']) expect(told).toContain(address)
      },
      told: 'email_set',
    }
  },
  async 'latchkey reset-factors'(scene) {
    const { op, who } = scene
    await setUpApp(op, who)
    const before = await FactorGeneration.of(op.context, sub)
    return {
      act: () => scene.run(async () => eraseFactors(op.context, 'operator', await userOf(scene))),
      async safe() {
        if (await Totp.find(op.context, sub)) return
        expect(await FactorGeneration.of(op.context, sub)).not.toBe(before)
        await noAccess(scene)
      },
      async done() {
        expect(await Totp.find(op.context, sub)).toBeUndefined()
        await noAccess(scene)
      },
      told: 'factors_reset',
    }
  },
}

stopsSafely(operator)

stopsSafely({
  async 'an account that is kept after all'(scene) {
    const { op, who, send } = scene
    await who.press(pageOf(await who.open('/account/data/delete')), 'delete', { confirmation: 'alice' })
    let page = pageOf(await withPassword(who))
    expect(page.url).toContain('/login/keep_account')
    return {
      async act(again) {
        if (!again) return send(page, 'keep')
        page = pageOf(await withPassword(who))
        return page.url.includes('/login/keep_account') ? send(page, 'keep') : page.status
      },
      async done() {
        expect((await userOf(scene)).leaving_at).toBeUndefined()
        op.clock.advance(60 * 86_400_000)
        const job = op.context.table.jobs.find(({ name }) => name === 'account_deletions')!
        await job.run(op.context)
        expect(await userOf(scene)).toBeDefined()
      },
      told: 'deletion_stopped',
    }
  },
})

const invited = { username: 'dora', password: better }

stopsSafely(
  {
    async 'an account of an invitation'(scene) {
      const { op, send } = scene
      const { token } = await Invitation.issue(
        op.context,
        op.context.random,
        { email: 'dora@example.com', invited: true, roles: ['staff'] },
        86_400,
      )
      const page = pageOf(await scene.who.open(`/create_account?token=${token}`))
      const exists = async () => User.findByUsername(op.context, 'dora')
      return {
        async act(again) {
          const status = await send(page, 'create', { ...invited, repeat: better })
          // The account may have been created before the stop: then the link has done its work.
          return again && status === 400 && (await exists()) ? 200 : status
        },
        async done() {
          expect((await exists())?.roles).toEqual(['staff'])
          const browser = person(op.issuer, op.fetch)
          await withPassword(browser, invited)
          expect(browser.cookies.has('latchkey_session')).toBe(true)
          expect(pageOf(await browser.open(`/create_account?token=${token}`)).status).toBe(400)
        },
      }
    },
  },
  { ACCOUNT_REGISTRATION: 'invitation' },
)

const grant_type = 'urn:ietf:params:oauth:grant-type:device_code'

stopsSafely({
  async 'the approval of a device'({ op, who, send }) {
    const tv = await operatorClient(op, {
      client_id: 'tv',
      redirect_uris: [],
      grant_types: [grant_type, 'refresh_token'],
      response_types: [],
      token_endpoint_auth_method: 'none',
    })
    const device = (await post(op, '/device_authorization', tv, { scope: 'openid' })).body
    const typed = pageOf(await who.open('/device'))
    const page = pageOf(await who.press(typed, 'continue', { user_code: String(device.user_code) }))
    const answer = async () =>
      (await post(op, '/token', tv, { grant_type, device_code: String(device.device_code) })).body
    let tokens: Record<string, unknown> | undefined
    return {
      async act(again) {
        const status = await send(page, 'allow')
        if (!again || status === 200) return status
        tokens = await answer() // answered before the stop
        return tokens.access_token ? 200 : status
      },
      async done() {
        tokens ??= await answer()
        expect(tokens.access_token).toBeDefined()
      },
    }
  },
  async 'the approval of a backchannel request'({ op, who, send }) {
    await addClient(op)
    const { auth_req_id } = (await begin(op)).body
    const page = await approvals(who)
    let tokens: Record<string, unknown> | undefined
    return {
      async act(again) {
        const status = await send(page, 'allow')
        if (!again || status === 200) return status
        tokens = (await poll(op, auth_req_id)).body // answered before the stop
        return tokens.access_token ? 200 : status
      },
      async done() {
        tokens ??= (await poll(op, auth_req_id)).body
        expect(tokens.access_token).toBeDefined()
      },
    }
  },
})
