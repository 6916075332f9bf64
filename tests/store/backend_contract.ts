/** What a backend can besides, checked through two handles on one namespace. docs/decisions/0086-moves.md */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Backend } from '../../src/store/store.ts'
import type { TwoHandles } from './contract.ts'

type Handles = TwoHandles & { a: Backend; b: Backend }

export function backendContract(name: string, makeTwoHandles: () => Promise<Handles>): void {
  describe(`backend contract: ${name}`, () => {
    let handles: Handles
    beforeAll(async () => {
      handles = await makeTwoHandles()
      await handles.a.ping()
      await handles.b.ping()
    })
    afterAll(() => handles?.done())

    test('read: the value and what is left of its TTL, until it has expired', async () => {
      const { a, b, pass } = handles
      expect(await a.read('backend/absent')).toBeUndefined()
      await a.put('backend/kept', 'é\0')
      expect(await b.read('backend/kept')).toEqual({ value: 'é\0' })
      await a.put('backend/ends', 'x', 60_000)
      const { value, ttl = 0 } = (await b.read('backend/ends'))!
      expect([value, ttl > 0 && ttl <= 60_000]).toEqual(['x', true])
      await a.increment('backend/count', 60_000, 7)
      expect((await b.read('backend/count'))?.value).toBe('7')
      await a.put('backend/short', 'x', 30)
      await pass(60)
      expect(await b.read('backend/short')).toBeUndefined()
    })

    test('adopt: a member that is there keeps its score, and one that is not is added', async () => {
      const { a, b } = handles
      const index = 'backend/index'
      await a.link(index, 'old', 5)
      await b.adopt(index, 'old', 1)
      await b.adopt(index, 'new', 3)
      const long = 'm'.repeat(3000)
      await a.link(index, `${long}1`, 9)
      await b.adopt(index, `${long}1`, 7)
      await b.adopt(index, `${long}2`, 8)
      expect(await a.range(index)).toEqual([
        { member: 'new', score: 3 },
        { member: 'old', score: 5 },
        { member: `${long}2`, score: 8 },
        { member: `${long}1`, score: 9 },
      ])
      await a.unlink(index, 'old')
      await b.adopt(index, 'old', 1)
      expect((await a.range(index, { limit: 1 }))[0]).toEqual({ member: 'old', score: 1 })
    })

    test('adopt: an index is kept as long as link would keep it, and one that has expired begins anew', async () => {
      const { a, b, pass } = handles
      await a.adopt('backend/ttl', 'x', 1, 30)
      await b.adopt('backend/ttl', 'x', 1, 60_000)
      await pass(60)
      expect(await a.range('backend/ttl')).toHaveLength(1)
      await a.adopt('backend/gone', 'old', 1, 30)
      await a.adopt('backend/gone', 'again', 1, 30)
      await pass(60)
      await b.adopt('backend/gone', 'again', 2, 60_000)
      expect(await a.range('backend/gone')).toEqual([{ member: 'again', score: 2 }])
      await a.adopt('backend/forever', 'x', 1, 30)
      await a.adopt('backend/forever', 'y', 1)
      await pass(60)
      expect(await b.range('backend/forever')).toHaveLength(2)
    })

    test('link and adopt race: the score of link stays', async () => {
      const { a, b } = handles
      await Promise.all(
        Array.from({ length: 60 }, async (_, i) => {
          const [one, other] = i % 2 ? [a, b] : [b, a]
          await Promise.all([
            one.link('backend/race', `m${i}`, 1000 + i),
            other.adopt('backend/race', `m${i}`, i),
          ])
        }),
      )
      const scores = (await a.range('backend/race')).map(({ score }) => score)
      expect(scores).toEqual(Array.from({ length: 60 }, (_, i) => 1000 + i))
    })
  })
}
