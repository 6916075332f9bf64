/** examples/services at work and under attack: tokens of other hops, widened exchanges, borrowed actors, strangers in a trace, stolen tokens. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JWK } from 'jose'
import { createProvingFetch, type ProvingFetch } from '../../examples/api/proving_fetch.ts'
import { keysOf } from '../../examples/services/settings.ts'
import { createTokenClient, exchangeOf, type TokenRefused } from '../../examples/services/token_client.ts'
import { authorizationUrl, claimsOf, formPost, type Json, type TestClient } from '../support/client.ts'
import { freePort } from '../support/free_port.ts'
import { alice, bob, person } from '../support/person.ts'
import { until } from '../support/until.ts'
import { startByCommand } from './example_readme.ts'

setDefaultTimeout(120_000)

const port = `${freePort()}`
const issuer = `http://localhost:${port}`
const env = {
  PROVIDER_PORT: port,
  GATEWAY_PORT: `${freePort()}`,
  ORDERS_PORT: `${freePort()}`,
  STOCK_PORT: `${freePort()}`,
}
const at = {
  gateway: `http://localhost:${env.GATEWAY_PORT}`,
  orders: `http://localhost:${env.ORDERS_PORT}`,
  stock: `http://localhost:${env.STOCK_PORT}`,
}
const shop: TestClient = { client_id: 'shop', redirect_uri: 'http://127.0.0.1/callback' }

let running: Awaited<ReturnType<typeof startByCommand>>
beforeAll(async () => {
  running = await startByCommand(['bun', 'examples/services/start.ts'], env)
})
afterAll(() => running.stop())

type Line = Json & {
  service?: string
  event: string
  client_id?: string
  trace_id?: string
  actors?: string[]
}
const lines = (): Line[] =>
  running
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)
const exchanges = (by: string) =>
  lines().filter(({ event, client_id }) => event === 'tokens_issued' && client_id === by)

/** A token of an End-User for the gateway: bound to the key of `send`, if there is one. */
async function userToken({
  who = alice,
  send = fetch as ProvingFetch,
  scope = 'openid place:orders reserve:stock',
} = {}) {
  const { url, code_verifier } = authorizationUrl(issuer, shop, { scope, resource: at.gateway })
  const code = (await person(issuer, fetch).goThrough(url, who)).searchParams.get('code')!
  const fields = { grant_type: 'authorization_code', code, code_verifier, redirect_uri: shop.redirect_uri }
  const answer = await send(`${issuer}/token`, formPost(shop, fields))
  return (await answer.json()) as { access_token: string; refresh_token: string }
}

const order = (
  token: string,
  headers: Record<string, string> = {},
  wish: object = { item: 'lamp', amount: 1 },
) =>
  fetch(`${at.gateway}/orders`, {
    method: 'POST',
    body: JSON.stringify(wish),
    headers: { authorization: `Bearer ${token}`, ...headers },
  })

/** The token endpoint as the service with this key. */
async function as(name: 'gateway' | 'orders' | 'nightly') {
  const send = await createProvingFetch()
  const key = JSON.parse(readFileSync(join(keysOf(port), `${name}.json`), 'utf8')) as JWK
  return { send, get: createTokenClient({ issuer, clientId: name, key, send }) }
}
const refusalOf = (got: Promise<unknown>) =>
  got.then(
    () => 'a token',
    (error: TokenRefused) => error.code,
  )

test('an order goes through all services in one trace, which the log of the provider has too', async () => {
  const { access_token } = await userToken()
  // Two spaces: what the check of the token reads is what is exchanged.
  expect((await order(access_token, { authorization: `bearer  ${access_token}` })).status).toBe(201)
  const answered = () =>
    lines().findLast(({ service, event }) => service === 'gateway' && event === 'answered')
  await until(() => answered() !== undefined, 'the line of the gateway')
  const { trace_id } = answered()!
  const inTrace = () => lines().filter((line) => line.trace_id === trace_id)
  await until(() => inTrace().length === 5, 'five lines of this trace')
  expect(
    inTrace().map(({ service, event, client_id }) => `${service ?? 'provider'} ${event} ${client_id}`),
  ).toEqual(
    expect.arrayContaining([
      'provider tokens_issued gateway',
      'provider tokens_issued orders',
      'stock answered orders',
      'orders answered gateway',
      'gateway answered shop',
    ]),
  )
  expect(inTrace().find(({ service }) => service === 'stock')?.actors).toEqual(['orders', 'gateway'])
})

