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
import { alice as aliceAccount, browser } from '../support/flow.ts'
import { mailsOf } from '../support/mailbox.ts'
import type { Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

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
  const mails = (await mailsOf(op)).length
  const answer = await head(op, alice, '/account/factors/recovery')
  expect(answer.status).toBe(303)
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
