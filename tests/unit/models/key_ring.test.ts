/** The life of keys: published, current, previous, retired. The test sets the clock. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { afterAll, describe, expect, test } from 'bun:test'
import { generateKey, type SigningAlg, thumbprint } from '../../../src/auth/jwk.ts'
import { sign } from '../../../src/auth/jws.ts'
import { signingAlgs } from '../../../src/auth/registration.ts'
import { createLog } from '../../../src/lib/log.ts'
import { type KeyRing, loadKeyRing } from '../../../src/models/key_ring.ts'
import type { KeyRingOptions, KeyStorage } from '../../../src/models/key_ring_options.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import { sealedStore } from '../../../src/store/sealed.ts'
import { type Store, StoreUnavailable } from '../../../src/store/store.ts'

const delay = 600
const retention = 3600
const skew = 60
const start = 1_800_000_000
const sealingKey = new Uint8Array(32).fill(7)
const otherSecret = new Uint8Array(32).fill(8)

const stores: Store[] = []
afterAll(() => Promise.all(stores.map((store) => store.close())))

/** A clock in seconds, a store, and any number of instances that share them. */
function world() {
  const time = { now: start }
  const clock = { now: () => time.now * 1000 }
  const store = memoryStore(clock)
  stores.push(store)
  const lines: string[] = []
  const instance = (more: Partial<KeyRingOptions> = {}): Promise<KeyRing> =>
    loadKeyRing({
      storage: store,
      sealingKey,
      clock,
      log: createLog('info', 'json', (line) => lines.push(line)),
      algs: ['ES256', 'EdDSA'],
      activationDelay: delay,
      retention,
      ...more,
    })
  return { time, clock, store, lines, instance }
}

const token = async (ring: KeyRing, alg: SigningAlg = 'ES256'): Promise<string> =>
  sign(ring.signer(alg), 'at+jwt', { sub: 'alice' })
const accepts = async (ring: KeyRing, jwt: string): Promise<boolean> =>
  (await ring.verify(jwt, { typ: 'at+jwt' })) !== undefined
const kids = (ring: KeyRing): string[] => ring.jwks().keys.map(({ kid }) => kid)
const states = (ring: KeyRing, alg: SigningAlg = 'ES256'): string[] =>
  ring.list().flatMap((key) => (key.alg === alg ? [key.state] : []))
const kidOf = (key: KeyObject): string => thumbprint(key.export({ format: 'jwk' }))

describe('the first start', () => {
  test('one key for each algorithm; each signs at once and is published', async () => {
    const { instance } = world()
    const ring = await instance({ algs: signingAlgs })
    expect(ring.jwks().keys.map(({ alg }) => alg)).toEqual([...signingAlgs])
    for (const alg of signingAlgs) {
      expect(ring.signer(alg).alg).toBe(alg)
      expect(await accepts(ring, await token(ring, alg))).toBe(true)
    }
    const { keys } = JSON.parse(ring.jwks().body) as { keys: Record<string, string>[] }
    expect(keys.map(({ use }) => use)).toEqual(signingAlgs.map(() => 'sig'))
    for (const key of keys) {
      for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(key[secret]).toBe(undefined)
    }
    expect(new Set(keys.map(({ n, x }) => n ?? x)).size).toBe(4)
  })

  test('twelve instances that start at one moment agree', async () => {
    const { instance } = world()
    const rings = await Promise.all(Array.from({ length: 12 }, () => instance()))
    expect(new Set(rings.map((ring) => ring.jwks().body)).size).toBe(1)
    expect(rings[0]!.list()).toHaveLength(2)
    const jwt = await token(rings[3]!)
    for (const ring of rings) expect(await accepts(ring, jwt)).toBe(true)
  })

  test('the store holds no private key in the clear, and a restart finds the same keys', async () => {
    const { instance, store } = world()
    const ring = await instance()
    const text = (await store.get('key_ring')) ?? ''
    expect(text).toContain(ring.signer('ES256').kid)
    for (const alg of ['ES256', 'EdDSA'] as const) {
      const { d } = createPrivateKey(ring.pem(alg)?.private ?? '').export({ format: 'jwk' })
      expect(d).toMatch(/^[\w-]{43}$/)
      expect(text.includes(d ?? '')).toBe(false)
    }
    expect((await instance()).jwks().body).toBe(ring.jwks().body)
    expect(await store.get('key_ring')).toBe(text)
  })

  test('an algorithm that is added later gets its key at once; the other keys stay', async () => {
    const { instance } = world()
    const before = await instance({ algs: ['EdDSA'] })
    const after = await instance({ algs: ['EdDSA', 'ES256'] })
    expect(states(after)).toEqual(['current'])
    expect(after.signer('EdDSA').kid).toBe(before.signer('EdDSA').kid)
    expect(() => before.signer('ES256')).toThrow(/ES256/)
    expect(await accepts(before, await token(after))).toBe(true) // found in the store, unasked
  })

  test('an instance whose clock is behind signs with the first key all the same', async () => {
    const { instance, clock } = world()
    const first = await instance()
    const late = await instance({ clock: { now: () => clock.now() - 30_000 } })
    expect(late.signer('ES256').kid).toBe(first.signer('ES256').kid)
    expect(states(late)).toEqual(['current'])
  })
})

