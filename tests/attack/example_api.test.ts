/** Attacks on the guard of examples/api, which others copy: tokens of other kinds, bent proofs, and a provider that fails, lies or is slow. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, setSystemTime, test } from 'bun:test'
import { createHash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { type Exchange, exchangeOf, note } from '../../examples/exchanges/exchange.ts'
import { Unavailable } from '../../examples/api/ask.ts'
import { createGuard } from '../../examples/api/guard.ts'
import { byIntrospection } from '../../examples/api/introspection.ts'
import { byJwt } from '../../examples/api/jwt.ts'
import { keysOf } from '../../examples/api/keys.ts'
import { createNonces } from '../../examples/api/nonce.ts'
import { createUseOnce } from '../../examples/api/once.ts'
import { Refused } from '../../examples/api/refusal.ts'
import type { Json } from '../support/client.ts'
import { type StandInIssuer, standInIssuer } from '../support/stand_in_issuer.ts'

setDefaultTimeout(30_000)

const resource = 'https://notes.example'
const claims = { sub: 'alice', client_id: 'app', aud: resource, scope: 'read:notes' }
let op: StandInIssuer
beforeAll(async () => {
  op = await standInIssuer()
})
afterAll(() => op.stop())

const nonceKey = new Uint8Array(32)
const guardOf = (verify = byJwt(op.issuer, resource, keysOf(op.issuer))) =>
  createGuard({ issuer: op.issuer, resource, scopes: ['read:notes'], verify, nonceKey })

const asking = (token: string, headers: Record<string, string> = {}, method = 'GET') =>
  new Request(`${resource}/notes?page=2`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
  })

/** The code of the refusal, `unavailable`, or the subject of who is let in. */
async function outcome(guard: ReturnType<typeof guardOf>, request: Request): Promise<string> {
  try {
    return `let in: ${(await guard.callerOf(request, 'read:notes')).sub}`
  } catch (error) {
    if (error instanceof Unavailable) return 'unavailable'
    if (error instanceof Refused) return error.code ?? 'no token'
    throw error
  }
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('a JWT', () => {
  test('of another kind, issuer, audience or time, or without a claim, is refused', async () => {
    const guard = guardOf()
    expect(await outcome(guard, asking(await op.sign(claims)))).toBe('let in: alice')
    const now = Math.floor(Date.now() / 1000)
    const bent: Json[] = [
      { iss: `${op.issuer}/` },
      { aud: 'https://other.example' },
      { aud: `${resource}.evil.example` },
      { aud: undefined },
      { exp: now - 60 },
      { exp: undefined },
      { nbf: now + 600 },
      { sub: undefined },
      { client_id: undefined },
      { client_id: { a: 1 } },
      { jti: undefined },
    ]
    for (const each of bent)
      expect([each, await outcome(guard, asking(await op.sign({ ...claims, ...each })))]).toEqual([
        each,
        'invalid_token',
      ])
    for (const typ of ['JWT', 'logout+jwt', 'dpop+jwt', 'secevent+jwt'])
      expect(await outcome(guard, asking(await op.sign(claims, { typ })))).toBe('invalid_token')
    expect(await outcome(guard, asking(await op.sign(claims, { typ: 'application/at+jwt' })))).toBe(
      'let in: alice',
    )
    expect(await outcome(guard, asking(await op.sign({ ...claims, scope: 'read:notesX' })))).toBe(
      'insufficient_scope',
    )
  })

  test('without a signature, or with a MAC under the public key, is refused', async () => {
    const guard = guardOf()
    const [, payload] = (await op.sign(claims)).split('.')
    const none = `${encoded({ alg: 'none', typ: 'at+jwt' })}.${payload}.`
    expect(await outcome(guard, asking(none))).toBe('invalid_token')
    const { keys } = (await (await fetch(`${op.issuer}/jwks`)).json()) as { keys: { kid: string }[] }
    const mac = await new SignJWT({ ...claims, iss: op.issuer, jti: 'x' })
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: keys[0]!.kid })
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(new TextEncoder().encode(JSON.stringify(keys[0])))
    expect(await outcome(guard, asking(mac))).toBe('invalid_token')
  })

  test('is read from the header alone, once, and not when it is long', async () => {
    const guard = guardOf()
    const token = await op.sign(claims)
    const inAddress = new Request(`${resource}/notes?access_token=${token}`)
    expect(await outcome(guard, inAddress)).toBe('no token')
    expect(await outcome(guard, asking(`${token}, Bearer ${token}`))).toBe('no token')
    const asked = op.count('/jwks')
    expect(await outcome(guard, asking('a'.repeat(9_000)))).toBe('invalid_token')
    expect(op.count('/jwks')).toBe(asked)
  })

  test('that is bound by what this API cannot check is not taken for a bearer token', async () => {
    const guard = guardOf()
    for (const cnf of [{ 'x5t#S256': 'abc' }, { jkt: 'abc', 'x5t#S256': 'abc' }, { jwk: {} }])
      expect(await outcome(guard, asking(await op.sign({ ...claims, cnf })))).toBe('invalid_token')
  })
})