test('each token is narrower than the one before: audience, scope, and who acts', async () => {
  const first = await userToken()
  const [gateway, orders] = [await as('gateway'), await as('orders')]
  const second = await gateway.get(exchangeOf(first.access_token, at.orders, 'place:orders reserve:stock'))
  expect(claimsOf(second.token)).toMatchObject({
    sub: 'user-alice',
    aud: at.orders,
    scope: 'place:orders reserve:stock',
    act: { sub: 'gateway' },
    cnf: { jkt: expect.any(String) },
  })
  const third = await orders.get(exchangeOf(second.token, at.stock, 'reserve:stock'))
  expect(claimsOf(third.token)).toMatchObject({
    sub: 'user-alice',
    aud: at.stock,
    scope: 'reserve:stock',
    act: { sub: 'orders', act: { sub: 'gateway' } },
  })
  expect(Number(claimsOf(third.token).exp)).toBeLessThanOrEqual(Number(claimsOf(first.access_token).exp))
})

test('requests at one time with one token exchange it once at each service', async () => {
  const { access_token } = await userToken()
  const before = [exchanges('gateway').length, exchanges('orders').length]
  const answers = await Promise.all(Array.from({ length: 12 }, () => order(access_token)))
  expect(answers.map(({ status }) => status)).toEqual(Array<number>(12).fill(201))
  const stocked = () =>
    lines().filter(({ service, event }) => service === 'stock' && event === 'answered').length
  await until(() => stocked() >= 12, 'twelve reservations')
  expect([exchanges('gateway').length, exchanges('orders').length]).toEqual(before.map((each) => each + 1))
})

test('a token is good at its own service alone', async () => {
  const { access_token: first } = await userToken()
  const gateway = await as('gateway')
  const second = await gateway.get(exchangeOf(first, at.orders, 'place:orders reserve:stock'))
  const body = JSON.stringify({ item: 'lamp', amount: 1 })
  for (const [to, token] of [
    [`${at.orders}/orders/one`, first],
    [`${at.stock}/reservations/one`, first],
    [`${at.stock}/reservations/one`, second.token],
  ] as const) {
    const bearer = await fetch(to, { method: 'PUT', body, headers: { authorization: `Bearer ${token}` } })
    const proven = await gateway.send(to, { method: 'PUT', body, token })
    expect([to, bearer.status, proven.status]).toEqual([to, 401, 401])
  }
})

test('a token that was stolen from a service is refused without its key', async () => {
  const { access_token } = await userToken()
  const gateway = await as('gateway')
  const { token } = await gateway.get(exchangeOf(access_token, at.orders, 'place:orders reserve:stock'))
  const request = { method: 'PUT', body: JSON.stringify({ item: 'lamp', amount: 1 }) }
  const to = `${at.orders}/orders/stolen`
  const thief = await createProvingFetch()
  expect((await fetch(to, { ...request, headers: { authorization: `Bearer ${token}` } })).status).toBe(401)
  expect((await fetch(to, { ...request, headers: { authorization: `DPoP ${token}` } })).status).toBe(401)
  expect((await thief(to, { ...request, token })).status).toBe(401)
  expect((await gateway.send(to, { ...request, token })).status).toBe(201)
})

test('no exchange widens: not the scope, not the audience, not the tokens of others', async () => {
  const { access_token } = await userToken()
  const narrow = await userToken({ scope: 'openid place:orders' })
  const [gateway, orders, nightly] = [await as('gateway'), await as('orders'), await as('nightly')]
  const exchange = (
    by: typeof gateway,
    token: string,
    resource: string,
    scope: string,
    more: Record<string, string> = {},
  ) => refusalOf(by.get({ ...exchangeOf(token, resource, scope), ...more }))
  expect(await exchange(gateway, access_token, at.orders, 'read:stock')).toBe('invalid_scope')
  expect(await exchange(gateway, narrow.access_token, at.orders, 'place:orders reserve:stock')).toBe(
    'invalid_scope',
  )
  expect(await exchange(gateway, access_token, at.stock, 'reserve:stock')).toBe('invalid_target')
  // A confused deputy: a token that was given to another service is not for this one to exchange.
  expect(await exchange(orders, access_token, at.stock, 'reserve:stock')).toBe('invalid_request')
  expect(await exchange(nightly, access_token, at.stock, 'reserve:stock')).toBe('unauthorized_client')
  // A borrowed actor: the token of another service does not say that the service acts.
  const second = await gateway.get(exchangeOf(access_token, at.orders, 'place:orders reserve:stock'))
  const borrowed = {
    actor_token: second.token,
    actor_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  }
  expect(await exchange(orders, second.token, at.stock, 'reserve:stock', borrowed)).toBe('invalid_request')
  expect(await refusalOf(nightly.get({ grant_type: 'client_credentials', resource: at.orders }))).toBe(
    'invalid_target',
  )
  const own = { grant_type: 'client_credentials', resource: at.stock, scope: 'reserve:stock' }
  expect(await refusalOf(nightly.get(own))).toBe('invalid_scope')
  // The application of the End-User gets no token for the services behind the gateway.
  const { url } = authorizationUrl(issuer, shop, { scope: 'openid place:orders', resource: at.stock })
  expect((await person(issuer, fetch).goThrough(url)).searchParams.get('error')).toBe('invalid_target')
})