describe('keys that decrypt', () => {
  const algs = ['ES256', 'RSA-OAEP-256', 'ECDH-ES'] as const
  const encKids = (ring: KeyRing) => ring.jwks().keys.flatMap(({ use, kid }) => (use === 'enc' ? [kid] : []))

  test('instances that race agree on them; they are sealed, published for encryption, and never verify', async () => {
    const { instance, store } = world()
    const rings = await Promise.all(Array.from({ length: 8 }, () => instance({ algs })))
    expect(new Set(rings.map((ring) => ring.jwks().body)).size).toBe(1)
    const [ring] = rings as [KeyRing]
    expect(ring.jwks().keys.map(({ use, alg, kty }) => [use, alg, kty])).toEqual([
      ['sig', 'ES256', 'EC'],
      ['enc', 'RSA-OAEP-256', 'RSA'],
      ['enc', undefined, 'EC'],
    ])
    const text = (await store.get('key_ring')) ?? ''
    for (const alg of ['RSA-OAEP-256', 'ECDH-ES'] as const) {
      const [key] = await ring.decrypters(alg)
      const { d } = key!.export({ format: 'jwk' })
      expect([typeof d, text.includes(String(d))]).toEqual(['string', false])
      expect(ring.find(kidOf(key!))).toBeUndefined()
      expect(await ring.decrypters(alg, kidOf(key!))).toEqual([key!])
      expect(await ring.decrypters(alg === 'ECDH-ES' ? 'RSA-OAEP-256' : 'ECDH-ES', kidOf(key!))).toEqual([])
    }
    // A signing key of the same type is not used to decrypt.
    expect(await ring.decrypters('ECDH-ES', ring.signer('ES256').kid)).toEqual([])
  })

  test('rotated: only the new key is published at once; the old one decrypts until it retires', async () => {
    const { instance, time } = world()
    const [a, b] = [await instance({ algs }), await instance({ algs })]
    const [, old] = encKids(a) as [string, string]
    const [next] = await a.rotate(['ECDH-ES'])
    expect(encKids(a)).toEqual([encKids(b)[0]!, next!.kid])
    expect(await b.decrypters('ECDH-ES', next!.kid)).toHaveLength(1) // found in the store, unasked
    expect(encKids(b)).toEqual(encKids(a))
    expect((await a.decrypters('ECDH-ES')).map(kidOf)).toEqual([next!.kid, old])
    time.now = start + delay + retention + skew - 1
    expect(await b.decrypters('ECDH-ES', old)).toHaveLength(1)
    time.now = start + delay + retention + skew
    expect(await b.decrypters('ECDH-ES', old)).toEqual([])
    await b.refresh()
    expect(b.list().map(({ kid }) => kid)).not.toContain(old)
    expect(b.knows(old)).toBe(true)
  })

  test('a sealed key does not open under another kid or use', async () => {
    const { instance, store } = world()
    const ring = await instance({ algs: ['ECDH-ES'] })
    const { kid } = ring.list()[0]!
    const text = (await store.get('key_ring'))!
    await store.put('key_ring', text.replace('"ECDH-ES"', '"ES256"'))
    expect(text).toContain(kid)
    await expect(instance({ algs: ['ECDH-ES'] })).rejects.toThrow(/SECRET_KEY/)
  })
})

