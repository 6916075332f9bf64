/** Issue 10, section 5: scopes, roles, upstream providers and the policy of keys as files. A setting of the file stands for a variable that is not set. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'bun:test'
import { contradictions, withSettings } from '../../src/cli/applied_settings.ts'
import { Refusal } from '../../src/cli/failure.ts'
import { sectionsOf, settingRows } from '../../src/cli/plan/setting_table.ts'
import { sourceIn } from '../../src/cli/plan/wanted.ts'
import { carryOut } from '../../src/cli/plan/carry_out.ts'
import { commandLine } from '../support/command.ts'
import { planOf } from '../support/configuration.ts'
import { provider, spawnProvider } from '../support/provider.ts'
import { until } from '../support/until.ts'

type Json = Record<string, unknown>
const corp = {
  id: 'corp',
  provider: 'oidc',
  label: 'Corp',
  client_id: 'latchkey',
  client_secret: 'env:CORP_SECRET',
  base_url: 'https://corp.example',
}
const all: Json = {
  scopes: ['read:orders', 'write:orders'],
  custom_scopes: { organization: { description: 'See your organisation', claims: { organization: 'org' } } },
  upstream_providers: [corp],
  upstream: {
    sign_up: 'closed',
    email_domains: ['example.com', 'example.org'],
    link_by_email: 'ask',
    without_auth_time: 'refuse',
    trusted: ['corp'],
  },
  roles: { second_factor: ['admin'] },
  keys: { signing_algs: ['RS256', 'ES256'], rotation_interval: '90d', activation_delay: '10m' },
}
const fileOf = (more: Json, ...clients: object[]) => JSON.stringify({ latchkey: 1, ...more, clients })

test('each setting of the table is read, and written as it was', async () => {
  const { settings } = sourceIn(fileOf(all), 'latchkey.yaml', 'latchkey.yaml')
  expect(Object.keys(settings).toSorted()).toEqual(settingRows.map(({ variable }) => variable).toSorted())
  expect(settings.KEY_ROTATION_INTERVAL).toBe('7776000')
  expect(sectionsOf(settings)).toEqual(all)
  const op = await provider()
  const plan = await planOf(op.context, fileOf(all))
  expect(plan.settings).toHaveLength(settingRows.length)
  await carryOut(plan, { what: 'apply' }, undefined, op.context)
  expect((await planOf(op.context, fileOf(all))).settings).toEqual([])
})

test('a client of the file may have what its settings bring, and a plan names the clients that lose it', async () => {
  const op = await provider()
  const shop = { client_id: 'shop', redirect_uris: ['https://shop.example/cb'], scope: 'openid read:orders' }
  await expect(planOf(op.context, fileOf({}, shop))).rejects.toThrow(
    "shop.scope: scope 'read:orders' is not among",
  )
  const before = await planOf(op.context, fileOf({ scopes: ['read:orders'] }, shop))
  await carryOut(before, { what: 'apply' }, undefined, op.context)
  const context = (await provider({ store: op.context.store, env: { SCOPES: 'read:orders' } })).context
  const lost = await planOf(context, fileOf({}, { ...shop, scope: 'openid' }), {}, false, {})
  expect(lost.settings).toMatchObject([{ setting: 'scopes', from: ['read:orders'], to: null }])
  expect(lost.breaks).toEqual([
    { name: 'client_concerned', text: 'shop: the scope read:orders is not known any more' },
  ])
})

test('faults name the place in the file', async () => {
  const { context } = await provider()
  const faults: [Json, RegExp][] = [
    [{ scops: [] }, /1:\d+: scops: there is no such member; the nearest is scopes/],
    [{ keys: { signing_alg: ['RS256'] } }, /keys\.signing_alg: .*nearest is signing_algs/],
    [{ keys: { signing_algs: ['XX'] } }, /1:\d+: keys\.signing_algs: expected space-separated, among/],
    [{ keys: { rotation_interval: 'soon' } }, /keys\.rotation_interval: expected a duration/],
    [{ scopes: 'read' }, /scopes: expected a list of words, got a text/],
    [{ custom_scopes: { openid: { description: 'x', claims: {} } } }, /custom_scopes: .*keeps its meaning/],
    [{ upstream_providers: [{ ...corp, base_url: 3 }] }, /upstream_providers: expected a JSON array/],
    [
      { upstream_providers: [corp], upstream: { trusted: ['none'] } },
      /upstream\.trusted: there is no provider none/,
    ],
  ]
  for (const [more, expected] of faults) {
    const refusal = await planOf(context, fileOf(more)).catch((error: Error) => error)
    expect([more, refusal instanceof Refusal]).toEqual([more, true])
    expect((refusal as Error).message).toMatch(expected)
  }
})

test('a secret of a provider is a reference, and each server reads it', async () => {
  const { context } = await provider()
  for (const place of ['hunter2-in-the-file', 'generate', 'exec:id', 'file:relative'])
    for (const member of ['client_secret', 'private_key']) {
      const text = fileOf({ upstream_providers: [{ ...corp, [member]: place }] })
      const refusal = await planOf(context, text).catch((error: Error) => error)
      expect((refusal as Error).message).toContain(
        `upstream_providers[0].${member}: expected where the secret is`,
      )
      expect((refusal as Error).message).not.toContain('hunter2')
    }
  const { settings } = sourceIn(fileOf({ upstream_providers: [corp] }), 'f', 'f')
  const env = await withSettings({ CORP_SECRET: 'the secret of corp' }, settings, 'f')
  expect(JSON.parse(env.UPSTREAM_PROVIDERS!)).toEqual([{ ...corp, client_secret: 'the secret of corp' }])
  await expect(withSettings({}, settings, 'f')).rejects.toThrow(
    'client_secret of corp: the variable CORP_SECRET is not set',
  )
  await expect(
    withSettings(
      { SECRET_KEY: 'x' },
      { UPSTREAM_PROVIDERS: JSON.stringify([{ ...corp, client_secret: 'env:SECRET_KEY' }]) },
      'f',
    ),
  ).rejects.toThrow('a secret of Latchkey itself')
})

test('a variable that says otherwise is a contradiction; one that says the same is none', () => {
  const settings = { SCOPES: 'a b', KEY_ROTATION_INTERVAL: '60' }
  expect(contradictions({ SCOPES: 'a  b' }, settings, 'f')).toEqual([])
  expect(contradictions({ SCOPES: 'a' }, settings, 'latchkey.yaml')).toEqual([
    expect.stringMatching(/^SCOPES: .*latchkey\.yaml says otherwise/),
  ])
  expect(contradictions({ UPSTREAM_PROVIDERS_FILE: '/x' }, { UPSTREAM_PROVIDERS: '[]' }, 'f')).toHaveLength(1)
})

const folder = mkdtempSync(join(tmpdir(), 'latchkey-test-'))
const store = { STORE_URL: `sqlite:${join(folder, 'shared.db')}`, STORE_TIMEOUT_MS: '30000' }
const line = commandLine(store)
afterAll(() => {
  line.remove()
  rmSync(folder, { recursive: true, force: true })
})

test('a running server takes the settings, a new one starts with them, and a contradiction stops a start', async () => {
  const write = (more: Json) => writeFileSync(join(line.folder, 'latchkey.yaml'), fileOf(more))
  const op = await spawnProvider(store)
  try {
    const scopes = async () => {
      const found = (await (await fetch(`${op.issuer}/.well-known/openid-configuration`)).json()) as Json
      return found.scopes_supported as string[]
    }
    expect(await scopes()).not.toContain('read:orders')
    write({ scopes: ['read:orders'] })
    expect((await line.latchkey(['apply', '--yes'])).code).toBe(0)
    await until(async () => (await scopes()).includes('read:orders'), 'the scope of the file')
    // What needs a restart leaves the server as it is, and says so.
    write({ scopes: ['write:orders'], keys: { signing_algs: ['RS256'] } })
    const applied = await line.latchkey(['apply', '--yes'])
    expect(applied.stdout).toContain('Servers take it at their next start')
    await until(() => op.output().includes('SIGNING_ALGS: needs a restart'), 'the refusal of the rest')
    expect(await scopes()).toContain('read:orders')
  } finally {
    await op.stop()
  }
  const next = await spawnProvider(store)
  const document = (await (await fetch(`${next.issuer}/.well-known/openid-configuration`)).json()) as Json
  await next.stop()
  expect(document.scopes_supported).toContain('write:orders')
  expect(document.id_token_signing_alg_values_supported).toEqual(['RS256'])
  // Commands are under the settings too.
  const add = ['client', 'add', 'X', '--redirect-uri', 'https://x.example/cb', '--scope', 'write:orders']
  expect((await line.latchkey(add)).code).toBe(0)

  const other = commandLine({ ...store, SCOPES: 'something:else' })
  const refused = await other.latchkey(['client', 'list'])
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringContaining('the configuration file latchkey.yaml says otherwise'),
  ])
  const served = await other.latchkey(['serve'])
  expect([served.code, served.stderr.includes('SCOPES: the environment sets it')]).toEqual([2, true])
  // The commands of the file can mend it.
  writeFileSync(join(other.folder, 'latchkey.yaml'), fileOf({}))
  expect((await other.latchkey(['apply', '--yes'])).code).toBe(0)
  expect((await other.latchkey(['client', 'list'])).code).toBe(0)
  other.remove()
}, 300_000)
