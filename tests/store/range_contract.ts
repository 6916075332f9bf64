/** Pages of an index, for every backend: by `after`, by `prefix`, in both directions, against a simple model. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type RangeOptions, type Scored, type Store } from '../../src/store/store.ts'
import type { TwoHandles } from './contract.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8')
const inOrder = (a: Scored, b: Scored): number =>
  a.score - b.score || Buffer.compare(bytes(a.member), bytes(b.member))

/** What the contract says, in the plainest way. */
function model(members: readonly Scored[], options: RangeOptions): Scored[] {
  const { min = -Infinity, max = Infinity, limit = 1000, offset = 0, after, prefix, descending } = options
  const ordered = members
    .filter(({ score }) => score >= min && score <= max)
    .filter(({ member }) => prefix === undefined || member.startsWith(prefix))
    .toSorted(inOrder)
  if (descending) ordered.reverse()
  const beyond = ordered.filter((each) => {
    if (after === undefined) return true
    return descending ? inOrder(each, after) < 0 : inOrder(each, after) > 0
  })
  return beyond.slice(offset, offset + limit)
}

/** Numbers that a seed repeats. */
function dice(seed: number) {
  let state = seed >>> 0
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const below = (n: number): number => Math.floor(next() * n)
  return { below, pick: <T>(of: readonly T[]): T => of[below(of.length)]! }
}

const letters = [
  '',
  'a',
  'ab',
  'b',
  'z',
  '\u00e4',
  '\0',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{1f600}',
  '\u{10ffff}',
  'A',
  '\u6f22',
]
const long = 'l'.repeat(999)
const scores = [0, 0, 0, 1, -1.5, 7, 1.7e12, Number.MAX_SAFE_INTEGER]