test('the metadata are where RFC 9728 has them, and the challenge says where, and what is needed', async () => {
  const of = (uri: string) =>
    createGuard({ issuer: op.issuer, resource: uri, scopes: [], verify: () => Promise.reject(new Error()) })
  expect(of(resource).metadataPath).toBe('/.well-known/oauth-protected-resource')
  expect(of('https://x.example/a/b').metadataPath).toBe('/.well-known/oauth-protected-resource/a/b')
  const guard = of('https://x.example/a')
  const error = await guard
    .callerOf(new Request('https://x.example/a'), 'one', 'two')
    .catch((thrown: unknown) => thrown)
  expect(guard.answerTo(error).headers.get('www-authenticate')).toStartWith(
    'Bearer scope="one two", resource_metadata="https://x.example/.well-known/oauth-protected-resource/a", DPoP ',
  )
})

describe('keys', () => {
  const times = { fresh: 60_000, pause: 1_000, stale: 600_000 }

  test('a new one needs no restart; made-up ones cause one request in each pause', async () => {
    let now = 0
    const guard = guardOf(
      byJwt(
        op.issuer,
        resource,
        keysOf(op.issuer, times, () => now),
      ),
    )
    expect(await outcome(guard, asking(await op.sign(claims)))).toBe('let in: alice')
    await op.rotate()
    now += times.pause
    const before = op.count('/jwks')
    const fresh = await op.sign(claims)
    const many = await Promise.all(Array.from({ length: 20 }, () => outcome(guard, asking(fresh))))
    expect(new Set(many)).toEqual(new Set(['let in: alice']))
    expect(op.count('/jwks')).toBe(before + 1)
    for (let at = 0; at < 20; at++)
      expect(await outcome(guard, asking(await op.sign(claims, { kid: `made-up-${at}` })))).toBe(
        'invalid_token',
      )
    expect(op.count('/jwks')).toBe(before + 1)
  })

  test('in an outage known ones go on, unknown ones are no fault of the token, and the end of it is noticed', async () => {
    let now = 0
    const guard = guardOf(
      byJwt(
        op.issuer,
        resource,
        keysOf(op.issuer, times, () => now),
      ),
    )
    const old = await op.sign(claims)
    expect(await outcome(guard, asking(old))).toBe('let in: alice')
    op.answer('/jwks', () => new Response(null, { status: 503 }))
    await op.rotate()
    const fresh = await op.sign(claims)
    now += times.fresh + 1
    expect(await outcome(guard, asking(old))).toBe('let in: alice')
    expect(await outcome(guard, asking(fresh))).toBe('unavailable')
    now += times.stale
    expect(await outcome(guard, asking(old))).toBe('unavailable')
    op.answer('/jwks')
    now += times.pause
    expect(await outcome(guard, asking(fresh))).toBe('unavailable') // it asks beside the request
    while ((await outcome(guard, asking(fresh))) === 'unavailable') await Bun.sleep(1)
    expect(await outcome(guard, asking(old))).toBe('let in: alice')
  })

  const lies: Record<string, () => void | Promise<void>> = {
    'metadata of another issuer': () =>
      op.answer('/.well-known/openid-configuration', () =>
        Response.json({ issuer: 'https://evil.example', jwks_uri: `${op.issuer}/jwks` }),
      ),
    'a redirect, even to the right keys': async () => {
      const keys = await (await fetch(`${op.issuer}/jwks`)).text()
      op.answer('/other', () => new Response(keys))
      op.answer('/jwks', () => Response.redirect(`${op.issuer}/other`))
    },
    'keys without end': () =>
      op.answer(
        '/jwks',
        () => new Response(new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(65_536)) })),
      ),
    'no JSON': () => op.answer('/jwks', () => new Response('<html>')),
    'no answer': () => op.answer('/jwks', () => new Promise<Response>(() => {})),
  }
  for (const [name, lie] of Object.entries(lies))
    test(`${name}: the token is neither let in nor refused`, async () => {
      await lie()
      const answer = await outcome(guardOf(), asking(await op.sign(claims)))
      op.answer('/jwks')
      op.answer('/.well-known/openid-configuration')
      expect(answer).toBe('unavailable')
    })

  test('the answer of an outage is 503 with Retry-After, and that of a fault says nothing', () => {
    const guard = guardOf()
    const outage = guard.answerTo(new Unavailable('https://inside.example:1234'))
    expect([outage.status, outage.headers.get('retry-after')]).toEqual([503, '5'])
    expect(guard.answerTo(new TypeError('secret')).status).toBe(500)
  })
})

