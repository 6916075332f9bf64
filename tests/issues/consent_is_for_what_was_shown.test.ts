/**
 * Issue 8, A.7: the consent page said "only if you trust trusted.example", and the consent was remembered for the client
 * alone: the second host of the client got a code with prompt=none, and so did a client that changed its name afterwards.
 */
import { expect, test } from 'bun:test'
import { pageOf } from '../support/authenticator.ts'
import { authorizationUrl, demo, type Json } from '../support/client.ts'
import { alice, authorize, browser, outcome, tokensOf } from '../support/flow.ts'
import type { Person } from '../support/person.ts'
import { provider } from '../support/provider.ts'
import { asClient, manage, registered } from '../support/registration.ts'

const op = await provider({ env: { REGISTRATION: 'open' } })

const metadata = {
  client_name: 'Photos',
  redirect_uris: [
    'https://trusted.example/cb',
    'https://trusted.example/other',
    'https://trusted.example:8443/cb',
    'https://second.example/cb',
  ],
  token_endpoint_auth_method: 'client_secret_basic',
}

async function agreed(more: Json = {}) {
  const made = await registered(op, { ...metadata, ...more })
  const client = asClient(made)
  const who = browser(op)
  await tokensOf(op, who, client)
  const silently = (redirect_uri = client.redirect_uri, scope = 'openid profile email') =>
    outcome(op, who, { prompt: 'none', scope }, { ...client, redirect_uri })
  const change = async (changed: Json) => {
    const { registration_access_token: _token, registration_client_uri: _uri, ...rest } = made
    const { client_id, client_secret } = rest
    const body = { ...metadata, ...more, client_id, client_secret, ...changed }
    const answer = await manage(op, 'PUT', made, made.registration_access_token, body)
    if (answer.status !== 200) throw new Error(answer.text)
    made.registration_access_token = answer.body.registration_access_token ?? made.registration_access_token
    op.clock.advance(2000) // clients are kept for a second
  }
  return { client, who, silently, change }
}

/** Allows the request of this redirect URI with one scope. */
async function allow(who: Person, client: { client_id: string }, redirect_uri: string, scope: string) {
  const { url } = authorizationUrl(op.issuer, { ...client, redirect_uri }, { scope })
  return who.goThrough(url, alice)
}

test('consent for one host of an unverified client does not serve its other hosts', async () => {
  const { silently, who, client } = await agreed()
  expect(await silently()).toBe('code')
  expect(await silently('https://trusted.example/other')).toBe('code')
  expect(await silently('https://second.example/cb')).toBe('error:consent_required')
  expect(await silently('https://trusted.example:8443/cb')).toBe('error:consent_required')
  await allow(who, client, 'https://second.example/cb', 'openid')
  expect(await silently('https://second.example/cb', 'openid')).toBe('code')
  // What one host was allowed is not what the other was.
  expect(await silently('https://second.example/cb')).toBe('error:consent_required')
  expect(await silently()).toBe('code')
})

const changes: [string, Json][] = [
  ['name', { client_name: 'Your Bank' }],
  ['name in one language', { 'client_name#de': 'Ihre Bank' }],
  ['logo', { logo_uri: 'https://second.example/logo.png' }],
  ['website', { client_uri: 'https://second.example/' }],
  [
    'redirect of the same host',
    { redirect_uris: ['https://trusted.example/cb', 'https://trusted.example/new'] },
  ],
]
for (const [what, changed] of changes)
  test(`an unverified client that changed its ${what} is asked for again`, async () => {
    const { silently, change, who, client } = await agreed()
    await change(changed)
    expect(await silently()).toBe('error:consent_required')
    expect(await outcome(op, who, {}, client)).toBe('consent')
    await allow(who, client, client.redirect_uri, 'openid')
    expect(await silently(undefined, 'openid')).toBe('code')
    expect(await silently()).toBe('error:consent_required')
  })

test('a name that changes while the page is open is shown before it counts', async () => {
  const { change, who, client, silently } = await agreed()
  const { url } = authorizationUrl(op.issuer, client, { prompt: 'consent' })
  const page = pageOf(await who.open(url))
  await change({ client_name: 'Your Bank' })
  const again = pageOf(await who.press(page, 'allow'))
  expect(again.html).toContain('Your Bank')
  expect(await silently()).toBe('error:consent_required')
  const landed = await who.press(again, 'allow')
  expect(landed.location?.searchParams.get('code')).toBeTruthy()
  expect(await silently()).toBe('code')
})

test('a client of the operator is asked for once', async () => {
  const who = browser(op)
  await authorize(op, who, demo)
  expect(await outcome(op, who, { prompt: 'none' })).toBe('code')
})
