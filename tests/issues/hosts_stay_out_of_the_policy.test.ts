/** `https://a;sandbox/x` was registered as redirect, logout and logo URI and wrote a directive into the policy of the page. Issue 8, A.6 */
import { expect, test } from 'bun:test'
import { isPlainHost } from '../../src/lib/plain_host.ts'
import { originSource, schemeSource } from '../../src/lib/policy_source.ts'
import { Client, makeClient } from '../../src/models/client.ts'
import { authorizationUrl, type Json } from '../support/client.ts'
import { browser } from '../support/flow.ts'
import type { Page } from '../support/person.ts'
import { provider } from '../support/provider.ts'
import { register } from '../support/registration.ts'

const good = 'https://app.example/cb'

const odd = [
  'https://a;sandbox/x',
  "https://a'b.example/x",
  'https://a,b.example/x',
  'https://a.example;script-src%20*/x',
  'https://a"b.example/x',
  'https://a{b}.example/x',
  'https://a_b.example/x',
  'https://a$b.example/x',
  'https://a(b).example/x',
  'https://*.example/x',
]

const members: [string, (uri: string) => Json][] = [
  ['redirect_uris', (uri) => ({ redirect_uris: [good, uri] })],
  ['post_logout_redirect_uris', (uri) => ({ post_logout_redirect_uris: [uri] })],
  ['logo_uri', (uri) => ({ logo_uri: uri })],
  ['logo_uri#de', (uri) => ({ logo_uri: 'https://a.example/l', 'logo_uri#de': uri })],
  ['client_uri', (uri) => ({ client_uri: uri })],
  ['policy_uri', (uri) => ({ policy_uri: uri })],
  ['tos_uri', (uri) => ({ tos_uri: uri })],
  ['initiate_login_uri', (uri) => ({ initiate_login_uri: uri })],
  ['jwks_uri', (uri) => ({ jwks_uri: uri })],
  ['request_uris', (uri) => ({ request_uris: [uri] })],
  ['backchannel_logout_uri', (uri) => ({ backchannel_logout_uri: uri })],
  ['frontchannel_logout_uri', (uri) => ({ redirect_uris: [good, uri], frontchannel_logout_uri: uri })],
  ['sector_identifier_uri', (uri) => ({ sector_identifier_uri: uri })],
]

test.each(members)('%s with a host that means something in a header is refused', async (name, metadata) => {
  const op = await provider()
  for (const uri of odd) {
    const { status, body } = await register(op, { redirect_uris: [good], ...metadata(uri) })
    expect([uri, status]).toEqual([uri, 400])
    expect(String(body.error)).toMatch(/^invalid_(redirect_uri|client_metadata)$/)
  }
  // The same member with an ordinary host, an address, a port, or a host of Unicode is read on.
  for (const uri of ['https://b-2.example:8443/x;y=1', 'https://192.0.2.7/x', 'https://[2001:db8::7]/x']) {
    const { body } = await register(op, { redirect_uris: [good], ...metadata(uri) })
    expect(String(body.error_description)).not.toContain('host with other characters')
  }
  if (name === 'client_uri')
    expect(
      (await register(op, { redirect_uris: [good], client_uri: 'https://bücher.example/' })).status,
    ).toBe(201)
})

test.each(['\n', '\r\nX-Evil: 1', '\t', ' '])(
  'a URL with %j is refused and reaches no Location',
  async (text) => {
    const op = await provider()
    for (const name of ['initiate_login_uri', 'client_uri', 'logo_uri', 'tos_uri']) {
      const { status } = await register(op, { redirect_uris: [good], [name]: `https://a.example/${text}x` })
      expect([name, status]).toEqual([name, 400])
    }
  },
)

test('a private-use scheme may have a word in place of a host, and no more', async () => {
  const op = await provider()
  const native = (uri: string) => register(op, { application_type: 'native', redirect_uris: [uri] })
  for (const uri of ['com.example.app:/cb', 'com.example.app://sign_in', 'com.example.app://cb/x'])
    expect((await native(uri)).status).toBe(201)
  expect((await native('com.example.app://a;sandbox/x')).status).toBe(400)
})

const policyOf = ({ headers }: Page) => headers.get('content-security-policy')!

/** The directives that a page of ours has, in whatever order. */
const directives = (page: Page) =>
  policyOf(page)
    .split(';')
    .map((each) => each.trim().split(' ')[0])
const known = /^(default|style|script|img|connect|frame)-src$|^form-action$|^frame-ancestors$|^base-uri$/

test('a client that was registered before writes nothing into the policy of any page', async () => {
  const op = await provider()
  const uri = 'https://a;sandbox/x'
  const { client } = makeClient(op.context, {
    client_id: 'old',
    client_name: 'Old',
    redirect_uris: [uri],
    post_logout_redirect_uris: [uri],
    logo_uri: 'https://a;sandbox/logo.png',
    scope: 'openid',
    token_endpoint_auth_method: 'none',
    ...{ frontchannel_logout_uri: 'https://a;sandbox/logout' },
  })
  await Client.create(op.context, client)
  const who = browser(op)
  const asked = { client_id: 'old', redirect_uri: uri }
  const login = (await who.open(authorizationUrl(op.issuer, asked, { scope: 'openid' }).url)).page!
  const seen = [login]
  const consent = await who.press(login, 'login', { username: 'alice', password: 'alicepassword' })
  if (consent.page) seen.push(consent.page)
  for (const path of ['/account/applications', '/logout']) seen.push((await who.open(path)).page!)
  for (const page of seen) {
    expect(directives(page).filter((each) => !known.test(each ?? ''))).toEqual([])
    expect(policyOf(page)).not.toContain('sandbox')
  }
})

test('the sources of a policy are built from parts', () => {
  expect(originSource('https://User@a.example:8443/x;y')).toEqual(['https://a.example:8443' as never])
  expect(originSource('https://a;sandbox/x')).toEqual([])
  expect(originSource('com.example:/x')).toEqual([])
  expect(originSource('no URL')).toEqual([])
  expect(schemeSource('com.example.app://a;b')).toEqual(['com.example.app:' as never])
  expect(schemeSource('; sandbox')).toEqual([])
  expect(['a.example', '127.0.0.1', '[::1]', 'xn--bcher-kva.example'].every(isPlainHost)).toBe(true)
  expect(['', 'a;b', 'a b', "a'b", '[::1];x', 'a_b', 'a\n'].some(isPlainHost)).toBe(false)
})