test('the job does what it is for and nothing of an End-User, and an End-User nothing of the job', async () => {
  const nightly = await as('nightly')
  const { token } = await nightly.get({
    grant_type: 'client_credentials',
    resource: at.stock,
    scope: 'read:stock',
  })
  expect((await nightly.send(`${at.stock}/levels`, { token })).status).toBe(200)
  const reservation = { method: 'PUT', body: JSON.stringify({ item: 'lamp', amount: 1 }), token }
  expect((await nightly.send(`${at.stock}/reservations/one`, reservation)).status).toBe(403)
  const [gateway, orders] = [await as('gateway'), await as('orders')]
  const { access_token } = await userToken()
  const second = await gateway.get(exchangeOf(access_token, at.orders, 'place:orders reserve:stock'))
  const third = await orders.get(exchangeOf(second.token, at.stock, 'reserve:stock'))
  expect((await orders.send(`${at.stock}/levels`, { token: third.token })).status).toBe(403)
})

test('the order of one End-User is not overwritten by another who knows its id', async () => {
  const gateway = await as('gateway')
  const put = async (who: typeof alice) => {
    const { access_token } = await userToken({ who })
    const { token } = await gateway.get(exchangeOf(access_token, at.orders, 'place:orders reserve:stock'))
    const body = JSON.stringify({ item: 'lamp', amount: 1 })
    return (await gateway.send(`${at.orders}/orders/shared-id`, { method: 'PUT', body, token })).status
  }
  expect([await put(alice), await put(bob), await put(alice)]).toEqual([201, 409, 201])
})

test('a stranger does not write into a trace, nor into the log', async () => {
  const { access_token } = await userToken()
  const theirs = '0af7651916cd43dd8448eb211c80319c'
  const traceparent = `00-${theirs}-b7ad6b7169203331-01`
  expect(
    (await order(access_token, { traceparent, tracestate: 'a=canary', baggage: 'canary=1' })).status,
  ).toBe(201)
  await until(() => lines().some(({ linked_trace_id }) => linked_trace_id === theirs), 'the link')
  for (const bad of [
    `${traceparent}, ${traceparent}`,
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `${traceparent}"canary`,
  ])
    expect((await order(access_token, { traceparent: bad })).status).toBe(201)
  const refused = await fetch(`${at.stock}/levels`, {
    headers: { traceparent, authorization: 'Bearer made-up' },
  })
  expect(refused.status).toBe(401)
  expect(lines().filter(({ trace_id }) => trace_id === theirs)).toEqual([])
  expect(running.output()).not.toContain('canary')
})

test('what is refused at the gateway is not exchanged', async () => {
  const before = exchanges('gateway').length
  const narrow = await userToken({ scope: 'openid place:orders' })
  const gone = await userToken()
  await fetch(`${issuer}/revoke`, formPost(shop, { token: gone.refresh_token }))
  const scope = await order(narrow.access_token)
  expect([scope.status, scope.headers.get('www-authenticate')]).toEqual([
    403,
    expect.stringContaining('insufficient_scope'),
  ])
  // Revoked: the gateway verifies by itself and does not know, but the provider gives no token for it.
  expect((await order(gone.access_token)).status).toBe(401)
  const { access_token } = await userToken()
  for (const wish of [
    {},
    { item: 'lamp', amount: -5 },
    { item: 'lamp', amount: 0.5 },
    { item: 'lamp', amount: 1e9 },
  ])
    expect((await order(access_token, {}, wish)).status).toBe(400)
  expect(
    (await order(access_token, { 'content-length': '40000' }, { item: 'x'.repeat(40_000), amount: 1 }))
      .status,
  ).toBe(413)
  expect(exchanges('gateway').length).toBe(before)
})

test('the stock says no to the End-User, not to the services', async () => {
  const { access_token } = await userToken()
  expect((await order(access_token, {}, { item: 'chair', amount: 4 })).status).toBe(409)
  expect((await order(access_token, {}, { item: 'chair', amount: 3 })).status).toBe(201)
  expect((await order(access_token, {}, { item: 'chair', amount: 1 })).status).toBe(409)
})

test('no token is in what the programs print', () => {
  expect(running.output()).not.toMatch(/eyJ|lk[acr]_|Bearer|private_key|client_assertion=/)
})
