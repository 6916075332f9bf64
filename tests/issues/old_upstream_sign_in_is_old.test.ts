/**
 * Issue 8, A.19: a sign-in of days ago at an upstream provider counted as one of now. `prompt=login` was answered silently by
 * a provider that cannot authenticate again, and after signing out here an old sign-in there opened the sensitive pages.
 */
import { afterAll, describe, expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import { Links } from '../../src/features/upstream/links.ts'
import { freshCode, pageOf, setUpApp, withPassword } from '../support/authenticator.ts'
import { authorizationUrl, claimsOf, demo, type Json } from '../support/client.ts'
import { corp, type Corp, leave, member } from '../support/corp.ts'
import { redeem } from '../attack/attacker.ts'
import { type Landing, type Person, person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { comeBack, leaveFor, type Server, server, upstreamEnv } from '../support/upstream.ts'

const open: Server[] = []
afterAll(() => open.forEach((each) => each.stop()))
const days = 86_400
const seconds = () => Math.floor(Date.now() / 1000)

/** A provider with OAuth 2.0 alone, as GitHub: it says neither when nor whether anybody signed in again. */
function hub() {
  const at = server()
  open.push(at)
  at.routes['/token'] = () => ({ access_token: 'a', token_type: 'Bearer' })
  at.routes['/user'] = () => ({ id: 4711, login: 'octo' })
  const settings = {
    id: 'hub',
    provider: 'oauth2',
    label: 'Hub',
    authorization_endpoint: `${at.origin}/authorize`,
    token_endpoint: `${at.origin}/token`,
    userinfo_endpoint: `${at.origin}/user`,
    subject_claim: 'id',
  }
  return { at, settings }
}

/** Both providers; each identity is connected with the account of alice. */
async function stage(env: Record<string, string> = {}) {
  const oidc = corp()
  const { at, settings } = hub()
  const op = await provider({ env: { ...upstreamEnv([member(oidc), settings], [oidc, at]), ...env } })
  for (const [issuer, subject] of [
    [oidc.origin, 'eve-of-corp'],
    [`${at.origin}/user`, '4711'],
  ] as const) {
    const identity = { issuer, subject, emailVerified: false, amr: [] }
    const upstream = { id: issuer === oidc.origin ? 'corp' : 'hub' } as Parameters<typeof Links.create>[1]
    await Links.create(op.context, upstream, identity, 'user-alice', { access_token: 'a' })
  }
  // The account is older than any sign-in of these tests.
  await User.update(op.context, 'user-alice', (user) => ({ ...user, created_at: seconds() - 30 * days }))
  return { op, oidc }
}

async function through(
  op: Provider,
  browser: Person,
  id: 'corp' | 'hub',
  oidc: Corp,
  at?: string,
): Promise<Landing> {
  if (id === 'hub') return comeBack(op, browser, 'hub', await leaveFor(browser, 'hub', at))
  const away = await leaveFor(browser, 'corp', at)
  oidc.nonce = away.searchParams.get('nonce') ?? ''
  return comeBack(op, browser, 'corp', away)
}

const old = () => ({ auth_time: seconds() - 3 * days })
const pathOf = ({ page }: Landing) => page && new URL(page.url).pathname

async function codeFrom(browser: Person, landing: Landing): Promise<string | null> {
  const { location } = landing.location ? landing : await browser.press(landing.page!, 'allow')
  return location?.searchParams.get('code') ?? null
}

const requests: [what: string, more: Record<string, string>][] = [
  ['prompt=login', { prompt: 'login' }],
  ['max_age=0', { max_age: '0' }],
  ['max_age=3600', { max_age: '3600' }],
  ['an essential auth_time', { claims: '{"id_token":{"auth_time":{"essential":true}}}' }],
]

describe.each(requests)('%s', (what, more) => {
  test.each(['hub', 'corp'] as const)('is not met by a silent sign-in at %s', async (id) => {
    const { op, oidc } = await stage()
    oidc.claims = what.includes('essential') ? {} : old()
    const browser = person(op.issuer, op.fetch)
    const { page } = await through(op, browser, id, oidc, authorizationUrl(op.issuer, demo, more).url)
    expect([page?.status, page?.html.includes('didn’t ask you to')]).toEqual([403, true])
    expect(pathOf(await browser.open('/account'))).toBe('/login')
    expect(op.lines.join('\n')).toContain(id === 'hub' ? 'UPSTREAM_WITHOUT_AUTH_TIME=accept' : 'auth_time')
  })
})

test('default_max_age and require_auth_time of a client are not met silently either', async () => {
  for (const metadata of [{ default_max_age: 300 }, { require_auth_time: true }]) {
    const { op, oidc } = await stage({ REGISTRATION: 'open' })
    const registered = await op.fetch('/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [demo.redirect_uri], ...metadata }),
    })
    const { client_id } = (await registered.json()) as { client_id: string }
    const { url } = authorizationUrl(op.issuer, { ...demo, client_id }, {})
    const { page } = await through(op, person(op.issuer, op.fetch), 'hub', oidc, url)
    expect([metadata, page?.status]).toEqual([metadata, 403])
  }
})

test('a fresh sign-in at a provider that says so meets prompt=login', async () => {
  const { op, oidc } = await stage()
  oidc.claims = { auth_time: seconds() }
  const browser = person(op.issuer, op.fetch)
  const { url, code_verifier } = authorizationUrl(op.issuer, demo, { prompt: 'login', max_age: '0' })
  const code = await codeFrom(browser, await through(op, browser, 'corp', oidc, url))
  const { id_token } = (await (await redeem(op, { code: code!, code_verifier })).json()) as Json
  expect(seconds() - Number(claimsOf(id_token).auth_time)).toBeLessThan(60)
})

test('a factor of the account, proven here, stands in for what the provider cannot do', async () => {
  const { op, oidc } = await stage()
  const owner = person(op.issuer, op.fetch)
  await withPassword(owner)
  const app = await setUpApp(op, owner)
  const browser = person(op.issuer, op.fetch)
  const { url, code_verifier } = authorizationUrl(op.issuer, demo, { prompt: 'login' })
  op.clock.advance(60_000)
  const asked = await through(op, browser, 'hub', oidc, url)
  expect(pathOf(asked)).toContain('/second-factor')
  const done = await browser.press(pageOf(asked), 'verify', { code: freshCode(op, app) })
  const code = await codeFrom(browser, done)
  const claims = claimsOf(
    ((await (await redeem(op, { code: code!, code_verifier })).json()) as Json).id_token,
  )
  expect(Math.floor(op.clock.now() / 1000) - Number(claims.auth_time)).toBeLessThan(60)
  expect(pathOf(await browser.open('/account/data/delete'))).toBe('/account/data/delete')
})

describe('after signing out here, an old sign-in there', () => {
  test.each(['hub', 'corp'] as const)(
    'at %s opens the account and no page that needs a fresh one',
    async (id) => {
      const { op, oidc } = await stage()
      await User.update(op.context, 'user-alice', ({ password_hash: _, ...user }) => user)
      oidc.claims = old()
      const browser = person(op.issuer, op.fetch)
      expect(pathOf(await through(op, browser, id, oidc))).toBe('/account')
      const opened = []
      for (const path of ['/account/password', '/account/data/delete'])
        opened.push(pathOf(await browser.open(path)))
      expect(opened).toEqual(['/login', '/login'])
      // Nor does the same provider help to get there.
      const { page } = await browser.open('/account/password')
      const again = await through(op, browser, id, oidc, page!.url)
      expect(again.page!.status).toBe(403)
    },
  )

  test('adds no second factor and no connection on the way', async () => {
    const { op, oidc } = await stage()
    const browser = person(op.issuer, op.fetch)
    const url = authorizationUrl(op.issuer, demo, { acr_values: 'urn:latchkey:2fa' }).url
    const landing = await through(op, browser, 'hub', oidc, url)
    const page =
      landing.page &&
      (await browser.open(landing.page.url.replace(/second-factor.*\?/, 'second-factor/totp/set-up?'))).page
    expect(page?.html ?? '').not.toContain('otpauth')
    expect(page?.forms.some(({ buttons }) => buttons.includes('set_up')) ?? false).toBe(false)
  })

  test('is told to clients as it was: auth_time is the truth, or absent', async () => {
    for (const id of ['hub', 'corp'] as const) {
      const { op, oidc } = await stage()
      const { auth_time } = (oidc.claims = old())
      const browser = person(op.issuer, op.fetch)
      const { url, code_verifier } = authorizationUrl(op.issuer, demo, {})
      const code = await codeFrom(browser, await through(op, browser, id, oidc, url))
      const claims = claimsOf(
        ((await (await redeem(op, { code: code!, code_verifier })).json()) as Json).id_token,
      )
      expect(claims.auth_time).toBe(id === 'corp' ? auth_time : undefined)
    }
  })
})

test('a session whose time is not known does not answer a client that needs auth_time', async () => {
  const { op, oidc } = await stage()
  const browser = person(op.issuer, op.fetch)
  await codeFrom(browser, await through(op, browser, 'hub', oidc, authorizationUrl(op.issuer, demo, {}).url))
  const claims = '{"id_token":{"auth_time":{"essential":true}}}'
  expect(pathOf(await browser.open(authorizationUrl(op.issuer, demo, { claims }).url))).toBe('/login')
  const silent = await browser.open(authorizationUrl(op.issuer, demo, { claims, prompt: 'none' }).url)
  expect(silent.location?.searchParams.get('error')).toBe('login_required')
})

test('a time in the future or in another form is not believed', async () => {
  for (const auth_time of [seconds() + days, `${seconds()}`, -1, 0, null, {}]) {
    const { op, oidc } = await stage()
    oidc.claims = { auth_time } as Corp['claims']
    const browser = person(op.issuer, op.fetch)
    const { url } = authorizationUrl(op.issuer, demo, { prompt: 'login' })
    expect((await through(op, browser, 'corp', oidc, url)).page?.status).toBe(403)
  }
})

test('a new account is fresh: its owner sets a password at once', async () => {
  const oidc = corp()
  oidc.claims = old()
  const op = await provider({ env: upstreamEnv([member(oidc)], [oidc]) })
  const browser = person(op.issuer, op.fetch)
  const away = await leave(browser, oidc)
  expect(pathOf(await comeBack(op, browser, 'corp', away))).toBe('/account')
  expect(pathOf(await browser.open('/account/password'))).toBe('/account/password')
})

test('an operator may take a provider without auth_time at its word', async () => {
  const { op, oidc } = await stage({ UPSTREAM_WITHOUT_AUTH_TIME: 'accept' })
  const browser = person(op.issuer, op.fetch)
  const { url } = authorizationUrl(op.issuer, demo, { prompt: 'login' })
  expect(await codeFrom(browser, await through(op, browser, 'hub', oidc, url))).toBeTruthy()
  // What a provider says is still believed.
  oidc.claims = old()
  const other = person(op.issuer, op.fetch)
  expect((await through(op, other, 'corp', oidc, url)).page?.status).toBe(403)
})
