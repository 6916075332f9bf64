/** Issue 10, section 5: a plan names what would break for whom: redirect URIs in use, providers, scopes and roles that go. */
import { expect, test } from 'bun:test'
import { affectedBy } from '../../src/cli/plan/affected.ts'
import { clientWords, settingWords } from '../../src/cli/plan/affected_words.ts'
import type { Plan } from '../../src/cli/plan/make_plan.ts'
import { shownPlan } from '../../src/cli/plan/show_plan.ts'
import { Links } from '../../src/features/upstream/links.ts'
import { User } from '../../src/models/user.ts'
import { writeUsage } from '../../src/people/usage.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { account } from '../support/administration.ts'
import type { TestClient } from '../support/client.ts'
import { applyFile, fileOf, planOf } from '../support/configuration.ts'
import { authorize, bob, browser, tokensOf } from '../support/flow.ts'
import { type Provider, provider, type ProviderOptions, turnableClock } from '../support/provider.ts'

const now = Date.UTC(2026, 10, 29, 10)
const day = 86_400_000

const start = (options: ProviderOptions = {}) => {
  const clock = turnableClock(now)
  return provider({ clock, store: memoryStore(clock), ...options })
}

const affected = (op: Provider, plan: Plan, most = 1000) => affectedBy(plan, op.context, { most })

const app = {
  client_id: 'app',
  token_endpoint_auth_method: 'none',
  application_type: 'native',
  redirect_uris: ['https://app.example/a', 'https://app.example/b', 'http://127.0.0.1/cb'],
}
const at = (redirect_uri: string): TestClient => ({ client_id: 'app', redirect_uri })

test('a redirect URI that goes is named with the day of its last use, also with another port', async () => {
  const op = await start()
  await applyFile(op.context, fileOf(app))
  op.clock.advance(2_000)
  await authorize(op, browser(op), at('https://app.example/a'))
  await writeUsage(op.context)
  op.clock.advance(2 * day)
  for (const port of [4001, 4002]) await authorize(op, browser(op), at(`http://127.0.0.1:${port}/cb`))
  await writeUsage(op.context)
  op.clock.advance(day)

  const plan = await planOf(op.context, fileOf({ ...app, redirect_uris: ['https://app.example/new'] }))
  const found = await affected(op, plan)
  const { redirect_uris: redirects } = found.clients.get('app')!
  expect(redirects).toEqual({
    noted_since: '2026-11-29',
    last_used: {
      'https://app.example/a': '2026-11-29',
      'https://app.example/b': null,
      'http://127.0.0.1/cb': '2026-12-01',
    },
  })
  expect(clientWords(found.clients.get('app')!, found)).toEqual([
    'Concerns 1 person (alice) with 0 grants and 1 consent.',
    'http://127.0.0.1/cb was last used on 2026-12-01 (UTC).',
    'https://app.example/a was last used on 2026-11-29 (UTC).',
    'No use of the other one was noted since 2026-11-29.',
  ])
  // One that stays is not named.
  const less = await planOf(op.context, fileOf({ ...app, redirect_uris: app.redirect_uris.slice(0, 2) }))
  expect((await affected(op, less)).clients.get('app')!.redirect_uris!.last_used).toEqual({
    'http://127.0.0.1/cb': '2026-12-01',
  })
})

test('what a stranger asks for is no use: a request without a sign-in, and a redirect URI of another client', async () => {
  const op = await start()
  await applyFile(op.context, fileOf(app))
  op.clock.advance(2_000)
  const url = new URL(`${op.issuer}/authorize`)
  url.search = `${new URLSearchParams({ response_type: 'code', client_id: 'app', redirect_uri: 'https://app.example/b', scope: 'openid', code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' })}`
  await op.fetch(`${url.pathname}${url.search}`)
  await writeUsage(op.context)
  const plan = await planOf(op.context, fileOf())
  const found = await affected(op, plan)
  expect(found.clients.get('app')!.redirect_uris!.noted_since).toBeNull()
  expect(clientWords(found.clients.get('app')!, found)).toEqual(['No use was noted.'])
})

const providers = (...ids: string[]) =>
  ids.map((id) => ({
    id,
    provider: 'google',
    client_id: `client-at-${id}`,
    client_secret: 'env:CORP_SECRET',
  }))
const withSettings = (settings: object, ...clients: object[]) =>
  JSON.stringify({ latchkey: 1, ...settings, clients })

async function connect(op: Provider, name: string, provider: string): Promise<void> {
  const upstream = { id: provider } as Parameters<typeof Links.create>[1]
  const identity = { issuer: `https://${provider}.example`, subject: name } as Parameters<
    typeof Links.create
  >[2]
  expect(
    await Links.create(op.context, upstream, identity, `sub-of-${name}`, { access_token: 'a' }),
  ).toBeTrue()
}

/** A provider with upstream providers `corp` and `hub`, as servers are under the file. */
async function withUpstreams() {
  process.env.CORP_SECRET ??= 'a secret of this test'
  const op = await start({
    env: {
      UPSTREAM_PROVIDERS: JSON.stringify(
        providers('corp', 'hub').map((each) => ({ ...each, client_secret: 'x'.repeat(40) })),
      ),
    },
  })
  await applyFile(op.context, withSettings({ upstream_providers: providers('corp', 'hub') }))
  await account(op, 'ann')
  for (const name of ['ben', 'cat', 'dan', 'eve']) await account(op, name, { password_hash: undefined })
  await User.update(op.context, 'sub-of-ben', (user) => ({
    ...user,
    claims: { email: 'ben@example.org', email_verified: true },
  }))
  for (const name of ['ann', 'ben', 'cat', 'dan']) await connect(op, name, 'corp')
  for (const name of ['dan', 'eve']) await connect(op, name, 'hub')
  return op
}

