/** What a sign-in elsewhere is worth here, and what is kept of it: factors, freshness, tokens, the end. */
import { afterAll, describe, expect, test } from 'bun:test'
import { factorsOf, wantedAcr } from '../../src/features/upstream/factors.ts'
import { Links, openTokens } from '../../src/features/upstream/links.ts'
import { findUpstream } from '../../src/features/upstream/settings.ts'
import { Event } from '../../src/models/event.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import {
  freshCode,
  pageOf,
  pathOf,
  setUpApp,
  stageWithApp,
  throughApp,
  withPassword,
} from '../support/authenticator.ts'
import { authorizationUrl, claimsOf, demo, type Json } from '../support/client.ts'
import { until } from '../support/until.ts'
import { alice, person } from '../support/person.ts'
import { provider, turnableClock } from '../support/provider.ts'
import {
  comeBack,
  leaveFor,
  secondLatchkey,
  server,
  signer,
  upstreamEnv,
  whoIs,
} from '../support/upstream.ts'
import { redeem } from '../attack/attacker.ts'

const up = await secondLatchkey('http://localhost:5000/upstream/callback/corp')
const member = { id: 'corp', provider: 'oidc', label: 'Corp', base_url: up.issuer, ...up.client }
const verified = { ...upstreamEnv([member], [up]), UPSTREAM_LINK_BY_EMAIL: 'verified' }
const overThere = person(up.issuer, up.fetch)
await withPassword(overThere)
const seed = await setUpApp(up, overThere)
const keys = await signer('ES256')
const tokens = server()
afterAll(() => {
  up.stop()
  tokens.stop()
})

/** Alice signs in over there with both her factors; the claims of the ID Token that the application gets here. */
async function claimsThrough(env: Record<string, string>, more: Record<string, string> = {}): Promise<Json> {
  const op = await provider({ clock: up.clock, env: { ...verified, ...env } })
  const browser = person(op.issuer, op.fetch)
  const { url, code_verifier } = authorizationUrl(op.issuer, demo, more)
  const away = await leaveFor(browser, 'corp', url)
  const back = await throughApp(up, person(up.issuer, up.fetch), seed, away.href)
  const landing = await browser.open(back.href)
  const consent = landing.location ?? (await browser.press(pageOf(landing), 'allow')).location!
  const code = consent.searchParams.get('code')
  if (code === null) throw new Error(`no code: ${consent}`)
  const answer = await redeem(op, { code, code_verifier })
  return claimsOf(((await answer.json()) as Json).id_token)
}

describe('factors', () => {
  test('of a provider that is trusted count here, and it is asked for the level the application wants', async () => {
    const claims = await claimsThrough({ UPSTREAM_TRUSTED: 'corp' }, { acr_values: 'urn:latchkey:2fa' })
    expect(claims).toMatchObject({ acr: 'urn:latchkey:2fa', amr: ['pwd', 'otp', 'mfa'] })
  })

  test('of one that is not count as one', async () => {
    expect(await claimsThrough({})).toMatchObject({ acr: 'urn:latchkey:1fa', amr: ['pwd'] })
  })

  test('of ours are asked for all the same, and nothing is connected before they are there', async () => {
    const { op, seed: ours } = await stageWithApp({
      clock: up.clock,
      env: { ...verified, UPSTREAM_LINK_BY_EMAIL: 'ask' },
    })
    const browser = person(op.issuer, op.fetch)
    const back = await throughApp(
      up,
      person(up.issuer, up.fetch),
      seed,
      (await leaveFor(browser, 'corp')).href,
    )
    const asked = pageOf(await browser.open(back.href))
    const path = /href="([^"]*\/login\?interaction=[^"]*)"/.exec(asked.html)![1]!
    const handle = new URL(path, op.issuer).searchParams.get('interaction')!
    const half = await browser.press(pageOf(await browser.open(path)), 'login', alice)
    expect(pathOf(half)).toBe('/second-factor/totp')
    const skipped = await browser.open(`/upstream/connect?interaction=${handle}`)
    expect(pageOf(skipped).html).not.toContain('Connect these accounts?')
    const again = await browser.press(pageOf(await browser.open(path)), 'login', alice)
    const step = await browser.press(pageOf(again), 'verify', { code: freshCode(op, ours) })
    await browser.press(pageOf(step), 'connect')
    expect(await whoIs(browser)).toBe('alice')

    const other = person(op.issuer, op.fetch)
    const there = await throughApp(
      up,
      person(up.issuer, up.fetch),
      seed,
      (await leaveFor(other, 'corp')).href,
    )
    const second = await other.open(there.href)
    expect([pathOf(second), await whoIs(other)]).toEqual(['/second-factor/totp', undefined])
    const kinds = (await Event.listOfUser(op.context, 'user-alice')).map(({ kind }) => kind)
    expect(kinds).not.toContain('signed_in_with')
  })

  test('are repeated by RFC 8176 alone; levels are those of the operator’s table', () => {
    const at = { trusted: true, acr: { 'urn:corp:strong': 'phr', 'urn:corp:2': 'urn:latchkey:2fa' } }
    const upstream = { ...at } as unknown as Parameters<typeof factorsOf>[0]
    const stranger = { ...at, trusted: false } as unknown as typeof upstream
    const said = (acr: string | undefined, amr: string[]) => ({
      issuer: 'i',
      subject: 's',
      emailVerified: false,
      acr,
      amr,
    })
    expect(factorsOf(upstream, said('urn:corp:strong', ['fido', 'hwk']))).toEqual([
      'hwk',
      'pop',
      'user',
      'mfa',
    ])
    expect(factorsOf(upstream, said('urn:corp:2', []))).toEqual(['mfa'])
    expect(factorsOf(upstream, said('constructor', ['pwd', 'rsa']))).toEqual(['pwd'])
    expect(factorsOf(stranger, said('phr', ['pwd', 'otp', 'mfa', 'pop', 'user', 'hwk', 'pwd']))).toEqual([
      'pwd',
    ])
    expect(wantedAcr(upstream, 'urn:latchkey:2fa other')).toBe('urn:corp:2 other')
    expect(wantedAcr(stranger, 'urn:latchkey:2fa')).toBeUndefined()
  })
})

