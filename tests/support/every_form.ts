/** Each form of the pages, ready to be sent: on the real page, in a browser that may send it. */
import { answerRequests as answerRegistrations } from '../../src/features/accounts/requests.ts'
import { answerRequests as answerResets } from '../../src/features/recovery/job.ts'
import { Links } from '../../src/features/upstream/links.ts'
import { Administrators } from '../../src/models/administrators.ts'
import { Client, makeClient } from '../../src/models/client.ts'
import { User } from '../../src/models/user.ts'
import { pageOf, setUpApp, withPassword } from './authenticator.ts'
import { addClient as addBank, approvals, begin as beginBackchannel } from './backchannel.ts'
import { formPost, type TestClient } from './client.ts'
import { alice, authorize, bob, browser, open } from './flow.ts'
import type { Listener } from './listener.ts'
import { lastMailTo, linkIn, linkMailed, mailsOf } from './mailbox.ts'
import { addPasskey, ceremonyForm, optionsIn } from './passkeys.ts'
import type { Page, Person } from './person.ts'
import type { Provider } from './provider.ts'
import { leaveFor, type Second, upstreamEnv } from './upstream.ts'
import { get, type RequestOptions } from './security_key.ts'

export interface ReadyForm {
  who: Person
  page: Page
  button: string
  fields?: Record<string, string>
}

export interface FormCase {
  /** The endpoint that takes it. */
  name: string
  prepare(op: Provider, gateway: World): Promise<ReadyForm>
  /** Where the second one ends: the end of the address of a page, or 'away' for an application. */
  ends: string
}

/** What is around the provider: a gateway for SMS, and another provider with the same End-Users. */
export interface World {
  gateway: Listener
  up: Second
}

export const callback = 'http://localhost:5000/upstream/callback/corp'

export const formsEnv = ({ gateway, up }: World): Record<string, string> => ({
  ...upstreamEnv([{ id: 'corp', provider: 'oidc', label: 'Corp', base_url: up.issuer, ...up.client }], [up]),
  SECOND_FACTORS: 'totp passkey sms email recovery',
  SMS_GATEWAY_URL: `${gateway.origin}/send`,
  SMS_GATEWAY_BODY: 'number={to}&message={text}',
  OUTBOUND_ALLOW_HOSTS: `${gateway.hostPort},${up.hostPort}`,
  OUTBOUND_TIMEOUT_MS: '30000',
  ACCOUNT_REGISTRATION: 'open',
  RATE_LIMITING_ENABLED: 'false',
  ADMIN_SECOND_FACTOR: 'false',
  REALMS: 'true',
})

const aliceMail = 'alice@example.com'
const phone = '+491701234567'
export const twoFactors = { acr_values: 'urn:latchkey:2fa' }
const day = 86_400_000

export async function signedIn(op: Provider, account = alice): Promise<Person> {
  await verifiedMail(op)
  const who = browser(op)
  await withPassword(who, account)
  return who
}

const verifiedMail = (op: Provider) =>
  User.update(op.context, 'user-alice', (user) => ({
    ...user,
    claims: { ...user.claims, email: aliceMail, email_verified: true },
  }))

/** The form with the button, and if there are several the one with these fields. */
export const only = (page: Page, button: string, fields: Record<string, string> = {}): Page => ({
  ...page,
  forms: page.forms.filter(
    (form) =>
      form.buttons.includes(button) &&
      Object.entries(fields).every(([name, value]) => form.fields[name] === value),
  ),
})

export const at = async (who: Person, path: string): Promise<Page> => pageOf(await who.open(path))

/** The page at `path` of the account of Alice. */
export const ofAlice =
  (path: string, button: string, fields?: Record<string, string>) =>
  async (op: Provider): Promise<ReadyForm> => {
    const who = await signedIn(op)
    return { who, page: await at(who, path), button, ...(fields && { fields }) }
  }

