/** What requests to the administration leave behind, and what callers without a right can make of them. docs/administration.md */
import { expect, test } from 'bun:test'
import { sha256 } from '../../src/lib/hash.ts'
import { Administrators } from '../../src/models/administrators.ts'
import { Client } from '../../src/models/client.ts'
import { InitialAccessToken } from '../../src/models/initial_access_token.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import {
  account,
  admin,
  administrator,
  consoleClient,
  serviceClient,
  serviceToken,
  tokenOf,
} from '../support/administration.ts'
import { operatorClient } from '../support/flow.ts'
import { provider, turnableClock } from '../support/provider.ts'

const clock = turnableClock()
const store = memoryStore(clock)
const written: string[] = []
const [create, put, get] = [store.create.bind(store), store.put.bind(store), store.get.bind(store)]
store.create = (key, value, ...rest) => {
  written.push(value)
  return create(key, value, ...rest)
}
store.put = (key, value, ...rest) => {
  written.push(value)
  return put(key, value, ...rest)
}
/** Resolves when the write of an initial access token may go on; rejects as a process that stops does. */
let held: (() => Promise<void>) | undefined
store.create = (
  (write) =>
  async (key, value, ...rest) => {
    if (key.startsWith('initial_access_token:')) await held?.()
    return write(key, value, ...rest)
  }
)(store.create)
let afterReads: { left: number; run(): Promise<unknown> } | undefined
store.get = async (key) => {
  const value = await get(key)
  if (key.startsWith('administrators') && afterReads && --afterReads.left === 0) {
    const { run } = afterReads
    afterReads = undefined
    await run()
  }
  return value
}
const op = await provider({ clock, store })
const client = await consoleClient(op)
const asService = await serviceToken(op, await serviceClient(op))
const owner = await administrator(op, 'owner')
const asSupport = await tokenOf(op, client, await administrator(op, 'support'))

test('a password in a request with an Idempotency-Key is not kept as a hash that is fast to guess', async () => {
  const body = { username: 'guessed', password: 'the password of guessed 1' }
  const send = (more = {}) =>
    admin(op, asService, 'POST', '/people', {
      body: { ...body, ...more },
      headers: { 'idempotency-key': 'guessed' },
    })
  written.length = 0
  expect((await send()).status).toBe(201)
  const requests = written.filter((each) => each.includes('"done"'))
  expect(requests).toHaveLength(1)
  expect(written.filter((each) => each.includes(sha256(JSON.stringify(body))))).toEqual([])
  expect((await send()).headers.get('idempotency-replayed')).toBe('true')
  expect((await send({ password: 'the password of guessed 2' })).status).toBe(422)
})

test('each request of a bulk call counts, so that a hundred at once are no way around the limit', async () => {
  const limited = await provider({ env: { RATE_LIMITING_ENABLED: 'true', TOKEN_RATE_LIMIT_PER_MINUTE: '5' } })
  const token = await serviceToken(limited, await serviceClient(limited))
  const requests = Array.from({ length: 8 }, () => ({ method: 'GET', path: '/administrators' }))
  const { status, body } = await admin(limited, token, 'POST', '/bulk', { body: { requests } })
  expect(status).toBe(200)
  expect((body.results as { status: number }[]).map((each) => each.status)).toEqual([
    ...Array.from({ length: 5 }, () => 200),
    ...Array.from({ length: 3 }, () => 429),
  ])
  expect((await admin(limited, token, 'GET', '/administrators')).status).toBe(429)
})

test('a person without a role makes no hundred requests of one', async () => {
  const plain = await operatorClient(op, { client_id: 'plain', scope: 'openid' })
  const person = await administrator(op, undefined, 'ordinary')
  const token = await tokenOf(op, plain, person, [])
  const requests = Array.from({ length: 100 }, () => ({ method: 'GET', path: '/people' }))
  const { status, body } = await admin(op, token, 'POST', '/bulk', { body: { requests } })
  expect([status, body.code, body.results]).toEqual([403, 'forbidden', undefined])
})

test('support sets no password of a person who becomes an owner meanwhile', async () => {
  const { sub } = await account(op, 'rising')
  const before = (await User.find(op.context, sub))!.password_hash
  // The first read is for the role of the caller, the second for that of the person.
  afterReads = { left: 2, run: () => Administrators.set(op.context, sub, 'owner') }
  const { status } = await admin(op, asSupport, 'PUT', `/people/${sub}/password`, {
    body: { password: 'what support would like it to be' },
  })
  expect(status).toBe(403)
  expect((await User.find(op.context, sub))!.password_hash).toBe(before!)
})

