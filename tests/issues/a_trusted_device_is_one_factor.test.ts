/** A trusted device and the password ended the account, copied its data, and changed its address and password. Issue 8, A.16 */
import { describe, expect, test } from 'bun:test'
import {
  freshCode,
  home,
  pageOf,
  pathOf,
  stageWithApp,
  throughApp,
  withPassword,
} from '../support/authenticator.ts'
import { authorizationUrl } from '../support/client.ts'
import { alice, bearer, browser, operatorClient, read, redeem } from '../support/flow.ts'
import { addPasskey, answer, optionsIn } from '../support/passkeys.ts'
import { mailsOf } from '../support/mailbox.ts'
import type { Landing, Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { get, type RequestOptions } from '../support/security_key.ts'

interface Stage {
  op: Provider
  /** Signed in a moment ago, with one factor. */
  thief: Person
  /** Passes the second factor that `landing` asks for. */
  prove(landing: Landing): Promise<Landing>
  /** The page of the second factor. */
  asks: string
}

/** The attacker has the browser that Alice trusts, and her password. */
async function withTrustedDevice(): Promise<Stage> {
  const { op, seed } = await stageWithApp()
  const thief = browser(op)
  const asked = pageOf(await withPassword(thief))
  await thief.press(asked, 'verify', { code: freshCode(op, seed), trust_device: 'yes' })
  thief.cookies.delete('latchkey_session')
  expect(pathOf(await withPassword(thief))).toBe(home)
  const prove = (landing: Landing) => thief.press(pageOf(landing), 'verify', { code: freshCode(op, seed) })
  return { op, thief, prove, asks: '/second-factor/totp' }
}

/** Alice has a passkey and no other factor; the attacker has her password. */
async function withPasskey(): Promise<Stage> {
  const op = await provider()
  const owner = browser(op)
  await withPassword(owner)
  const key = await addPasskey(op.issuer, owner)
  const thief = browser(op)
  await withPassword(thief)
  const prove = (landing: Landing) => {
    const page = pageOf(landing)
    return answer(thief, page, get(op.issuer, optionsIn<RequestOptions>(page), key))
  }
  return { op, thief, prove, asks: '/passkeys/second_factor' }
}

/** The same with codes by mail, which raise no level. */
async function withTrustedDeviceAndMail(): Promise<Stage> {
  const op = await provider({ env: { SECOND_FACTORS: 'totp email recovery' } })
  const seen = new Set<string>()
  const mailed = async () => {
    const codes = (await mailsOf(op)).flatMap(({ text }) => /^\d{6}$/m.exec(text) ?? [])
    const code = codes.find((each) => !seen.has(each)) ?? 'none'
    seen.add(code)
    return code
  }
  const enter = async (who: Person, landing: Landing, fields: Record<string, string> = {}) => {
    const page = pageOf(await who.press(pageOf(landing), 'send'))
    const form = { ...page, forms: page.forms.filter(({ buttons }) => buttons.includes('verify')) }
    return who.press(form, 'verify', { code: await mailed(), ...fields })
  }
  const owner = browser(op)
  await withPassword(owner)
  await enter(owner, await owner.open('/account/factors/email'))
  const thief = browser(op)
  await enter(thief, await withPassword(thief), { trust_device: 'yes' })
  thief.cookies.delete('latchkey_session')
  expect(pathOf(await withPassword(thief))).toBe(home)
  return { op, thief, prove: (landing) => enter(thief, landing), asks: '/second-factor/email' }
}

/** Opens the page and presses the button; where that leads. */
async function submit(who: Person, path: string, button: string, fields: Record<string, string> = {}) {
  const landing = await who.open(path)
  const { page } = landing
  return page?.forms.some(({ buttons }) => buttons.includes(button))
    ? who.press(page, button, fields)
    : landing
}

const password = 'another long passphrase'
const changes: [what: string, change: (who: Person) => Promise<Landing>, done: (page: Landing) => unknown][] =
  [
    [
      'the password',
      (who) =>
        submit(who, '/account/password', 'change', {
          current_password: alice.password,
          password,
          repeat: password,
        }),
      ({ page }) => page?.url.endsWith('?done=changed'),
    ],
    [
      'the address',
      (who) => submit(who, '/account/email', 'change', { email: 'thief@evil.example' }),
      ({ page }) => page?.url.endsWith('?done=sent'),
    ],
    [
      'a copy of all data',
      (who) => submit(who, '/account/data', 'download'),
      ({ page }) => page?.headers.get('content-type') === 'application/json',
    ],
    [
      'the end of the account',
      (who) => submit(who, '/account/data/delete', 'delete', { confirmation: alice.username }),
      (landing) => pathOf(landing) === '/account/deleted',
    ],
  ]

for (const stage of [withTrustedDevice, withTrustedDeviceAndMail, withPasskey])
  describe(stage.name, () => {
    test.each(changes)('%s needs the second factor', async (_, change, done) => {
      const { thief, prove, asks } = await stage()
      const landing = await change(thief)
      expect(pathOf(landing)).toBe(asks)
      await prove(landing)
      expect(done(await change(thief))).toBe(true)
    })
  })

test('a form that was opened before the factor was set up does not skip it', async () => {
  const op = await provider()
  const [owner, thief] = [browser(op), browser(op)]
  for (const who of [owner, thief]) await withPassword(who)
  const page = pageOf(await thief.open('/account/data/delete'))
  await addPasskey(op.issuer, owner)
  expect(pathOf(await thief.press(page, 'delete', { confirmation: alice.username }))).toBe(
    '/passkeys/second_factor',
  )
})

test('an application with the scopes gets neither the data nor the end of the account, and learns what to ask for', async () => {
  const { op, seed } = await stageWithApp()
  const thief = browser(op)
  await thief.press(pageOf(await withPassword(thief)), 'verify', {
    code: freshCode(op, seed),
    trust_device: 'yes',
  })
  thief.cookies.delete('latchkey_session')
  await withPassword(thief)
  const client = await operatorClient(op, {
    client_id: 'cloud',
    scope: 'openid data_export account_delete',
    first_party: true,
  } as never)
  const tokens = async (more: Record<string, string> = {}) => {
    const { url, code_verifier } = authorizationUrl(op.issuer, client, {
      scope: 'openid data_export account_delete',
      ...more,
    })
    const location = await throughApp(op, thief, seed, url)
    const { body } = await redeem(op, client, { code: location.searchParams.get('code')!, code_verifier })
    return String(body.access_token)
  }
  const calls = [
    ['/user/data-export', 'GET', 200],
    ['/user/delete-account', 'DELETE', 202],
  ] as const
  const ask = async (token: string, path: string, method: string) =>
    read(await op.fetch(path, { ...bearer(token), method }))
  const weak = await tokens()
  for (const [path, method] of calls) {
    const { status, body, headers } = await ask(weak, path, method)
    expect([status, body.error]).toEqual([401, 'insufficient_user_authentication'])
    expect(headers.get('www-authenticate')).toContain('acr_values="urn:latchkey:2fa"')
  }
  const strong = await tokens({ acr_values: 'urn:latchkey:2fa' })
  for (const [path, method, status] of calls) expect((await ask(strong, path, method)).status).toBe(status)
})
