/**
 * Signing keys that stay at a service (issue 10, section 4). An attacker who speaks for the service swaps keys and signatures;
 * one who writes to the store adds a key; one who sends requests exhausts the service or waits for it to fail.
 */
import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'bun:test'
import { createLocalJWKSet, jwtVerify } from 'jose'
import type { SigningAlg } from '../../src/auth/jwk.ts'
import { sign } from '../../src/auth/jws.ts'
import { createLog } from '../../src/lib/log.ts'
import { type KeyRing, loadKeyRing } from '../../src/models/key_ring.ts'
import type { KeyRingOptions } from '../../src/models/key_ring_options.ts'
import { SignerUnavailable } from '../../src/models/remote_signer.ts'
import { replaceKeys } from '../../src/models/replace_keys.ts'
import { recordName } from '../../src/models/signing_keys.ts'
import { memoryStore } from '../../src/store/memory.ts'
import {
  authorize,
  demo,
  operatorClient,
  post,
  redeem,
  refresh,
  stage,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { type KeyService, keyService, newKeyFor, servicesOf, signatureOf } from '../support/key_service.ts'
import { turnableClock } from '../support/provider.ts'
import { until } from '../support/until.ts'

const sealingKey = new Uint8Array(32).fill(7)
const delay = 600
const minute = 60_000

function world(services: Partial<Record<SigningAlg, KeyService>> = { ES256: keyService() }) {
  const clock = turnableClock(1_800_000_000_000)
  const storage = memoryStore(clock)
  const lines: string[] = []
  const log = createLog('info', 'json', (line) => lines.push(line))
  const all = Object.values(services)
  const options = (of: typeof services, timeoutMs?: number): KeyRingOptions => ({
    storage,
    sealingKey,
    clock,
    log,
    algs: ['ES256'],
    activationDelay: delay,
    retention: 3600,
    rotation: { interval: 86_400, keepsImported: true },
    remote: servicesOf(of, all, timeoutMs)({ clock, log }),
  })
  return {
    clock,
    storage,
    lines,
    logged: (event: string) => lines.filter((line) => line.includes(`"${event}"`)),
    /** `of`: the services of its configuration. */
    instance: (of = services, more: Partial<KeyRingOptions> = {}, timeoutMs?: number): Promise<KeyRing> =>
      loadKeyRing({ ...options(of, timeoutMs), ...more }),
    options,
  }
}

const token = async (ring: KeyRing, alg: SigningAlg = 'ES256') =>
  sign(ring.signer(alg), 'JWT', { iss: 'https://op.example', sub: 'a' })
const holds = async (ring: KeyRing, jwt: string) => {
  const keys = createLocalJWKSet(JSON.parse(ring.jwks().body) as Parameters<typeof createLocalJWKSet>[0])
  return (await jwtVerify(jwt, keys)).protectedHeader
}
const states = (ring: KeyRing) =>
  ring.list().map(({ state, source, version }) => [state, source ?? 'here', version].join(' ').trim())
const failureOf = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => Promise.reject(new Error('expected a refusal')),
    (error: Error) => error,
  )

