/** One API that introspects 700 times a minute was refused at 600, and with it every client behind its address. */
import { describe, expect, test } from 'bun:test'
import { memoryStore } from '../../src/store/memory.ts'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { jwtBearerAssertion } from '../../src/auth/client_auth.ts'
import { systemRandom } from '../../src/lib/random.ts'
import {
  authorizationUrl,
  browserClient,
  type ClientMembers,
  demo,
  formPost,
  type TestClient,
} from '../support/client.ts'
import { countingStore } from '../support/counting_store.ts'
import { operatorClient } from '../support/flow.ts'
import { alice, bob, person } from '../support/person.ts'
import { type Provider, provider, type ProviderOptions, turnableClock } from '../support/provider.ts'

const limited = (env: Record<string, string> = {}, options: ProviderOptions = {}) =>
  provider({
    ...options,
    env: { RATE_LIMITING_ENABLED: 'true', RATE_LIMIT_PER_MINUTE: '5', LOG_LEVEL: 'info', ...env },
  })

const wrong = (guess = 'a wrong secret'): TestClient => ({ ...demo, client_secret: guess })
const introspect = (client: TestClient) => ['/introspect', formPost(client, { token: 'unknown' })] as const
const ownToken = (client: TestClient) =>
  ['/token', formPost(client, { grant_type: 'client_credentials' })] as const

/** How often each status came. */
async function tally(
  op: Provider,
  times: number,
  request: (i: number) => readonly [string, RequestInit?],
  peer?: string,
): Promise<Record<number, number>> {
  const counts: Record<number, number> = {}
  for (let i = 0; i < times; i++) {
    const [path, init] = request(i)
    const { status } = await op.fetch(path, init, peer)
    counts[status] = (counts[status] ?? 0) + 1
  }
  return counts
}

/** A client that registers itself, from an address of its own. */
async function registered(op: Provider, i: number, members: ClientMembers = {}): Promise<TestClient> {
  const redirect_uri = `https://rp${i}.example/cb`
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [redirect_uri], ...members }),
  }
  const answer = await op.fetch('/register', init, `203.0.113.${i}`)
  return { redirect_uri, ...((await answer.json()) as { client_id: string; client_secret: string }) }
}

async function signIn(op: Provider, client = demo, who = alice) {
  const { url, code_verifier } = authorizationUrl(op.issuer, client)
  // From many addresses: the pages are anonymous requests.
  let requests = 0
  const endUser = person(op.issuer, (path, init) => op.fetch(path, init, `198.51.100.${++requests}`))
  const code = (await endUser.goThrough(url, who)).searchParams.get('code')!
  const answer = await op.fetch(
    '/token',
    formPost(client, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: client.redirect_uri,
      code_verifier,
    }),
  )
  return (await answer.json()) as { access_token: string }
}

describe('a client that authenticates', () => {
  test('is not refused by the limit of addresses, at any endpoint that it authenticates at', async () => {
    const op = await provider({ env: { RATE_LIMITING_ENABLED: 'true', LOG_LEVEL: 'error' } })
    expect(await tally(op, 1500, () => introspect(demo))).toEqual({ 200: 1500 })
    expect(await tally(op, 700, () => ownToken(demo))).toEqual({ 200: 700 })
    expect(await tally(op, 700, () => ['/revoke', formPost(demo, { token: 'x' })])).toEqual({ 200: 700 })
    const { params } = authorizationUrl(op.issuer, demo)
    const pushed = Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined))
    expect(await tally(op, 700, () => ['/par', formPost(demo, pushed as Record<string, string>)])).toEqual({
      201: 700,
    })
  })

  test('goes on when its address is used up, and uses up nothing of its address', async () => {
    const op = await limited()
    expect(await tally(op, 8, () => introspect(demo))).toEqual({ 200: 8 })
    expect(await tally(op, 8, () => ['/authorize'])).toEqual({ 400: 5, 429: 3 })
    expect(await tally(op, 8, () => introspect(demo))).toEqual({ 200: 8 })
  })

  test('has a window of its own, at all its addresses', async () => {
    const op = await limited({ CLIENT_RATE_LIMIT_PER_MINUTE: '4' })
    expect(await tally(op, 3, () => introspect(demo), '192.0.2.1')).toEqual({ 200: 3 })
    const answers = await tally(op, 3, () => ownToken(demo), '192.0.2.2')
    expect(answers).toEqual({ 200: 1, 429: 2 })
    const log = op.lines.filter((line) => line.includes('limit_reached'))
    expect(log).toHaveLength(1)
    expect(log[0]).toContain('client_requests')
    expect(log[0]).toContain(demo.client_id)
    op.clock.advance(60_000)
    expect(await tally(op, 1, () => introspect(demo))).toEqual({ 200: 1 })
  })

  test('with a key is counted as a client, and its wrong assertions as their address', async () => {
    const op = await limited()
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    await operatorClient(op, {
      client_id: 'keyed',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kty: 'EC', kid: 'c1', alg: 'ES256' }] },
    })
    const ask = async (audience: string) => {
      const client_assertion = await new SignJWT({ jti: systemRandom(9) })
        .setProtectedHeader({ alg: 'ES256' })
        .setIssuer('keyed')
        .setSubject('keyed')
        .setAudience(audience)
        .setExpirationTime(Math.floor(op.clock.now() / 1000) + 60)
        .sign(privateKey)
      const fields = { token: 'x', client_assertion, client_assertion_type: jwtBearerAssertion }
      return (await op.fetch('/introspect', formPost({ client_id: 'keyed', redirect_uri: '' }, fields)))
        .status
    }
    for (let i = 0; i < 8; i++) expect(await ask(op.issuer)).toBe(200)
    for (let i = 0; i < 5; i++) expect(await ask('https://other.example')).toBe(401)
    expect(await ask('https://other.example')).toBe(429)
    expect(await ask(op.issuer)).toBe(200)
  })
})