describe('rotation', () => {
  test('next, current, previous, retired: on two instances, one of which only refreshes', async () => {
    const { instance, time, store } = world()
    const [a, b] = [await instance(), await instance()]
    const old = a.signer('ES256').kid
    const oldToken = await token(a)

    const [next] = await a.rotate(['ES256'])
    expect(next).toMatchObject({ alg: 'ES256', state: 'next', activates_at: start + delay })
    expect(kids(a)).toContain(next!.kid)
    expect(a.signer('ES256').kid).toBe(old)
    expect(kids(b)).not.toContain(next!.kid)
    await b.refresh()
    expect(b.jwks()).toEqual(a.jwks())
    expect(b.signer('ES256').kid).toBe(old)

    time.now = start + delay - 1
    expect([a, b].map((ring) => ring.signer('ES256').kid)).toEqual([old, old])
    const lastToken = await token(b) // lives until start + delay - 1 + retention
    time.now = start + delay // nobody refreshes
    expect([a, b].map((ring) => ring.signer('ES256').kid)).toEqual([next!.kid, next!.kid])
    expect(states(a)).toEqual(['previous', 'current'])
    expect(await accepts(a, await token(b))).toBe(true)

    time.now = start + delay + retention
    for (const ring of [a, b]) {
      expect(kids(ring)).toContain(old)
      expect(await accepts(ring, lastToken)).toBe(true)
    }
    time.now = start + delay + retention + skew
    for (const ring of [a, b]) {
      expect(kids(ring)).not.toContain(old)
      expect(ring.jwks().body).not.toContain(old)
      expect(ring.find(old)).toBe(undefined)
      expect(await accepts(ring, oldToken)).toBe(false)
      expect(await accepts(ring, lastToken)).toBe(false)
    }
    expect(JSON.parse((await store.get('key_ring')) ?? '')).toMatchObject({ keys: { length: 3 } })
    await b.refresh()
    const kept = JSON.parse((await store.get('key_ring')) ?? '') as { keys: { kid: string }[] }
    expect(kept.keys.map(({ kid }) => kid)).not.toContain(old) // its private half is destroyed
    expect(kept.keys).toHaveLength(2)
  })

  test('all algorithms at once, each with its own next key', async () => {
    const { instance } = world()
    const ring = await instance()
    const before = kids(ring)
    const next = await ring.rotate()
    expect(next.map(({ alg }) => alg)).toEqual(['ES256', 'EdDSA'])
    expect(kids(ring)).toHaveLength(4)
    for (const kid of before) expect(kids(ring)).toContain(kid)
  })

  test('two rotations before the activation are one; after it they are two', async () => {
    const { instance, time } = world()
    const ring = await instance()
    const [first] = await ring.rotate(['ES256'])
    time.now += 5
    const [again] = await ring.rotate(['ES256'])
    expect(again).toEqual(first!)
    expect(states(ring)).toEqual(['current', 'next'])
    time.now = start + delay
    const [second] = await ring.rotate(['ES256'])
    expect(second!.kid).not.toBe(first!.kid)
    expect(states(ring)).toEqual(['previous', 'current', 'next'])
    const [oldest, middle, newest] = ring.list().filter(({ alg }) => alg === 'ES256')
    expect(oldest!.retires_at).toBe(start + delay + retention + skew)
    expect(middle!.retires_at).toBe(start + 2 * delay + retention + skew)
    expect(newest!.retires_at).toBe(undefined)
  })

  test('twenty rotations by five instances at one moment make one next key', async () => {
    const { instance } = world()
    const rings = await Promise.all(Array.from({ length: 5 }, () => instance({ algs: ['ES256'] })))
    const old = rings[0]!.signer('ES256').kid
    const results = await Promise.all(Array.from({ length: 20 }, (_, i) => rings[i % 5]!.rotate()))
    expect(new Set(results.map(([next]) => next!.kid)).size).toBe(1)
    await Promise.all(rings.map((ring) => ring.refresh()))
    expect(new Set(rings.map((ring) => ring.jwks().body)).size).toBe(1)
    expect(kids(rings[0]!)).toEqual([old, results[0]![0]!.kid])
  })

  test('without a delay the new key signs at once, and tokens of the old still verify', async () => {
    const { instance } = world()
    const ring = await instance({ activationDelay: 0 })
    for (let i = 0; i < 3; i++) {
      const jwt = await token(ring)
      const [next] = await ring.rotate(['ES256'])
      expect(ring.signer('ES256').kid).toBe(next!.kid)
      expect(await accepts(ring, jwt)).toBe(true)
    }
    expect(kids(ring)).toHaveLength(5)
    expect(new Set(kids(await instance()))).toEqual(new Set(kids(ring)))
  })

  test('a longer token lifetime keeps the old key longer; a shorter one does not retire it earlier', async () => {
    const { instance } = world()
    await (await instance()).rotate(['ES256'])
    const end = async (retention: number) =>
      (await instance({ retention })).list().find(({ alg }) => alg === 'ES256')?.retires_at
    expect(await end(7200)).toBe(start + delay + 7200 + skew)
    expect(await end(60)).toBe(start + delay + 7200 + skew)
  })

  test('the JWKS is one string until it changes, and its ETag with it', async () => {
    const { instance, time } = world()
    const ring = await instance()
    const first = ring.jwks()
    time.now += 10
    expect(ring.jwks()).toBe(first)
    await ring.refresh()
    expect(ring.jwks()).toBe(first)
    await ring.rotate()
    expect(ring.jwks().etag).not.toBe(first.etag)
    expect(ring.jwks().etag).toMatch(/^"[\w-]{43}"$/)
  })
})

