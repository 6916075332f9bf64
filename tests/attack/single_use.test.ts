/** Secrets that are good once, sent twenty times at one moment to two instances on one Redis, and on one PostgreSQL: one holds. Others of their kind are raced beside their own stories. OWASP ASVS 5.0 V2.3.4, V6.4.1 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { exportPKCS8 } from 'jose'
import { Links } from '../../src/features/upstream/links.ts'
import { Event } from '../../src/models/event.ts'
import { User } from '../../src/models/user.ts'
import { pageOf, showsCodes, withPassword } from '../support/authenticator.ts'
import { alice, browser } from '../support/flow.ts'
import { type Instances, sharedStores } from '../support/instances.ts'
import { type Listener, listener } from '../support/listener.ts'
import { linkMailed } from '../support/mailbox.ts'
import { addPasskey, ceremonyForm, optionsIn } from '../support/passkeys.ts'
import type { Page, Person } from '../support/person.ts'
import type { Provider } from '../support/provider.ts'
import { get, type RequestOptions } from '../support/security_key.ts'
import { leaveFor, type Server, server, signer, upstreamEnv } from '../support/upstream.ts'
import { attempts, tally } from './attacker.ts'

type Pair = readonly [Provider, Provider]

describe.each(sharedStores)('on %s', (_, open) => {
  let instances: Instances
  let gateway: Listener
  const elsewhere: Server[] = []
  beforeAll(async () => {
    gateway = listener()
    instances = await open()
  }, 60_000)
  afterAll(async () => {
    for (const each of elsewhere) each.stop()
    gateway.stop()
    await instances.stop()
  })

  const pair = (env: Record<string, string> = {}): Promise<Pair> =>
    instances.pair({
      SIGN_IN_QUEUE: '1000',
      SECOND_FACTOR_ATTEMPTS: '100',
      SIGN_IN_ATTEMPTS_PER_ACCOUNT: '1000',
      ...env,
    })

  const racers = 20
  const cookiesOf = ({ cookies }: Person) =>
    [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')

  /** The form with this button, sent by one browser again and again: the answers, unfollowed. */
  function race(both: Pair, who: Person, page: Page, button: string, fields: Record<string, string>) {
    const form = page.forms.find(({ buttons }) => buttons.includes(button))
    if (!form) throw new Error(`no ${button} on ${page.url} (${page.status}):\n${page.html}`)
    const body = new URLSearchParams({ ...form.fields, ...fields, [button]: button }).toString()
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      origin: new URL(both[0].issuer).origin,
      cookie: cookiesOf(who),
    }
    return attempts(racers, (i) => both[i % 2]!.fetch(form.action, { method: 'POST', body, headers }))
  }

  const sessionsIn = (answers: readonly Response[]): number =>
    answers.filter(({ headers }) =>
      headers.getSetCookie().some((each) => each.startsWith('latchkey_session=')),
    ).length

  const eventsOf = async ({ context }: Provider, kind: string) =>
    (await Event.listOfUser(context, 'user-alice')).filter((event) => event.kind === kind)

  test('a code by text message: sets one phone up, and opens one session', async () => {
    const both = await pair({
      SECOND_FACTORS: 'totp sms recovery',
      SMS_GATEWAY_URL: `${gateway.origin}/send`,
      SMS_GATEWAY_BODY: 'number={to}&message={text}',
      OUTBOUND_ALLOW_HOSTS: gateway.hostPort,
    })
    const texted = () => gateway.heard.at(-1)!.form.message!.match(/\d{6}/)![0]
    const hers = browser(both[0])
    await withPassword(hers)
    const asked = pageOf(await hers.open('/account/factors/sms'))
    const page = pageOf(await hers.press(asked, 'send', { phone: '+49 170 1234567' }))
    const set = await race(both, hers, page, 'verify', { code: texted() })
    expect((await Promise.all(set.map((answer) => answer.text()))).filter(showsCodes)).toHaveLength(1)
    expect(await eventsOf(both[0], 'sms_codes_on')).toHaveLength(1)

    const who = browser(both[0])
    const offer = pageOf(await withPassword(who))
    const typing = pageOf(await who.press(offer, 'send'))
    expect(sessionsIn(await race(both, who, typing, 'verify', { code: texted() }))).toBe(1)
  })

  test('a passkey after the password: one answer opens one session', async () => {
    const both = await pair()
    const hers = browser(both[0])
    await withPassword(hers)
    const key = await addPasskey(both[0].issuer, hers)
    await User.update(both[0].context, 'user-alice', (user) => ({ ...user, second_factor: true }))
    const who = browser(both[0])
    const page = pageOf(await withPassword(who))
    expect(new URL(page.url).pathname).toBe('/passkeys/second_factor')
    const credential = get(both[0].issuer, optionsIn<RequestOptions>(page), key)
    const form = { ...ceremonyForm(page), buttons: ['sent'] }
    const answers = await race(both, who, { ...page, forms: [form] }, 'sent', { credential })
    expect(sessionsIn(answers)).toBe(1)
  })

  test('the link of a registration makes one account', async () => {
    const both = await pair()
    const who = browser(both[0])
    const email = 'carol@example.com'
    await who.press(pageOf(await who.open('/register_account')), 'register', { email })
    await both[0].context.table.jobs
      .find(({ name }) => name === 'account_registrations')!
      .run(both[0].context)
    const page = pageOf(await who.open(await linkMailed(both[0], email, '/create_account')))
    const password = 'four lambs in a meadow'
    const answers = await race(both, who, page, 'create', { username: 'carol', password, repeat: password })
    expect(sessionsIn(answers)).toBe(1)
    const users = await User.list(both[0].context)
    expect(users.filter(({ claims }) => claims.email === email)).toHaveLength(1)
  })

  /** A provider elsewhere whose person is Alice; that of Apple answers by a POST. */
  async function corp(kind: 'oidc' | 'apple') {
    const keys = await signer()
    const at = server()
    elsewhere.push(at)
    let nonce = ''
    at.routes['/.well-known/openid-configuration'] = () => ({
      issuer: at.origin,
      authorization_endpoint: `${at.origin}/authorize`,
      token_endpoint: `${at.origin}/token`,
      jwks_uri: `${at.origin}/jwks`,
    })
    at.routes['/jwks'] = () => ({ keys: [keys.jwk] })
    at.routes['/token'] = async () => ({
      access_token: 'a',
      token_type: 'Bearer',
      id_token: await keys.sign({
        iss: at.origin,
        aud: 'our-id',
        sub: 'one',
        email: 'alice@example.com',
        email_verified: true,
        nonce,
        iat: Math.floor(Date.now() / 1000),
        exp: Math.floor(Date.now() / 1000) + 300,
      }),
    })
    const apple = {
      team_id: 'TEAM123456',
      key_id: 'KEY1234567',
      private_key: await exportPKCS8((await signer('ES256')).privateKey),
    }
    const member = { id: 'corp', provider: kind, base_url: at.origin, ...(kind === 'apple' && apple) }
    const both = await pair(upstreamEnv([member], [at]))
    const who = browser(both[0])
    const away = await leaveFor(who, 'corp')
    nonce = away.searchParams.get('nonce')!
    return { both, who, state: away.searchParams.get('state')!, at }
  }

  test('an answer that a provider posted is taken once', async () => {
    const { both, who, state, at } = await corp('apple')
    const posted = await both[0].fetch('/upstream/callback/corp', {
      method: 'POST',
      body: new URLSearchParams({ state, code: 'c' }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: at.origin },
    })
    const to = posted.headers.get('location')!
    const headers = { cookie: cookiesOf(who) }
    const answers = await attempts(racers, (i) => both[i % 2]!.fetch(to, { headers }))
    expect(at.asked.filter(({ path }) => path === '/token')).toHaveLength(1)
    expect(tally(answers.map(({ status }) => status))[400]).toBe(racers - 1)
  })

  test('what waits to be connected is connected once, and begins one session', async () => {
    const { both, who, state } = await corp('oidc')
    const asked = pageOf(await who.open(`/upstream/callback/corp?state=${state}&code=c`))
    const start = pageOf(await who.open(/href="([^"]*interaction=[^"]*)"/.exec(asked.html)![1]!))
    const confirm = pageOf(await who.press(start, 'login', alice))
    const answers = await race(both, who, confirm, 'connect', {})
    expect(sessionsIn(answers)).toBe(1)
    expect(await Links.listOfUser(both[0].context, 'user-alice')).toHaveLength(1)
    expect(await eventsOf(both[0], 'connection_added')).toHaveLength(1)
  })
})
