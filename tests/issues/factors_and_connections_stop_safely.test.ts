/**
 * The store fails at each verb of a change of codes by mail and SMS, of recovery codes and of connections with other
 * providers. Whatever was written by then is safe, and a repetition finishes the rest. Issue 8, line 65
 */
import { afterAll, expect } from 'bun:test'
import { FactorGeneration } from '../../src/models/factor_generation.ts'
import { User } from '../../src/models/user.ts'
import { Event } from '../../src/models/event.ts'
import { Links } from '../../src/features/upstream/links.ts'
import { RecoveryCodes } from '../../src/features/second_factor/recovery.ts'
import { type Channel, channels } from '../../src/features/second_factor/channels.ts'
import { freshCode, pageOf, setUpApp, withPassword } from '../support/authenticator.ts'
import { listener } from '../support/listener.ts'
import { mailsOf } from '../support/mailbox.ts'
import { alice, bob, type Page, type Person, person } from '../support/person.ts'
import type { Provider } from '../support/provider.ts'
import { type Change, type Scene, stopsSafely, sub } from '../support/stops.ts'
import { leaveFor, secondLatchkey, upstreamEnv } from '../support/upstream.ts'
import { rememberPasswords } from '../support/remembered_passwords.ts'

rememberPasswords()

const gateway = listener()
const callback = 'http://localhost:5000/upstream/callback/corp'
const up = await secondLatchkey(callback)
afterAll(() => {
  gateway.stop()
  up.stop()
})

const withButton = (page: Page, button: string): Page => ({
  ...page,
  forms: page.forms.filter(({ buttons }) => buttons.includes(button)),
})

interface Sent {
  channel: Channel
  /** Of the form that asks for a code. */
  fields(scene: Scene): Record<string, string>
  /** The latest code that was sent to this End-User. */
  code(scene: Scene): Promise<string>
}

/** Each provider has its own number: several of them share the gateway. */
const phones = new Map<Provider, string>()
function phoneOf({ op }: Scene): string {
  const phone = phones.get(op) ?? `+49170${1_000_000 + phones.size}`
  phones.set(op, phone)
  return phone
}

const sms: Sent = {
  channel: channels.sms,
  fields: (scene) => ({ phone: phoneOf(scene) }),
  async code(scene) {
    const heard = gateway.heard.findLast(({ form }) => form.number === phoneOf(scene))
    return heard?.form.message?.match(/\d{6}/)?.[0] ?? 'none'
  },
}
const email: Sent = {
  channel: channels.email,
  fields: () => ({}),
  async code({ op }) {
    const codes = (await mailsOf(op)).flatMap(({ text }) => /^\d{6}$/m.exec(text) ?? [])
    op.clock.advance(1_000) // the next mail is a later one
    return codes.at(-1) ?? 'none'
  },
}

/** The page with the field for the code, which was sent. */
async function codePage(scene: Scene, { channel, fields }: Sent): Promise<Page> {
  const { who } = scene
  const asked = pageOf(await who.open(`/account/factors/${channel.name}`))
  return withButton(pageOf(await who.press(asked, 'send', fields(scene))), 'verify')
}

/** The page at `path`, with a code of the channel if it is asked for. */
async function afterCode(scene: Scene, path: string, sent: Sent): Promise<Page> {
  const { who } = scene
  const page = pageOf(await who.open(path))
  if (!page.url.includes('/second-factor')) return page
  const asked = pageOf(await who.press(page, 'send'))
  await who.press(withButton(asked, 'verify'), 'verify', { code: await sent.code(scene) })
  return pageOf(await who.open(path))
}

const addressOf = async ({ op }: Scene, { channel }: Sent) =>
  channel.addressOf((await User.find(op.context, sub))!, op.context)

const added =
  (sent: Sent): Change =>
  async (scene) => {
    const path = `/account/factors/${sent.channel.name}`
    let page = await codePage(scene, sent)
    const code = await sent.code(scene)
    const before = await FactorGeneration.of(scene.op.context, sub)
    return {
      async act(again) {
        // Once the address is stored a code is asked for, before the form can be sent again.
        if (again) page = withButton(await afterCode(scene, path, sent), 'verify')
        return scene.send(page, 'verify', { code })
      },
      async safe() {
        if (await addressOf(scene, sent))
          expect(await FactorGeneration.of(scene.op.context, sub)).not.toBe(before)
      },
      async done() {
        expect(await addressOf(scene, sent)).toBeDefined()
        expect(await FactorGeneration.of(scene.op.context, sub)).not.toBe(before)
        // The code is used up: after a minute, the same form is no repetition.
        scene.op.clock.advance(61_000)
        expect(pageOf(await scene.who.press(page, 'verify', { code })).url).not.toContain('done=')
      },
      told: sent.channel.told.added,
    }
  }

const removed =
  (sent: Sent): Change =>
  async (scene) => {
    const { op, who } = scene
    await who.press(await codePage(scene, sent), 'verify', { code: await sent.code(scene) })
    await afterCode(scene, `/account/factors/${sent.channel.name}`, sent)
    const list = pageOf(await who.open('/account/factors'))
    const page = { ...list, forms: list.forms.filter(({ fields }) => fields.factor === sent.channel.name) }
    const before = await FactorGeneration.of(op.context, sub)
    return {
      act: () => scene.send(page, 'remove'),
      async safe() {
        if (!(await addressOf(scene, sent)))
          expect(await FactorGeneration.of(op.context, sub)).not.toBe(before)
      },
      async done() {
        expect(await addressOf(scene, sent)).toBeUndefined()
        expect(await FactorGeneration.of(op.context, sub)).not.toBe(before)
      },
      told: sent.channel.told.removed,
    }
  }