describe('what is not authenticated counts its address', () => {
  test.each([
    ['a wrong secret', introspect(wrong()), 401],
    ['an unknown client', introspect({ ...demo, client_id: 'nobody' }), 401],
    ['no credentials', ['/introspect', { ...formPost(browserClient, {}), body: 'token=x' }], 401],
    ['a body that is no form', ['/token', { method: 'POST', body: '{}' }], 400],
    [
      'a public client',
      ['/token', formPost(browserClient, { grant_type: 'refresh_token', refresh_token: 'x' })],
      400,
    ],
    ['an unknown access token', ['/userinfo', { headers: { authorization: 'Bearer unknown' } }], 401],
    ['no access token', ['/userinfo'], 401],
  ] as [string, readonly [string, RequestInit?], number][])('%s', async (_, request, status) => {
    const op = await limited()
    expect(await tally(op, 8, () => request)).toEqual({ [status]: 5, 429: 3 })
    expect(await tally(op, 1, () => ['/authorize'])).toEqual({ 429: 1 })
    expect(await tally(op, 1, () => request, '192.0.2.77')).toEqual({ [status]: 1 })
  })
})

describe('guessing the secret of a client', () => {
  test('does not lock the client out at its own address', async () => {
    const op = await limited()
    expect(await tally(op, 20, (i) => introspect(wrong(`guess ${i}`)), '192.0.2.66')).toEqual({
      401: 5,
      429: 15,
    })
    expect(await tally(op, 8, () => introspect(demo), '192.0.2.1')).toEqual({ 200: 8 })
  })

  test('ends at the limit: from that address the right secret is refused too', async () => {
    const op = await limited()
    expect(await tally(op, 6, (i) => introspect(wrong(`guess ${i}`)))).toEqual({ 401: 5, 429: 1 })
    expect(await tally(op, 3, () => introspect(demo))).toEqual({ 429: 3 })
    op.clock.advance(60_000)
    expect(await tally(op, 1, () => introspect(demo))).toEqual({ 200: 1 })
  })

  test('at many instances, and all at once, is bounded by one count', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const ops = [await limited({}, { clock, store }), await limited({}, { clock, store })]
    const guesses = Array.from({ length: 40 }, (_, i) => introspect(i === 39 ? demo : wrong(`guess ${i}`)))
    const answers = await Promise.all(guesses.map((each, i) => ops[i % 2]!.fetch(...each)))
    expect(answers.map(({ status }) => status)).not.toContain(200)
  })

  test('is not what a program with an old secret does: its one wrong secret locks no other program out', async () => {
    const op = await limited()
    expect(await tally(op, 30, () => introspect(wrong()))).toEqual({ 401: 5, 429: 25 })
    expect(await tally(op, 8, () => introspect(demo))).toEqual({ 200: 8 })
  })
})

