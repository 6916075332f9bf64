/** The contract of `scan` in `src/store/store.ts`, checked for a backend on namespaces of its own that are empty at first. */
import { describe, expect, test } from 'bun:test'
import type { Found, Store } from '../../src/store/store.ts'
import type { TwoHandles } from './contract.ts'

async function everything(store: Store): Promise<Found[]> {
  const all: Found[] = []
  for await (const page of store.scan()) all.push(...page)
  return all
}

const nameOf = (found: Found): string =>
  found.kind === 'value' ? `value ${found.key}` : `member ${found.index}\n${found.member}`

/** Without the TTL, sorted. What `health` asks for and what comes twice is left out. */
const lines = (all: readonly Found[]): string[] =>
  [
    ...new Set(
      all
        .map((found) => `${nameOf(found)} = ${found.kind === 'value' ? found.value : found.score}`)
        .filter((line) => !line.startsWith('value ping')),
    ),
  ].toSorted()

/** As a restore does it. */
const write = (store: Store, found: Found): Promise<void> =>
  found.kind === 'value'
    ? store.put(found.key, found.value, found.ttl)
    : store.link(found.index, found.member, found.score, found.ttl)

/** Declares the suite. `makeTwoHandles` gives an empty namespace at each call. */
export function scanContract(name: string, makeTwoHandles: () => Promise<TwoHandles>): void {
  const withHandles = (run: (handles: TwoHandles) => Promise<void>) => async () => {
    const handles = await makeTwoHandles()
    try {
      await run(handles)
    } finally {
      await handles.done()
    }
  }

  describe(`scan contract: ${name}`, () => {
    test(
      'an empty store has nothing',
      withHandles(async ({ a }) => {
        expect(lines(await everything(a))).toEqual([])
      }),
      60_000,
    )

    test(
      'every value and every member comes with its TTL, in pages; what has expired does not',
      withHandles(async ({ a, b, pass }) => {
        const odd = [
          '',
          ' ',
          '\0',
          '{a}',
          '*',
          '?',
          '\\',
          '[x]',
          ':',
          '\n',
          'v:',
          'i:',
          '😀',
          '\u{10ffff}',
          '-5',
        ]
        const wanted: string[] = []
        const values = [
          ...odd.map((text) => [text, text]),
          ...Array.from({ length: 950 }, (_, i) => [`k${i}`, `${i}x`]),
        ]
        await Promise.all(
          values.map(async ([key = '', value = ''], i) => {
            await (i % 2 ? a : b).put(key, value, i % 3 ? undefined : 600_000)
            wanted.push(`value ${key} = ${value}`)
          }),
        )
        for (const index of ['', 'large', 'k1', '[x]*'])
          await Promise.all(
            Array.from({ length: index === 'large' ? 750 : 15 }, async (_, i) => {
              const member = odd[i] ?? `m${i}`
              await (i % 2 ? a : b).link(index, member, i - 0.5, index === 'k1' ? 600_000 : undefined)
              wanted.push(`member ${index}\n${member} = ${i - 0.5}`)
            }),
          )
        await a.put('long', 'ü'.repeat(200_000))
        wanted.push(`value long = ${'ü'.repeat(200_000)}`)
        await a.increment('counter', 600_000, 7)
        wanted.push('value counter = 7')
        await a.put('short', 'goes', 300)
        await a.link('brief', 'goes', 1, 300)
        await a.take('never there')
        await pass(400)
        const pages: number[] = []
        const all: Found[] = []
        for await (const page of b.scan()) {
          pages.push(page.length)
          all.push(...page)
        }
        expect(lines(all)).toEqual(wanted.toSorted())
        expect(Math.min(...pages)).toBeGreaterThan(0)
        expect(Math.max(...pages)).toBeLessThan(300)
        const temporary = new Set([
          'value counter',
          ...values.flatMap(([key], i) => (i % 3 ? [] : [`value ${key}`])),
        ])
        for (const found of all.filter((each) => !nameOf(each).startsWith('value ping'))) {
          const ends = temporary.has(nameOf(found)) || (found.kind === 'member' && found.index === 'k1')
          if (!ends) expect([nameOf(found), found.ttl]).toEqual([nameOf(found), undefined])
          else expect(found.ttl! > 400_000 && found.ttl! <= 600_000).toBe(true)
        }
      }),
      120_000,
    )

    test(
      'what a scan gives makes the same store again: values, counters that count on, indexes',
      withHandles(async ({ a, backend = a }) => {
        await a.put('value', 'text')
        await a.increment('counter', 600_000, 41)
        await Promise.all(Array.from({ length: 200 }, (_, i) => a.link('index', `m${i}`, i)))
        await a.link('ends', 'm', 1, 600_000)
        const found = await everything(backend)
        for (const each of found)
          await (each.kind === 'value' ? a.take(each.key) : a.unlink(each.index, each.member))
        expect(lines(await everything(a))).toEqual([])
        for (const each of found) await write(backend, each)
        expect(await a.get('value')).toBe('text')
        expect(lines(await everything(backend))).toEqual(lines(found))
        const { count, ttl } = await a.increment('counter', 1_000)
        expect(count).toBe(42)
        expect(ttl).toBeGreaterThan(400_000)
        expect(await a.range('index', { min: 198 })).toEqual([
          { member: 'm198', score: 198 },
          { member: 'm199', score: 199 },
        ])
      }),
      120_000,
    )

    test(
      'what stays comes at least once, whatever is written, moved and removed between the pages',
      withHandles(async ({ a, b }) => {
        const stays = Array.from({ length: 600 }, (_, i) => i)
        await Promise.all(
          stays.flatMap((i) => [
            a.put(`stays/${i}`, `${i}`),
            b.link('index', `stays/${i}`, i),
            a.put(`goes/${i}`, 'x'),
            b.link('index', `goes/${i}`, i + 0.5),
          ]),
        )
        const all: Found[] = []
        let turns = 0
        for await (const page of a.scan()) {
          all.push(...page)
          const turn = turns++
          if (turn >= 12) continue
          const fifty = Array.from({ length: 50 }, (_, i) => turn * 50 + i)
          await Promise.all(
            fifty.flatMap((i) => [
              b.take(`goes/${i}`),
              b.unlink('index', `goes/${i}`),
              b.put(`new/${i}`, 'x'),
              b.link('index', `new/${i}`, -i),
              b.put(`stays/${i}`, `${i}`), // written again
              b.link('index', `stays/${i}`, turn % 2 ? i : 5_000 + i), // at another place of the index
            ]),
          )
        }
        const names = new Set(all.map(nameOf))
        for (const i of stays) {
          expect(names.has(`value stays/${i}`)).toBe(true)
          expect(names.has(`member index\nstays/${i}`)).toBe(true)
        }
        for (const found of all)
          if (found.kind === 'value' && found.key.startsWith('stays/'))
            expect(found.value).toBe(found.key.slice('stays/'.length))
      }),
      120_000,
    )

    test(
      'a scan that is left early keeps nothing back',
      withHandles(async ({ a, b }) => {
        await Promise.all(Array.from({ length: 300 }, (_, i) => a.put(`k${i}`, 'v')))
        for await (const page of a.scan()) {
          expect(page.length).toBeGreaterThan(0)
          break
        }
        await b.put('after', 'v')
        expect(lines(await everything(b))).toHaveLength(301)
      }),
      60_000,
    )
  })
}