/** As an owner of the administration. */
export const ofOwner =
  (path: string, button: string, fields?: Record<string, string>) =>
  async (op: Provider): Promise<ReadyForm> => {
    await Administrators.set(op.context, 'user-alice', 'owner')
    return ofAlice(path, button, fields)(op)
  }

async function codeByMail(op: Provider): Promise<string> {
  op.clock.advance(1_000)
  return (await mailsOf(op)).flatMap(({ text }) => /^\d{6}$/m.exec(text) ?? []).at(-1) ?? 'none'
}
const codeBySms = ({ heard }: Listener): string => heard.at(-1)?.form.message?.match(/\d{6}/)?.[0] ?? 'none'

/** The page on which a sign-in of an application waits for more than the password. */
export async function afterPassword(op: Provider, account = alice, more: Record<string, string> = {}) {
  const who = browser(op)
  const page = pageOf(await who.press(pageOf(await open(op, who, more)), 'login', account))
  return { who, page, search: new URL(page.url).search }
}

/** The same in a browser at the page `path` of that sign-in. */
export async function inSignIn(
  op: Provider,
  path: string,
  account = alice,
  more: Record<string, string> = {},
) {
  const { who, search } = await afterPassword(op, account, more)
  return { who, page: await at(who, `${path}${search}`) }
}

export async function withApp(op: Provider): Promise<string> {
  const who = await signedIn(op)
  return setUpApp(op, who)
}

/** Alice has codes by mail or SMS. */
export async function withCodes(op: Provider, world: World, by: 'email' | 'sms'): Promise<Person> {
  const who = await signedIn(op)
  const ready = await codesAsked(op, world, who, `/account/factors/${by}`, by)
  await who.press(ready.page, 'verify', ready.fields)
  return who
}

/** A page that has sent a code, and the code. */
export async function codesAsked(
  op: Provider,
  { gateway }: World,
  who: Person,
  path: string,
  by: 'email' | 'sms',
): Promise<ReadyForm> {
  const page = await at(who, path)
  const sent = pageOf(await who.press(only(page, 'send'), 'send', by === 'sms' ? { phone } : {}))
  const code = by === 'sms' ? codeBySms(gateway) : await codeByMail(op)
  return { who, page: only(sent, 'verify'), button: 'verify', fields: { code } }
}

const ceremony = (page: Page): Page => ({ ...page, forms: [{ ...ceremonyForm(page), buttons: ['sent'] }] })

async function device(op: Provider) {
  const tv: TestClient = { client_id: 'tv', redirect_uri: '' }
  const { client } = makeClient(op.context, {
    client_id: 'tv',
    client_name: 'Living room',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
    response_types: [],
    scope: 'openid profile',
    token_endpoint_auth_method: 'none',
  })
  await Client.create(op.context, client)
  const answer = await op.fetch('/device_authorization', formPost(tv, { scope: 'openid profile' }))
  return (await answer.json()) as { user_code: string }
}

export const typed =
  (then?: string) =>
  async (op: Provider): Promise<ReadyForm> => {
    const { user_code } = await device(op)
    const who = await signedIn(op)
    const typing = await at(who, '/device')
    const ready = { who, page: typing, button: 'continue', fields: { user_code } }
    if (then === undefined) return ready
    return { who, page: pageOf(await who.press(typing, 'continue', { user_code })), button: then }
  }

export const decided =
  (button: 'allow' | 'deny') =>
  async (op: Provider): Promise<ReadyForm> => {
    await addBank(op)
    await beginBackchannel(op)
    const who = browser(op)
    return { who, page: await approvals(who), button }
  }

export async function connected(op: Provider): Promise<ReadyForm> {
  const who = await signedIn(op)
  const upstream = { id: 'corp' } as Parameters<typeof Links.create>[1]
  const identity = { issuer: 'https://corp.example', subject: '17' } as Parameters<typeof Links.create>[2]
  await Links.create(op.context, upstream, identity, 'user-alice', { access_token: 'a' })
  return { who, page: only(await at(who, '/account/connections'), 'remove'), button: 'remove' }
}

