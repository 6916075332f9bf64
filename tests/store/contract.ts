/** The contract of `src/store/store.ts`, checked for a backend through two handles on one namespace. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Store } from '../../src/store/store.ts'

export interface TwoHandles {
  /** Two handles as two processes would have them; the same object when the backend is in this process. */
  a: Store
  b: Store
  /** Of a store that seals: the store beneath, where values are written back as they are kept. */
  backend?: Store
  /** Lets that many milliseconds pass for the backend, by its clock or by waiting. */
  pass(ms: number): Promise<void>
  /** Closes both and removes all data. */
  done(): Promise<void>
}

const contenders = 100

/** Declares the suite. `makeTwoHandles` is called once; each test uses keys of its own. */
export function storeContract(name: string, makeTwoHandles: () => Promise<TwoHandles>): void {
  describe(`store contract: ${name}`, () => {
    let handles: TwoHandles
    let used = 0
    const fresh = () => `contract/${used++}`
    /** `n` calls spread over both handles at once. */
    const race = <T>(n: number, call: (store: Store, i: number) => Promise<T>) =>
      Promise.all(Array.from({ length: n }, (_, i) => call(i % 2 ? handles.a : handles.b, i)))

    beforeAll(async () => {
      handles = await makeTwoHandles()
      await handles.a.ping()
      await handles.b.ping()
    })
    afterAll(() => handles?.done())

    test('get and put: what one handle writes the other reads; a later put replaces', async () => {
      const key = fresh()
      expect(await handles.a.get(key)).toBeUndefined()
      await handles.a.put(key, 'one')
      expect(await handles.b.get(key)).toBe('one')
      await handles.b.put(key, 'two', 60_000)
      expect(await handles.a.get(key)).toBe('two')
      await handles.a.put(key, '')
      expect(await handles.b.get(key)).toBe('')
    })

    test('create: one winner among racing processes, and its value stays', async () => {
      const key = fresh()
      const won = await race(contenders, (store, i) => store.create(key, `${i}`, 60_000))
      expect(won.filter(Boolean)).toHaveLength(1)
      expect(await handles.a.get(key)).toBe(`${won.indexOf(true)}`)
      expect(await handles.a.create(key, 'late')).toBe(false)
    })

    test('take: one winner among racing processes, and nothing stays', async () => {
      const key = fresh()
      await handles.a.put(key, 'prize')
      const taken = await race(contenders, (store) => store.take(key))
      expect(taken.filter((value) => value === 'prize')).toHaveLength(1)
      expect(taken.filter((value) => value === undefined)).toHaveLength(contenders - 1)
      expect(await handles.b.get(key)).toBeUndefined()
      expect(await handles.b.create(key, 'again')).toBe(true)
    })

    test('take of nothing is undefined', async () => {
      expect(await handles.a.take(fresh())).toBeUndefined()
    })

    test('replace: one winner among racing processes that saw the same value', async () => {
      const key = fresh()
      await handles.a.put(key, 'start')
      const won = await race(contenders, (store, i) => store.replace(key, 'start', `${i}`, 60_000))
      expect(won.filter(Boolean)).toHaveLength(1)
      expect(await handles.b.get(key)).toBe(`${won.indexOf(true)}`)
    })

    test('replace: refuses another value and what is absent, and writes nothing then', async () => {
      const key = fresh()
      expect(await handles.a.replace(key, 'x', 'y')).toBe(false)
      expect(await handles.a.get(key)).toBeUndefined()
      await handles.a.put(key, 'is')
      expect(await handles.b.replace(key, 'IS', 'was')).toBe(false)
      expect(await handles.b.replace(key, 'is ', 'was')).toBe(false)
      expect(await handles.a.get(key)).toBe('is')
      expect(await handles.b.replace(key, 'is', 'is')).toBe(true)
    })

    test('replace: a loop of swaps loses no step', async () => {
      const key = fresh()
      await handles.a.put(key, '0')
      await race(8, async (store) => {
        for (let done = 0; done < 5;) {
          const value = (await store.get(key)) ?? 'gone'
          if (await store.replace(key, value, `${Number(value) + 1}`)) done++
        }
      })
      expect(await handles.a.get(key)).toBe('40')
    })

    test('increment: racing processes never get the same count', async () => {
      const key = fresh()
      const counted = await race(contenders, (store) => store.increment(key, 60_000))
      expect(counted.map(({ count }) => count).toSorted((x, y) => x - y)).toEqual(
        Array.from({ length: contenders }, (_, i) => i + 1),
      )
      for (const { ttl } of counted) expect(ttl > 0 && ttl <= 60_000).toBe(true)
    })

    test('increment: by more, by less, by nothing, and take starts again', async () => {
      const key = fresh()
      expect((await handles.a.increment(key, 60_000, 5)).count).toBe(5)
      expect((await handles.b.increment(key, 60_000, -2)).count).toBe(3)
      expect((await handles.a.increment(key, 60_000, 0)).count).toBe(3) // reads
      await handles.a.take(key)
      expect((await handles.b.increment(key, 60_000)).count).toBe(1)
    })

    test('time: entries, counters and indexes end when their TTL does, and not before', async () => {
      const [kept, gone, swapped, made, window, index, unending] = Array.from({ length: 7 }, fresh) as [
        string,
        ...string[],
      ] as [string, string, string, string, string, string, string]
      const { a, b, pass } = handles
      await a.put(kept, 'stays', 1_600)
      await a.put(kept, 'stays') // without a TTL the key stays, whatever it had before
      await a.put(gone, 'goes', 1_600)
      await a.create(made, 'first', 1_600)
      await a.put(swapped, 'before', 1_600)
      await a.replace(swapped, 'before', 'after', 60_000)
      const first = await a.increment(window, 1_600)
      expect(first.ttl).toBe(1_600)
      await a.link(index, 'member', 1, 1_600)
      await a.link(unending, 'forever', 1)
      await a.link(unending, 'briefly', 2, 1_600)
      expect(await b.get(gone)).toBe('goes')
      expect(await b.create(made, 'second')).toBe(false)
      await pass(800)
      const second = await b.increment(window, 1_600)
      expect(second.count).toBe(2)
      expect(second.ttl).toBeLessThanOrEqual(800) // the window opened with the first and is not extended
      await pass(1_000)
      expect(await b.get(kept)).toBe('stays')
      expect(await b.get(gone)).toBeUndefined()
      expect(await b.take(gone)).toBeUndefined()
      expect(await b.replace(gone, 'goes', 'back')).toBe(false)
      expect(await b.get(swapped)).toBe('after')
      expect((await b.increment(window, 1_600)).count).toBe(1)
      expect(await b.range(index)).toEqual([])
      expect((await b.range(unending)).map(({ member }) => member)).toEqual(['forever', 'briefly'])
      const won = await race(contenders, (store, i) => store.create(made, `${i}`))
      expect(won.filter(Boolean)).toHaveLength(1) // an expired key is won once again
      await a.link(index, 'later', 2)
      expect(await b.range(index)).toEqual([{ member: 'later', score: 2 }])
    })

    test('link: a shorter TTL does not shorten the index', async () => {
      const index = fresh()
      await handles.a.link(index, 'long', 1, 60_000)
      await handles.b.link(index, 'short', 2, 1)
      await handles.pass(20)
      expect(await handles.a.range(index)).toHaveLength(2)
    })

    test('range: ascending by score, ties by bytes, as every backend orders', async () => {
      const index = fresh()
      const members = ['b', 'a', 'B', '\u00e4', '\ue000', '\uffff', '\u{1f600}', 'aa', '10', '9']
      await race(members.length, (store, i) => store.link(index, members[i] as string, 7))
      await handles.a.link(index, 'first', -1.5)
      await handles.a.link(index, 'last', 1.7e12)
      const byBytes = members.toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
      const expected = [
        { member: 'first', score: -1.5 },
        ...byBytes.map((member) => ({ member, score: 7 })),
        { member: 'last', score: 1.7e12 },
      ]
      expect(await handles.b.range(index)).toEqual(expected)
    })

    test('range: bounds are inclusive, pages do not overlap, the default page is 1,000', async () => {
      const index = fresh()
      await race(1010, (store, i) => store.link(index, `m${i}`, i))
      const scores = async (options: Parameters<Store['range']>[1]) =>
        (await handles.a.range(index, options)).map(({ score }) => score)
      expect(await scores({ min: 3, max: 5 })).toEqual([3, 4, 5])
      expect(await scores({ min: 3.5, max: 5.5 })).toEqual([4, 5])
      expect(await scores({ min: 1008 })).toEqual([1008, 1009])
      expect(await scores({ max: 1 })).toEqual([0, 1])
      expect(await scores({ min: 10, limit: 2, offset: 3 })).toEqual([13, 14])
      expect(await scores({ limit: 0 })).toEqual([])
      expect(await scores({ offset: 5000 })).toEqual([])
      expect(await scores({ min: 5, max: 4 })).toEqual([])
      expect(await scores({})).toHaveLength(1000)
    })

    test('link moves a member, unlink removes it, trim removes from the bottom, inclusive', async () => {
      const index = fresh()
      await race(10, (store, i) => store.link(index, `m${i}`, i))
      await handles.a.link(index, 'm0', 20)
      await handles.b.unlink(index, 'm9')
      await handles.b.unlink(index, 'absent')
      await handles.a.trim(index, 4)
      const members = (await handles.b.range(index)).map(({ member }) => member)
      expect(members).toEqual(['m5', 'm6', 'm7', 'm8', 'm0'])
      await handles.a.trim(index, Infinity)
      expect(await handles.b.range(index)).toEqual([])
      await handles.a.unlink(fresh(), 'x')
      await handles.a.trim(fresh(), 1)
    })

    test('an emptied index forgets its TTL', async () => {
      const index = fresh()
      await handles.a.link(index, 'm', 1)
      await handles.a.unlink(index, 'm')
      await handles.b.link(index, 'm', 1, 1)
      await handles.pass(20)
      expect(await handles.a.range(index)).toEqual([])
    })

    test('what range returns belongs to the caller', async () => {
      const index = fresh()
      await handles.a.link(index, 'm', 1)
      for (const scored of await handles.a.range(index)) scored.score = 99
      expect(await handles.a.range(index)).toEqual([{ member: 'm', score: 1 }])
    })

    test('keys and indexes of one name are separate', async () => {
      const name = fresh()
      await handles.a.put(name, 'value')
      await handles.a.link(name, 'member', 1)
      await handles.b.take(name)
      expect(await handles.b.range(name)).toEqual([{ member: 'member', score: 1 }])
    })

    test('values are returned unchanged: Unicode, NUL, large', async () => {
      const values = [
        'ünï 😀 \u{10ffff}',
        'a\0b',
        '\r\n$-1\r\n',
        '"\'; DROP TABLE entries; --',
        'x'.repeat(100_000),
      ]
      for (const value of [...values, '漢'.repeat(34_000)]) {
        const key = fresh()
        await handles.a.put(key, value)
        expect((await handles.b.get(key)) === value).toBe(true)
        expect(await handles.b.replace(key, value, `${value}!`)).toBe(true)
        expect((await handles.a.take(key)) === `${value}!`).toBe(true)
      }
    })

    test('keys are distinct, whatever characters they have', async () => {
      const base = fresh()
      const odd = [
        '',
        ' ',
        '  ',
        '\0',
        '\0x',
        '{a}',
        '{a}b',
        '{',
        '*',
        '?',
        ':',
        '%',
        '\n',
        '__proto__',
        '\u00c9',
        'E\u0301',
        '\u00e9',
      ]
      const keys = [...odd, '😀', 'a'.repeat(5000)].map((key) => `${base}${key}`)
      await race(keys.length, (store, i) => store.put(keys[i] as string, `${i}`))
      const got = await race(keys.length, (store, i) => store.get(keys[i] as string))
      expect(got).toEqual(keys.map((_, i) => `${i}`))
      await race(keys.length, (store, i) => store.link(keys[i] as string, 'm', i))
      expect(
        (await race(keys.length, (store, i) => store.range(keys[i] as string))).map((r) => r[0]?.score),
      ).toEqual(keys.map((_, i) => i))
    })

    test('members are distinct and ordered, whatever their length', async () => {
      const index = fresh()
      const start = Array.from({ length: 3000 }, (_, i) => (i * i).toString(36)).join('')
      const members = ['b', 'a', '', 'y', 'z'].map((end) => start + end)
      await race(members.length, (store, i) => store.link(index, members[i] as string, 1))
      await handles.b.link(index, start, 1)
      expect((await handles.a.range(index)).map(({ member }) => member)).toEqual(members.toSorted())
      await handles.a.unlink(index, `${start}a`)
      expect(await handles.b.range(index)).toHaveLength(members.length - 1)
    })

    test('invalid arguments are refused, and nothing is written', async () => {
      const key = fresh()
      await expect(handles.a.put(key, 'x', Number.NaN)).rejects.toThrow(RangeError)
      await expect(handles.a.create(key, 'x', Infinity)).rejects.toThrow(RangeError)
      await expect(handles.a.increment(key, 1000, 0.5)).rejects.toThrow(RangeError)
      await expect(handles.a.link(key, 'm', Number.NaN)).rejects.toThrow(RangeError)
      expect(await handles.a.get(key)).toBeUndefined()
      expect(await handles.a.range(key)).toEqual([])
    })

    test('a TTL of 0 or less expires at once and does not mean forever', async () => {
      const key = fresh()
      await handles.a.put(key, 'x', 0)
      await handles.a.put(`${key}b`, 'x', -5)
      await handles.pass(20)
      expect(await handles.b.get(key)).toBeUndefined()
      expect(await handles.b.get(`${key}b`)).toBeUndefined()
    })

    test('a thousand verbs at once all answer', async () => {
      const key = fresh()
      await race(1000, (store, i) => store.put(`${key}/${i}`, `${i}`, 60_000))
      const got = await race(1000, (store, i) => store.get(`${key}/${i}`))
      expect(got.every((value, i) => value === `${i}`)).toBe(true)
    })
  })
}