export function rangeContract(name: string, makeTwoHandles: () => Promise<TwoHandles>): void {
  describe(`pages of an index: ${name}`, () => {
    let handles: TwoHandles
    let used = 0
    const fresh = () => `range/${used++}`

    beforeAll(async () => {
      handles = await makeTwoHandles()
      await handles.a.ping()
    })
    afterAll(() => handles?.done())

    const pagesOf = async (store: Store, index: string, options: RangeOptions): Promise<Scored[]> => {
      const all: Scored[] = []
      for (let after: Scored | undefined; ;) {
        const page = await store.range(index, { ...options, ...(after && { after }) })
        all.push(...page)
        after = page.at(-1)
        if (after === undefined) return all
      }
    }

    test('after: each member comes once, in both directions, with ties over the ends of pages', async () => {
      const index = fresh()
      const members = Array.from({ length: 60 }, (_, i) => ({ member: `m${i}`, score: Math.floor(i / 20) }))
      await Promise.all(members.map(({ member, score }) => handles.a.link(index, member, score)))
      const ordered = members.toSorted(inOrder)
      expect(await pagesOf(handles.b, index, { limit: 7 })).toEqual(ordered)
      expect(await pagesOf(handles.b, index, { limit: 7, descending: true })).toEqual(ordered.toReversed())
      expect(await pagesOf(handles.b, index, { limit: 7, min: 1, max: 1 })).toEqual(ordered.slice(20, 40))
    })

    test('after: a member that was removed since still marks its place', async () => {
      const index = fresh()
      for (const [i, member] of ['a', 'b', 'c', 'd', 'e'].entries())
        await handles.a.link(index, member, i < 3 ? 1 : 2)
      const [, second] = await handles.a.range(index, { limit: 2 })
      await handles.b.unlink(index, 'b')
      await handles.b.unlink(index, 'a')
      const names = async (options: RangeOptions) =>
        (await handles.a.range(index, options)).map(({ member }) => member)
      expect(await names({ after: second! })).toEqual(['c', 'd', 'e'])
      expect(await names({ after: second!, descending: true })).toEqual([])
      expect(await names({ after: { score: 2, member: '' } })).toEqual(['d', 'e'])
      expect(await names({ after: { score: 1.5, member: 'x' }, descending: true })).toEqual(['c'])
    })

    test('after: what stays comes once while others are added and removed between pages', async () => {
      const index = fresh()
      const stays = Array.from({ length: 40 }, (_, i) => `stays-${i}`)
      await Promise.all(stays.map((member, i) => handles.a.link(index, member, i % 3)))
      const seen: string[] = []
      const roll = dice(83)
      for (let after: Scored | undefined, round = 0; ; round++) {
        const page = await handles.b.range(index, { limit: 3, ...(after && { after }) })
        seen.push(...page.map(({ member }) => member))
        after = page.at(-1)
        if (after === undefined) break
        await handles.a.link(index, `goes-${round}`, roll.below(3))
        await handles.a.unlink(index, `goes-${roll.below(round + 1)}`)
      }
      expect(seen.filter((member) => member.startsWith('stays')).toSorted()).toEqual(stays.toSorted())
    })

    test('prefix: exactly the members that begin with it, by characters and not by patterns', async () => {
      const index = fresh()
      const members = [
        'ann',
        'anna',
        'anne',
        'an',
        'ao',
        'am\uffff',
        'an\u{10ffff}',
        'an%',
        'an_',
        'Ann',
        '*an',
        '\u00e4n',
      ]
      await Promise.all(members.map((member) => handles.a.link(index, member, 0)))
      await handles.a.link(index, 'annother', 1)
      const found = async (prefix: string) =>
        (await handles.b.range(index, { min: 0, max: 0, prefix })).map(({ member }) => member)
      expect(await found('ann')).toEqual(['ann', 'anna', 'anne'])
      expect(await found('an')).toEqual(['an', 'an%', 'an_', 'ann', 'anna', 'anne', 'an\u{10ffff}'])
      expect(await found('%')).toEqual([])
      expect(await found('*')).toEqual(['*an'])
      expect(await found('an\u{10ffff}')).toEqual(['an\u{10ffff}'])
      expect(await found('')).toHaveLength(members.length)
      expect(await pagesOf(handles.a, index, { min: 0, max: 0, prefix: 'an', limit: 2 })).toHaveLength(7)
      expect(
        (await handles.a.range(index, { min: 0, max: 0, prefix: 'ann', descending: true })).map(
          ({ member }) => member,
        ),
      ).toEqual(['anne', 'anna', 'ann'])
    })

    test('prefix: one score alone, because members of several do not stand side by side', async () => {
      await expect(handles.a.range(fresh(), { prefix: 'a' })).rejects.toThrow(RangeError)
      await expect(handles.a.range(fresh(), { prefix: 'a', min: 1, max: 2 })).rejects.toThrow(RangeError)
      await expect(handles.a.range(fresh(), { after: { member: 'a', score: Number.NaN } })).rejects.toThrow(
        RangeError,
      )
    })

    test('any members and any bounds: as the model', async () => {
      const seed = Number(process.env.FUZZ_SEED ?? 20_261_129)
      for (let round = 0; round < 4; round++) {
        const roll = dice(seed + round)
        const index = fresh()
        const text = () => (roll.below(8) === 0 ? long : '') + roll.pick(letters) + roll.pick(letters)
        const held = new Map<string, number>()
        for (let i = 0; i < 60; i++) held.set(text() + roll.pick(letters), roll.pick(scores))
        await Promise.all([...held].map(([member, score]) => handles.a.link(index, member, score)))
        for (const member of [...held.keys()].filter(() => roll.below(5) === 0)) {
          await handles.b.unlink(index, member)
          held.delete(member)
        }
        const members = [...held].map(([member, score]) => ({ member, score }))
        for (let i = 0; i < 60; i++) {
          const one = roll.pick(scores)
          const options: RangeOptions = {
            ...(roll.below(3) === 0 && { min: one, max: one, prefix: text() }),
            ...(roll.below(4) === 0 && { limit: roll.below(9) }),
            ...(roll.below(4) === 0 && { offset: roll.below(9) }),
            ...(roll.below(2) === 0 && { after: { member: text(), score: roll.pick(scores) } }),
            ...(roll.below(2) === 0 && { descending: roll.below(3) > 0 }),
          }
          if (options.prefix === undefined && roll.below(3) === 0) options.min = roll.pick(scores)
          if (options.prefix === undefined && roll.below(3) === 0) options.max = roll.pick(scores)
          const got = await handles.b.range(index, options)
          const label = `FUZZ_SEED=${seed} round ${round}: ${JSON.stringify(options)}`
          expect({ label, got }).toEqual({ label, got: model(members, options) })
        }
      }
    })

    test('an index whose time is over has no page', async () => {
      const index = fresh()
      await handles.a.link(index, 'm', 0, 1)
      await handles.pass(20)
      expect(await handles.b.range(index, { descending: true })).toEqual([])
      expect(await handles.b.range(index, { min: 0, max: 0, prefix: '' })).toEqual([])
    })
  })
}
