/**
 * Issue 8, A.9: a client that registered itself made `/authorize?…&scope=nope` a redirect to anywhere, before the
 * End-User had seen a page (RFC 9700 §4.11.2).
 */
import { describe, expect, test } from 'bun:test'
import { pageOf } from '../support/authenticator.ts'
import { authorizationUrl, type Json } from '../support/client.ts'
import { alice, authorize, browser, demo, open, operatorClient, outcome, post } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'
import { asClient, registered } from '../support/registration.ts'

const elsewhere = 'https://evil.example/cb'
const metadata = { redirect_uris: [elsewhere], post_logout_redirect_uris: [elsewhere] }
const env = { REGISTRATION: 'open' }
const op = await provider({ env })
const self = async (more: Json = {}, at: Provider = op) =>
  asClient(await registered(at, { ...metadata, ...more }))

const faults: [string, Record<string, string | undefined>][] = [
  ['an unknown scope', { scope: 'nope' }],
  ['no response_type', { response_type: undefined }],
  ['another response_type', { response_type: 'token' }],
  ['another response_mode', { response_mode: 'nope' }],
  ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }],
  ['an unknown prompt', { prompt: 'nope' }],
  ['two prompts that exclude each other', { prompt: 'none login' }],
  ['a wrong max_age', { max_age: 'soon' }],
  ['claims that are no JSON', { claims: '{' }],
  ['an unknown resource', { resource: 'https://api.example/' }],
  ['a fault, without pages', { prompt: 'none', scope: 'nope' }],
  ['a foreign id_token_hint', { id_token_hint: 'x' }],
  ['registration', { registration: '{}' }],
  ['a request object', { request: 'x' }],
  ['two references', { request: 'x', request_uri: 'urn:ietf:params:oauth:request_uri:x' }],
  ['a pushed request that is unknown', { request_uri: 'urn:ietf:params:oauth:request_uri:x' }],
  ['an answer in the fragment', { scope: 'nope', response_mode: 'fragment' }],
  ['an answer as a form', { scope: 'nope', response_mode: 'form_post' }],
  ['an answer as a JWT', { scope: 'nope', response_mode: 'jwt' }],
]

describe('a client that registered itself has no redirect for', () => {
  test.each(faults)('%s', async (_, fault) => {
    const client = await self()
    const signedIn = browser(op)
    await authorize(op, signedIn)
    for (const who of [browser(op), signedIn]) {
      const { page, location } = await open(op, who, fault, client)
      expect([location?.href, page?.status]).toEqual([undefined, 400])
      expect(page!.html).toContain('<bdi class="host">evil.example</bdi>')
      expect(page!.html).not.toMatch(/http-equiv="refresh"|<script|<form[^>]*evil/)
      expect(page!.headers.has('refresh')).toBe(false)
    }
  })

  test('a level that cannot be reached', async () => {
    const who = browser(op)
    await authorize(op, who)
    const acr = JSON.stringify({ id_token: { acr: { essential: true, values: ['gold'] } } })
    const { page } = await open(op, who, { claims: acr }, await self())
    expect(page?.status).toBe(400)
  })
})

test('the page links to the client with the error, and says that it has not been verified', async () => {
  const client = await self()
  const { url, params } = authorizationUrl(op.issuer, client, { scope: 'nope' })
  const page = pageOf(await browser(op).open(url))
  expect(page.html).toContain('This app hasn’t been verified.')
  const [, link = ''] = /class="button onward" href="([^"]+)"/.exec(page.html)!
  const href = new URL(link.replaceAll('&amp;', '&').replaceAll('&#x27;', "'"))
  expect(href.origin + href.pathname).toBe(elsewhere)
  expect(href.searchParams.get('error')).toBe('invalid_scope')
  expect(href.searchParams.get('state')).toBe(params.state!)
  expect(href.searchParams.get('iss')).toBe(op.issuer)
})

test('a private-use scheme has a page without a link', async () => {
  const uri = 'com.evil.app:/cb'
  const client = await self({ redirect_uris: [uri], application_type: 'native' })
  const { page } = await open(op, browser(op), { scope: 'nope' }, client)
  expect(page!.status).toBe(400)
  expect(page!.html).toContain('com.evil.app')
  expect(page!.html).not.toContain('href="com.evil')
})

describe('the client gets the browser back at once', () => {
  test('with the silent answers to prompt=none', async () => {
    const client = await self()
    expect(await outcome(op, browser(op), { prompt: 'none' }, client)).toBe('error:login_required')
    const who = browser(op)
    await authorize(op, who)
    expect(await outcome(op, who, { prompt: 'none' }, client)).toBe('error:consent_required')
  })

  test('after the End-User has seen a page', async () => {
    const client = await self()
    const who = browser(op)
    const signIn = pageOf(await open(op, who, {}, client))
    const consent = pageOf(await who.press(signIn, 'login', alice))
    const { location } = await who.press(consent, 'deny')
    expect(location!.searchParams.get('error')).toBe('access_denied')
  })

  test('on this machine', async () => {
    const client = await self({ redirect_uris: ['http://127.0.0.1/cb'] })
    const native = { ...client, redirect_uri: 'http://127.0.0.1:33418/cb' }
    expect(await outcome(op, browser(op), { scope: 'nope' }, native)).toBe('error:invalid_scope')
  })

  test('when an operator registered it, or said so for all', async () => {
    const own = await operatorClient(op, { client_id: 'own', redirect_uris: ['https://rp.example/cb'] })
    expect(await outcome(op, browser(op), { scope: 'nope' }, own)).toBe('error:invalid_scope')
    const lax = await provider({ env: { ...env, UNVERIFIED_CLIENTS_REDIRECT: 'at_once' } })
    expect(await outcome(lax, browser(lax), { scope: 'nope' }, await self({}, lax))).toBe(
      'error:invalid_scope',
    )
  })
})

test('a sign-out without a session leads to such a client by a link alone', async () => {
  const client = await self()
  const who = browser(op)
  const query = new URLSearchParams({
    client_id: client.client_id,
    post_logout_redirect_uri: elsewhere,
    state: 's',
  })
  const { html } = pageOf(await who.open(`/logout?${query}`))
  expect(html).toContain(`href="${elsewhere}?state=s"`)
  expect(html).toContain('<bdi class="host">evil.example</bdi>')
  await authorize(op, who, demo)
  const asked = pageOf(await who.open(`/logout?${query}`))
  expect((await who.press(asked, 'logout')).location?.href).toBe(`${elsewhere}?state=s`)
})

test('a pushed request of such a client is refused at the push', async () => {
  const client = await self()
  const { params } = authorizationUrl(op.issuer, client, { scope: 'nope' })
  const { status, body } = await post(op, '/par', client, params as Record<string, string>)
  expect([status, body.error]).toEqual([400, 'invalid_scope'])
})
