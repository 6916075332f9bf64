/** A short request makes the store keep little, whatever was pushed before, and what one address may make it keep is bounded. */
import { expect, test } from 'bun:test'
import { memoryStore } from '../../src/store/memory.ts'
import { authorizationUrl, browserClient, demo, formPost, type Json } from '../support/client.ts'
import { addClient, bank } from '../support/backchannel.ts'
import { operatorClient } from '../support/flow.ts'
import { sizedStore } from '../support/odd_stores.ts'
import { person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

function measured() {
  const clock = turnableClock()
  const { store, size } = sizedStore(memoryStore(clock))
  return { clock, store, total: () => size().characters }
}

async function push(op: Provider, more: Record<string, string>): Promise<{ status: number; url: string }> {
  const { params } = authorizationUrl(op.issuer, browserClient, { scope: 'openid', ...more })
  const answer = await op.fetch('/par', formPost(browserClient, params as Record<string, string>))
  const { request_uri } = (await answer.json()) as Json
  const query = new URLSearchParams({ client_id: browserClient.client_id, request_uri: String(request_uri) })
  return { status: answer.status, url: `${op.issuer}/authorize?${query}` }
}

test('pages that open one long pushed request keep it once, and one of them is answered', async () => {
  const { store, clock, total } = measured()
  const op = await provider({ store, clock })
  const { url } = await push(op, { login_hint: 'x'.repeat(60_000) })
  const before = total()
  for (let i = 0; i < 100; i++) expect((await op.fetch(url)).status).toBe(303)
  expect(total() - before).toBeLessThan(120_000)
  const [first, second] = [person(op.issuer, op.fetch), person(op.issuer, op.fetch)]
  const pages = [(await first.open(url)).page!, (await second.open(url)).page!]
  clock.advance(100_000) // the reference has expired, the pages have not
  const location = await first.goThrough(pages[0]!.url)
  expect(location.searchParams.get('code')).toBeTruthy()
  const late = await second.goThrough(pages[1]!.url)
  expect(late.searchParams.get('error')).toBe('invalid_request_uri')
})

for (const [name, variable, longest] of [
  ['state', 'MAX_STATE_CHARACTERS', 4096],
  ['nonce', 'MAX_NONCE_CHARACTERS', 1024],
] as const)
  test(`${name} of ${longest} characters is accepted and a longer one refused, with the variable for it`, async () => {
    const op = await provider()
    const open = (length: number, at = op) =>
      at.fetch(authorizationUrl(at.issuer, demo, { [name]: 'x'.repeat(length) }).url)
    expect(new URL((await open(longest)).headers.get('location')!, op.issuer).pathname).toBe('/login')
    const refused = new URL((await open(longest + 1)).headers.get('location')!)
    expect(refused.searchParams.get('error')).toBe('invalid_request')
    expect(refused.searchParams.get('error_description')).toContain(variable)
    const wider = await provider({ env: { [variable]: '20000' } })
    expect(new URL((await open(12_000, wider)).headers.get('location')!, op.issuer).pathname).toBe('/login')
  })

test('claims that are too long are refused when pushed, too', async () => {
  const op = await provider()
  const claims = (length: number) => JSON.stringify({ id_token: { [`x`]: { value: 'y'.repeat(length) } } })
  expect((await push(op, { claims: claims(8_000) })).status).toBe(201)
  expect((await push(op, { claims: claims(8_200) })).status).toBe(400)
})

test('what one address makes the store keep is bounded, and other addresses are served', async () => {
  const { store, clock, total } = measured()
  const op = await provider({
    store,
    clock,
    env: {
      RATE_LIMITING_ENABLED: 'true',
      RATE_LIMIT_PER_MINUTE: '100000',
      KEPT_BYTES_PER_ADDRESS: '1000000',
      MAX_STATE_CHARACTERS: '65536',
    },
  })
  const before = total()
  let refused: Response | undefined
  for (let i = 0; i < 200; i++) {
    const url = authorizationUrl(op.issuer, demo, { state: `${i}`.padEnd(12_000, 'x') }).url
    const answer = await op.fetch(url, {}, '203.0.113.1')
    if (answer.status === 429) refused = answer
  }
  expect(total() - before).toBeLessThan(1_300_000)
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
  for (let i = 0; i < 40; i++) await push(op, { login_hint: `${i}`.padEnd(60_000, 'x') })
  expect(total() - before).toBeLessThan(2_600_000)
  const other = await op.fetch(authorizationUrl(op.issuer, demo).url, {}, '203.0.113.2')
  expect(other.status).toBe(303)
  clock.advance(3_601_000)
  expect((await op.fetch(authorizationUrl(op.issuer, demo).url, {}, '203.0.113.1')).status).toBe(303)
})

const bound = 100_000
const limited = {
  RATE_LIMITING_ENABLED: 'true',
  RATE_LIMIT_PER_MINUTE: '100000',
  KEPT_BYTES_PER_ADDRESS: `${bound}`,
}
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

interface Kind {
  /** Sends the nth request from an address, as short as it can be or as long. */
  send(op: Provider, n: number, isLong: boolean, address: string): Promise<Response>
  /** Seconds after which the address may make the store keep more. */
  after: number
}

const kinds: Record<string, Kind> = {
  'device authorization requests': {
    send: (op, _, isLong, address) => {
      const scope = isLong ? 'openid profile email address phone' : 'openid'
      return op.fetch('/device_authorization', formPost(tv, { scope }), address)
    },
    after: 3_000,
  },
  'backchannel requests': {
    send: (op, n, isLong, address) => {
      const message = isLong ? { binding_message: `${n}`.padEnd(100, 'x') } : {}
      const fields = { scope: 'openid', login_hint: 'alice', ...message }
      return op.fetch('/bc-authorize', formPost(banks[Math.floor(n / 25)]!, fields), address)
    },
    after: 8_000,
  },
  registrations: {
    send: (op, n, isLong, address) => {
      const redirect_uris = Array.from({ length: isLong ? 20 : 1 }, (_, i) =>
        `https://app.example/${n}-${i}`.padEnd(isLong ? 200 : 0, 'x'),
      )
      const body = JSON.stringify({ redirect_uris })
      const headers = { 'content-type': 'application/json' }
      return op.fetch('/register', { method: 'POST', body, headers }, address)
    },
    after: 3_601,
  },
}

/** Several: one client may ask one End-User for 30 approvals in five minutes. */
const banks = Array.from({ length: 40 }, (_, i) => ({ ...bank, client_id: `bank-${i}` }))
const tv = { client_id: 'tv', redirect_uri: '' }

for (const [name, { send, after }] of Object.entries(kinds))
  for (const isLong of [false, true])
    test(`${isLong ? 'long' : 'short'} ${name} of one address keep no more than the bound, and other addresses are served`, async () => {
      const { store, clock, total } = measured()
      const op = await provider({ store, clock, env: limited })
      await operatorClient(op, {
        client_id: tv.client_id,
        redirect_uris: [],
        grant_types: [deviceGrant],
        response_types: [],
        token_endpoint_auth_method: 'none',
      })
      for (const each of banks) await addClient(op, {}, each)
      const before = total()
      const statuses: number[] = []
      for (let n = 0; n < 900 && statuses.at(-1) !== 429; n++)
        statuses.push((await send(op, n, isLong, '203.0.113.1')).status)
      expect(statuses.at(-1)).toBe(429)
      expect(new Set(statuses).size).toBe(2)
      // Keys, counters and the indexes are not in the count.
      expect(total() - before).toBeLessThan(bound * 1.5)
      expect((await send(op, 999, isLong, '203.0.113.2')).status).toBe(statuses[0]!)
      clock.advance(after * 1_000)
      expect((await send(op, 998, isLong, '203.0.113.1')).status).toBe(statuses[0]!)
    })
