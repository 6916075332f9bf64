/** Only a wrong secret counts as a guess at the secret of a client. An outage, or an assertion that was sent twice, locked the client out at its address. */
import { describe, expect, test } from 'bun:test'
import { SignJWT } from 'jose'
import { jwtBearerAssertion } from '../../src/auth/client_auth.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { type Store, StoreUnavailable } from '../../src/store/store.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { formPost, type TestClient } from '../support/client.ts'
import { operatorClient } from '../support/flow.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

async function stage() {
  const clock = turnableClock()
  const store: Store = memoryStore(clock)
  const create = store.create.bind(store)
  let isAway = false
  store.create = async (...args) => {
    if (isAway) throw new StoreUnavailable('create: no answer in time')
    return create(...args)
  }
  const op = await provider({
    clock,
    store,
    env: { RATE_LIMITING_ENABLED: 'true', RATE_LIMIT_PER_MINUTE: '5' },
  })
  const client = await operatorClient(op, {
    client_id: 'api',
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'client_secret_jwt',
  })
  return { op, client, failCreates: (now: boolean) => void (isAway = now) }
}

interface Bent {
  secret?: string
  exp?: number
  aud?: string
  jti?: string
}

const signed = (op: Provider, { client_id, client_secret }: TestClient, bent: Bent = {}) =>
  new SignJWT({ jti: bent.jti ?? systemRandom(9) })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(client_id)
    .setSubject(client_id)
    .setAudience(bent.aud ?? op.issuer)
    .setExpirationTime(Math.floor(op.clock.now() / 1000) + (bent.exp ?? 60))
    .sign(new TextEncoder().encode(bent.secret ?? client_secret))

async function ask(op: Provider, client: TestClient, bent?: Bent, peer = '192.0.2.1'): Promise<number> {
  const client_assertion = await signed(op, client, bent)
  const fields = { token: 'x', client_assertion, client_assertion_type: jwtBearerAssertion }
  const bare = { client_id: client.client_id, redirect_uri: '' }
  return (await op.fetch('/introspect', formPost(bare, fields), peer)).status
}

const unproven: Record<string, Bent> = {
  'that was sent before': { jti: 'the same' },
  'for another provider': { aud: 'https://other.example' },
  'that has expired': { exp: -100 },
}

describe('a client that signs with its secret', () => {
  test.each(Object.entries(unproven))('goes on after assertions %s', async (_, bent) => {
    const { op, client } = await stage()
    if (bent.jti) expect(await ask(op, client, bent)).toBe(200)
    const statuses: number[] = []
    for (let i = 0; i < 7; i++) statuses.push(await ask(op, client, { ...bent, exp: (bent.exp ?? 60) - i }))
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]) // its address: nothing was proven
    expect(await ask(op, client)).toBe(200)
  })

  test('goes on after verbs of the store that failed', async () => {
    const { op, client, failCreates } = await stage()
    failCreates(true)
    for (let i = 0; i < 5; i++) expect(await ask(op, client)).toBe(503)
    failCreates(false)
    expect(await ask(op, client)).toBe(200)
  })
})

describe('a stranger who guesses', () => {
  const guess = (i: number) => `a guess of the secret of this client, number ${i}`

  test('is stopped at the limit, and the right secret is then refused from that address', async () => {
    const { op, client } = await stage()
    for (let i = 0; i < 5; i++) expect(await ask(op, client, { secret: guess(i) })).toBe(401)
    expect(await ask(op, client, { secret: guess(6) })).toBe(429)
    expect(await ask(op, client)).toBe(429)
    expect(await ask(op, client, {}, '192.0.2.2')).toBe(200)
  })

  test('learns nothing from assertions that would be refused in any case', async () => {
    const { op, client } = await stage()
    for (let i = 0; i < 5; i++) await ask(op, client, { secret: guess(i), exp: -100 })
    for (const bent of Object.values(unproven)) {
      expect(await ask(op, client, { ...bent, secret: guess(7) })).toBe(429)
      expect(await ask(op, client, bent)).toBe(429)
    }
  })
})