test('names of people and clients are text in every page, and no page can be framed', async () => {
  const name = '<img src=x onerror=alert(1)>"\'{{title}}'
  const person = await account(op, 'named', { claims: { name, nickname: name } })
  const made = await admin(op, asService, 'POST', '/clients', {
    body: { client_name: name, client_id: '"><script>', metadata: { grant_types: ['client_credentials'] } },
  })
  expect(made.status).toBe(201)
  expect((await admin(op, asService, 'POST', '/people', { body: { username: name } })).status).toBe(201)
  const cookie = [...owner.who.cookies].map(([key, value]) => `${key}=${value}`).join('; ')
  for (const path of [
    '/admin',
    '/admin/people',
    `/admin/people?q=${encodeURIComponent(name)}`,
    `/admin/people/${person.sub}`,
    `/admin/people/${person.sub}?done=${encodeURIComponent(name)}`,
    '/admin/people?done=__proto__',
    '/admin/clients',
    `/admin/clients/${encodeURIComponent('"><script>')}`,
    '/admin/audit',
  ]) {
    const page = await op.fetch(path, { headers: { cookie } })
    const html = await page.text()
    expect([path, page.status]).toEqual([path, 200])
    expect([path, html.includes('<img src=x'), html.includes('"><script>')]).toEqual([path, false, false])
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(page.headers.get('cache-control')).toContain('no-store')
    expect(page.headers.get('referrer-policy')).toBe('no-referrer')
  }
  expect(await Client.find(op.context, '"><script>')).toBeDefined()
})

test('a form of one page, of another person or of another site does nothing', async () => {
  const victim = await account(op, 'victim')
  const path = `/admin/people/${victim.sub}`
  const jar = (who: typeof owner.who) => [...who.cookies].map(([key, value]) => `${key}=${value}`).join('; ')
  const tokenIn = async (at: string, who: typeof owner.who) =>
    /name="csrf_token" value="([^"]+)"/.exec(
      await (await op.fetch(at, { headers: { cookie: jar(who) } })).text(),
    )?.[1] ?? ''
  const other = await administrator(op, 'owner', 'other')
  const tries = [
    { csrf: await tokenIn(`/admin/people/${owner.account.sub}`, owner.who), origin: op.issuer },
    { csrf: await tokenIn(path, other.who), origin: op.issuer },
    { csrf: await tokenIn(path, owner.who), origin: 'https://evil.example' },
    { csrf: '', origin: op.issuer },
  ]
  for (const { csrf, origin } of tries) {
    const answer = await op.fetch(path, {
      method: 'POST',
      body: new URLSearchParams({ csrf_token: csrf, disable: '1', confirmed: 'yes' }),
      headers: { cookie: jar(owner.who), origin: new URL(origin).origin },
    })
    expect([answer.status >= 400, (await User.find(op.context, victim.sub))!.disabled]).toEqual([true, false])
  }
  const good = await op.fetch(path, {
    method: 'POST',
    body: new URLSearchParams({
      csrf_token: await tokenIn(path, owner.who),
      disable: '1',
      confirmed: 'yes',
    }),
    headers: { cookie: jar(owner.who), origin: new URL(op.issuer).origin },
  })
  expect([good.status, (await User.find(op.context, victim.sub))!.disabled]).toEqual([303, true])
})

const service = await serviceClient(op, ['admin:clients.read', 'admin:clients.write'], 'tokens-service')
const makeToken = async (key: string) =>
  admin(op, await serviceToken(op, service), 'POST', '/initial_access_tokens', {
    body: { name: key },
    headers: { 'idempotency-key': key },
  })
const made = async (key: string) =>
  (await InitialAccessToken.list(op.context)).filter(({ name }) => name === key).length

test('a creation that takes long is made once, whatever is sent again meanwhile', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  held = () => (reached.resolve(), promise)
  const first = makeToken('slow')
  await reached.promise // another request would be the first one otherwise
  const early = await makeToken('slow')
  expect([early.status, early.headers.get('retry-after')]).toEqual([409, '2'])
  clock.advance(600_000)
  const late = await makeToken('slow')
  expect([late.status, late.headers.get('retry-after')]).toEqual([409, null])
  expect(late.body).toMatchObject({ next: expect.stringContaining('list') })
  resolve()
  held = undefined
  expect((await first).body.token).toBeString()
  const again = await makeToken('slow')
  expect([again.status, again.headers.get('idempotency-replayed'), again.body.token]).toEqual([
    201,
    'true',
    undefined,
  ])
  expect(await made('slow')).toBe(1)
})

test('a creation that stopped in between is not made by its key again, until a day is over', async () => {
  held = () => Promise.reject(new Error('the process stops here'))
  expect((await makeToken('stopped')).status).toBe(500)
  held = undefined
  const again = await makeToken('stopped')
  expect([again.status, again.headers.get('retry-after')]).toEqual([409, null])
  expect(again.body.detail).toContain('ended with an error of the server (5xx)')
  clock.advance(600_000)
  expect((await makeToken('stopped')).status).toBe(409)
  clock.advance(23 * 3_600_000)
  expect((await makeToken('stopped')).status).toBe(409)
  expect(await made('stopped')).toBe(0)
  clock.advance(3_600_000)
  expect((await makeToken('stopped')).status).toBe(201)
})

test('the answer of a creation is kept for a day, without what it shows once', async () => {
  written.length = 0
  const { body } = await makeToken('kept')
  expect(written.filter((each) => each.includes(String(body.token)))).toEqual([])
  clock.advance(86_000_000)
  expect((await makeToken('kept')).headers.get('idempotency-replayed')).toBe('true')
  clock.advance(403_000)
  expect((await makeToken('kept')).headers.get('idempotency-replayed')).toBeNull()
  expect(await made('kept')).toBe(2)
})
