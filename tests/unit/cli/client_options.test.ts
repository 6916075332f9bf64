/** The options of `client add` as metadata: defaults by the kind of client, and no privilege by accident. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'bun:test'
import { type ClientOptions, givenMembers } from '../../../src/cli/client_options.ts'
import { UsageError } from '../../../src/cli/failure.ts'
import { withDefaults } from '../../../src/endpoints/operator_clients.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-options-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

const metadataOf = async (name: string, options: ClientOptions) =>
  withDefaults(name, (await givenMembers(options)).metadata, options)
const privilegesOf = async (options: ClientOptions) => (await givenMembers(options)).privileges

test('a web application: code and refresh, the scopes of a sign-in, nothing special', async () => {
  const options = { 'redirect-uri': ['https://app.example/cb'] }
  expect(await metadataOf('App', options)).toEqual({
    client_name: 'App',
    redirect_uris: ['https://app.example/cb'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    scope: 'openid profile email offline_access',
    include_claims_in_id_token: true,
  })
  expect(await privilegesOf(options)).toEqual({})
  expect(await privilegesOf({ 'may-impersonate': true, 'exchange-audience': ['stock'] })).toMatchObject({
    may_impersonate: true,
    exchange_audiences: ['stock'],
  })
})

test('a service has no response types and no scopes by default', async () => {
  const asked = await metadataOf('Job', { 'grant-type': ['client_credentials'] })
  expect(asked).toMatchObject({ response_types: [], scope: '' })
  const scoped = await metadataOf('Job', { 'grant-type': ['client_credentials'], scope: ['a b', 'c'] })
  expect(scoped.scope).toBe('a b c')
})

test('--public has no secret, keys mean private_key_jwt, and PKCE is required, exempted or left to the configuration', async () => {
  expect((await metadataOf('App', { public: true })).token_endpoint_auth_method).toBe('none')
  const jwks = file('jwks.json', '{"keys":[]}')
  expect(await metadataOf('App', { jwks })).toMatchObject({
    jwks: { keys: [] },
    token_endpoint_auth_method: 'private_key_jwt',
  })
  expect(
    (await metadataOf('App', { jwks, 'auth-method': 'client_secret_jwt' })).token_endpoint_auth_method,
  ).toBe('client_secret_jwt')
  expect((await privilegesOf({ 'no-pkce': true })).require_pkce).toBe(false)
  expect((await privilegesOf({ pkce: true })).require_pkce).toBe(true)
  expect('require_pkce' in (await privilegesOf({}))).toBe(false)
})

test('--metadata adds members without an option, and an option takes precedence', async () => {
  const metadata = file('more.json', '{"contacts":["a@example.com"],"client_name":"Other","scope":"openid"}')
  expect(await metadataOf('App', { metadata })).toMatchObject({
    contacts: ['a@example.com'],
    client_name: 'App',
    scope: 'openid',
  })
})

const contradictions: [string, ClientOptions][] = [
  ['a public client with a method', { public: true, 'auth-method': 'client_secret_basic' }],
  ['a public client without PKCE', { public: true, 'no-pkce': true }],
  ['the same, said otherwise', { 'auth-method': 'none', 'no-pkce': true }],
  ['a public API', { public: true, 'resource-server': true }],
  ['PKCE and not', { pkce: true, 'no-pkce': true }],
  ['an id with a space', { 'client-id': 'my app' }],
  ['an id beyond ASCII', { 'client-id': 'ключ' }],
  ['metadata that is no object', { metadata: file('list.json', '[]') }],
  ['a privilege of another type', { metadata: file('odd.json', '{"require_pkce":"no"}') }],
  ['keys that are no JSON', { jwks: file('broken.json', '{') }],
]
test.each(contradictions)('%s is refused', async (_, options) => {
  await expect(metadataOf('App', options)).rejects.toThrow(UsageError)
})