describe('a key of a service', () => {
  for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA'] as const)
    test(`${alg}: published under its thumbprint, signs, and is verified here and by other libraries`, async () => {
      const { instance, storage } = world({ [alg]: keyService(alg) })
      const ring = await instance(undefined, { algs: [alg] })
      const jwt = await token(ring, alg)
      expect(await holds(ring, jwt)).toEqual({ alg, typ: 'JWT', kid: ring.signer(alg).kid })
      expect(await ring.verify(jwt, { typ: 'JWT' })).toMatchObject({ sub: 'a' })
      expect(ring.pem(alg)).toBeUndefined()
      const record = JSON.parse((await storage.get(recordName))!) as { keys: object[] }
      expect(record.keys).toEqual([expect.not.objectContaining({ private_jwk: expect.anything() })])
    })

  test('it replaces a local key after it was announced; the local key then signs nothing more', async () => {
    const service = keyService()
    const { instance, clock } = world({ ES256: service })
    const local = await instance({})
    const [first] = local.list()
    const ring = await instance()
    await ring.rotateDue()
    expect(states(ring)).toEqual(['current here', 'next vault-transit:transit/latchkey 1'])
    expect(ring.signer('ES256').kid).toBe(first!.kid)
    clock.advance(delay * 1000)
    expect(states(ring)).toEqual(['previous here', 'current vault-transit:transit/latchkey 1'])
    await holds(ring, await token(ring))
    expect(service.asked).toEqual(['1', '1']) // a trial before it was announced, and the token
  })

  test('and back: the service signs until the local key was announced', async () => {
    const { instance, clock } = world()
    await instance()
    const ring = await instance({})
    await ring.rotateDue()
    expect(states(ring)).toEqual(['current vault-transit:transit/latchkey 1', 'next here'])
    await holds(ring, await token(ring))
    clock.advance(delay * 1000)
    expect(states(ring).at(-1)).toBe('current here')
  })

  test('from one service to another, and not back to a key that has signed before', async () => {
    const [one, two] = [keyService(), keyService('ES256', 'awskms:alias/latchkey')]
    one.makes = two.makes = false
    const { instance, clock, logged } = world({ ES256: one, PS256: two })
    await instance({ ES256: one })
    const second = await instance({ ES256: two })
    await second.rotateDue()
    clock.advance(delay * 1000)
    expect(states(second).at(-1)).toBe('current awskms:alias/latchkey 1')
    const back = await instance({ ES256: one })
    await back.rotateDue()
    expect(logged('signing_service_failed').join()).toContain('Make a new key there')
    clock.advance(delay * 1000)
    expect(states(back).at(-1)).toBe('current awskms:alias/latchkey 1')
  })

  test('keys replace takes a new key of the service, never the one that may have leaked', async () => {
    const service = keyService()
    const { instance, options } = world({ ES256: service })
    const ring = await instance()
    const { storage, clock, remote, algs } = options({ ES256: service })
    await replaceKeys({ storage, sealingKey, clock, algs, remote: remote! })
    await ring.refresh()
    expect(states(ring)).toEqual(['current vault-transit:transit/latchkey 2'])
    service.makes = false
    const kept = options({ ES256: service })
    const refused = await failureOf(replaceKeys({ storage, sealingKey, clock, algs, remote: kept.remote! }))
    expect(refused.message).toContain('Make a new key there')
    await ring.refresh()
    expect(states(ring)).toEqual(['current vault-transit:transit/latchkey 2'])
  })
})

describe('rotation', () => {
  test('a key of the age gets a successor, made once by eight instances, announced ahead', async () => {
    const service = keyService()
    const { instance, clock } = world({ ES256: service })
    const rings = await Promise.all(Array.from({ length: 8 }, () => instance()))
    clock.advance(86_400_000)
    const rotated = (await Promise.all(rings.map((ring) => ring.rotateDue()))).flat()
    expect(rotated).toHaveLength(1)
    expect(service.versions).toHaveLength(2)
    await Promise.all(rings.map((ring) => ring.refresh()))
    for (const ring of rings) {
      const kid = ring.signer('ES256').kid
      expect(states(ring)).toEqual([
        'current vault-transit:transit/latchkey 1',
        'next vault-transit:transit/latchkey 2',
      ])
      expect((await holds(ring, await token(ring))).kid).toBe(kid)
    }
    expect(service.asked.slice(-8)).toEqual(Array(8).fill('1'))
    clock.advance(delay * 1000)
    await token(rings[0]!)
    expect(service.asked.at(-1)).toBe('2')
  })

  test('a version that the operator made is found, announced, and signs no sooner; one is announced at a time', async () => {
    const service = keyService()
    service.makes = false
    const { instance, clock } = world({ ES256: service })
    const ring = await instance()
    service.rotate()
    clock.advance(minute)
    await ring.rotateDue()
    for (let i = 0; i < 20; i++) {
      service.rotate()
      clock.advance(1_000)
      await ring.rotateDue()
    }
    expect(states(ring)).toEqual([
      'current vault-transit:transit/latchkey 1',
      'next vault-transit:transit/latchkey 2',
    ])
    clock.advance(delay * 1000)
    await ring.rotateDue()
    expect(states(ring).slice(1)).toEqual([
      'current vault-transit:transit/latchkey 2',
      'next vault-transit:transit/latchkey 22',
    ])
  })

  test('the command: what is new there is taken, else a key is made; where the operator makes keys, it says so', async () => {
    const service = keyService()
    const { instance, clock } = world({ ES256: service })
    const ring = await instance()
    await ring.rotate()
    expect(service.versions).toHaveLength(2)
    clock.advance(delay * 1000)
    service.rotate()
    await ring.rotate()
    expect(service.versions).toHaveLength(3)
    service.makes = false
    clock.advance(delay * 1000)
    const refused = await failureOf((await instance()).rotate())
    expect(refused.message).toBe(
      'vault-transit:transit/latchkey: the newest key there is in the ring already. Make a new key there, and run this again',
    )
  })

  test('a key of the age that only the operator replaces is said once', async () => {
    const service = keyService()
    service.makes = false
    const { instance, clock, logged } = world({ ES256: service })
    const ring = await instance()
    expect(ring.list()[0]).not.toHaveProperty('rotates_at')
    clock.advance(86_400_000)
    await ring.rotateDue()
    await ring.rotateDue()
    expect(logged('imported_key_is_old')).toHaveLength(1)
  })
})

