/** The parts of examples/services that must hold when the provider is slow, failing or asks for patience: tries, tokens that are kept, assertions, traces. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { exportJWK, generateKeyPair } from 'jose'
import { Unavailable } from '../../examples/api/ask.ts'
import type { Actor } from '../../examples/api/caller.ts'
import { createProvingFetch } from '../../examples/api/proving_fetch.ts'
import { chainOf, isForItself, requireActor } from '../../examples/services/actors.ts'
import { again } from '../../examples/services/again.ts'
import { Answer } from '../../examples/services/answer.ts'
import { createCalls } from '../../examples/services/calls.ts'
import { timeLeft, within } from '../../examples/services/deadline.ts'
import { cacheKey, createTokenCache } from '../../examples/services/token_cache.ts'
import { createTokenClient, type Token, TokenRefused } from '../../examples/services/token_client.ts'
import { inTrace, newTrace, readTraceParent, traceHeaders } from '../../examples/services/trace.ts'
import { claimsOf } from '../support/client.ts'
import { type StandInIssuer, standInIssuer } from '../support/stand_in_issuer.ts'

describe('again', () => {
  /** Answers in order, and how long it waited before each but the first. */
  async function tried(answers: (Response | Error)[], bounds?: { tries: number; ms: number }) {
    const waits: number[] = []
    let sent = 0
    const send = async () => {
      const answer = answers[sent++]!
      if (answer instanceof Error) throw answer
      return answer
    }
    const wait = async (ms: number) => void waits.push(ms)
    const last = await again(send, bounds, wait).then(
      ({ status }) => status,
      (error: Error) => error.message,
    )
    return { last, sent, waits }
  }
  const busy = (after?: string, status = 503) =>
    new Response(null, { status, ...(after !== undefined && { headers: { 'retry-after': after } }) })
  const good = new Response(null, { status: 200 })

  test('waits as long as it is asked to', async () => {
    expect(await tried([busy('1'), busy('2', 429), good])).toEqual({
      last: 200,
      sent: 3,
      waits: [1_000, 2_000],
    })
    const date = new Date(Date.now() + 2_500).toUTCString()
    const { last, waits } = await tried([busy(date), good])
    expect([last, waits[0]! > 0, waits[0]! <= 2_500]).toEqual([200, true, true])
  })

  test('does not wait for ever, nor without end: a huge or odd Retry-After and many failures are answers', async () => {
    expect(await tried([busy('86400'), good])).toEqual({ last: 503, sent: 1, waits: [] })
    expect((await tried([busy('9'.repeat(30)), good])).sent).toBe(2)
    expect((await tried([busy('soon'), busy('-5'), busy('0'), good])).sent).toBe(3)
    expect(await tried([new Error('reset'), new Error('reset'), new Error('reset'), good])).toMatchObject({
      last: 'reset',
      sent: 3,
    })
    expect((await tried([new Error('reset'), good])).last).toBe(200)
  })

  test('does not repeat what was answered', async () => {
    for (const status of [200, 400, 401, 403, 409, 500, 502])
      expect((await tried([new Response(null, { status }), good])).sent).toBe(1)
  })
})

describe('tokens that are kept', () => {
  const times = { unused: 5_000, early: 60_000, pause: 5_000 }

  test('one request for many at one time; another token early, beside the requests, with a pause after a failure', async () => {
    let [now, asked, fails] = [0, 0, false]
    const cache = createTokenCache(times, () => now)
    const get = async (): Promise<Token> => {
      asked++
      if (fails) throw new Error('busy')
      return { token: `token-${asked}`, until: now + 300_000 }
    }
    const many = await Promise.all(Array.from({ length: 50 }, () => cache.tokenFor('a', get)))
    expect([new Set(many), asked]).toEqual([new Set(['token-1']), 1])
    now = 239_999
    expect([await cache.tokenFor('a', get), asked]).toEqual(['token-1', 1])
    now = 240_000
    fails = true
    for (let at = 0; at < 10; at++) expect(await cache.tokenFor('a', get)).toBe('token-1')
    expect(asked).toBe(2)
    now += times.pause
    fails = false
    expect(await cache.tokenFor('a', get)).toBe('token-1')
    expect([await cache.tokenFor('a', get), asked]).toEqual(['token-3', 3])
  })

  test('a token that is about to end is not sent, and a failure is not kept', async () => {
    let now = 0
    const cache = createTokenCache(times, () => now)
    await cache.tokenFor('a', async () => ({ token: 'old', until: 100_000 }))
    now = 95_000
    const failed = cache.tokenFor('a', () => Promise.reject(new Error('down')))
    expect(await failed.catch((error: Error) => error.message)).toBe('down')
    expect(await cache.tokenFor('a', async () => ({ token: 'new', until: 200_000 }))).toBe('new')
    cache.forget('a')
    expect(await cache.tokenFor('a', async () => ({ token: 'newer', until: 200_000 }))).toBe('newer')
  })

  test('the parts of a key cannot be shifted: one End-User does not get the token of another', () => {
    expect(cacheKey('a', 'b c')).not.toBe(cacheKey('a b', 'c'))
    expect(cacheKey('a","b')).not.toBe(cacheKey('a', 'b'))
  })
})