describe('a fresh sign-in', () => {
  test('is asked for over there when the application wants one here', async () => {
    const op = await provider({ clock: up.clock, env: verified })
    const { url } = authorizationUrl(op.issuer, demo, { prompt: 'login' })
    const away = await leaveFor(person(op.issuer, op.fetch), 'corp', url)
    expect([away.searchParams.get('prompt'), away.searchParams.get('max_age')]).toEqual(['login', '0'])
    const plain = await leaveFor(person(op.issuer, op.fetch), 'corp')
    expect([plain.searchParams.get('prompt'), plain.searchParams.get('max_age')]).toEqual([null, null])
  })

  test('that did not happen is none', async () => {
    const at = tokens
    const op = await tokenProvider({ auth_time: Math.floor(Date.now() / 1000) - 3600 })
    const browser = person(op.issuer, op.fetch)
    const { url } = authorizationUrl(op.issuer, demo, { prompt: 'login' })
    const away = await leaveFor(browser, 'corp', url)
    nonce = away.searchParams.get('nonce')!
    const refused = pageOf(await comeBack(op, browser, 'corp', away))
    expect([refused.status, refused.html.includes('didn’t ask you to')]).toEqual([403, true])
    expect(at.asked.length).toBeGreaterThan(0)
  })
})

let nonce = ''

/** A provider whose access tokens live a minute. */
async function tokenProvider(claims: Json = {}, options: Parameters<typeof provider>[0] = {}) {
  const { origin, routes } = tokens
  routes['/.well-known/openid-configuration'] = () => ({
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    jwks_uri: `${origin}/keys`,
    revocation_endpoint: `${origin}/revoke`,
  })
  routes['/keys'] = () => ({ keys: [keys.jwk] })
  routes['/revoke'] = () => new Response()
  routes['/token'] = async () => {
    const now = Math.floor(Date.now() / 1000)
    return {
      access_token: 'access-0',
      refresh_token: 'refresh-0',
      token_type: 'Bearer',
      expires_in: 60,
      id_token: await keys.sign({
        iss: origin,
        aud: 'our-id',
        sub: 'tom',
        iat: now,
        exp: now + 60,
        nonce,
        email: 'tom@corp.example',
        email_verified: true,
        name: 'Tom',
        ...claims,
      }),
    }
  }
  return provider({
    ...options,
    env: upstreamEnv([{ id: 'corp', provider: 'oidc', base_url: origin }], [tokens]),
  })
}

