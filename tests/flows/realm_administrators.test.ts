/** Administrators of a realm: they see the settings of their realm, and nothing of the process that all realms share. */
import { beforeAll, expect, test } from 'bun:test'
import { admin, administrator, tokenOf } from '../support/administration.ts'
import { adminScopes } from '../../src/auth/admin_roles.ts'
import { demo } from '../support/client.ts'
import { auditKey, words } from '../support/audit_trail.ts'
import { browser, operatorClient, tokensOf } from '../support/flow.ts'
import { exportLines } from '../../src/models/audit/export_lines.ts'
import { verifyTrail } from '../../src/models/audit/verify.ts'
import type { Person } from '../support/person.ts'
import type { Provider } from '../support/provider.ts'
import { openRealm, realmOf, withRealms } from '../support/realms.ts'

let op: Provider
let realm: Provider
let who: Person
let token: string

beforeAll(async () => {
  op = await withRealms({
    env: { METRICS_TOKEN: 'the-token-of-the-operator-of-the-process', RESOURCES: 'https://api.example' },
  })
  realm = await realmOf(op, 'a', { settings: { ACCESS_TOKEN_TTL: '77' } })
  await operatorClient(realm, {
    client_id: 'console',
    token_endpoint_auth_method: 'none',
    id_token_signed_response_alg: 'ES256',
    scope: ['openid', ...adminScopes].join(' '),
  })
  const owner = await administrator(realm, 'owner')
  who = owner.who
  token = await tokenOf(realm, { client_id: 'console', redirect_uri: demo.redirect_uri }, owner)
})

test('the settings are those that a realm may set, with what its record says', async () => {
  const items: { name: string; value: string; from: string }[] = []
  let cursor = ''
  do {
    const { status, body } = await admin(realm, token, 'GET', `/settings${cursor}`)
    expect(status).toBe(200)
    items.push(...(body.items as typeof items))
    cursor = typeof body.next === 'string' ? `?cursor=${encodeURIComponent(body.next)}` : ''
  } while (cursor !== '')
  const named = new Map(items.map((each) => [each.name, each]))
  expect(named.get('ACCESS_TOKEN_TTL')).toMatchObject({ value: '77', from: 'realm' })
  // The value of the server is not inherited, so that it has no part in where this one is from.
  expect(named.get('RESOURCES')).toMatchObject({ from: 'default' })
  for (const name of ['STORE_URL', 'SECRET_KEY', 'METRICS_TOKEN', 'TRUSTED_PROXIES', 'LOG_FILE'])
    expect(named.has(name)).toBe(false)
  expect(items.length).toBeGreaterThan(100)
  expect(JSON.stringify(items)).not.toContain('the-token-of-the-operator')
})

test.each([
  ['GET', '/log_levels'],
  ['PUT', '/log_levels'],
  ['DELETE', '/log_levels'],
  ['GET', '/jobs'],
  ['POST', '/jobs/keys/run'],
  ['GET', '/realms'],
])('%s %s of the process does not exist', async (method, path) => {
  const body = method === 'PUT' ? { level: 'silent' } : undefined
  expect((await admin(realm, token, method, path, { body })).status).toBe(404)
})

test('each page of the menu of the administration opens, and none of the process is on it', async () => {
  const { page } = await who.open('/admin')
  const paths = [...page!.html.matchAll(/href="(\/realms\/a\/admin[^"]*)"/g)].map(([, path]) => path!)
  expect(new Set(paths).size).toBeGreaterThan(5)
  for (const path of new Set(paths)) expect([path, (await who.open(path)).page?.status]).toEqual([path, 200])
  const settings = (await who.open('/admin/settings')).page!
  expect(settings.html).toContain('ACCESS_TOKEN_TTL')
  expect(settings.html).not.toContain('/admin/jobs')
  expect(settings.forms.some(({ buttons }) => buttons.includes('log'))).toBe(false)
  expect((await who.open('/admin/jobs')).page?.status).toBe(404)
})

test('the title and the heading name the realm; those of the server are as they were', async () => {
  const titlesOf = (html: string) =>
    [/<title>(.*?)<\/title>/, /<h1[^>]*>(.*?)<\/h1>/].map((each) => each.exec(html)?.[1])
  const { page } = await who.open('/admin/people')
  expect(titlesOf(page!.html)).toEqual(['People (a) · Latchkey', '<bdi>People</bdi> (<bdi>a</bdi>)'])
  const owner = await administrator(op, 'owner')
  const own = (await owner.who.open('/admin/people')).page!
  expect(titlesOf(own.html)).toEqual(['People · Latchkey', 'People'])
})

test('figures are those of the realm; the metrics of the process have all', async () => {
  await op.fetch('/revoke', { method: 'POST' })
  await realm.fetch('/introspect', { method: 'POST' })
  const { body } = await admin(realm, token, 'GET', '/response_times')
  expect(JSON.stringify(body)).toContain('introspection')
  expect(JSON.stringify(body)).not.toContain('revocation')
  const authorization = 'Bearer the-token-of-the-operator-of-the-process'
  const text = await (await op.fetch('/metrics', { headers: { authorization } })).text()
  for (const endpoint of ['introspection', 'revocation']) expect(text).toContain(`endpoint="${endpoint}"`)
})

test('the audit trail of a realm goes on without a gap when the realm leaves the memory and comes back', async () => {
  const op = await withRealms({ mostRealms: 1, env: { AUDIT_SIGNING_KEY: auditKey } })
  const first = await realmOf(op, 'a')
  await tokensOf(first, browser(first))
  const other = await realmOf(op, 'b')
  await tokensOf(other, browser(other))
  const again = await openRealm(op, 'a')
  expect(again.context).not.toBe(first.context)
  await tokensOf(again, browser(again))
  const audit = again.context.audit!
  await audit.close()
  await audit.checkpoints.extend(audit, { all: true })
  const lines = await Array.fromAsync(
    exportLines({ store: again.context.store, issuer: again.issuer }, await audit.checkpoints.newest()),
  )
  const found = await verifyTrail(lines, { keys: audit.ring, issuer: again.issuer, macKeys: audit.keys })
  expect(words(found)).toEqual([])
  const text = lines.join('\n')
  expect([...text.matchAll(/"kind":"signed_in"/g)]).toHaveLength(2)
  expect(text).not.toContain('"kind":"audit_gap"')
  expect(text).not.toContain('/realms/b')
})
