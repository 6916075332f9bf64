/** "What a request costs" in docs/architecture.md, counted on the running code. */
import { expect, test } from 'bun:test'
import { memoryStore } from '../../src/store/memory.ts'
import { authorizationUrl, demo, formPost, headerOf, type Json } from '../support/client.ts'
import { countingStore } from '../support/counting_store.ts'
import { document } from '../support/document.ts'
import { person } from '../support/person.ts'
import { provider, turnableClock } from '../support/provider.ts'

const clock = turnableClock()
const { store, take } = countingStore(memoryStore(clock))
const op = await provider({ clock, store })

/** `| request | trips | verbs | signatures |` */
const written = new Map(
  [
    ...document('docs/architecture.md').matchAll(/^\| ([a-z][\w ,]+?) +\| (\d+) +\| (\d+) +\| (\d+) +\|$/gm),
  ].map(([, request, ...numbers]) => [request!, numbers.map(Number)]),
)

/** Each JWT of the answer was signed for it. */
const signaturesIn = (answer: Json): number =>
  Object.values(answer).filter((value) => String(value).startsWith('eyJ') && headerOf(value).alg).length

const counted = new Map<string, number[]>()
async function cost(request: string, path: string, init?: RequestInit, peer?: string): Promise<Json> {
  take()
  const response = await op.fetch(path, init, peer)
  expect(response.status, request).toBeLessThan(400)
  const { trips, verbs } = take()
  const json = response.headers.get('content-type')?.includes('json')
  const answer = json ? ((await response.json()) as Json) : {}
  counted.set(request, [trips, verbs, signaturesIn(answer)])
  return answer
}

const exchange = (url: URL, code_verifier: string) =>
  formPost(demo, {
    grant_type: 'authorization_code',
    code: url.searchParams.get('code')!,
    redirect_uri: demo.redirect_uri,
    code_verifier,
  })

test('the table of costs is what the code does', async () => {
  const alice = person(op.issuer, op.fetch)
  await alice.goThrough(authorizationUrl(op.issuer, demo).url)
  const cookie = [...alice.cookies].map(([name, value]) => `${name}=${value}`).join('; ')

  await cost('discovery', '/.well-known/openid-configuration')
  await cost('jwks', '/jwks.json')
  await cost('health, asked by a stranger', '/health', {}, '192.0.2.7')
  const own = await cost('client_credentials', '/token', formPost(demo, { grant_type: 'client_credentials' }))
  const ask = (token: unknown) => formPost(demo, { token: String(token) })
  await cost('introspection, client_credentials', '/introspect', ask(own.access_token))

  const { url, code_verifier } = authorizationUrl(op.issuer, demo)
  await cost('authorize, existing session', url.slice(op.issuer.length), { headers: { cookie } })
  const { params } = authorizationUrl(op.issuer, demo)
  const given = Object.entries(params).filter((each): each is [string, string] => each[1] !== undefined)
  const pushed = await cost('pushed_authorization_request', '/par', formPost(demo, Object.fromEntries(given)))
  const reference = { client_id: demo.client_id, request_uri: String(pushed.request_uri) }
  await cost('authorize, pushed request', `/authorize?${new URLSearchParams(reference)}`, {
    headers: { cookie },
  })
  const back = await alice.goThrough(authorizationUrl(op.issuer, demo, challengeOf(url)).url)
  const tokens = await cost('authorization_code', '/token', exchange(back, code_verifier))
  await cost('userinfo', '/userinfo', { headers: { authorization: `Bearer ${tokens.access_token}` } })
  await cost('introspection, access token', '/introspect', ask(tokens.access_token))
  const refresh = { grant_type: 'refresh_token', refresh_token: String(tokens.refresh_token) }
  const refreshed = await cost('refresh_token', '/token', formPost(demo, refresh))
  await cost('introspection, refresh token', '/introspect', ask(refreshed.refresh_token))
  await cost('revocation, access token', '/revoke', ask(tokens.access_token))
  await cost('revocation, refresh token', '/revoke', ask(refreshed.refresh_token))
  await cost('registration', '/register', {
    method: 'POST',
    body: JSON.stringify({ redirect_uris: ['https://app.example/callback'] }),
    headers: { 'content-type': 'application/json' },
  })

  expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(written))
})

/** The same challenge again, for a code that this test redeems. */
const challengeOf = (url: string) => ({
  code_challenge: new URL(url).searchParams.get('code_challenge')!,
})