async function arrived(op: Awaited<ReturnType<typeof provider>>) {
  const browser = person(op.issuer, op.fetch)
  const away = await leaveFor(browser, 'corp')
  nonce = away.searchParams.get('nonce')!
  await comeBack(op, browser, 'corp', away)
  const user = await User.findByUsername(op.context, 'tom')
  if (!user) throw new Error(op.lines.slice(-3).join('\n'))
  return { browser, user }
}

describe('tokens of the provider', () => {
  test('lie sealed', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const op = await tokenProvider({}, { clock, store })
    const { user } = await arrived(op)
    const [kept] = await store.range(`user_upstreams:${user.sub}`, {})
    expect(await store.get(`upstream:${kept!.member}`)).not.toContain('refresh-0')
    const link = (await Links.find(op.context, kept!.member))!
    expect(openTokens(op.context, { id: kept!.member, link })).toMatchObject({
      access_token: 'access-0',
      refresh_token: 'refresh-0',
    })
  })

  test('are given back and erased when the connection ends, and the picture goes with it', async () => {
    const png = Buffer.from('89504e470d0a1a0a0000', 'hex')
    tokens.routes['/tom.png'] = () => new Response(png)
    const op = await tokenProvider({ picture: `${tokens.origin}/tom.png` })
    const { browser, user } = await arrived(op)
    const picture = async () => (await User.find(op.context, user.sub))?.claims.picture
    await until(async () => (await picture()) !== undefined, 'the picture')
    const url = String(await picture())
    expect((await op.fetch(url)).status).toBe(200)
    await User.update(op.context, user.sub, (current) => ({ ...current, password_hash: 'a password' }))
    tokens.asked.length = 0
    await browser.press(pageOf(await browser.open('/account/connections')), 'remove')
    await until(() => tokens.asked.some(({ path }) => path === '/revoke'), 'the tokens to be given back')
    expect(tokens.asked.find(({ path }) => path === '/revoke')!.form.token).toBe('refresh-0')
    expect([
      (await op.fetch(url)).status,
      await picture(),
      await Links.listOfUser(op.context, user.sub),
    ]).toEqual([404, undefined, []])
  })
})

test('the export says which, without tokens; the end of the account leaves nothing, and the identity is free again', async () => {
  const op = await tokenProvider()
  const { user } = await arrived(op)
  const data = op.context.table.personData.find(({ name }) => name === 'connections')!
  const said = JSON.stringify(await data.read(op.context, user.sub))
  expect(said).toContain('"subject":"tom"')
  expect(said).not.toMatch(/access-|refresh-|sealed/)
  await data.erase(op.context, user.sub)
  await User.remove(op.context, user)
  expect(await data.read(op.context, user.sub)).toEqual([])
  await data.erase(op.context, user.sub)
  const again = await arrived(op)
  expect(again.user.sub).not.toBe(user.sub)
})

test('a connection whose account never came to be is given up', async () => {
  const op = await tokenProvider()
  const { user } = await arrived(op)
  await User.remove(op.context, user) // as if this process had died before it made the account
  op.clock.advance(11_000)
  const again = await arrived(op)
  expect(again.user.username).toBe('tom')
})

test('an account has the language of its first page, and its provider is found by its id', async () => {
  const op = await tokenProvider()
  const { user } = await arrived(op)
  expect(user.language).toBe('en')
  expect(findUpstream(op.context.config, 'corp')?.label).toBe('OpenID Connect')
})

test('beside the offer of a passkey: first what waits is connected, then the offer comes', async () => {
  const op = await provider({ clock: up.clock, env: upstreamEnv([member], [up]) })
  const browser = person(op.issuer, op.fetch)
  browser.cookies.set('latchkey_passkey_able', '1') // as the script of the sign-in page says it
  const away = await leaveFor(browser, 'corp')
  const back = await throughApp(up, person(up.issuer, up.fetch), seed, away.href)
  const asked = pageOf(await browser.open(back.href))
  const path = /href="([^"]*\/login\?interaction=[^"]*)"/.exec(asked.html)![1]!
  const step = await browser.press(pageOf(await browser.open(path)), 'login', alice)
  expect(pathOf(step)).toBe('/upstream/connect')
  const offered = await browser.press(pageOf(step), 'connect')
  expect([pathOf(offered), await whoIs(browser)]).toEqual(['/passkeys/enrol', undefined])
  await browser.press(pageOf(offered), 'later')
  expect(await whoIs(browser)).toBe('alice')
})