describe('the token endpoint', async () => {
  let op: StandInIssuer
  beforeAll(async () => {
    op = await standInIssuer()
  })
  afterAll(() => op.stop())
  const pair = await generateKeyPair('ES256', { extractable: true })
  const key = { ...(await exportJWK(pair.privateKey)), kid: 'one' }
  const client = async () =>
    createTokenClient({ issuer: op.issuer, clientId: 'gateway', key, send: await createProvingFetch() })
  const ok = { access_token: 't', token_type: 'DPoP', expires_in: 60 }

  /** The answers of the token endpoint in order, and the requests that came. */
  function script(...answers: (() => Response)[]) {
    const heard: { assertion: string; headers: Headers }[] = []
    op.answer('/token', async (request) => {
      const form = new URLSearchParams(await request.text())
      heard.push({ assertion: String(form.get('client_assertion')), headers: request.headers })
      return (answers[heard.length - 1] ?? answers.at(-1)!)()
    })
    return heard
  }

  test('gets a new assertion for each try: after 503, and after a refusal that has a nonce', async () => {
    const heard = script(
      () => new Response(null, { status: 503, headers: { 'retry-after': '0' } }),
      () => Response.json({ error: 'use_dpop_nonce' }, { status: 400, headers: { 'dpop-nonce': 'n1' } }),
      () => Response.json(ok),
    )
    const trace = newTrace()
    const get = await client()
    const { token, until } = await inTrace(trace, () => get({ grant_type: 'client_credentials' }))
    expect([token, until > Date.now()]).toEqual(['t', true])
    const claims = heard.map(({ assertion }) => claimsOf(assertion))
    expect(new Set(claims.map(({ jti }) => jti)).size).toBe(3)
    for (const each of claims) expect(each).toMatchObject({ iss: 'gateway', sub: 'gateway', aud: op.issuer })
    for (const { headers } of heard) expect(headers.get('traceparent')).toStartWith(`00-${trace.traceId}-`)
    expect(claimsOf(heard[2]!.headers.get('dpop'))).toMatchObject({ nonce: 'n1' })
  })

  test('that refuses, fails, lies or gives a token without a binding gives none', async () => {
    const outcome = async (answer: () => Response) => {
      script(answer)
      const get = await client()
      return get({ grant_type: 'client_credentials' }).then(
        () => 'a token',
        (error: unknown) => (error instanceof TokenRefused ? error.code : (error as Error).name),
      )
    }
    expect(await outcome(() => Response.json({ error: 'invalid_client' }, { status: 401 }))).toBe(
      'invalid_client',
    )
    expect(await outcome(() => Response.json({ ...ok, token_type: 'Bearer' }))).toContain('not bound')
    for (const answer of [
      () => new Response('<html>', { status: 200 }),
      () => new Response(null, { status: 500 }),
      () => Response.json({ ...ok, expires_in: 'long' }),
      () => Response.redirect(`${op.issuer}/elsewhere`),
      () => new Response('x'.repeat(400_000)),
    ])
      expect(await outcome(answer)).toBe('Unavailable')
    expect(new Unavailable('x')).toBeInstanceOf(Error)
  })
})