describe('imported keys', () => {
  test('the first start takes the imported RSA key for RS256 and makes another for PS256', async () => {
    const { instance } = world()
    const key = await generateKey('RS256')
    const ring = await instance({ algs: ['RS256', 'PS256'], imported: [{ alg: 'RS256', key }] })
    expect(ring.signer('RS256').kid).toBe(kidOf(key))
    expect(ring.signer('PS256').kid).not.toBe(kidOf(key))
    expect(ring.list()).toHaveLength(2)
  })

  test('another imported key becomes the next key once, however many instances import it', async () => {
    const { instance, time } = world()
    const algs = ['ES256'] as const
    const first = await instance({ algs })
    const key = await generateKey('ES256')
    const rings = await Promise.all(
      Array.from({ length: 6 }, () => instance({ algs, imported: [{ alg: 'ES256', key }] })),
    )
    for (const ring of rings) {
      expect(states(ring)).toEqual(['current', 'next'])
      expect(ring.signer('ES256').kid).toBe(first.signer('ES256').kid)
    }
    time.now += delay
    for (const ring of rings) expect(ring.signer('ES256').kid).toBe(kidOf(key))
  })

  test('an imported key that has retired is not added again by a restart', async () => {
    const { instance, time, lines } = world()
    const imported = [{ alg: 'ES256', key: await generateKey('ES256') }] as const
    const ring = await instance({ imported })
    const [next] = await ring.rotate(['ES256'])
    time.now += delay
    expect((await instance({ imported })).signer('ES256').kid).toBe(next!.kid)
    time.now += retention + skew
    for (let restart = 0; restart < 3; restart++) {
      const again = await instance({ imported })
      expect(again.signer('ES256').kid).toBe(next!.kid)
      expect(again.find(kidOf(imported[0].key))).toBe(undefined)
      expect(again.knows(kidOf(imported[0].key))).toBe(true)
    }
    expect(lines.filter((line) => line.includes('imported_key_was_retired'))).toHaveLength(3)
  })

  test('one key for two algorithms, and a key of another type, are refused', async () => {
    const { instance, store } = world()
    const key = await generateKey('RS256')
    const both = (['RS256', 'PS256'] as const).map((alg) => ({ alg, key }))
    await expect(instance({ algs: ['RS256', 'PS256'], imported: both })).rejects.toThrow(
      /serves RS256 already/,
    )
    await expect(instance({ imported: [{ alg: 'ES256', key }] })).rejects.toThrow(/P-256/)
    expect((await store.get('key_ring')) ?? '').not.toContain('ES256')
  })
})