export async function resetting(op: Provider): Promise<ReadyForm> {
  await verifiedMail(op)
  const who = browser(op)
  await who.press(await at(who, '/forgot_password'), 'send', { username: alice.username })
  await answerResets(op.context)
  const page = await at(who, linkIn(await lastMailTo(op, aliceMail), '/reset_password'))
  return { who, page, button: 'reset', fields: newPassword }
}

const word = 'four unrelated lamp words'
export const newPassword = { password: word, repeat: word }

export async function creating(op: Provider): Promise<ReadyForm> {
  const who = browser(op)
  await who.press(await at(who, '/register_account'), 'register', { email: 'carol@example.com' })
  await answerRegistrations(op.context)
  const page = await at(who, linkIn(await lastMailTo(op, 'carol@example.com'), '/create_account'))
  return { who, page, button: 'create', fields: { username: 'carol', ...newPassword } }
}

export async function verifying(op: Provider): Promise<ReadyForm> {
  const who = await signedIn(op)
  await who.press(await at(who, '/account/email'), 'change', { email: 'new@example.com' })
  return {
    who,
    page: await at(who, await linkMailed(op, 'new@example.com', '/verify_email')),
    button: 'confirm',
  }
}

export async function lostAfterDays(op: Provider): Promise<ReadyForm> {
  const owner = await signedIn(op)
  await addPasskey(op.issuer, owner)
  const who = await signedIn(op)
  await who.press(await at(who, '/account/passkeys/lost'), 'begin')
  const texts = (await mailsOf(op)).flatMap(
    ({ text }) => /^(?:[a-z2-7]{4}-){3}[a-z2-7]{4}$/m.exec(text) ?? [],
  )
  op.clock.advance(3 * day + 1_000)
  const login = await at(who, '/account/passkeys/lost')
  const page = pageOf(await who.press(login, 'login', alice))
  return { who, page, button: 'remove', fields: { code: texts.at(-1)! } }
}

export async function removingPasskey(op: Provider): Promise<ReadyForm> {
  const who = await signedIn(op)
  const key = await addPasskey(op.issuer, who)
  const proof = await at(who, '/account/passkeys/add')
  const json = get(op.issuer, optionsIn<RequestOptions>(proof), key)
  await who.press(ceremony(proof), 'sent', { credential: json })
  const [link = ''] =
    /\/account\/passkeys\/remove\?passkey=[\w-]{43}/.exec((await at(who, '/account/passkeys')).html) ?? []
  return { who, page: await at(who, link), button: 'remove' }
}

export async function leaving(op: Provider): Promise<ReadyForm> {
  const leaving_at = Math.floor(op.clock.now() / 1000) + 86_400
  await User.update(op.context, 'user-bob', (user) => ({ ...user, leaving_at }))
  const who = browser(op)
  return { who, page: pageOf(await withPassword(who, bob)), button: 'keep' }
}

export async function asked(op: Provider, prompt: string): Promise<ReadyForm> {
  const who = browser(op)
  await authorize(op, who)
  return { who, page: pageOf(await open(op, who, { prompt })), button: 'allow' }
}

/** The question whether to connect, after a sign-in here with an address that another provider has verified too. */
export async function connecting(op: Provider, { up }: World): Promise<ReadyForm> {
  await verifiedMail(op)
  const who = browser(op)
  const there = browser(up)
  const back = (await there.goThrough((await leaveFor(who, 'corp')).href, alice)).href
  const asks = pageOf(await who.open(back))
  const login = await at(who, /href="([^"]*interaction=[^"]*)"/.exec(asks.html)![1]!)
  return { who, page: pageOf(await who.press(login, 'login', alice)), button: 'connect' }
}

/** The page at `path` in a new browser. */
export const ofNobody =
  (path: string, button: string, fields?: Record<string, string>) =>
  async (op: Provider): Promise<ReadyForm> => {
    const who = browser(op)
    return { who, page: await at(who, path), button, ...(fields && { fields }) }
  }
