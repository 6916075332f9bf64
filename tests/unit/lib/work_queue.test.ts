/** The queue of sign-ins: never more at once than allowed, never more waiting, nobody forgotten. */
import { expect, test } from 'bun:test'
import { workQueue } from '../../../src/lib/work_queue.ts'

/** A job that ends when told to. */
const job = () => Promise.withResolvers<string>()

test('a few at a time, a few waiting, and an honest no', async () => {
  const queue = workQueue(2, 1)
  const jobs = [job(), job(), job()]
  const results = jobs.map((each) => queue.run(() => each.promise))
  expect(queue.waiting()).toBe(1)
  expect(queue.run(async () => 'too many')).toBeUndefined()
  jobs[0]!.resolve('a')
  expect(await results[0]).toBe('a')
  expect(queue.waiting()).toBe(0)
  jobs[1]!.resolve('b')
  jobs[2]!.resolve('c')
  expect(await Promise.all(results)).toEqual(['a', 'b', 'c'])
})

test('in the order they came', async () => {
  const queue = workQueue(1, 100)
  const order: number[] = []
  await Promise.all(Array.from({ length: 50 }, (_, i) => queue.run(async () => void order.push(i))))
  expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i))
})

test('a job that fails makes room like any other', async () => {
  const queue = workQueue(1, 2)
  const failing = queue.run(() => Promise.reject(new Error('bad')))
  const thrower = queue.run(() => {
    throw new Error('worse')
  })
  const good = queue.run(async () => 'good')
  const ends = await Promise.allSettled([failing, thrower, good])
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
})

test('without room to wait, only what can start does', async () => {
  const queue = workQueue(1, 0)
  const one = job()
  const running = queue.run(() => one.promise)
  expect(queue.run(async () => 'no')).toBeUndefined()
  one.resolve('yes')
  expect(await running).toBe('yes')
  expect(await queue.run(async () => 'next')).toBe('next')
})

test('whoever comes while a turn passes on waits: the limit holds at every moment', async () => {
  const queue = workQueue(1, 5000)
  let running = 0
  let most = 0
  const work = async () => {
    most = Math.max(most, ++running)
    await Promise.resolve()
    running--
  }
  const later: (Promise<void> | undefined)[] = []
  // Arrivals in every microtask between the end of one job and the start of the next.
  const arrive = async () => {
    for (let i = 0; i < 200; i++) {
      later.push(queue.run(work))
      await Promise.resolve()
    }
  }
  await Promise.all([arrive(), arrive(), arrive()])
  await Promise.all(later)
  expect(later).toHaveLength(600)
  expect(most).toBe(1)
})

test('thousands in turn, and the line is empty again', async () => {
  const queue = workQueue(3, 10_000)
  let done = 0
  await Promise.all(Array.from({ length: 5000 }, () => queue.run(async () => void done++)))
  expect(done).toBe(5000)
  expect(queue.waiting()).toBe(0)
})