test('an upstream provider that goes: who is connected, and who has no other way to sign in', async () => {
  const op = await withUpstreams()
  const one = await planOf(op.context, withSettings({ upstream_providers: providers('hub') }))
  const under = await affectedUnder(op, one, ['hub'])
  expect(under.providers).toEqual({ corp: { people: 4, stranded: 2, recoverable: 1, names: ['ben', 'cat'] } })
  expect(settingWords(one.lost, under)).toEqual([
    '4 people can no longer sign in with Google; 2 of them have no other way, which is a password, a passkey or another connection: ben, cat. 1 of these has a verified email address for a link to a new password.',
  ])
  // What apply and rollback show before they ask for a confirmation is the same.
  expect((await shownPlan(one)).facts.affects).toMatchObject({ upstream_providers: under.providers })
  // Both: a connection to another provider that goes is no way any more.
  const both = await planOf(op.context, fileOf(), {}, false, {})
  const none = await affectedUnder(op, both, [])
  expect(none.providers).toMatchObject({
    corp: { people: 4, stranded: 3, names: ['ben', 'cat', 'dan'] },
    hub: { people: 2, stranded: 2, names: ['dan', 'eve'] },
  })
})

/** As the commands do: counted under the settings of the file. */
async function affectedUnder(op: Provider, plan: Plan, left: string[], most = 1000) {
  const env =
    left.length === 0
      ? {}
      : {
          UPSTREAM_PROVIDERS: JSON.stringify(
            providers(...left).map((each) => ({ ...each, client_secret: 'x'.repeat(40) })),
          ),
        }
  const { context } = await provider({ store: op.context.store, clock: op.clock, env })
  return affectedBy(plan, context, { most })
}

test('of a million accounts only so many are read, a page at a time, and the plan says so', async () => {
  const op = await withUpstreams()
  const plan = await planOf(op.context, fileOf(), {}, false, {})
  const found = await affectedUnder(op, plan, [], 3)
  expect([found.isPartial, found.read]).toEqual([true, 3])
  for (const words of settingWords(plan.lost, found))
    expect(words).toMatch(/^(?:at least|Of the first 3 accounts)/)

  let largest = 0
  const watched = new Proxy(op.context.store, {
    get(target, name) {
      const verb = Reflect.get(target, name) as unknown
      if (name !== 'range') return typeof verb === 'function' ? (verb.bind(target) as unknown) : verb
      return (...[index, options]: Parameters<Store['range']>) => {
        largest = Math.max(largest, options?.limit ?? Infinity)
        return target.range(index, options)
      }
    },
  })
  await affectedBy(plan, { ...op.context, store: watched }, { most: 1000 })
  expect(largest).toBeLessThanOrEqual(1000)
  const seen: number[] = []
  await affectedBy(plan, op.context, { most: 1000, progress: (read) => void seen.push(read) })
  expect(seen.at(-1)).toBeGreaterThan(4)
  // Nothing breaks: no account is read.
  const same = await planOf(op.context, withSettings({ upstream_providers: providers('corp', 'hub') }))
  expect((await affectedBy(same, op.context, { most: 1000 })).read).toBe(0)
})

test('scopes and roles that go: how many people agreed to them, and how many have them', async () => {
  const settings = { scopes: ['openid', 'profile', 'email', 'offline_access', 'reports'] }
  const env = { SCOPES: settings.scopes.join(' '), SECOND_FACTOR_ROLES: 'admin' }
  const op = await start({ env })
  const told = { ...app, scope: 'openid reports', role_names: { admin: 'ADMIN', editor: 'EDITOR' } }
  await applyFile(op.context, withSettings({ ...settings, roles: { second_factor: ['admin'] } }, told))
  op.clock.advance(2_000)
  const scope = 'openid reports'
  await tokensOf(op, browser(op), at('https://app.example/a'), { scope })
  await tokensOf(op, browser(op), at('https://app.example/a'), { scope: 'openid' }, bob)
  await account(op, 'ann', { roles: ['admin', 'editor'] })
  await account(op, 'ben', { roles: ['editor'] })

  const less = { ...told, scope: 'openid', role_names: { admin: 'ADMIN' } }
  const text = withSettings(
    { scopes: settings.scopes.slice(0, 4), roles: { second_factor: ['editor'] } },
    less,
  )
  const plan = await planOf(op.context, text)
  expect(plan.lost).toEqual({ scopes: ['reports'], providers: [], bound: ['editor'], released: ['admin'] })
  const found = await affected(op, plan)
  expect(found).toMatchObject({ scopes: { reports: 1 }, roles: { editor: 2, admin: 1 } })
  expect(found.clients.get('app')).toMatchObject({ people: 2, scopes: { reports: 1 }, roles: { editor: 2 } })
  expect(plan.changes[0]!.breaks.map(({ name }) => name)).toEqual(['scopes_removed', 'roles_removed'])
  const { facts } = await shownPlan(plan)
  expect(facts.affects).toEqual({
    scopes: { reports: 1 },
    upstream_providers: {},
    roles: { editor: 2, admin: 1 },
  })
  expect(settingWords(plan.lost, { ...found, rolesArePartial: false })).toEqual([
    '1 person agreed to reports for an app.',
    '2 people with the role editor need a second step from now on.',
    '1 person with the role admin needs no second step any more.',
  ])
})
