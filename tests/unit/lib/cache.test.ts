/** The small cache: lifetime, one load at a time, and no value from before a `forget`. */
import { expect, test } from 'bun:test'
import { createCache } from '../../../src/lib/cache.ts'
import { turnableClock } from '../../support/provider.ts'

/** Each value counts as one byte beside its key, unless the test says otherwise. */
const bounds = (lifetime: number, maxBytes = 1000) => ({ lifetime, maxBytes, bytesOf: () => 1 })

/** Values that arrive when the test says so. */
function source() {
  const waiting: PromiseWithResolvers<string | undefined>[] = []
  return {
    load: () => {
      const one = Promise.withResolvers<string | undefined>()
      waiting.push(one)
      return one.promise
    },
    waiting,
  }
}

test('a value is kept for the lifetime and not longer', async () => {
  const clock = turnableClock()
  const cache = createCache<string>(clock, bounds(1000))
  let reads = 0
  const load = async () => `value ${++reads}`
  expect(await cache.get('k', load)).toBe('value 1')
  clock.advance(999)
  expect(await cache.get('k', load)).toBe('value 1')
  clock.advance(1)
  expect(await cache.get('k', load)).toBe('value 2')
})

test('an absent value is not cached', async () => {
  const cache = createCache<string>(turnableClock(), bounds(1000))
  expect(await cache.get('k', async () => undefined)).toBeUndefined()
  expect(await cache.get('k', async () => 'here now')).toBe('here now')
})

test('concurrent reads load once', async () => {
  const cache = createCache<string>(turnableClock(), bounds(1000))
  const { load, waiting } = source()
  const asked = Array.from({ length: 20 }, () => cache.get('k', load))
  expect(waiting).toHaveLength(1)
  waiting[0]!.resolve('one')
  expect(await Promise.all(asked)).toEqual(Array(20).fill('one'))
})

test('a failure reaches all waiting callers and is not kept', async () => {
  const cache = createCache<string>(turnableClock(), bounds(1000))
  const failing = () => Promise.reject(new Error('down'))
  const asked = [cache.get('k', failing), cache.get('k', failing)]
  for (const each of asked) await expect(Promise.resolve(each)).rejects.toThrow('down')
  expect(await cache.get('k', async () => 'up again')).toBe('up again')
})

test('a load that throws at once is not kept either', async () => {
  const cache = createCache<string>(turnableClock(), bounds(1000))
  const thrower = () => {
    throw new Error('at once')
  }
  await expect(Promise.resolve(cache.get('k', thrower))).rejects.toThrow('at once')
  expect(await cache.get('k', async () => 'later')).toBe('later')
})

test('beyond the bytes the oldest entries are dropped, and a value that is too large is not kept', async () => {
  const cache = createCache<string>(turnableClock(), {
    lifetime: 1000,
    maxBytes: 1000,
    bytesOf: (value) => value.length,
  })
  let reads = 0
  const load = async () => `${++reads}`.padEnd(100)
  for (let i = 0; i < 100; i++) await cache.get(`k${i}`, load)
  expect(await cache.get('k99', load)).toBe('100'.padEnd(100))
  expect(await cache.get('k0', load)).toBe('101'.padEnd(100))
  const huge = async () => `${++reads}`.padEnd(500)
  await cache.get('huge', huge)
  expect(await cache.get('huge', huge)).toBe('103'.padEnd(500))
})

test('forget: a load in progress answers its caller and is not kept', async () => {
  const cache = createCache<string>(turnableClock(), bounds(1000))
  const { load, waiting } = source()
  const before = cache.get('k', load)
  cache.forget('k')
  waiting[0]!.resolve('old')
  expect(await before).toBe('old')
  expect(await cache.get('k', async () => 'new')).toBe('new')
})

test('forget: an old load that ends after a new one began is not kept', async () => {
  const cache = createCache<string>(turnableClock(), bounds(1000))
  const { load, waiting } = source()
  const old = cache.get('k', load)
  cache.forget('k')
  const fresh = cache.get('k', load)
  waiting[0]!.resolve('old')
  expect(await old).toBe('old')
  waiting[1]!.resolve('new')
  expect(await fresh).toBe('new')
  expect(await cache.get('k', async () => 'newer')).toBe('new')
})

test('a lifetime of 0 keeps nothing', async () => {
  const cache = createCache<string>(turnableClock(), bounds(0))
  expect(await cache.get('k', async () => 'a')).toBe('a')
  expect(await cache.get('k', async () => 'b')).toBe('b')
})

test('renew: the value after the call, one load at a time, shared by those that wait', async () => {
  const { load, waiting } = source()
  const cache = createCache<string>(turnableClock(), bounds(1000))
  const old = cache.get('k', load) // began before
  const first = cache.renew('k', load)
  await Promise.resolve().then(() => {})
  const [second, third] = [cache.renew('k', load), cache.renew('k', load)]
  expect(second).toBe(third)
  expect(waiting).toHaveLength(2)
  waiting[1]!.resolve('new')
  expect(await first).toBe('new')
  waiting[0]!.resolve('old')
  expect(await old).toBe('old')
  expect(await cache.get('k', load)).toBe('new')
  expect(waiting).toHaveLength(3)
  waiting[2]!.resolve('newer')
  expect(await second).toBe('newer')
  expect(await cache.get('k', load)).toBe('newer')
})

test('renew: a failure does not stop the next load, and an absent value changes nothing', async () => {
  const cache = createCache<string>(turnableClock(), bounds(1000))
  expect(await cache.get('k', async () => 'kept')).toBe('kept')
  const failing = cache.renew('k', () => Promise.reject(new Error('away')))
  await Promise.resolve().then(() => {})
  const absent = cache.renew('k', async () => undefined)
  await expect(failing).rejects.toThrow('away')
  expect(await absent).toBeUndefined()
  expect(await cache.get('k', async () => 'loaded')).toBe('kept')
})
