/** Issue 10, section 4: keys get a successor at the age KEY_ROTATION_INTERVAL, announced ahead, once for all instances. */
import { createPrivateKey } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { generateKey, thumbprint } from '../../src/auth/jwk.ts'
import { sign } from '../../src/auth/jws.ts'
import { createLog } from '../../src/lib/log.ts'
import { type KeyRing, loadKeyRing } from '../../src/models/key_ring.ts'
import type { KeyRingOptions } from '../../src/models/key_ring_options.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { commandLine } from '../support/command.ts'
import { freePort } from '../support/free_port.ts'
import { spawnProvider } from '../support/provider.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

const start = 1_800_000_000
const interval = 5_000
const delay = 600
const maxAge = 300
const retention = 3_600
const skew = 60

/** A clock in seconds, a store, and any number of instances that share them. */
function world() {
  const time = { now: start }
  const clock = { now: () => time.now * 1000 }
  const store = memoryStore(clock)
  const lines: string[] = []
  const instance = (more: Partial<KeyRingOptions> = {}): Promise<KeyRing> =>
    loadKeyRing({
      storage: store,
      sealingKey: new Uint8Array(32).fill(7),
      clock,
      log: createLog('info', 'json', (line) => lines.push(line)),
      algs: ['ES256', 'ECDH-ES'],
      activationDelay: delay,
      retention,
      rotation: { interval, keepsImported: true },
      ...more,
    })
  const logged = (event: string) =>
    lines.map((line) => JSON.parse(line) as { event: string }).filter((line) => line.event === event)
  return { time, store, instance, logged }
}

const published = (ring: KeyRing): string[] => ring.jwks().keys.map(({ kid }) => kid)

test('a key of the age gets a successor, an encryption key too; a younger one does not', async () => {
  const { time, instance, logged } = world()
  const ring = await instance()
  const old = ring.signer('ES256').kid
  time.now += interval - 1
  await ring.rotateDue()
  expect(ring.list().map(({ state }) => state)).toEqual(['current', 'current'])
  expect(ring.list().map(({ rotates_at }) => rotates_at)).toEqual([start + interval, start + interval])

  time.now += 1
  await ring.rotateDue()
  expect(ring.list().map(({ alg, state }) => `${alg} ${state}`)).toEqual([
    'ES256 current',
    'ES256 next',
    'ECDH-ES current',
    'ECDH-ES next',
  ])
  const [, next, , encryption] = ring.list()
  expect(ring.signer('ES256').kid).toBe(old)
  expect(published(ring)).toEqual([old, next!.kid, encryption!.kid])
  expect(ring.list().map(({ rotates_at }) => rotates_at)).toEqual([
    undefined,
    time.now + interval,
    undefined,
    time.now + interval,
  ])
  expect(logged('keys_rotated')).toMatchObject([{ kids: [next!.kid, encryption!.kid], because: 'age' }])
  await ring.rotateDue()
  expect(ring.list()).toHaveLength(4)
})

test('eight instances at one moment make one next key for each algorithm, and one of them says so', async () => {
  const { time, instance, logged } = world()
  const rings = await Promise.all(Array.from({ length: 8 }, () => instance()))
  time.now += interval
  await Promise.all(rings.map((ring) => ring.rotateDue()))
  await Promise.all(rings.map((ring) => ring.refresh()))
  expect(new Set(rings.map((ring) => ring.jwks().body)).size).toBe(1)
  expect(rings[0]!.list()).toHaveLength(4)
  expect(logged('keys_rotated')).toHaveLength(1)
})

test('a client that caches the JWKS for JWKS_MAX_AGE never misses a key, at the shortest interval', async () => {
  const shortest = delay + maxAge + 1
  const { time, instance } = world()
  const ring = await instance({ algs: ['ES256'], rotation: { interval: shortest, keepsImported: true } })
  let cached = { at: time.now, kids: published(ring) }
  const signers = new Set<string>()
  for (const end = start + 20 * shortest; time.now < end; time.now += 5) {
    await ring.rotateDue()
    if (time.now - cached.at > maxAge) cached = { at: time.now, kids: published(ring) }
    const { kid } = ring.signer('ES256')
    signers.add(kid)
    expect(cached.kids).toContain(kid)
  }
  expect(signers.size).toBeGreaterThanOrEqual(19)
  // The number of keys is bounded by the lifetime of tokens, not by the age of the provider.
  expect(ring.list().length).toBeLessThanOrEqual(Math.ceil((retention + skew + delay) / shortest) + 2)
})

test('tokens of a key that rotated by itself verify until they expire', async () => {
  const { time, instance } = world()
  const ring = await instance({ algs: ['ES256'] })
  time.now += interval
  await ring.rotateDue()
  time.now += delay - 1
  const last = sign(ring.signer('ES256'), 'at+jwt', { sub: 'alice' })
  const old = ring.signer('ES256').kid
  time.now += retention
  await ring.rotateDue()
  expect(ring.signer('ES256').kid).not.toBe(old)
  expect(await ring.verify(await last, { typ: 'at+jwt' })).toMatchObject({ sub: 'alice' })
})

