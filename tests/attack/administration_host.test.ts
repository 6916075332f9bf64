/** ADMIN_HOST and ADMIN_NETWORKS against the headers that a caller can write. docs/administration.md */
import { expect, test } from 'bun:test'
import { administrationExists } from '../../src/features/administration/existence.ts'
import { ConfigError, loadConfig } from '../../src/config.ts'
import { describeCall } from '../../src/http/describe_call.ts'
import { featureEntries } from '../../src/table.ts'
import { provider } from '../support/provider.ts'

const proxy = '10.0.0.1'
const at = async (env: Record<string, string>) =>
  (await provider({ env: { TRUSTED_PROXIES: proxy, ...env } })).context

const exists = (
  context: Awaited<ReturnType<typeof at>>,
  headers: Record<string, string>,
  peer = proxy,
  url = 'http://localhost:5000/admin/v1/people',
): boolean =>
  administrationExists(
    describeCall(new Request(url, { headers }), () => peer, 'id', context),
    context,
  )

test('the Host header alone makes a host valid', async () => {
  const named = await at({ ADMIN_HOST: 'admin.example' })
  for (const host of ['admin.example', 'ADMIN.Example', 'admin.example:443', 'admin.example:8443'])
    expect([host, exists(named, { host })]).toEqual([host, true])
  for (const host of [
    'localhost:5000',
    'login.example',
    'admin.example.evil.example',
    'evil.example#admin.example',
    'admin.example@evil.example',
    'evil.example/admin.example',
    'x.admin.example',
    'admin.example.',
    'admin.example,evil.example',
    'admin.example evil.example',
    'login.example@admin.example',
    'login.example:80@admin.example',
    'admin.example/login.example',
    'admin.example?login.example',
    'admin.example\\login.example',
    '%61dmin.example',
    '',
  ])
    expect([host, exists(named, { host })]).toEqual([host, false])
})

test('X-Forwarded-Host adds no host, also from a trusted proxy, and must agree where it is there', async () => {
  const named = await at({ ADMIN_HOST: 'admin.example' })
  const forwarded = (host: string, by: string) => exists(named, { host, 'x-forwarded-host': by })
  expect(forwarded('login.example', 'admin.example')).toBe(false)
  expect(forwarded('admin.example', 'login.example')).toBe(false)
  expect(forwarded('admin.example', 'admin.example, login.example')).toBe(false)
  expect(forwarded('admin.example', 'admin.example')).toBe(true)
  expect(exists(named, { host: 'login.example', forwarded: 'host=admin.example' })).toBe(false)
})

test('a port that ADMIN_HOST names is compared too', async () => {
  const named = await at({ ADMIN_HOST: 'admin.example:8443' })
  expect(exists(named, { host: 'admin.example:8443' })).toBe(true)
  for (const host of ['admin.example', 'admin.example:443', 'admin.example:84430'])
    expect([host, exists(named, { host })]).toEqual([host, false])
})

test('the address is that of the client by the rule of trusted proxies', async () => {
  const inside = await at({ ADMIN_NETWORKS: '192.0.2.0/24' })
  const from = (forwardedFor: string | undefined, peer: string) =>
    exists(inside, forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }, peer)
  expect(from(undefined, '192.0.2.7')).toBe(true)
  expect(from('192.0.2.7', proxy)).toBe(true)
  expect(from('192.0.2.7', '198.51.100.1')).toBe(false) // no trusted proxy
  expect(from('192.0.2.7, 198.51.100.1', proxy)).toBe(false) // what the client wrote comes before the proxy's word
  expect(from(undefined, proxy)).toBe(false)
})

test('a proxy that is not declared opens no network: what it says of the client must agree', async () => {
  const { context } = await provider({ env: { ADMIN_NETWORKS: 'loopback,192.0.2.0/24' } })
  const from = (forwardedFor: string | undefined, peer = '127.0.0.1') =>
    exists(context, forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }, peer)
  for (const own of [undefined, '192.0.2.7', '192.0.2.7:4711', '198.51.100.1, ::ffff:192.0.2.7', '[::1]:80'])
    expect([own, from(own)]).toEqual([own, true])
  for (const foreign of ['198.51.100.1', '127.0.0.1, 198.51.100.1', '192.0.2.7, unknown', '198.51.100.1:80'])
    expect([foreign, from(foreign)]).toEqual([foreign, false])
  // A declared proxy in one of the networks that was told no address.
  const declared = await at({ ADMIN_NETWORKS: 'private' })
  expect(exists(declared, { 'x-forwarded-for': 'unknown' })).toBe(false)
  expect(exists(declared, { 'x-forwarded-for': '198.51.100.1, unknown' })).toBe(false)
  expect(exists(declared, { 'x-forwarded-for': '198.51.100.1, 10.9.9.9' })).toBe(true)
})

test('elsewhere no document names the API, and there they do', async () => {
  const op = await provider({ env: { ADMIN_HOST: 'admin.example' } })
  const documents = [
    '/openapi.json',
    '/.well-known/oauth-protected-resource',
    '/.well-known/openid-configuration',
  ]
  for (const path of documents) {
    const text = await (await op.fetch(path)).text()
    expect([path, text.includes('admin')]).toEqual([path, false])
  }
  const metadata = '/.well-known/oauth-protected-resource/admin/v1'
  expect((await op.fetch(metadata)).status).toBe(404)
  const there = { headers: { host: 'admin.example' } }
  expect(await (await op.fetch('/openapi.json', there)).text()).toContain('/admin/v1/people')
  expect(await (await op.fetch(metadata, there)).json()).toMatchObject({ resource: `${op.issuer}/admin/v1` })
})

test('ADMINISTRATION=false: no route, no scope, no document', async () => {
  const op = await provider({ env: { ADMINISTRATION: 'false' } })
  expect((await op.fetch('/admin/v1/people')).status).toBe(404)
  expect(op.context.scopes.filter((each) => each.startsWith('admin:'))).toEqual([])
  expect(op.context.table.endpoints.filter(({ path }) => path.startsWith('/admin'))).toEqual([])
})

test.each([
  'https://admin.example',
  'admin.example/x',
  'a b',
  'admin.example:0x1',
  'user@admin.example',
  '[::1',
])('ADMIN_HOST %s is refused', (value) => {
  expect(() => loadConfig({ ADMIN_HOST: value }, { featureEntries })).toThrow(ConfigError)
})