describe('one who speaks for the service', () => {
  test('a known version with another key is not used', async () => {
    const service = keyService()
    const { instance, clock, logged } = world({ ES256: service })
    const ring = await instance()
    const { kid } = ring.signer('ES256')
    service.versions = [newKeyFor('ES256')]
    clock.advance(minute)
    await ring.rotateDue()
    expect(ring.list().map((each) => each.kid)).toEqual([kid])
    expect(logged('signing_service_failed').join()).toContain('shows another key as version 1')
    expect(await failureOf(token(ring))).toBeInstanceOf(SignerUnavailable)
    expect((await failureOf(ring.rotate())).message).toContain('shows another key as version 1')
  })

  test('a known version that shows another key, while it still signs by the old one, is told by /health', async () => {
    const service = keyService()
    const { instance, clock } = world({ ES256: service })
    const ring = await instance()
    const [old] = service.versions
    service.versions = [newKeyFor('ES256')]
    service.forged = (input) => signatureOf('ES256', old!, input)
    clock.advance(minute)
    await ring.rotateDue()
    await holds(ring, await token(ring))
    expect(ring.services()[0]!.problem).toContain('shows another key as version 1')
    service.versions = [old!]
    clock.advance(minute)
    await ring.rotateDue()
    expect(ring.services()[0]!.problem).toBeUndefined()
  })

  test('a signature by another key, over other text, cut, empty or with one wrong bit never leaves', async () => {
    const service = keyService()
    const { instance, clock } = world({ ES256: service })
    const ring = await instance()
    const other = newKeyFor('ES256')
    const forgeries: NonNullable<KeyService['forged']>[] = [
      (input) => signatureOf('ES256', other, input),
      () => signatureOf('ES256', service.versions[0]!, 'other text'),
      (_, real) => real.slice(0, -1),
      () => new Uint8Array(),
      (_, real) => real.with(0, real[0]! ^ 1),
      () => new Uint8Array(100_000),
    ]
    for (const forged of forgeries) {
      clock.advance(minute)
      service.forged = forged
      const refused = await failureOf(token(ring))
      expect(refused).toBeInstanceOf(SignerUnavailable)
      expect(refused.message).toContain('its signature does not hold')
    }
    service.forged = undefined
    clock.advance(minute)
    await holds(ring, await token(ring))
  })

  test('a new key of a kind that the algorithm does not take, or that does not sign, is not announced', async () => {
    const service = keyService()
    const { instance, clock, logged } = world({ ES256: service })
    const ring = await instance()
    const kids = ring.list().map(({ kid }) => kid)
    service.versions.push(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey)
    clock.advance(minute)
    await ring.rotateDue()
    service.versions[1] = newKeyFor('EdDSA')
    clock.advance(minute)
    await ring.rotateDue()
    service.versions[1] = newKeyFor('ES256')
    service.forged = (_, real) => real.with(5, real[5]! ^ 1)
    clock.advance(minute)
    await ring.rotateDue()
    expect(ring.list().map(({ kid }) => kid)).toEqual(kids)
    expect(logged('signing_service_failed')).toHaveLength(3)
  })
})