describe('calls of the next service', async () => {
  let op: StandInIssuer
  beforeAll(async () => {
    op = await standInIssuer()
    op.answer('/token', () =>
      Response.json({ access_token: `t${op.count('/token')}`, token_type: 'DPoP', expires_in: 300 }),
    )
  })
  afterAll(() => op.stop())
  const pair = await generateKeyPair('ES256', { extractable: true })
  const calls = async () => createCalls(op.issuer, 'gateway', await exportJWK(pair.privateKey))
  const incoming = (token = 'subject') =>
    new Request('https://gateway.example', { headers: { authorization: `Bearer ${token}` } })
  const send = () => ({ resource: op.issuer, scope: 'a', method: 'PUT' as const, path: '/next', body: {} })
  const outcome = (got: Promise<Response>) =>
    got.then(
      ({ status }) => `${status}`,
      (error: Error) => error.name,
    )

  test('a token that the service refuses is got anew, once', async () => {
    const call = await calls()
    const tokens: (string | null)[] = []
    op.answer('/next', (request) => {
      tokens.push(request.headers.get('authorization'))
      return new Response(null, { status: tokens.length === 2 ? 401 : 200 })
    })
    expect(await outcome(call.onBehalfOf(incoming(), send()))).toBe('200')
    expect(await outcome(call.onBehalfOf(incoming(), send()))).toBe('200')
    expect([tokens[0] === tokens[1], tokens[1] === tokens[2], tokens.length]).toEqual([true, false, 3])
    op.answer('/next', () => new Response(null, { status: 401 }))
    const before = op.count('/next')
    expect([await outcome(call.onBehalfOf(incoming(), send())), op.count('/next') - before]).toEqual([
      '401',
      2,
    ])
  })

  test('another End-User, scope or service is another token', async () => {
    const call = await calls()
    const used = new Set<string | null>()
    op.answer('/next', (request) => {
      used.add(request.headers.get('authorization'))
      return new Response(null, { status: 200 })
    })
    await call.onBehalfOf(incoming('alice'), send())
    await call.onBehalfOf(incoming('bob'), send())
    await call.onBehalfOf(incoming('alice'), { ...send(), scope: 'b' })
    await call.forItself(send())
    await call.onBehalfOf(incoming('alice'), send())
    expect(used.size).toBe(4)
  })

  test('a service or a provider that does not answer holds a request no longer than its limit', async () => {
    const never = () => new Promise<Response>(() => {})
    const call = await calls()
    op.answer('/next', never)
    const without = outcome(call.forItself(send())).then(() => 'the one without a limit')
    const limited = within(200, () => outcome(call.forItself(send())))
    expect(await Promise.race([limited, without])).toBe('Unavailable')
    op.answer('/token', never)
    expect(await within(200, () => outcome(call.onBehalfOf(incoming('new'), send())))).toBe('Unavailable')
    op.answer('/token', () => Response.json({ error: 'invalid_request' }, { status: 400 }))
    expect(await outcome(call.onBehalfOf(incoming('ended'), send()))).toBe('Refused')
    op.answer('/token', () => Response.json({ error: 'invalid_scope' }, { status: 400 }))
    expect(await outcome(call.onBehalfOf(incoming('narrow'), send()))).toBe('TokenRefused')
    expect(within(1_000, () => within(60_000, timeLeft))).toBeLessThanOrEqual(1_000)
  })
})

test('the service that acts is the one that exchanged the token, whatever acted before it', () => {
  const base = {
    sub: 'alice',
    scope: [],
    exp: 1,
    auth_time: undefined,
    acr: undefined,
    cnf: undefined,
    sid: undefined,
  }
  const may = (client_id: string, act: Actor | undefined) => {
    try {
      requireActor({ ...base, client_id, act }, 'orders')
      return true
    } catch (error) {
      if (error instanceof Answer && error.status === 403) return false
      throw error
    }
  }
  expect(may('orders', { sub: 'orders', act: { sub: 'gateway' } })).toBe(true)
  for (const [client_id, act] of [
    ['orders', undefined],
    ['orders', { sub: 'gateway' }],
    ['gateway', { sub: 'gateway', act: { sub: 'orders' } }],
    ['rogue', { sub: 'orders' }],
    ['shop', undefined],
  ] as const)
    expect([client_id, may(client_id, act)]).toEqual([client_id, false])
  expect(isForItself({ ...base, sub: 'nightly', client_id: 'nightly', act: undefined })).toBe(true)
  expect(isForItself({ ...base, client_id: 'nightly', act: undefined })).toBe(false)
  let deep: Actor = { sub: 'first' }
  for (let at = 0; at < 1_000; at++) deep = { sub: `${at}`, act: deep }
  expect(chainOf({ ...base, client_id: 'a', act: deep })).toHaveLength(10)
})

test('traceparent: exactly one of version 00 is read, anything else begins a trace', () => {
  const good = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  expect(readTraceParent(good)).toEqual({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
  })
  for (const bad of [
    null,
    '',
    good.toUpperCase(),
    good.replace('00-', '01-'),
    good.replace('00-', 'ff-'),
    `${good}-more`,
    `${good}\n`,
    `${good},${good}`,
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`,
  ])
    expect(readTraceParent(bad)).toBeUndefined()
  expect(traceHeaders()).toEqual({})
})
