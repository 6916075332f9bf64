/** A short request makes the store keep little, whatever was pushed before, and what one address may make it keep is bounded. */
import { expect, test } from 'bun:test'
import { memoryStore } from '../../src/store/memory.ts'
import { authorizationUrl, browserClient, demo, formPost, type Json } from '../support/client.ts'
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