describe('one who writes to the store', () => {
  test('can add no key of a service, and change neither kid, alg, version nor source of one', async () => {
    const service = keyService()
    const { instance, storage } = world({ ES256: service })
    const ring = await instance()
    const text = (await storage.get(recordName))!
    type Entry = Record<string, unknown>
    const changed = (change: (entry: Entry) => Entry): string => {
      const { keys, ...rest } = JSON.parse(text) as { keys: Entry[] }
      return JSON.stringify({ ...rest, keys: keys.map(change) })
    }
    const forged = JSON.stringify({ source: service.name, version: '1', public_jwk: {} })
    for (const wrong of [
      changed((entry) => ({ ...entry, kid: 'A'.repeat(43) })),
      changed((entry) => ({ ...entry, alg: 'EdDSA' })),
      changed((entry) => ({ ...entry, remote: forged })),
      changed(({ remote, ...entry }) => ({ ...entry, private_jwk: remote })),
      changed((entry) => ({ ...entry, private_jwk: entry.remote })),
      changed(({ remote: _, ...entry }) => entry),
    ]) {
      await storage.put(recordName, wrong)
      expect((await failureOf(ring.refresh())).name).toMatch(/KeyRingError/)
      expect((await failureOf(instance())).name).toMatch(/KeyRingError|WrongSecretError/)
      await storage.put(recordName, text)
    }
    await holds(ring, await token(ring))
  })
})

describe('an outage', () => {
  test('signatures are refused, no local key steps in, and what was signed still verifies', async () => {
    const service = keyService()
    const { instance, clock } = world({ ES256: service })
    await instance({})
    const ring = await instance()
    await ring.rotateDue()
    clock.advance(delay * 1000)
    const jwt = await token(ring)
    service.down = 'sealed'
    expect(await failureOf(token(ring))).toMatchObject({
      name: 'SignerUnavailable',
      message: 'vault-transit:transit/latchkey: sealed',
    })
    expect(ring.signer('ES256').kid).toBe(ring.list().at(-1)!.kid)
    expect(await ring.verify(jwt, { typ: 'JWT' })).toMatchObject({ sub: 'a' })
    const again = await instance() // it starts without the service: the public key is in the record
    expect(await again.verify(jwt, { typ: 'JWT' })).toMatchObject({ sub: 'a' })
    expect(states(again)).toEqual(states(ring))
    await again.rotateDue()
    expect(states(again)).toEqual(states(ring))
    expect((await failureOf(again.rotate())).message).toContain('sealed')
  })

  test('a first start without the service makes no key', async () => {
    const service = keyService()
    service.down = 'sealed'
    const { instance, storage } = world({ ES256: service })
    expect(await failureOf(instance())).toBeInstanceOf(SignerUnavailable)
    expect(await storage.get(recordName)).toBeUndefined()
  })

  test('three failures in a row: one request a second asks, the others are refused at once; a success ends it', async () => {
    const service = keyService()
    const { instance, clock, logged } = world({ ES256: service })
    const ring = await instance()
    await token(ring)
    service.asked.length = 0
    service.down = 'sealed'
    for (let i = 0; i < 100; i++) await failureOf(token(ring))
    expect(service.asked).toHaveLength(3)
    expect(ring.outage('ES256')).toBeInstanceOf(SignerUnavailable)
    expect(ring.services()).toMatchObject([{ problem: 'sealed', failed: 3, refused: 97 }])
    clock.advance(1_000)
    await Promise.all(Array.from({ length: 50 }, () => failureOf(token(ring))))
    expect(service.asked).toHaveLength(4)
    service.down = undefined
    clock.advance(1_000)
    await token(ring)
    await token(ring)
    expect(ring.outage('ES256')).toBeUndefined()
    expect(ring.services()).toMatchObject([{ problem: undefined }])
    expect(logged('signer_available')).toHaveLength(1)
  })

  test('the job finds an outage, and its end, without a request', async () => {
    const service = keyService()
    const { instance, clock } = world({ ES256: service })
    const ring = await instance()
    service.down = 'sealed'
    clock.advance(minute)
    await ring.rotateDue()
    expect(ring.services()[0]!.problem).toContain('sealed')
    service.down = undefined
    clock.advance(minute)
    await ring.rotateDue()
    expect(ring.services()[0]!.problem).toBeUndefined()
  })

  test('a service that does not answer: each signature ends with the time-out, those that wait for a place too', async () => {
    const service = keyService()
    const { instance } = world({ ES256: service })
    const ring = await instance(undefined, {}, 200)
    const { promise, resolve } = Promise.withResolvers<void>()
    service.asked.length = 0
    service.held = promise
    const refused = await Promise.all(Array.from({ length: 40 }, () => failureOf(token(ring))))
    expect(refused.map(({ message }) => message)).toEqual(
      Array(40).fill('vault-transit:transit/latchkey: gave no signature within 200 ms'),
    )
    expect(service.asked).toHaveLength(16)
    resolve()
  })

  test('a flood: 16 are asked at once, 1,000 wait, more are refused at once; all that waited are signed', async () => {
    const service = keyService()
    const { instance } = world({ ES256: service })
    const ring = await instance()
    const { promise, resolve } = Promise.withResolvers<void>()
    service.asked.length = 0
    service.held = promise
    let refused = 0
    const all = Array.from({ length: 1_116 }, () => token(ring).catch(() => void refused++))
    await until(() => refused === 100, 'the refusals')
    expect(service.asked).toHaveLength(16)
    expect(ring.services()[0]).toMatchObject({ waiting: 1_000, refused: 100, failed: 0 })
    expect(ring.outage('ES256')).toBeUndefined() // it is busy, not down
    resolve()
    const signed = (await Promise.all(all)).filter((each) => typeof each === 'string')
    expect(signed).toHaveLength(1_016)
  })

  test('a kid that nobody knows does not wait for a service that hangs', async () => {
    const service = keyService()
    const { instance, clock } = world({ ES256: service })
    const ring = await instance()
    const { promise, resolve } = Promise.withResolvers<void>()
    service.held = promise
    service.rotate()
    clock.advance(minute)
    const looking = ring.rotateDue()
    const foreign = (await token(await loadKeyRing({ ...world().options({}), algs: ['ES256'] }))).replace(
      /x/,
      'x',
    )
    expect(await ring.verify(foreign, { typ: 'JWT' })).toBeUndefined()
    resolve()
    await looking
  })
})