describe('attacks and outages', () => {
  test('with another SECRET_KEY the error says what to do, and no key is made or lost', async () => {
    const { instance, store } = world()
    const ring = await instance()
    const before = await store.get('key_ring')
    await expect(instance({ sealingKey: otherSecret })).rejects.toThrow(
      /SECRET_KEY that sealed it; or, .*latchkey keys replace/,
    )
    await expect(instance({ sealingKey: otherSecret, algs: signingAlgs })).rejects.toThrow(/SECRET_KEY/)
    expect(await store.get('key_ring')).toBe(before!)
    expect((await instance()).jwks().body).toBe(ring.jwks().body)
  })

  test('the same behind a store that is sealed as a whole', async () => {
    const { instance, store } = world()
    await instance({ storage: sealedStore(store, sealingKey) })
    const before = await store.get('key_ring')
    const changed = { storage: sealedStore(store, otherSecret), sealingKey: otherSecret }
    await expect(instance(changed)).rejects.toThrow(/not sealed with this SECRET_KEY/)
    expect(await store.get('key_ring')).toBe(before!)
  })

  test('a damaged record is not replaced', async () => {
    for (const damage of ['', '{', '{"keys":[]}', '{"keys":[{"kid":"x"}],"retired":[]}']) {
      const { instance, store } = world()
      await store.put('key_ring', damage)
      await expect(instance()).rejects.toThrow(/damaged/)
      expect(await store.get('key_ring')).toBe(damage)
    }
  })

  test('an attacker who can write to the store cannot swap keys, rename them or change their algorithm', async () => {
    const { instance, store } = world()
    const ring = await instance({ algs: ['RS256', 'PS256'] })
    const text = (await store.get('key_ring'))!
    type Entry = { kid: string; alg: string; private_jwk: string }
    const tamper = async (change: (keys: [Entry, Entry]) => void) => {
      const changed = JSON.parse(text) as { keys: [Entry, Entry] }
      change(changed.keys)
      await store.put('key_ring', JSON.stringify(changed))
      await expect(ring.refresh()).rejects.toThrow(/SECRET_KEY/)
      await expect(instance({ algs: ['RS256', 'PS256'] })).rejects.toThrow(/SECRET_KEY/)
      expect(await accepts(ring, await token(ring, 'RS256'))).toBe(true) // stays as it was
    }
    await tamper(([a, b]) => ([a.private_jwk, b.private_jwk] = [b.private_jwk, a.private_jwk]))
    await tamper(([a]) => (a.alg = 'PS256'))
    await tamper(([a]) => (a.kid = 'A'.repeat(43)))
    await tamper(([a]) => (a.private_jwk = a.private_jwk.slice(0, -2) + 'AA'))
    await store.put('key_ring', text)
    await ring.refresh()
  })

  test('a key the other instance just made is found without waiting for the timer', async () => {
    const { instance } = world()
    const [a, b] = [await instance({ activationDelay: 0 }), await instance({ activationDelay: 0 })]
    await a.rotate(['ES256'])
    const jwt = await token(a)
    expect(b.find(a.signer('ES256').kid)).toBe(undefined)
    expect(await Promise.all(Array.from({ length: 8 }, () => accepts(b, jwt)))).toEqual(Array(8).fill(true))
  })

  test('invented values of kid cause at most one read of the store in five seconds', async () => {
    const { instance, store, time } = world()
    let reads = 0
    const storage: KeyStorage = {
      get: (key) => (reads++, store.get(key)),
      create: store.create.bind(store),
      replace: store.replace.bind(store),
    }
    const ring = await instance({ storage })
    const stranger = await world().instance()
    const jwt = await token(stranger)
    reads = 0
    for (let i = 0; i < 50; i++) expect(await accepts(ring, jwt)).toBe(false)
    expect(await accepts(ring, await token(ring))).toBe(true)
    expect(reads).toBe(1)
    time.now += 5
    await accepts(ring, jwt)
    expect(reads).toBe(2)
  })

  test('without the store: known keys sign and verify, unknown ones are an outage, not an invalid token', async () => {
    const { instance, store, time } = world()
    let down = false
    const orDown = async <T>(work: () => Promise<T>): Promise<T> => {
      if (down) throw new StoreUnavailable('down')
      return work()
    }
    const ring = await instance({
      storage: {
        get: (key) => orDown(() => store.get(key)),
        create: (...args) => orDown(() => store.create(...args)),
        replace: (...args) => orDown(() => store.replace(...args)),
      },
    })
    const foreign = await token(await world().instance())
    down = true
    expect(await accepts(ring, await token(ring))).toBe(true)
    await expect(ring.refresh()).rejects.toThrow(StoreUnavailable)
    await expect(ring.rotate()).rejects.toThrow(StoreUnavailable)
    await expect(accepts(ring, foreign)).rejects.toThrow(StoreUnavailable)
    down = false
    time.now += 5
    await ring.refresh()
    expect(await accepts(ring, foreign)).toBe(false)
    expect(states(ring)).toEqual(['current'])
  })

  test('an emptied store gets the keys back from an instance that still has them', async () => {
    const { instance, store, lines } = world()
    const rings = [await instance(), await instance()]
    const body = rings[0]!.jwks().body
    await store.take('key_ring')
    await Promise.all(rings.map((ring) => ring.refresh()))
    expect((await instance()).jwks().body).toBe(body)
    expect(lines.filter((line) => line.includes('key_ring_restored'))).toHaveLength(1)
  })
})

