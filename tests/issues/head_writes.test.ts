/** HEAD was answered as if it were POST: it made recovery codes, and its "wrong" codes locked the second factor. Issue 8, A.1 */
import { expect, test } from 'bun:test'
import { RecoveryCodes } from '../../src/features/second_factor/recovery.ts'
import { User } from '../../src/models/user.ts'
import {
  freshCode,
  pageOf,
  setUpApp,
  stageWithApp,
  throughApp,
  withPassword,
} from '../support/authenticator.ts'
import { authorizationUrl, demo } from '../support/client.ts'
import { alice as aliceAccount, browser, tokensOf } from '../support/flow.ts'
import { mailsOf } from '../support/mailbox.ts'
import type { Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { leaveFor, server, upstreamEnv, whoIs } from '../support/upstream.ts'

/** As a page of a sibling origin sends it: `fetch(url, { method: 'HEAD', credentials: 'include', mode: 'no-cors' })`. */
const head = (op: Provider, who: Person, path: string): Promise<Response> =>
  op.fetch(path, {
    method: 'HEAD',
    headers: {
      cookie: [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      'sec-fetch-site': 'same-site',
    },
  })

/** A browser in which Alice signed in with her password and a code of the app: what the pages of factors ask for. */
async function withBoth(op: Provider, seed: string): Promise<Person> {
  const who = browser(op)
  await who.press(pageOf(await withPassword(who)), 'verify', { code: freshCode(op, seed) })
  return who
}

const subOf = async (op: Provider): Promise<string> =>
  (await User.findByUsername(op.context, aliceAccount.username))!.sub

test('HEAD /account/factors/recovery makes no recovery codes', async () => {
  const { op, seed } = await stageWithApp()
  const alice = await withBoth(op, seed)
  const sub = await subOf(op)
  await RecoveryCodes.remove(op.context, sub)
  const mails = (await mailsOf(op)).length
  const answer = await head(op, alice, '/account/factors/recovery')
  expect(answer.status).toBe(200)
  expect(answer.headers.getSetCookie()).toEqual([])
  expect(await RecoveryCodes.find(op.context, sub)).toBeUndefined()
  expect(await mailsOf(op)).toHaveLength(mails)
})

test('HEAD replaces no recovery codes that are there', async () => {
  const { op, seed } = await stageWithApp()
  const alice = await withBoth(op, seed)
  await alice.press(pageOf(await alice.open('/account/factors')), 'make')
  const before = await RecoveryCodes.find(op.context, await subOf(op))
  expect(before).toBeDefined()
  await head(op, alice, '/account/factors/recovery')
  expect(await RecoveryCodes.find(op.context, await subOf(op))).toEqual(before!)
})

test('ten HEAD /second-factor/totp count no try: the right code still signs in', async () => {
  const { op, seed } = await stageWithApp()
  const who = browser(op)
  const { url } = authorizationUrl(op.issuer, demo)
  const page = pageOf(await who.press(pageOf(await who.open(url)), 'login', aliceAccount))
  const { pathname, search } = new URL(page.url)
  expect(pathname).toBe('/second-factor/totp')
  for (let i = 0; i < 10; i++) expect((await head(op, who, pathname + search)).status).toBe(200)
  expect((await throughApp(op, who, seed, url)).searchParams.get('code')).toBeString()
})

test('ten HEAD /account/factors/email count no try against the second factor', async () => {
  const op = await provider({ env: { SECOND_FACTORS: 'totp email recovery' } })
  const first = browser(op)
  await withPassword(first)
  const seed = await setUpApp(op, first)
  const alice = await withBoth(op, seed)
  for (let i = 0; i < 10; i++) expect((await head(op, alice, '/account/factors/email')).status).toBe(200)
  const { url } = authorizationUrl(op.issuer, demo)
  expect((await throughApp(op, browser(op), seed, url)).searchParams.get('code')).toBeString()
  expect(op.lines.join('\n')).not.toContain('second_factor_guessed')
})

test('HEAD gives a browser no other name: no cookie is set or forgotten', async () => {
  const op = await provider()
  for (const path of ['/login', '/account', '/logout', '/forgot_password', '/register_account']) {
    const answer = await head(op, browser(op), path)
    expect([path, answer.headers.getSetCookie()]).toEqual([path, []])
  }
})

test('HEAD at the callback of a provider spends neither its state nor its code', async () => {
  const there = server()
  const answer = { authorization_endpoint: '/authorize', token_endpoint: '/token', jwks_uri: '/jwks' }
  there.routes['/.well-known/openid-configuration'] = () => ({
    issuer: there.origin,
    ...Object.fromEntries(Object.entries(answer).map(([name, path]) => [name, there.origin + path])),
  })
  there.routes['/token'] = () => ({ access_token: 'token', token_type: 'Bearer' })
  const member = { id: 'corp', provider: 'oidc', label: 'Corp', base_url: there.origin }
  const op = await provider({ env: upstreamEnv([member], [there]) })
  const who = browser(op)
  const state = (await leaveFor(who, 'corp')).searchParams.get('state') ?? ''
  const path = `/upstream/callback/corp?${new URLSearchParams({ state, code: 'a-code' })}`
  const redeemed = () => there.asked.filter(({ path: asked }) => asked === '/token').length
  await head(op, who, path)
  expect(redeemed()).toBe(0)
  await who.open(path)
  expect(redeemed()).toBe(1)
  there.stop()
})

test('HEAD ends no session, although it brings an ID Token of it', async () => {
  const op = await provider()
  const who = browser(op)
  const { id_token } = await tokensOf(op, who)
  await head(op, who, `/logout?id_token_hint=${id_token}`)
  expect(await whoIs(who)).toBe(aliceAccount.username)
  expect(op.lines.join('\n')).not.toContain('signed_out')
  await who.open(`/logout?id_token_hint=${id_token}`)
  expect(await whoIs(who)).toBeUndefined()
})

test('the rate limit counts HEAD', async () => {
  const op = await provider({ env: { RATE_LIMITING_ENABLED: 'true', RATE_LIMIT_PER_MINUTE: '3' } })
  const statuses: number[] = []
  for (let i = 0; i < 5; i++) statuses.push((await head(op, browser(op), '/userinfo')).status)
  expect(statuses).toEqual([401, 401, 401, 429, 429])
})
