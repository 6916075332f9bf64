/**
 * A request waits at each verb of the store in turn, while the owner ends all access. Whatever the request writes after
 * that gives nothing: it may have read the session before its end. Decision 48
 */
import { expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import { endEverything } from '../../src/people/end_session.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { withPassword } from '../support/authenticator.ts'
import { addClient, approvals, bank, begin, poll } from '../support/backchannel.ts'
import { authorizationUrl } from '../support/client.ts'
import {
  type Answer,
  alice,
  browser,
  demo,
  operatorClient,
  post,
  redeem,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { pausingStore } from '../support/odd_stores.ts'
import type { Person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'
import { rememberPasswords } from '../support/remembered_passwords.ts'

rememberPasswords()

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const sub = 'user-alice'
const better = 'four bricks under moonlight'

interface Scene {
  op: Provider
  /** The browser whose request waits. */
  who: Person
}

/** What the request does, and what must give nothing afterwards. */
interface Staged {
  act(): Promise<unknown>
  /** Whether something of it is still good. */
  lives(): Promise<boolean>
}

const gives = async (answer: Promise<Pick<Answer, 'body'>>): Promise<boolean> =>
  'access_token' in (await answer).body

const requests: Record<string, (scene: Scene) => Promise<Staged>> = {
  async 'the approval of a device'({ op, who }) {
    const tv = await operatorClient(op, {
      client_id: 'tv',
      grant_types: [deviceGrant, 'refresh_token'],
      response_types: [],
      scope: 'openid profile',
    })
    const { body } = await post(op, '/device_authorization', tv, { scope: 'openid' })
    const user_code = String(body.user_code)
    const typed = (await who.open(`/device?user_code=${user_code}`)).page!
    const confirm = (await who.press(typed, 'continue', { user_code })).page!
    return {
      act: () => who.press(confirm, 'allow'),
      lives: () =>
        gives(post(op, '/token', tv, { grant_type: deviceGrant, device_code: String(body.device_code) })),
    }
  },
  async 'the approval of a backchannel request'({ op, who }) {
    await addClient(op)
    const { body } = await begin(op)
    const page = await approvals(who)
    return { act: () => who.press(page, 'allow'), lives: () => gives(poll(op, body.auth_req_id, bank)) }
  },
  async 'an authorization for offline_access'({ op, who }) {
    const scope = 'openid offline_access'
    await tokensOf(op, who, demo, { scope, prompt: 'consent' })
    const { url, code_verifier } = authorizationUrl(op.issuer, demo, { scope })
    let code: string | null | undefined
    return {
      act: async () => void (code = (await who.open(url)).location?.searchParams.get('code')),
      lives: async () => !!code && gives(redeem(op, demo, { code, code_verifier })),
    }
  },
  async 'tokens in the redirect'({ op, who }) {
    const spa = await operatorClient(op, {
      client_id: 'spa',
      grant_types: ['implicit'],
      response_types: ['id_token token'],
      first_party: true,
      scope: 'openid profile',
    })
    const { url } = authorizationUrl(op.issuer, spa, { scope: 'openid', response_type: 'id_token token' })
    let answered = new URLSearchParams()
    return {
      act: async () => void (answered = new URLSearchParams((await who.open(url)).location?.hash.slice(1))),
      lives: async () =>
        answered.has('id_token') || (await userinfo(op, `${answered.get('access_token')}`)).status === 200,
    }
  },
  async 'an ID Token beside a code'({ op, who }) {
    const hybrid = await operatorClient(op, {
      client_id: 'hybrid',
      grant_types: ['authorization_code', 'implicit'],
      response_types: ['code id_token'],
      first_party: true,
      scope: 'openid profile',
    })
    const { url } = authorizationUrl(op.issuer, hybrid, { scope: 'openid', response_type: 'code id_token' })
    let answered = new URLSearchParams()
    return {
      act: async () => void (answered = new URLSearchParams((await who.open(url)).location?.hash.slice(1))),
      lives: async () => answered.has('id_token'),
    }
  },
  async 'a sign-in'({ op }) {
    const other = browser(op)
    return {
      act: () => withPassword(other),
      lives: async () => !(await other.open('/account')).page!.url.includes('/login'),
    }
  },
}

/** A sign-in with the right password is a new access of an account that is back. */
const isNewAccess = (request: string, end: string): boolean =>
  request === 'a sign-in' && end === 'a disabled account'

/** Each is done by the owner in another browser, or by an operator. */
const ends: Record<string, (op: Provider, owner: Person) => Promise<void>> = {
  async 'a change of password'(_op, owner) {
    const page = (await owner.open('/account/password')).page!
    const fields = { current_password: alice.password, password: better, repeat: better }
    expect((await owner.press(page, 'change', fields)).page!.url).toContain('done=changed')
  },
  async 'a disabled account'(op) {
    await User.update(op.context, sub, (user) => ({ ...user, disabled: true }))
    await endEverything(sub, op.context)
    await User.update(op.context, sub, (user) => ({ ...user, disabled: false }))
  },
}

for (const [request, prepare] of Object.entries(requests))
  for (const [name, end] of Object.entries(ends).filter(([each]) => !isNewAccess(request, each)))
    test.each(request === 'a sign-in' ? ['of its own'] : ['of its own', 'copied from the owner'])(
      `${request} and ${name}, at each verb in turn: with a cookie %s`,
      async (cookie) => {
        const survivors: number[] = []
        for (let verbs = 0; ; verbs++) {
          const clock = turnableClock()
          const pausing = pausingStore(memoryStore(clock))
          const op = await provider({ store: pausing.store, clock })
          const [who, owner] = [browser(op), browser(op)]
          await withPassword(owner)
          if (cookie === 'of its own') await withPassword(who)
          else for (const [key, value] of owner.cookies) who.cookies.set(key, value)
          const { act, lives } = await prepare({ op, who })
          if (cookie !== 'of its own') for (const [key, value] of who.cookies) owner.cookies.set(key, value)
          const { paused, go } = pausing.pauseAfter(verbs)
          const acting = act()
          const isPaused = await Promise.race([paused.then(() => true), acting.then(() => false)])
          if (isPaused) await end(op, owner)
          go()
          await acting
          if (!isPaused) break
          if (await lives()) survivors.push(verbs)
        }
        expect(survivors).toEqual([])
      },
      600_000, // two passwords are hashed at each verb
    )
