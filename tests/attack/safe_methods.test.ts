/** HEAD and GET at every endpoint of the table, over a store that tells what was written. https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1 */
import { expect, test } from 'bun:test'
import { formOfAnySite } from '../../src/http/csrf.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { freshCode, pageOf, setUpApp, withPassword } from '../support/authenticator.ts'
import { authorizationUrl, demo } from '../support/client.ts'
import { alice, authorize, bob, browser, open, operatorClient, tokensOf } from '../support/flow.ts'
import { mailsOf } from '../support/mailbox.ts'
import type { Person } from '../support/person.ts'
import { provider, turnableClock } from '../support/provider.ts'
import { registered } from '../support/registration.ts'
import { writtenStore } from '../support/written_store.ts'

const clock = turnableClock()
const { store, take } = writtenStore(memoryStore(clock))
const op = await provider({
  clock,
  store,
  env: {
    SECOND_FACTORS: 'totp email sms recovery',
    SMS_GATEWAY_URL: 'http://127.0.0.1:9/send',
    SMS_GATEWAY_BODY: 'number={to}&message={text}',
    OUTBOUND_ALLOW_HOSTS: '127.0.0.1:9',
    ACCOUNT_REGISTRATION: 'open',
    UPSTREAM_GITHUB_CLIENT_ID: 'id',
    UPSTREAM_GITHUB_CLIENT_SECRET: 'secret',
    REGISTRATION: 'open',
    REALMS: 'true',
  },
})

/** What is opened, and by whom. */
interface Opened {
  path: string
  who?: Person
  headers?: Record<string, string>
}