describe('access tokens at /userinfo', () => {
  const ask = ({ access_token }: { access_token: unknown }) =>
    ['/userinfo', { headers: { authorization: `Bearer ${access_token}` } }] as const

  test('of each End-User and client have a window of their own', async () => {
    const op = await limited({ TOKEN_RATE_LIMIT_PER_MINUTE: '7' })
    const other = await operatorClient(op, { client_id: 'other' })
    const tokens = [await signIn(op), await signIn(op, demo, bob), await signIn(op, other)]
    expect(await tally(op, 9, () => ask(tokens[0]!))).toEqual({ 200: 7, 429: 2 })
    for (const each of tokens.slice(1)) expect(await tally(op, 7, () => ask(each))).toEqual({ 200: 7 })
    expect(await tally(op, 1, () => ['/authorize'])).toEqual({ 400: 1 })
  })

  test('have no more windows for an End-User who authorizes again and again', async () => {
    const op = await limited({ TOKEN_RATE_LIMIT_PER_MINUTE: '7' })
    const tokens = [await signIn(op), await signIn(op), await signIn(op)]
    expect(await tally(op, 12, (i) => ask(tokens[i % 3]!))).toEqual({ 200: 7, 429: 5 })
  })

  test('have no more windows for an End-User with clients that registered themselves', async () => {
    const op = await limited({ TOKEN_RATE_LIMIT_PER_MINUTE: '7', REGISTRATION: 'open' })
    const tokens: { access_token: string }[] = []
    for (const i of [1, 2, 3]) tokens.push(await signIn(op, await registered(op, i)))
    expect(await tally(op, 12, (i) => ask(tokens[i % 3]!))).toEqual({ 200: 7, 429: 5 })
  })

  test('of clients that registered themselves, without an End-User, count by address', async () => {
    const op = await limited({ REGISTRATION: 'open', REGISTRATION_ALLOWED_GRANT_TYPES: 'client_credentials' })
    const tokens = await Promise.all(
      [1, 2, 3, 4].map(async (i) => {
        const client = await registered(op, i, { grant_types: ['client_credentials'], redirect_uris: [] })
        const answer = await op.fetch(...ownToken(client), `198.51.100.${i}`)
        return (await answer.json()) as { access_token: string }
      }),
    )
    expect(await tally(op, 12, (i) => ask(tokens[i % 4]!))).toEqual({ 403: 5, 429: 7 })
    expect(await tally(op, 1, () => ask(tokens[0]!), '192.0.2.7')).toEqual({ 403: 1 })
  })
})

test('the limit costs one round trip, as before', async () => {
  const clock = turnableClock()
  const { store, take } = countingStore(memoryStore(clock))
  const trips: number[][] = []
  for (const enabled of ['false', 'true']) {
    const op = await provider({ clock, store, env: { RATE_LIMITING_ENABLED: enabled } })
    await op.fetch(...ownToken(demo))
    const each: number[] = []
    for (const [path, init] of [ownToken(demo), introspect(demo), introspect(wrong(enabled))]) {
      take()
      await op.fetch(path, init)
      each.push(take().trips)
    }
    trips.push(each)
  }
  // A wrong secret is compared with the record of the store in the same round trip as its count.
  const more = [1, 1, 0]
  expect(trips[1]).toEqual(trips[0]!.map((count, i) => count + more[i]!))
})

test('clients that registered themselves count by address: a stranger can register any number of them', async () => {
  const op = await limited({ RATE_LIMIT_PER_MINUTE: '10', REGISTRATION: 'open' })
  const clients = await Promise.all([1, 2, 3, 4].map((i) => registered(op, i)))
  expect(await tally(op, 40, (i) => introspect(clients[i % 4]!))).toEqual({ 200: 10, 429: 30 })
  expect(await tally(op, 5, () => introspect(demo))).toEqual({ 200: 5 })
  expect(await tally(op, 5, () => introspect(clients[0]!), '192.0.2.7')).toEqual({ 200: 5 })
})

test('what a stranger makes this provider fetch counts before it is fetched', async () => {
  const op = await limited({ CLIENT_ID_METADATA_DOCUMENTS: 'true', OUTBOUND_ALLOW_HOSTS: '127.0.0.1:9' })
  const unknown = (i: number): TestClient => ({
    client_id: `https://127.0.0.1:9/client/${i}`,
    redirect_uri: 'https://rp.example/cb',
  })
  expect(await tally(op, 20, (i) => introspect(unknown(i)))).toEqual({ 401: 5, 429: 15 })
  expect(op.lines.filter((line) => line.includes('outbound_failed'))).toHaveLength(5)
})