describe('a provider', () => {
  const env = { SIGNING_ALGS: 'ES256 RS256', ACCESS_TOKEN_ALG: 'ES256' }

  test('a code and a refresh token are not used up while the service is known to be down', async () => {
    const service = keyService()
    const keyStorage = memoryStore(turnableClock())
    const { op, alice } = await stage({ env, keyStorage, remote: servicesOf({ ES256: service }) })
    const { refresh_token } = await tokensOf(op, alice)
    const code = await authorize(op, alice)
    service.down = 'sealed'
    const machine = () => post(op, '/token', demo, { grant_type: 'client_credentials' })
    for (let i = 0; i < 3; i++) expect((await machine()).status).toBe(503)
    const before = op.lines.length
    const refused = [await redeem(op, demo, code), await refresh(op, demo, refresh_token), await machine()]
    for (const { status, body, headers } of refused) {
      expect(status).toBe(503)
      expect(body).toEqual({
        error: 'temporarily_unavailable',
        error_description: expect.stringContaining('gave no signature'),
      })
      expect(headers.get('retry-after')).toBe('2')
    }
    const said = op.lines.slice(before).filter((line) => line.includes('sealed'))
    expect(said).toHaveLength(3)
    expect(said.every((line) => line.includes('signer_unavailable'))).toBe(true)
    service.down = undefined
    op.clock.advance(1_000)
    expect((await redeem(op, demo, code)).status).toBe(200)
    expect((await refresh(op, demo, refresh_token)).status).toBe(200)
  })

  test('what needs no signature of the service goes on: tokens are accepted, opaque ones and those of other algorithms issued', async () => {
    const service = keyService()
    const { op, alice } = await stage({
      env,
      keyStorage: memoryStore(turnableClock()),
      remote: servicesOf({ ES256: service }),
    })
    const { access_token } = await tokensOf(op, alice)
    const opaque = await operatorClient(op, {
      client_id: 'opaque',
      access_token_format: 'opaque',
      grant_types: ['client_credentials'],
    })
    service.down = 'sealed'
    for (let i = 0; i < 5; i++)
      expect((await post(op, '/token', demo, { grant_type: 'client_credentials' })).status).toBe(503)
    expect((await userinfo(op, access_token)).status).toBe(200)
    expect((await post(op, '/token', opaque, { grant_type: 'client_credentials' })).status).toBe(200)
  })
})