describe('a proof', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwk = await exportJWK(publicKey)
  const jkt = await calculateJwkThumbprint(jwk)
  const nonce = createNonces(nonceKey).current

  async function prove(token: string, more: Json = {}, header: Json = {}): Promise<string> {
    const right = { htm: 'GET', htu: `${resource}/notes`, jti: randomUUID(), nonce: nonce() }
    const ath = createHash('sha256').update(token).digest('base64url')
    return new SignJWT({ iat: Math.floor(Date.now() / 1000), ...right, ath, ...more })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk, ...header })
      .sign(privateKey)
  }
  const bound = () => op.sign({ ...claims, cnf: { jkt } })
  const proven = (token: string, dpop: string, method = 'GET') =>
    asking(token, { authorization: `DPoP ${token}`, dpop }, method)

  test('is good once, also for requests that race', async () => {
    const guard = guardOf()
    const token = await bound()
    const proof = await prove(token)
    const race = await Promise.all(Array.from({ length: 16 }, () => outcome(guard, proven(token, proof))))
    expect(race.filter((each) => each === 'let in: alice')).toHaveLength(1)
    expect(race.filter((each) => each === 'invalid_dpop_proof')).toHaveLength(15)
    expect(await outcome(guard, proven(token, await prove(token)))).toBe('let in: alice')
  })

  test('for another request, token, key or time is refused', async () => {
    const guard = guardOf()
    const token = await bound()
    const now = Math.floor(Date.now() / 1000)
    const bent: Json[] = [
      { htm: 'POST' },
      { htm: 'get' },
      { htu: `${resource}/other` },
      { htu: 'https://evil.example/notes' },
      { htu: `https://user@notes.example/notes` },
      { ath: createHash('sha256').update('another').digest('base64url') },
      { ath: undefined },
      { iat: now - 600 },
      { iat: now + 600 },
      { jti: undefined },
      { jti: 'x'.repeat(300) },
      { jti: 7 },
    ]
    for (const each of bent)
      expect([each, await outcome(guard, proven(token, await prove(token, each)))]).toEqual([
        each,
        'invalid_dpop_proof',
      ])
    for (const header of [{ typ: 'JWT' }, { jwk: undefined }])
      expect(await outcome(guard, proven(token, await prove(token, {}, header)))).toBe('invalid_dpop_proof')
    expect(
      await outcome(guard, proven(await op.sign({ ...claims, cnf: { jkt: 'other' } }), await prove(token))),
    ).toBe('invalid_dpop_proof')
    const two = `${await prove(token)}, ${await prove(token)}`
    expect(await outcome(guard, proven(token, two))).toBe('invalid_dpop_proof')
  })

  test('made in advance has no nonce of this server, or an old one', async () => {
    const guard = guardOf()
    const token = await bound()
    const old = createNonces(nonceKey, () => Date.now() - 180_000).current()
    const foreign = createNonces().current()
    for (const each of [undefined, old, foreign, '', 7])
      expect(await outcome(guard, proven(token, await prove(token, { nonce: each })))).toBe('use_dpop_nonce')
    const answer = guard.answerTo(new Refused(401, 'use_dpop_nonce'))
    expect(answer.headers.get('dpop-nonce')).toBe(nonce())
    expect(answer.headers.get('www-authenticate')).toStartWith('DPoP error="use_dpop_nonce"')
    expect(answer.headers.get('www-authenticate')).not.toContain('Bearer')
  })

  test('the name of the host in a request does not change what a proof must be for', async () => {
    const guard = guardOf()
    const token = await bound()
    const headers = { authorization: `DPoP ${token}`, dpop: await prove(token), host: 'evil.example' }
    const other = new Request('https://evil.example/notes', { headers })
    expect(await outcome(guard, other)).toBe('let in: alice')
    const forOther = { ...headers, dpop: await prove(token, { htu: 'https://evil.example/notes' }) }
    expect(await outcome(guard, new Request('https://evil.example/notes', { headers: forOther }))).toBe(
      'invalid_dpop_proof',
    )
  })

  test('and its token belong to one scheme: neither is weakened to Bearer', async () => {
    const guard = guardOf()
    const [token, plain] = [await bound(), await op.sign(claims)]
    expect(await outcome(guard, asking(token))).toBe('invalid_token')
    expect(await outcome(guard, asking(token, { dpop: await prove(token) }))).toBe('invalid_token')
    expect(await outcome(guard, proven(plain, await prove(plain)))).toBe('invalid_token')
  })

  test('is remembered in a bounded memory, which forgets none that is still good', () => {
    let now = 0
    const useOnce = createUseOnce({ ms: 100, most: 3, mostOfOne: 2 }, () => now)
    expect([useOnce('a', '1'), useOnce('a', '2'), useOnce('a', '1')]).toEqual([true, true, false])
    expect(() => useOnce('a', '3')).toThrow(Unavailable)
    expect(useOnce('b', '1')).toBe(true)
    expect(() => useOnce('c', '1')).toThrow(Unavailable)
    now = 101
    expect([useOnce('c', '1'), useOnce('a', '3')]).toEqual([true, true])
  })
})

