/** The limiter: bounds of running and waiting work, no lost work, and lanes that do not delay each other. */
import { describe, expect, test } from 'bun:test'
import { createLimiter, type Limits } from '../../../src/lib/limiter.ts'

class Refused extends Error {}

const limiter = (atOnce: number, waiting: number, lane?: Limits['lane']) =>
  createLimiter({ atOnce, waiting, refusal: () => new Refused(), ...(lane && { lane }) })

/** Work that ends when told to. */
const work = () => Promise.withResolvers<string>()

/** Lets every promise that can settle do so. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('some at once, some waiting, and the rest is refused', async () => {
  const limit = limiter(2, 1)
  const works = [work(), work(), work()]
  const results = works.map((each) => limit.run(() => each.promise))
  expect(limit.waiting()).toBe(1)
  await expect(limit.run(async () => 'too many')).rejects.toBeInstanceOf(Refused)
  works[0]!.resolve('a')
  expect(await results[0]).toBe('a')
  expect(limit.waiting()).toBe(0)
  works[1]!.resolve('b')
  works[2]!.resolve('c')
  expect(await Promise.all(results)).toEqual(['a', 'b', 'c'])
})

test('in the order of arrival', async () => {
  const limit = limiter(1, 100)
  const order: number[] = []
  await Promise.all(Array.from({ length: 50 }, (_, i) => limit.run(async () => void order.push(i))))
  expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i))
})

test('work that fails makes room as any other work', async () => {
  const limit = limiter(1, 2)
  const failing = limit.run(() => Promise.reject(new Error('bad')))
  const thrower = limit.run(() => {
    throw new Error('worse')
  })
  const good = limit.run(async () => 'good')
  const ends = await Promise.allSettled([failing, thrower, good])
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
})

test('without room to wait, only work that can start does', async () => {
  const limit = limiter(1, 0)
  const one = work()
  const running = limit.run(() => one.promise)
  await expect(limit.run(async () => 'no')).rejects.toBeInstanceOf(Refused)
  one.resolve('yes')
  expect(await running).toBe('yes')
  expect(await limit.run(async () => 'next')).toBe('next')
})

test('work that arrives while waiting work is started waits: the limit holds at every moment', async () => {
  const limit = limiter(1, 5000)
  let running = 0
  let most = 0
  const one = async () => {
    most = Math.max(most, ++running)
    await Promise.resolve()
    running--
  }
  const later: Promise<void>[] = []
  // Arrivals in every microtask between the end of one and the start of the next.
  const arrive = async () => {
    for (let i = 0; i < 200; i++) {
      later.push(limit.run(one))
      await Promise.resolve()
    }
  }
  await Promise.all([arrive(), arrive(), arrive()])
  await Promise.all(later)
  expect(later).toHaveLength(600)
  expect(most).toBe(1)
})

test('thousands one after another, and then the queue is empty', async () => {
  const limit = limiter(3, 10_000)
  let done = 0
  await Promise.all(Array.from({ length: 5000 }, () => limit.run(async () => void done++)))
  expect(done).toBe(5000)
  expect(limit.waiting()).toBe(0)
})

describe('lanes', () => {
  test('each has its own bounds: a lane that hangs does not block the others', async () => {
    const limit = limiter(4, 100, { atOnce: 2, waiting: 1 })
    const hung = Array.from({ length: 3 }, () => limit.run(() => new Promise(() => {}), { lane: 'hung' }))
    expect(hung).toHaveLength(3)
    await expect(limit.run(async () => 1, { lane: 'hung' })).rejects.toBeInstanceOf(Refused)
    for (let i = 0; i < 10; i++) expect(await limit.run(async () => i, { lane: 'well' })).toBe(i)
    expect(limit.waiting()).toBe(1)
  })

  test('the sum is bounded, whatever the lanes are called', async () => {
    const limit = limiter(1, 5, { atOnce: 1, waiting: 2 })
    const all = Array.from({ length: 20 }, (_, i) => limit.run(() => new Promise(() => {}), { lane: `${i}` }))
    const ends = Promise.allSettled(all.slice(6))
    expect((await ends).every(({ status }) => status === 'rejected')).toBe(true)
    expect(limit.waiting()).toBe(5)
  })

  test('take turns: a lane with much waiting work is not always first', async () => {
    const limit = limiter(1, 100, { atOnce: 1, waiting: 50 })
    const order: string[] = []
    const run = (lane: string) => limit.run(async () => void order.push(lane), { lane })
    await Promise.all([...Array.from({ length: 6 }, () => run('many')), run('one'), run('other')])
    expect(order.slice(0, 3)).toEqual(['many', 'one', 'other'])
    expect(order).toHaveLength(8)
  })

  test('aborted work leaves the queue and rejects with its reason', async () => {
    const limit = limiter(1, 3, { atOnce: 1, waiting: 3 })
    const first = work()
    const running = limit.run(() => first.promise, { lane: 'a' })
    const leaver = new AbortController()
    const left = limit.run(async () => 'never', { lane: 'a', signal: leaver.signal })
    const stays = limit.run(async () => 'stays', { lane: 'a' })
    leaver.abort(new Error('late'))
    await expect(left).rejects.toThrow('late')
    await expect(limit.run(async () => 'never', { signal: leaver.signal })).rejects.toThrow('late')
    await settled()
    expect(limit.waiting()).toBe(1)
    first.resolve('first')
    expect(await Promise.all([running, stays])).toEqual(['first', 'stays'])
    expect(limit.waiting()).toBe(0)
  })

  test('with random work no bound is exceeded and all accepted work is done', async () => {
    const bounds = { atOnce: 3, waiting: 12, lane: { atOnce: 2, waiting: 4 } }
    const limit = limiter(bounds.atOnce, bounds.waiting, bounds.lane)
    const running = new Map<string, number>()
    let done = 0
    let begun = 0
    let refused = 0
    let left = 0
    const all: Promise<void>[] = []
    for (let i = 0; i < 3_000; i++) {
      const lane = `lane${(i * 7) % 5}`
      const leaver = new AbortController()
      const one = async () => {
        begun++
        running.set(lane, (running.get(lane) ?? 0) + 1)
        expect(running.get(lane)!).toBeLessThanOrEqual(bounds.lane.atOnce)
        expect([...running.values()].reduce((a, b) => a + b)).toBeLessThanOrEqual(bounds.atOnce)
        for (let rest = (i * 13) % 4; rest > 0; rest--) await Promise.resolve()
        running.set(lane, running.get(lane)! - 1)
        done++
      }
      all.push(
        limit.run(one, { lane, signal: leaver.signal }).catch((error: unknown) => {
          if (error instanceof Refused) refused++
          else if (error === 'left') left++
          else throw error
        }),
      )
      expect(limit.waiting()).toBeLessThanOrEqual(bounds.waiting)
      if (i % 11 === 0) leaver.abort('left')
      if (i % 3 === 0) await Promise.resolve()
    }
    await Promise.all(all)
    expect([done + refused + left, limit.waiting()]).toEqual([3_000, 0])
    expect(done).toBe(begun)
    for (const count of [done, refused, left]) expect(count).toBeGreaterThan(0)
  })
})