describe('tokens that were checked are remembered', () => {
  test('a second check gives the same frozen claims; another token, typ or algorithm is checked again', async () => {
    const { instance } = world()
    const ring = await instance()
    const jwt = await token(ring)
    const claims = await ring.verify(jwt, { typ: 'at+jwt' })
    expect(await ring.verify(jwt, { typ: 'at+jwt' })).toBe(claims!)
    expect(Object.isFrozen(claims)).toBe(true)
    expect(await ring.verify(jwt, { typ: 'JWT' })).toBeUndefined()
    expect(await ring.verify(jwt, { typ: 'at+jwt', algs: ['EdDSA'] })).toBeUndefined()
    const [head, , tail] = jwt.split('.')
    const other = Buffer.from(JSON.stringify({ sub: 'bob' })).toString('base64url')
    expect(await accepts(ring, `${head}.${other}.${tail}`)).toBe(false)
    expect(await accepts(ring, `${jwt}A`)).toBe(false)
  })

  test('a token that was signed here is remembered with its typ, until its key retires', async () => {
    const { time, instance } = world()
    const ring = await instance({ activationDelay: 0 })
    const key = ring.signer('ES256')
    const claims = { sub: 'alice' }
    const jwt = await sign(key, 'at+jwt', claims)
    ring.remember(jwt, key.kid, 'at+jwt', claims)
    expect(await ring.verify(jwt, { typ: 'at+jwt' })).toBe(claims)
    expect(await ring.verify(jwt, { typ: 'JWT' })).toBeUndefined()
    await ring.rotate()
    time.now += retention + skew + 1
    await ring.refresh()
    expect(kids(ring)).not.toContain(key.kid)
    expect(await accepts(ring, jwt)).toBe(false)
  })
})
