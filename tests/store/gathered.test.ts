/** Calls that come at the same time are one call, and each caller gets its own answer. */
import { expect, test } from 'bun:test'
import { countsOf, gathered } from '../../src/store/gathered.ts'

/** A counter whose statements end when the test says so. */
function slowCounter(start = 0) {
  let count = start
  const sent: (readonly number[])[] = []
  const gates: PromiseWithResolvers<void>[] = []
  const increment = gathered(async (steps: readonly number[]) => {
    sent.push(steps)
    const gate = Promise.withResolvers<void>()
    gates.push(gate)
    await gate.promise
    count += steps.reduce((sum, by) => sum + by, 0)
    return countsOf(count, steps)
  })
  return { increment, sent, gates }
}

test('what comes while one is in progress goes together, and no count is given twice', async () => {
  const { increment, sent, gates } = slowCounter(10)
  const counted = [1, 1, 5, -2, 0, 1].map((by) => increment('k', by))
  gates[0]!.resolve()
  await counted[0]
  expect(sent).toEqual([[1], [1, 5, -2, 0, 1]])
  gates[1]!.resolve()
  expect(await Promise.all(counted)).toEqual([11, 12, 17, 15, 15, 16])
  const later = increment('k', 1)
  gates[2]!.resolve()
  expect(await later).toBe(17)
})

test('another name does not wait', async () => {
  const { increment, sent, gates } = slowCounter()
  const all = [increment('a', 1), increment('b', 2)]
  expect(sent).toEqual([[1], [2]])
  for (const gate of gates) gate.resolve()
  await Promise.all(all)
})

test('a statement that fails rejects the counts in it; the next are tried', async () => {
  const { increment, gates } = slowCounter()
  const first = increment('k', 1)
  const second = [increment('k', 1), increment('k', 1)]
  gates[0]!.reject(new Error('away'))
  await expect(first).rejects.toThrow('away')
  gates[1]!.resolve()
  expect(await Promise.all(second)).toEqual([1, 2])
})
