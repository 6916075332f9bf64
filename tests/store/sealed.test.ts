/** The sealed store: the contract, and attacks with access to the backend. */
import { expect, test } from 'bun:test'
import { seal, unseal } from '../../src/lib/seal.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { sealedStore } from '../../src/store/sealed.ts'
import { storeContract } from './contract.ts'
import { rangeContract } from './range_contract.ts'
import { scanContract } from './scan_contract.ts'

const secret = new Uint8Array(32).fill(7)

function sealedPair() {
  let now = 1_800_000_000_000
  const backend = memoryStore({ now: () => now })
  return {
    backend,
    a: sealedStore(backend, secret),
    b: sealedStore(backend, new Uint8Array(secret)),
    pass: async (ms: number) => void (now += ms),
    done: () => backend.close(),
  }
}

storeContract('sealed memory', async () => sealedPair())
scanContract('sealed memory', async () => sealedPair())
rangeContract('sealed memory', async () => sealedPair())

test('the backend sees neither a value nor whether two values are equal', async () => {
  const { backend, a, done } = sealedPair()
  await a.put('one', 'the same secret')
  await a.put('two', 'the same secret')
  const [one, two] = [await backend.get('one'), await backend.get('two')]
  expect(one).toStartWith('s1.')
  expect(one).not.toContain('secret')
  expect(one).not.toBe(two)
  await done()
})

test('a value moved to another key, altered, or from another secret is absent', async () => {
  const { backend, a, done } = sealedPair()
  await a.put('alice', 'admin')
  const sealed = (await backend.get('alice')) ?? ''
  await backend.put('mallory', sealed)
  expect(await a.get('mallory')).toBeUndefined()
  for (let i = 3; i < sealed.length; i++) {
    const other = sealed[i] === 'A' ? 'B' : 'A'
    await backend.put('alice', sealed.slice(0, i) + other + sealed.slice(i + 1))
    // The last character may carry padding bits only, and then decodes to the very same bytes.
    if (i < sealed.length - 1) expect(await a.get('alice')).toBeUndefined()
  }
  for (const text of ['', 's1.', 's2.AAAA', sealed.slice(0, -4), `${sealed}AAAA`, 'admin']) {
    await backend.put('alice', text)
    expect(await a.get('alice')).toBeUndefined()
    expect(await a.replace('alice', 'admin', 'x')).toBe(false)
  }
  await backend.put('alice', sealed)
  expect(await sealedStore(backend, new Uint8Array(32).fill(8)).get('alice')).toBeUndefined()
  expect(await a.get('alice')).toBe('admin')
  await done()
})

test('a damaged value does not allow a second use', async () => {
  const { backend, a, done } = sealedPair()
  await a.create('used:code', '1')
  await backend.put('used:code', 'damaged')
  expect(await a.create('used:code', '1')).toBe(false)
  expect(await a.take('used:code')).toBeUndefined()
  expect(await a.create('used:code', '1')).toBe(true)
  await done()
})

test('replace succeeds when the same plaintext was sealed again in between', async () => {
  const { backend, a, done } = sealedPair()
  await a.put('k', 'old')
  const busy = sealedStore(
    {
      ...bound(backend),
      async replace(key, expected, value, ttl) {
        if (!rewritten) {
          rewritten = true
          await a.put('k', 'old')
        }
        return backend.replace(key, expected, value, ttl)
      },
    },
    secret,
  )
  let rewritten = false
  expect(await busy.replace('k', 'old', 'new')).toBe(true)
  expect(rewritten).toBe(true)
  expect(await a.get('k')).toBe('new')
  await done()
})

/** The verbs of this test as functions, so that another writer can interrupt one of them. */
const bound = (store: ReturnType<typeof memoryStore>) => ({
  seals: store.seals,
  get: (key: string) => store.get(key),
  put: (key: string, value: string, ttl?: number) => store.put(key, value, ttl),
  create: (key: string, value: string, ttl?: number) => store.create(key, value, ttl),
  take: (key: string) => store.take(key),
  increment: (key: string, ttl: number, by?: number) => store.increment(key, ttl, by),
  link: (index: string, member: string, score: number, ttl?: number) => store.link(index, member, score, ttl),
  unlink: (index: string, member: string) => store.unlink(index, member),
  range: (index: string) => store.range(index),
  trim: (index: string, max: number) => store.trim(index, max),
  scan: () => store.scan(),
  ping: () => store.ping(),
  close: () => store.close(),
})

test('seal: round trip, never the same twice, bound to its associated data, a key of 32 bytes', () => {
  for (const text of ['', 'x', 'ünï 😀\0', 'x'.repeat(100_000)]) {
    expect(unseal(secret, seal(secret, text, 'a'), 'a')).toBe(text)
    expect(unseal(secret, seal(secret, text, 'a'), 'b')).toBeUndefined()
    expect(seal(secret, text, 'a')).not.toBe(seal(secret, text, 'a'))
  }
  expect(() => seal(new Uint8Array(16), 'x', '')).toThrow(RangeError)
  expect(() => sealedStore(memoryStore({ now: () => 0 }), new Uint8Array(31))).toThrow(RangeError)
})