describe('introspection', () => {
  const active = () => ({
    ...claims,
    active: true,
    iss: op.issuer,
    token_type: 'Bearer',
    exp: Math.floor(Date.now() / 1000) + 300,
  })
  const verify = (keepFor = 60_000) =>
    byIntrospection({ issuer: op.issuer, resource, clientId: 'api', secret: 's', keepFor })
  const say = (document: Json) => op.answer('/introspection', () => Response.json(document))

  test('is asked once for one token, also by requests at the same time, and for a bad one', async () => {
    const guard = guardOf(verify())
    say(active())
    const before = op.count('/introspection')
    const answers = await Promise.all(Array.from({ length: 16 }, () => outcome(guard, asking('good'))))
    expect(new Set(answers)).toEqual(new Set(['let in: alice']))
    say({ active: false })
    for (let at = 0; at < 8; at++) expect(await outcome(guard, asking('bad'))).toBe('invalid_token')
    expect(op.count('/introspection')).toBe(before + 2)
  })

  test('a token for another API, of another issuer, or one that refreshes is refused, although it is active', async () => {
    const bent: Json[] = [
      { aud: 'https://other.example' },
      { aud: undefined },
      { iss: 'https://evil.example' },
      { token_type: undefined },
      { active: 'true' },
      { exp: 1 },
      { exp: undefined },
    ]
    for (const each of bent) {
      say({ ...active(), ...each })
      expect([each, await outcome(guardOf(verify()), asking('one'))]).toEqual([each, 'invalid_token'])
    }
  })

  test('an answer that is kept does not outlive the token', async () => {
    const guard = guardOf(verify(3_600_000))
    const { exp } = active()
    say({ ...active(), exp })
    expect(await outcome(guard, asking('short'))).toBe('let in: alice')
    const before = op.count('/introspection')
    setSystemTime(new Date(exp * 1000))
    expect(await outcome(guard, asking('short'))).toBe('invalid_token')
    setSystemTime()
    expect(op.count('/introspection')).toBe(before)
  })

  test('an outage is no answer about the token, and is not kept', async () => {
    const guard = guardOf(verify())
    op.answer('/introspection', () => new Response(null, { status: 500 }))
    expect(await outcome(guard, asking('good'))).toBe('unavailable')
    say(active())
    expect(await outcome(guard, asking('good'))).toBe('let in: alice')
  })

  test('a provider that does not answer holds a bounded number of requests', async () => {
    const guard = guardOf(verify())
    const hanging = Promise.withResolvers<Response>()
    op.answer('/introspection', async () => (await hanging.promise).clone())
    const before = op.count('/introspection')
    const asked = Array.from({ length: 200 }, (_, at) => outcome(guard, asking(`token-${at}`)))
    expect(await asked.at(-1)).toBe('unavailable')
    hanging.resolve(Response.json(active()))
    const answers = await Promise.all(asked)
    expect(answers.filter((each) => each === 'let in: alice').length).toBeLessThanOrEqual(64)
    expect(op.count('/introspection') - before).toBeLessThanOrEqual(64)
  })
})

test('what a developer page keeps of requests does not grow with the grant types that strangers make up', async () => {
  const kept = new Map<string, Exchange>()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  for (let i = 0; i < 500; i++) {
    const request = new Request(`${resource}/notes`, {
      method: 'POST',
      headers,
      body: `grant_type=made-up-${i}`,
    })
    note(kept, await exchangeOf(request, new Response()))
  }
  expect(kept.size).toBe(50)
  expect([...kept.keys()].at(-1)).toContain('made-up-499')
})
