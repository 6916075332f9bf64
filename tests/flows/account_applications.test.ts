/** What applications may do with an account, as its owner sees it, and how they take it back. https://www.rfc-editor.org/rfc/rfc9700 */
import { afterAll, afterEach, describe, expect, test } from 'bun:test'
import { deliverDue } from '../../src/features/backchannel_logout/deliver.ts'
import { Client } from '../../src/models/client.ts'
import { Consent } from '../../src/models/consent.ts'
import { User } from '../../src/models/user.ts'
import { claimsOf, demo } from '../support/client.ts'
import {
  authorize,
  browser,
  operatorClient,
  outcome,
  redeem,
  refresh,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { listener } from '../support/listener.ts'
import { mailsOf } from '../support/mailbox.ts'
import { alice, bob, type Page, type Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const app = listener()
afterEach(() => void app.heard.splice(0))
afterAll(() => app.stop())

const start = () => provider({ env: { OUTBOUND_ALLOW_HOSTS: app.hostPort } })
const deliver = async (op: Provider) => {
  op.clock.advance(3_000)
  await Promise.all(await deliverDue(op.context))
}
const applications = async (who: Person): Promise<Page> => (await who.open('/account/applications')).page!
const plain = ({ html }: Page) => html.replaceAll(/<\/?(?:bdi|code)>/g, '')

/** On a clock that stands mails have no order. */
const mailTexts = async (op: Provider) => (await mailsOf(op)).map(({ text }) => text).join('\n')

async function signIn(who: Person, account = alice): Promise<Page> {
  const { page } = await who.open('/login')
  return (await who.press(page!, 'login', account)).page!
}

describe('the list', () => {
  test('name, what it may do in words, since when, and when it was used last', async () => {
    const op = await start()
    const who = browser(op)
    const client = await operatorClient(op, {
      client_id: 'photos',
      client_name: 'Photo Prints',
      logo_uri: 'https://photos.example/logo.png',
    })
    const { refresh_token } = await tokensOf(op, who, client, {
      scope: 'openid email offline_access',
      claims: JSON.stringify({ userinfo: { birthdate: null, 'https://x.example/mood': null } }),
    })
    op.clock.advance(3_600_000)
    await refresh(op, client, refresh_token)
    const page = await applications(who)
    const text = plain(page)
    expect(text).toContain('Photo Prints')
    expect(text).toContain('<li>See your email address</li>')
    expect(text).toContain('<li>Keep this access when you’re not using the app, until you remove it</li>')
    expect(text).toContain('<li>See your birthday</li>')
    expect(text).not.toContain('mood') // no scope has it, so no token does
    expect(text).toContain('You allowed access on')
    expect(text).toContain('Last used on')
    expect(page.html).toContain('src="https://photos.example/logo.png"')
    expect(page.headers.get('content-security-policy')).toContain("img-src 'self' https://photos.example;")
  })

  test('without refresh tokens it was used when the person last came from it', async () => {
    const op = await start()
    const who = browser(op)
    const lines = async () =>
      plain(await applications(who)).match(/(?:You allowed access on|Last used on) <time[^<]*/g)
    await tokensOf(op, who)
    const [agreed, first] = (await lines())!
    expect(first).toBe(agreed!.replace('You allowed access', 'Last used'))
    op.clock.advance(3_600_000)
    await tokensOf(op, who)
    const [still, later] = (await lines())!
    expect([still, later === first]).toEqual([agreed, false])
  })

  test('one that registered itself is marked, and its logo not loaded', async () => {
    const op = await start()
    const who = browser(op)
    const client = await operatorClient(op, {
      client_id: 'self',
      client_name: 'My Bank',
      logo_uri: 'https://elsewhere.example/logo.png',
      self_registered: true,
    })
    await tokensOf(op, who, client)
    const page = await applications(who)
    expect(page.html).toContain('Not verified')
    expect(page.html).not.toContain('elsewhere.example')
    expect(page.headers.get('content-security-policy')).not.toContain('elsewhere.example')
  })

  test('one of our own needs no consent, and can be signed out of the account all the same', async () => {
    const op = await start()
    const who = browser(op)
    const client = await operatorClient(op, { client_id: 'ours', first_party: true })
    const { access_token } = await tokensOf(op, who, client)
    const page = await applications(who)
    expect(page.html).toContain('doesn’t need your permission')
    await who.press(page, 'withdraw')
    expect((await userinfo(op, access_token)).status).toBe(401)
    expect(plain(await applications(who))).toContain('No apps have access to your account.')
  })

  test('one that is registered no longer can still be withdrawn from', async () => {
    const op = await start()
    const who = browser(op)
    const client = await operatorClient(op, { client_id: 'old' })
    await tokensOf(op, who, client)
    await Client.remove(op.context, 'old')
    const page = await applications(who)
    expect(page.html).toContain('No longer registered')
    await who.press(page, 'withdraw')
    expect(plain(await applications(who))).toContain('No apps have access to your account.')
  })
})

describe('withdrawal', () => {
  test('ends consent and every token of that client, and of no other; the session stays', async () => {
    const op = await start()
    const who = browser(op)
    const client = await operatorClient(op, { client_id: 'photos', client_name: 'Photo Prints' })
    const others = await tokensOf(op, who)
    const ours = [
      await tokensOf(op, who, client, { scope: 'openid offline_access' }),
      await tokensOf(op, who, client),
    ]
    const page = await applications(who)
    const at = page.forms.findIndex(({ fields }) => fields.client_id === 'photos')
    const done = (await who.press({ ...page, forms: [page.forms[at]!] }, 'withdraw')).page!
    expect(done.html).toContain('signed out of your account')
    for (const { access_token, refresh_token } of ours) {
      expect((await userinfo(op, access_token)).status).toBe(401)
      expect((await refresh(op, client, refresh_token)).body.error).toBe('invalid_grant')
    }
    expect((await userinfo(op, others.access_token)).status).toBe(200)
    expect((await refresh(op, demo, others.refresh_token)).status).toBe(200)
    expect(await outcome(op, who, {}, client)).toBe('consent')
    expect(await outcome(op, who)).toBe('code')
    expect(await mailTexts(op)).toContain('The app Photo Prints no longer has access')
  })

  test('its client hears of it by back-channel logout, once, and the others hear nothing', async () => {
    const op = await start()
    const who = browser(op)
    const told = (client_id: string) =>
      operatorClient(op, { client_id, backchannel_logout_uri: `${app.origin}/${client_id}` })
    const [photos, music] = [await told('photos'), await told('music')]
    const { id_token } = await tokensOf(op, who, photos)
    await tokensOf(op, who, music)
    const page = await applications(who)
    const form = page.forms.find(({ fields }) => fields.client_id === 'photos')!
    await Promise.all(Array.from({ length: 20 }, () => who.press({ ...page, forms: [form] }, 'withdraw')))
    await deliver(op)
    await deliver(op)
    expect(app.heard.map(({ path }) => path)).toEqual(['/photos'])
    const token = claimsOf(app.heard[0]!.form.logout_token)
    expect([token.sub, token.sid]).toEqual([claimsOf(id_token).sub, claimsOf(id_token).sid])
    expect((await mailsOf(op)).filter(({ text }) => text.includes('no longer has access'))).toHaveLength(1)
  })

  test('what was allowed anew ends anew, and then the client hears of it again', async () => {
    const op = await start()
    const who = browser(op)
    const client = await operatorClient(op, {
      client_id: 'photos',
      backchannel_logout_uri: `${app.origin}/photos`,
    })
    for (let round = 1; round <= 2; round++) {
      await tokensOf(op, who, client)
      await who.press(await applications(who), 'withdraw')
      await deliver(op)
      expect(app.heard).toHaveLength(round)
    }
    await tokensOf(op, who, client)
    await who.press((await who.open('/logout')).page!, 'logout')
    await deliver(op)
    expect(app.heard).toHaveLength(3)
  })

  test('nobody can withdraw what somebody else gave', async () => {
    const op = await start()
    const [mine, theirs] = [browser(op), browser(op)]
    const { access_token } = await tokensOf(op, mine)
    await signIn(theirs, bob)
    await tokensOf(op, theirs, demo, {}, bob)
    await theirs.press(await applications(theirs), 'withdraw')
    expect((await userinfo(op, access_token)).status).toBe(200)
    const { sub } = (await User.findByUsername(op.context, 'alice'))!
    expect(await Consent.find(op.context, sub, demo.client_id)).toBeDefined()
  })

  test('a code that was not yet redeemed is worth nothing any more', async () => {
    const op = await start()
    const who = browser(op)
    const code = await authorize(op, who)
    await who.press(await applications(who), 'withdraw')
    expect((await redeem(op, demo, code)).body.error).toBe('invalid_grant')
  })
})
