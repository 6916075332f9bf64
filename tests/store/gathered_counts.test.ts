/** Counts that are added at the same time are one statement, and each caller gets a count of its own. */
import { expect, test } from 'bun:test'
import { gatheredCounts } from '../../src/store/gathered_counts.ts'

/** A counter whose statements end when the test says so. */
function slowCounter(start = 0) {
  let count = start
  const sent: { key: string; ttl: number; by: number }[] = []
  const gates: PromiseWithResolvers<void>[] = []
  const increment = gatheredCounts(async (key, ttl, by) => {
    sent.push({ key, ttl, by })
    const gate = Promise.withResolvers<void>()
    gates.push(gate)
    await gate.promise
    count += by
    return { count, ttl: 7 }
  })
  return { increment, sent, gates }
}

test('what comes while one is in progress goes together, and no count is given twice', async () => {
  const { increment, sent, gates } = slowCounter(10)
  const counted = [1, 1, 5, -2, 0, 1].map((by) => increment('k', 60, by))
  gates[0]!.resolve()
  await counted[0]
  expect(sent.map(({ by }) => by)).toEqual([1, 5])
  gates[1]!.resolve()
  expect((await Promise.all(counted)).map(({ count }) => count)).toEqual([11, 12, 17, 15, 15, 16])
  expect((await counted[5]!).ttl).toBe(7)
  const later = increment('k', 60, 1)
  gates[2]!.resolve()
  expect((await later).count).toBe(17)
})

test('another key and another window do not wait', async () => {
  const { increment, sent, gates } = slowCounter()
  const all = [increment('a', 60, 1), increment('b', 60, 1), increment('a', 61, 1), increment('60 a', 60, 1)]
  expect(sent.map(({ key, ttl }) => `${ttl} ${key}`)).toEqual(['60 a', '60 b', '61 a', '60 60 a'])
  for (const gate of gates) gate.resolve()
  await Promise.all(all)
})

test('a failure is that of those who were in it; the next are tried', async () => {
  const { increment, gates } = slowCounter()
  const first = increment('k', 60, 1)
  const second = [increment('k', 60, 1), increment('k', 60, 1)]
  gates[0]!.reject(new Error('away'))
  await expect(first).rejects.toThrow('away')
  gates[1]!.resolve()
  expect((await Promise.all(second)).map(({ count }) => count)).toEqual([1, 2])
})