stopsSafely(
  { 'codes by SMS': added(sms), 'no codes by SMS any more': removed(sms) },
  {
    SECOND_FACTORS: 'totp sms recovery',
    SMS_GATEWAY_URL: `${gateway.origin}/send`,
    SMS_GATEWAY_BODY: 'number={to}&message={text}',
    OUTBOUND_ALLOW_HOSTS: gateway.hostPort,
    OUTBOUND_TIMEOUT_MS: '30000',
  },
)

stopsSafely(
  { 'codes by mail': added(email), 'no codes by mail any more': removed(email) },
  { SECOND_FACTORS: 'totp email recovery' },
)

stopsSafely({
  async 'new recovery codes'({ op, who, send }) {
    const seed = await setUpApp(op, who)
    const asked = pageOf(await who.open('/account/factors/totp'))
    await who.press(asked, 'verify', { code: freshCode(op, seed) })
    const list = pageOf(await who.open('/account/factors'))
    const page = {
      ...list,
      forms: list.forms.filter(({ action }) => action.endsWith('/account/factors/recovery')),
    }
    const [button = ''] = page.forms[0]!.buttons
    const isTold = async () =>
      (await Event.listOfUser(op.context, sub)).some(({ kind }) => kind === 'recovery_codes_made')
    return {
      act: () => send(page, button),
      async safe() {
        if (await RecoveryCodes.find(op.context, sub)) expect(await isTold()).toBe(true)
      },
      async done() {
        expect((await RecoveryCodes.find(op.context, sub))?.hashes).toHaveLength(10)
      },
      told: 'recovery_codes_made',
    }
  },
})

const corp = { id: 'corp', provider: 'oidc', label: 'Corp', base_url: up.issuer, ...up.client }

/** The address that the other provider redirects to, after a sign-in there as `account`. */
const backFrom = async (browser: Person): Promise<string> =>
  (await there.alice.goThrough((await leaveFor(browser, 'corp')).href, alice)).href

/** Browsers that are signed in at the other provider. */
const there = { alice: person(up.issuer, up.fetch), bob: person(up.issuer, up.fetch) }
await withPassword(there.alice, alice)
await withPassword(there.bob, bob)

const linksOf = async ({ op }: Scene) =>
  (await Links.listOfUser(op.context, sub)).map(({ link }) => link.subject)

/** No identity signs in to the account that its owner does not see. */
async function noHiddenLink(scene: Scene, identity: string): Promise<void> {
  const link = await Links.ofIdentity(scene.op.context, { issuer: up.issuer, subject: identity } as never)
  if (link?.sub === sub) expect(await linksOf(scene)).toContain(identity)
}

const connect = async (scene: Scene): Promise<string> => {
  const page = pageOf(await scene.who.open('/account/connections'))
  const { location } = await scene.who.press(page, 'connect_corp')
  return (await there.bob.goThrough(location!.href, bob)).href
}

const connections: Record<string, Change> = {
  async 'a connection with another provider'(scene) {
    let back = await connect(scene)
    return {
      async act(again) {
        if (again) back = await connect(scene) // the provider's code is used up
        return scene.visit(back)
      },
      safe: () => noHiddenLink(scene, 'user-bob'),
      async done() {
        expect(await linksOf(scene)).toEqual(['user-bob'])
      },
      told: 'connection_added',
    }
  },
  async 'no connection with another provider any more'(scene) {
    const { op, who } = scene
    await who.open(await connect(scene))
    expect(await linksOf(scene)).toEqual(['user-bob'])
    const page = pageOf(await who.open('/account/connections'))
    return {
      act: () => scene.send(page, 'remove'),
      async done() {
        expect(await linksOf(scene)).toEqual([])
        const identity = { issuer: up.issuer, subject: 'user-bob' } as never
        expect(await Links.ofIdentity(op.context, identity)).toBeUndefined()
      },
      told: 'connection_removed',
    }
  },
  async 'a connection at the end of a sign-in'(scene) {
    const { op } = scene
    const who = person(op.issuer, async (url, init) => {
      const answer = await op.fetch(url, init)
      if (init?.method === 'POST') {
        status = answer.status
        scene.recover()
      }
      return answer
    })
    let status = 0
    const asked = pageOf(await who.open(await backFrom(who)))
    const start = pageOf(await who.open(/href="([^"]*interaction=[^"]*)"/.exec(asked.html)![1]!))
    const page = pageOf(await who.press(start, 'login', alice))
    return {
      async act() {
        await who.press(page, 'connect')
        return status
      },
      safe: () => noHiddenLink(scene, 'user-alice'),
      async done() {
        expect(await linksOf(scene)).toEqual(['user-alice'])
      },
      told: 'connection_added',
    }
  },
}

stopsSafely(connections, upstreamEnv([corp], [up]))

stopsSafely(
  {
    async 'a connection by the verified address'(scene) {
      const { op } = scene
      const fresh = () =>
        person(op.issuer, async (url, init) => {
          const answer = await op.fetch(url, init)
          if (url.includes('/upstream/callback/')) {
            status = answer.status
            scene.recover()
          }
          return answer
        })
      let status = 0
      let who = fresh()
      let back = await backFrom(who)
      return {
        async act(again) {
          if (again) {
            who = fresh()
            back = await backFrom(who)
          }
          await who.open(back)
          return status
        },
        safe: () => noHiddenLink(scene, 'user-alice'),
        async done() {
          expect(await linksOf(scene)).toEqual(['user-alice'])
        },
        told: 'connection_added',
      }
    },
  },
  { ...upstreamEnv([corp], [up]), UPSTREAM_LINK_BY_EMAIL: 'verified' },
)