test('a clock that is ahead of that of the store rotates nothing', async () => {
  const { time, store, instance } = world()
  const ring = await instance({
    storage: {
      get: (key) => store.get(key),
      create: (key, value) => store.create(key, value),
      replace: (key, expected, value) => store.replace(key, expected, value),
      time: async () => start * 1000,
    },
  })
  time.now += 10 * interval
  await ring.rotateDue()
  expect(ring.list()).toHaveLength(2)
})

describe('a key of the operator', () => {
  const imported = async () => [{ alg: 'ES256' as const, key: await generateKey('ES256') }]

  test('stays, and each instance says once that it is old', async () => {
    const { time, instance, logged } = world()
    const own = await imported()
    const kid = thumbprint(own[0]!.key.export({ format: 'jwk' }))
    const ring = await instance({ imported: own })
    expect(ring.list().find((key) => key.kid === kid)?.rotates_at).toBe(undefined)
    time.now += interval
    for (let i = 0; i < 3; i++) await ring.rotateDue()
    expect(ring.list().filter(({ alg }) => alg === 'ES256')).toHaveLength(1)
    expect(ring.list().filter(({ alg }) => alg === 'ECDH-ES')).toHaveLength(2)
    expect(logged('imported_key_is_old')).toMatchObject([{ kid, hint: expect.stringMatching(/PRIVATE_KEY/) }])
  })

  test('that `keys rotate` replaced has a successor that rotates by itself', async () => {
    const { time, instance } = world()
    const ring = await instance({ imported: await imported() })
    const [next] = await ring.rotate(['ES256'])
    expect(ring.list().find(({ kid }) => kid === next!.kid)?.rotates_at).toBe(start + interval)
    time.now += interval
    await ring.rotateDue()
    const [replaced, newest] = ring.list().filter(({ alg }) => alg === 'ES256') // that of the operator has retired
    expect(replaced!.kid).toBe(next!.kid)
    expect(newest).toMatchObject({ state: 'next', rotates_at: time.now + interval })
  })
})

test('without an interval nothing rotates, and no time is named', async () => {
  const { time, instance } = world()
  const ring = await instance({ rotation: { interval: 0, keepsImported: true } })
  time.now += 100 * interval
  await ring.rotateDue()
  expect(ring.list()).toHaveLength(2)
  expect(ring.list().every(({ rotates_at }) => rotates_at === undefined)).toBe(true)
})

describe('two servers on one Redis', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>
  beforeAll(async () => void (redis = await startRedis()), 60_000)
  afterAll(() => redis.stop())

  test('rotate together; `keys list` and /health say when', async () => {
    const env = {
      ISSUER_URL: `http://localhost:${freePort()}`,
      REDIS_URL: redis.url,
      STORE_TIMEOUT_MS: '30000',
      METRICS_TOKEN: 'a-token-of-the-operator',
      SIGNING_ALGS: 'ES256',
      ACCESS_TOKEN_ALG: 'ES256',
      KEYS_PATH: 'keys',
      PRIVATE_KEY_PATH: '',
      KEY_ACTIVATION_DELAY: '6',
      JWKS_MAX_AGE: '1',
      KEY_ROTATION_INTERVAL: '8',
    }
    const servers = await Promise.all(
      [freePort(), freePort()].map(async (port) => ({
        ...(await spawnProvider({ ...env, PORT: `${port}` })),
        address: `http://localhost:${port}`,
      })),
    )
    try {
      const rotations = () =>
        servers.flatMap((each) =>
          each
            .output()
            .split('\n')
            .filter((line) => line.includes('keys_rotated')),
        )
      await until(() => rotations().length >= 2, 'two rotations', 120_000)
      const answer = await fetch(`${servers[0]!.address}/health`, {
        headers: { authorization: `Bearer ${env.METRICS_TOKEN}` },
      })
      const { details } = (await answer.json()) as { details: { keys: { published: object[] } } }
      expect(details.keys.published).toContainEqual(
        expect.objectContaining({ alg: 'ES256', rotates_in_seconds: expect.any(Number) }),
      )
      const cli = commandLine(env)
      try {
        const keys = await cli.json<{ alg: string; created_at: string; rotates_at?: string }[]>(
          'keys',
          'list',
          '--json',
        )
        const newest = keys.filter(({ rotates_at }) => rotates_at !== undefined)
        expect(newest.length).toBeGreaterThan(0)
        for (const key of newest) expect(Date.parse(key.rotates_at!) - Date.parse(key.created_at)).toBe(8_000)
        const made = keys.filter(({ alg }) => alg === 'ES256').map(({ created_at }) => Date.parse(created_at))
        for (const [i, at] of made.entries())
          if (i > 0) expect(at - made[i - 1]!).toBeGreaterThanOrEqual(8_000)
      } finally {
        cli.remove()
      }
    } finally {
      await Promise.all(servers.map((each) => each.stop()))
    }
  }, 240_000)
})

test('the private half of a key that rotated is gone when the key has retired', async () => {
  const { time, store, instance } = world()
  const ring = await instance({ algs: ['ES256'] })
  const { d } = createPrivateKey(ring.pem('ES256')!.private).export({ format: 'jwk' })
  expect(d).toBeString()
  const old = ring.signer('ES256').kid
  time.now += interval
  await ring.rotateDue()
  time.now += delay + retention + skew
  await ring.rotateDue()
  const kept = JSON.parse((await store.get('key_ring')) ?? '') as { keys: { kid: string }[] }
  expect(kept.keys.map(({ kid }) => kid)).not.toContain(old)
})