const cookiesOf = (who: Person): string =>
  [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
const below = (url: string): string => url.slice(op.issuer.length)

/** Alice has an app, and is signed in with it; Bob has nothing but a password. */
const first = browser(op)
await withPassword(first)
const seed = await setUpApp(op, first)
async function strong(): Promise<Person> {
  const who = browser(op)
  await who.press(pageOf(await withPassword(who)), 'verify', { code: freshCode(op, seed) })
  return who
}
const signedIn = await strong()
const bobsRecord = (await User.findByUsername(op.context, bob.username))!
await User.create(op.context, {
  ...bobsRecord,
  sub: 'user-carol',
  username: 'carol',
  claims: {},
  leaving_at: Math.floor(clock.now() / 1000) + 86_400,
})
/** A code by mail counts as a factor once it was asked for and typed. */
const mailed = await signedIn.press(pageOf(await signedIn.open('/account/factors/email')), 'send')
const [code] = /^\d{6}$/m.exec((await mailsOf(op)).at(-1)!.text) ?? []
await signedIn.press(pageOf(mailed), 'verify', { code: code! })
const bobsBrowser = browser(op)
await authorize(op, bobsBrowser, demo, {}, bob)

/** The page on which an authorization request of a new browser stands, on to `path` in the same interaction. */
async function inSignIn(path: string): Promise<Opened> {
  const who = browser(op)
  const { url } = pageOf(await who.press(pageOf(await open(op, who)), 'login', alice))
  return { path: `${path}${new URL(url).search}`, who }
}

/** The same for Bob, of whom the request wants a factor that he has to set up. */
async function inSetUp(path: string): Promise<Opened> {
  const who = browser(op)
  const { url } = pageOf(
    await who.press(pageOf(await open(op, who, { acr_values: 'urn:latchkey:2fa' })), 'login', bob),
  )
  return { path: `${path}${new URL(url).search}`, who }
}

/** Carol has asked for the end of her account, and signs in. */
async function keepAccount(): Promise<Opened> {
  const who = browser(op)
  const { url } = pageOf(await who.press(pageOf(await open(op, who)), 'login', { ...bob, username: 'carol' }))
  return { path: below(url), who }
}

/** The page on which an authorization request stands, unanswered. */
async function atPage(more: Record<string, string>, who = browser(op)): Promise<Opened> {
  return { path: below(pageOf(await open(op, who, more)).url), who }
}

const pathsInSignIn = ['/second-factor', '/second-factor/totp', '/second-factor/email', '/second-factor/sms']
const pathsInSetUp = ['/second-factor/set-up', '/second-factor/email/set-up', '/second-factor/sms/set-up']
const nameOf = (path: string): string => path.slice(1).replaceAll(/[-/]/g, '_')

/** Where the path alone, opened by Alice, is not what the endpoint is for. */
const openings: Record<string, () => Promise<Opened>> = {
  authorization: async () => ({ path: below(authorizationUrl(op.issuer, demo).url), who: bobsBrowser }),
  login: () => atPage({}),
  select_account: () => atPage({ prompt: 'select_account' }, bobsBrowser),
  consent: () => atPage({ prompt: 'consent' }, bobsBrowser),
  resume: async () => {
    const { path } = await atPage({ prompt: 'select_account' }, bobsBrowser)
    return { path: path.replace('/select_account', '/authorize/resume'), who: bobsBrowser }
  },
  userinfo: async () => {
    const { access_token } = await tokensOf(op, browser(op), demo, {}, bob)
    return { path: '/userinfo', headers: { authorization: `Bearer ${access_token}` } }
  },
  data_export: async () => {
    const client = await operatorClient(op, { client_id: 'exporter', scope: 'openid data_export' })
    const { access_token } = await tokensOf(op, browser(op), client, { scope: 'openid data_export' }, bob)
    return { path: '/user/data-export', headers: { authorization: `Bearer ${access_token}` } }
  },
  end_session: async () => {
    const who = browser(op)
    const { id_token } = await tokensOf(op, who, demo, {}, bob)
    return { path: `/logout?id_token_hint=${id_token}`, who }
  },
  client_configuration: async () => {
    const made = await registered(op, { redirect_uris: ['https://app.example/callback'] })
    return {
      path: `/register/${made.client_id}`,
      headers: { authorization: `Bearer ${made.registration_access_token}` },
    }
  },
  upstream_callback: async () => {
    const who = browser(op)
    const { location } = await who.press(pageOf(await who.open('/login')), 'upstream_github')
    const state = location?.searchParams.get('state')
    return { path: `/upstream/callback/github?state=${state}&error=access_denied`, who }
  },
  initiate_login: async () => ({ path: '/initiate_login?client_id=client123' }),
  passkey_second_factor: () => inSignIn('/passkeys/second_factor'),
  passkey_enrolment: () => inSetUp('/passkeys/enrol'),
  second_factor_recovery: () => inSignIn('/second-factor/recovery'),
  totp_set_up: () => inSetUp('/second-factor/totp/set-up'),
  totp_set_up_image: () => inSetUp('/second-factor/totp/set-up/qr'),
  upstream_connect: () => inSignIn('/upstream/connect'),
  keep_account: keepAccount,
  ...Object.fromEntries(pathsInSignIn.map((path) => [nameOf(path), () => inSignIn(path)])),
  ...Object.fromEntries(pathsInSetUp.map((path) => [nameOf(path), () => inSetUp(path)])),
}

/** What a GET may write, by endpoint, and why: "verb kind of record". Any other write fails, and so does one that is gone. */
const reasons: Record<string, { writes: string[]; why: string }> = {
  authorization: {
    writes: [
      'create grant',
      'link session_grants',
      'link user_grants',
      'put code',
      'trim session_grants',
      'trim user_grants',
    ],
    why: 'the answer to an authorization request is a code (OpenID Connect Core 3.1.2.5)',
  },
  resume: {
    writes: [
      'create grant',
      'link session_grants',
      'link user_grants',
      'put code',
      'replace interaction',
      'trim session_grants',
      'trim user_grants',
    ],
    why: 'the same, once the pages of the request are done; the interaction is not guessed',
  },
  end_session: {
    writes: [
      'take grant',
      'take session',
      'unlink session_grants',
      'unlink sessions',
      'unlink user_grants',
      'unlink user_sessions',
    ],
    why: 'an ID Token of this very session says that its client asks (RP-Initiated Logout 2)',
  },
  approvals: { writes: ['trim backchannel_requests'], why: 'requests that have expired leave the index' },
  upstream_callback: { writes: ['take upstream_state'], why: 'the answer of a provider is taken once' },
  account_totp: {
    writes: ['put totp_enrolment'],
    why: 'the key that the page shows, for this session alone',
  },
  totp_set_up: { writes: ['put totp_enrolment'], why: 'the key that the page shows, for this sign-in alone' },
  totp_set_up_image: { writes: ['put totp_enrolment'], why: 'the same key as a picture' },
  passkey_second_factor: {
    writes: ['put one_time'],
    why: 'a challenge of five minutes, for this sign-in alone',
  },
  passkey_enrolment: {
    writes: ['create passkey_owner', 'put one_time'],
    why: 'a challenge of five minutes, and the random name that passkeys know the account by',
  },
  account_passkeys_add: {
    writes: ['create passkey_owner', 'put one_time'],
    why: 'the same, for this session',
  },
  create_account: { writes: ['increment tries'], why: 'links that are tried are counted by address' },
  reset_password: { writes: ['increment tries'], why: 'links that are tried are counted by address' },
  verify_email: { writes: ['increment tries'], why: 'links that are tried are counted by address' },
  data_export: {
    writes: [
      'create export_told',
      'create mail',
      'increment tries',
      'link mail_outbox',
      'link user_events',
      'put event',
      'trim user_events',
      'trim user_grants',
    ],
    why: 'the person is told, once a day, that an application has read a copy; it takes an access token',
  },
  account: { writes: ['trim user_grants'], why: 'grants that have expired leave the index' },
  account_applications: { writes: ['trim user_grants'], why: 'grants that have expired leave the index' },
}

/** Forms that other sites send: `post` leads the browser to a GET, or takes what was said for a moment. */
const openToOtherSites: Record<string, string> = {
  authorization: 'a client may POST an authorization request (OpenID Connect Core 3.1.2.1)',
  end_session: 'a client may POST a logout request (RP-Initiated Logout 2); with a token the form is checked',
  upstream_callback: 'a provider may POST its answer (OAuth 2.0 Form Post Response Mode)',
}

const served = op.context.table.endpoints.filter(({ get }) => get)
const asOpened = (name: string, path: string): Promise<Opened> =>
  openings[name]?.() ?? Promise.resolve({ path: path.replace('*', 'x'), who: signedIn })

const send = (method: string, { path, who, headers }: Opened): Promise<Response> =>
  op.fetch(path, { method, headers: { ...headers, ...(who && { cookie: cookiesOf(who) }) } })

const distinct = (writes: string[]): string[] => [...new Set(writes)].sort()

/** HEAD first, so that GET finds what HEAD would have spent. */
async function both(opened: Opened) {
  take()
  op.lines.splice(0)
  const head = await send('HEAD', opened)
  const byHead = take()
  const told = op.lines.splice(0).filter((line) => / info (?!refused)/.test(line))
  const get = await send('GET', opened)
  return { head, byHead, told, get, byGet: distinct(take()) }
}

test.each(served.map(({ name, path }) => [name, path]))('%s', async (name, path) => {
  const { head, byHead, told, get, byGet } = await both(await asOpened(name, path))
  expect(byHead).toEqual([])
  expect(told).toEqual([])
  expect(head.headers.getSetCookie()).toEqual([])
  expect(await head.text()).toBe('')
  expect(head.status).toBe(get.status)
  expect(get.status).toBeLessThan(500)
  expect(byGet).toEqual([...(reasons[name]?.writes ?? [])].sort())
})

test('the reasons name endpoints, and say something', () => {
  const names = new Set(served.map(({ name }) => name))
  expect([...Object.keys(reasons), ...Object.keys(openings)].filter((name) => !names.has(name))).toEqual([])
  for (const { why } of Object.values(reasons)) expect(why.length).toBeGreaterThan(20)
})

/** As if the form of the page had come by GET: nothing in an address is an answer. */
const asAnswer = new URLSearchParams({
  csrf_token: 'x',
  allow: 'allow',
  code: '000000',
  send: 'send',
  make: 'make',
  later: 'later',
  decline: 'decline',
  end_all: 'end_all',
  forget_devices: 'forget_devices',
  factor: 'totp',
  keep: 'keep',
  connect: 'connect',
})

test.each(served.filter(({ page, post }) => page && post).map(({ name, path }) => [name, path]))(
  '%s, with the fields of a form in its address',
  async (name, path) => {
    if (name in openToOtherSites) return
    const opened = await asOpened(name, path)
    const { byHead, byGet } = await both({
      ...opened,
      path: `${opened.path}${opened.path.includes('?') ? '&' : '?'}${asAnswer}`,
    })
    expect(byHead).toEqual([])
    expect(byGet.filter((write) => !reasons[name]?.writes.includes(write))).toEqual([])
  },
)

/** Without a session a GET leads to the sign-in page: an interaction that waits for this browser is all it makes. */
const withoutSession = ['put interaction', 'increment tries']

test.each(served.map(({ name, path }) => [name, path]))('%s, without any cookie', async (_name, path) => {
  const { head, byHead, get, byGet } = await both({ path: path.replace('*', 'x') })
  expect(byHead).toEqual([])
  expect(head.headers.getSetCookie()).toEqual([])
  expect(head.status).toBe(get.status)
  expect(byGet.filter((write) => !withoutSession.includes(write))).toEqual([])
})

const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
const posted = op.context.table.endpoints.filter(({ page, post }) => page && post)

test('every page with a form says how the form is checked', () => {
  expect(posted.length).toBeGreaterThan(30)
  expect(posted.filter(({ form }) => form === undefined).map(({ name }) => name)).toEqual([])
  const unchecked = posted.filter(({ form }) => form === formOfAnySite).map(({ name }) => name)
  expect(unchecked.filter((name) => !(name in openToOtherSites))).toEqual([])
})

const formOf = (fields: Record<string, string>, headers: Record<string, string>): RequestInit => ({
  method: 'POST',
  body: new URLSearchParams(fields).toString(),
  headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
})

/** What a browser has asked of the notes of sent forms is counted, so that it cannot guess what another one sent. */
const looks = 'increment sent_form_looks'

test.each(posted.filter(({ name }) => !(name in openToOtherSites)).map(({ name, path }) => [name, path]))(
  'a form of another site at %s is refused, writes nothing and sets no cookie',
  async (name, path) => {
    const { path: opened, who = signedIn } = await asOpened(name, path)
    const interaction = new URLSearchParams(opened.split('?')[1]).get('interaction') ?? ''
    const pressed = {
      interaction,
      csrf_token: 'x',
      make: 'make',
      allow: 'allow',
      send: 'send',
      end_all: 'end_all',
    }
    const attempts: Record<string, string>[] = [
      { ...foreign, cookie: cookiesOf(who) },
      foreign,
      { origin: 'null' }, // without a referrer, from a browser that knows no Sec-Fetch-Site; no cookies (Lax)
      {},
    ]
    for (const headers of attempts) {
      take()
      const answer = await op.fetch(path, formOf(pressed, headers))
      // It has no token: without the word of the browser it takes a language from any site.
      if (name === 'language' && headers['sec-fetch-site'] === undefined) continue
      expect([headers, answer.status]).toEqual([headers, 403])
      expect(answer.headers.getSetCookie()).toEqual([])
      expect(take()).toEqual([])
    }
  },
)

test.each(Object.keys(openToOtherSites))('a form of another site at %s sets no cookie', async (name) => {
  const { path } = posted.find((each) => each.name === name)!
  const fields = { client_id: demo.client_id, state: 'x', code: 'x' }
  take()
  const answer = await op.fetch(path.replace('*', 'github'), formOf(fields, foreign))
  expect(answer.headers.getSetCookie()).toEqual([])
  expect(take()).toEqual([])
})

test.each(posted.filter(({ name }) => !(name in openToOtherSites)).map(({ name, path }) => [name, path]))(
  'a form without its token at %s changes nothing for the person',
  async (name, path) => {
    const { path: opened, who = signedIn } = await asOpened(name, path)
    const interaction = new URLSearchParams(opened.split('?')[1]).get('interaction') ?? ''
    take()
    const own = { origin: new URL(op.issuer).origin, 'sec-fetch-site': 'same-origin' }
    const answer = await op.fetch(path, formOf({ interaction }, { ...own, cookie: cookiesOf(who) }))
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(take().filter((write) => ![...withoutSession, looks].includes(write))).toEqual([])
  },
)
