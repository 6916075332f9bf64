/** Records of realms: names, races of creation and removal, ends, and what tells other instances of a change. */
import { describe, expect, test } from 'bun:test'
import { createLabClock } from '../../../src/lib/lab_clock.ts'
import { createLog } from '../../../src/lib/log.ts'
import { systemRandom } from '../../../src/lib/random.ts'
import type { Memory } from '../../../src/models/define_record.ts'
import { isOpen, isRealmName, Realm, RealmError } from '../../../src/models/realm.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import type { Store } from '../../../src/store/store.ts'
import { turnableClock } from '../../support/provider.ts'

function realms(store?: Store) {
  const clock = turnableClock(1_800_000_000_000)
  const memory: Memory = {
    store: store ?? memoryStore(clock),
    clock,
    log: createLog('error', 'text', () => {}),
  }
  return {
    clock,
    memory,
    create: (name: string, more = {}) => Realm.create(memory, systemRandom, { name, settings: {}, ...more }),
    remove: (name: string) => Realm.remove(memory, systemRandom, name),
    update: (name: string, more: object) =>
      Realm.update(memory, systemRandom, name, (current) => ({ ...current, ...more })),
    gone: (ms = 60_000) => Realm.gone(memory, systemRandom, ms),
    names: async () => (await Realm.keys(memory)).map(({ name }) => name),
  }
}

test.each(['a', '0', 'class-7', 'a--b', 'x'.repeat(40)])('%p is a name', (name) => {
  expect(isRealmName(name)).toBe(true)
})

test.each([
  ...[
    '',
    '-',
    '-a',
    'a-',
    'A',
    'é',
    'a b',
    'a\n',
    'a/b',
    '..',
    '.',
    '%61',
    'a%2fb',
    'a:b',
    'a_b',
    'x'.repeat(41),
  ],
  ...['ａ', 'a\u200b', '__proto__', 'a\0'],
])('%p is none, and no store is asked', async (name) => {
  const { memory, create } = realms()
  expect(isRealmName(name)).toBe(false)
  expect(await create(name).catch((error: unknown) => error)).toBeInstanceOf(RealmError)
  const none = { ...memory, store: {} as Store }
  expect(await Realm.find(none, name)).toBeUndefined()
})

test('of many that create one name at once, one does', async () => {
  const { create, names } = realms()
  const made = await Promise.all(Array.from({ length: 30 }, () => create('class')))
  expect(made.filter(Boolean)).toHaveLength(1)
  expect(await names()).toEqual(['class'])
})

test('a realm that comes again under its name is another one, and stays when the first is removed', async () => {
  const { create, remove, memory, names, gone, clock } = realms()
  const first = (await create('class'))!
  expect(await Promise.all([remove('class'), remove('class')])).toContain(true)
  expect(await remove('class')).toBe(false)
  expect([await Realm.find(memory, 'class'), await names()]).toEqual([undefined, []])
  const again = await Promise.all([create('class'), create('class'), create('class')])
  const [second] = again.filter(Boolean)
  expect(again.filter(Boolean)).toHaveLength(1)
  expect(second!.id).not.toBe(first.id)
  clock.advance(61_000)
  expect(await gone()).toEqual([{ id: first.id, name: 'class' }])
  expect((await Realm.find(memory, 'class'))?.id).toBe(second!.id)
  expect(await names()).toEqual(['class'])
})

test('of many that remove one realm, one does; it is gone only later, when no instance serves it', async () => {
  const { create, remove, gone, clock, memory } = realms()
  const { id } = (await create('a'))!
  const removed = await Promise.all(Array.from({ length: 20 }, () => remove('a')))
  expect(removed.filter(Boolean)).toHaveLength(1)
  clock.advance(59_000)
  expect(await gone()).toEqual([])
  clock.advance(1_000)
  expect(await gone()).toEqual([{ id, name: 'a' }])
  await Realm.forget(memory, { id, name: 'a' })
  expect(await gone()).toEqual([])
})

test('a removal that was decided for one realm leaves the one that has come under its name since', async () => {
  const { create, remove, memory, names } = realms()
  const first = (await create('class'))!
  await remove('class')
  const second = (await create('class'))!
  expect(await Realm.remove(memory, systemRandom, 'class', first.id)).toBe(false)
  expect([(await Realm.find(memory, 'class'))?.id, await names()]).toEqual([second.id, ['class']])
  expect(await Realm.remove(memory, systemRandom, 'class', second.id)).toBe(true)
})

/** Rejects each call from the given one on. */
const dead = () => Promise.reject(new Error('died'))

test('a removal whose process died after the swap is finished, a minute after other instances can see it', async () => {
  const { create, memory, gone, clock, names } = realms()
  const { id } = (await create('a'))!
  const dying = { ...memory, store: { ...verbsOf(memory.store), unlink: dead } }
  expect(await Realm.remove(dying, systemRandom, 'a').catch(() => 'died')).toBe('died')
  expect(await names()).toEqual(['a'])
  const version = await Realm.version(memory)
  clock.advance(61_000)
  expect(await gone()).toEqual([])
  expect([await names(), await Realm.find(memory, 'a')]).toEqual([[], undefined])
  expect(await Realm.version(memory)).not.toBe(version)
  clock.advance(61_000)
  expect(await gone()).toEqual([{ id, name: 'a' }])
})

describe('a removal without its swap leaves the realm with all that it has', () => {
  const left = async (end: (own: ReturnType<typeof realms>, id: string) => Promise<unknown>) => {
    const own = realms()
    const { id } = (await own.create('a'))!
    const said = await end(own, id)
    own.clock.advance(61_000)
    expect(await own.gone()).toEqual([])
    own.clock.advance(61_000)
    expect(await own.gone()).toEqual([])
    expect([(await Realm.find(own.memory, 'a'))?.id, await own.names()]).toEqual([id, ['a']])
    return said
  }
  const removed = ({ memory }: ReturnType<typeof realms>, verbs: Partial<Store>) =>
    Realm.remove({ ...memory, store: { ...verbsOf(memory.store), ...verbs } }, systemRandom, 'a').catch(
      (error: Error) => error.name,
    )

  test('its process died', async () => {
    expect(await left((own) => removed(own, { replace: dead }))).toBe('Error')
  })

  test('other changes came first each time: the caller is told to try again', async () => {
    expect(await left((own) => removed(own, { replace: async () => false }))).toBe('RecordContended')
  })

  test('a change came between the read and the swap, and the caller had named the version before', async () => {
    const late = async (own: ReturnType<typeof realms>) => {
      const { replace } = verbsOf(own.memory.store)
      let changes = 0
      const store = {
        ...verbsOf(own.memory.store),
        async replace(...given: Parameters<Store['replace']>) {
          if (changes++ === 0) await own.update('a', { title: 'Another' })
          return replace(...given)
        },
      }
      const check = ({ title }: { title?: string | undefined }) => {
        if (title !== undefined) throw new Error('another version')
      }
      return Realm.remove({ ...own.memory, store }, systemRandom, 'a', undefined, check).catch(
        (error: Error) => error.message,
      )
    }
    expect(await left(late)).toBe('another version')
  })
})

test('a creation whose process died before the list is finished by the next try', async () => {
  const { create, memory, names } = realms()
  const dying = {
    ...memory,
    store: { ...verbsOf(memory.store), link: () => Promise.reject(new Error('died')) },
  }
  expect(await Realm.create(dying, systemRandom, { name: 'a', settings: {} }).catch(() => 'died')).toBe(
    'died',
  )
  expect(await names()).toEqual([])
  expect(await create('a')).toBeUndefined()
  expect(await names()).toEqual(['a'])
})

describe('a change', () => {
  test('changes the version, and never the id, the name or the creation', async () => {
    const { create, update, remove, memory } = realms()
    const made = (await create('a'))!
    const versions = [await Realm.version(memory)]
    const changed = await update('a', { id: 'x', name: 'b', created_at: 0, settings: { PROFILE: 'mcp' } })
    versions.push(await Realm.version(memory))
    expect(changed).toEqual({ ...made, settings: { PROFILE: 'mcp' } })
    await remove('a')
    versions.push(await Realm.version(memory))
    expect(await update('a', { disabled: true })).toBeUndefined()
    expect(new Set(versions).size).toBe(3)
    expect(await update('none', {})).toBeUndefined()
  })

  test('has a bounded number of settings', async () => {
    const { create, update } = realms()
    const settings = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`N${i}`, '']))
    expect(await create('a', { settings }).catch((error: unknown) => error)).toBeInstanceOf(RealmError)
    await create('a')
    expect(await update('a', { settings }).catch((error: unknown) => error)).toBeInstanceOf(RealmError)
  })
})

test('it is open from its creation until its end, unless it is disabled', async () => {
  const { create, update } = realms()
  const made = (await create('a', { ends_at: 1_800_003_600 }))!
  expect(isOpen(made, 1_800_003_599_999)).toBe(true)
  expect(isOpen(made, 1_800_003_600_000)).toBe(false)
  expect(isOpen((await update('a', { disabled: true }))!, 1_800_000_000_000)).toBe(false)
})

test('the clock of the lab moves neither begin nor end', async () => {
  const turned = turnableClock(1_800_000_000_000)
  const clock = createLabClock(turned)
  const { memory, remove, create } = realms()
  const lab = { ...memory, clock }
  clock.lab.moveTo(1_800_000_000_000 + 400 * 86_400_000)
  const made = await Realm.create(lab, systemRandom, { name: 'a', settings: {} })
  expect(made?.created_at).toBe(1_800_000_000)
  await remove('a')
  expect(await create('a')).toBeDefined()
  expect((await Realm.find(lab, 'a'))?.created_at).toBe(1_800_000_000)
})

describe('the end', () => {
  const end = 1_800_003_600
  /** Realms, and `sweep`, which removes what has ended: `between` runs before its first `verb` on a record or on the list of ends. */
  const swept = (verb: 'replace' | 'unlink') => {
    const own = realms()
    const { store } = own.memory
    const sweep = async (between: () => Promise<unknown>) => {
      let happened = false
      const before = async () => {
        if (happened) return
        happened = true
        await between()
      }
      const slow: Store = {
        ...verbsOf(store),
        ...(verb === 'replace'
          ? { replace: async (...given) => (await before(), store.replace(...given)) }
          : {
              async unlink(index, member) {
                if (index === 'realms_end') await before()
                await store.unlink(index, member)
              },
            }),
      }
      return Realm.removeEnded({ ...own.memory, store: slow }, systemRandom)
    }
    return { ...own, sweep }
  }

  test('removes a realm once', async () => {
    const { create, clock, memory, names, gone } = realms()
    const { id } = (await create('a', { ends_at: end }))!
    await create('b')
    expect(await Realm.removeEnded(memory, systemRandom)).toEqual([])
    clock.advance(3_600_000)
    const removed = await Promise.all([1, 2].map(() => Realm.removeEnded(memory, systemRandom)))
    expect(removed.flat()).toEqual([{ id, name: 'a' }])
    expect(await names()).toEqual(['b'])
    clock.advance(60_000)
    expect(await gone()).toEqual([{ id, name: 'a' }])
  })

  test('of one that was removed before does not have its data removed twice', async () => {
    const { create, remove, clock, memory, gone } = realms()
    const { id } = (await create('a', { ends_at: end }))!
    await remove('a')
    await Realm.forget(memory, { id, name: 'a' })
    clock.advance(3_600_000)
    await Realm.removeEnded(memory, systemRandom)
    clock.advance(60_000)
    expect(await gone()).toEqual([])
  })

  test('that was moved while it came leaves the realm', async () => {
    const { create, update, clock, memory, names, gone, sweep } = swept('replace')
    const { id } = (await create('a', { ends_at: end }))!
    clock.advance(3_600_000)
    expect(await sweep(() => update('a', { ends_at: end + 3_600 }))).toEqual([])
    clock.advance(61_000)
    expect(await gone()).toEqual([])
    expect([(await Realm.find(memory, 'a'))?.id, await names()]).toEqual([id, ['a']])
  })

  test('of one realm does not remove another one that came under its name', async () => {
    const { create, remove, clock, memory, names, sweep } = swept('replace')
    await create('a', { ends_at: end })
    clock.advance(3_600_000)
    let second: string | undefined
    const removed = await sweep(async () => {
      await remove('a')
      second = (await create('a'))?.id
    })
    expect(removed).toEqual([])
    expect([(await Realm.find(memory, 'a'))?.id, await names()]).toEqual([second, ['a']])
  })

  test('that was moved while it was taken out of the list comes all the same', async () => {
    const { create, update, clock, memory, names, sweep } = swept('unlink')
    const { id } = (await create('a', { ends_at: end }))!
    await update('a', { ends_at: end + 1 })
    await memory.store.link('realms_end', `a ${id}`, end * 1000)
    clock.advance(3_600_000)
    expect(await sweep(() => update('a', { ends_at: end + 3_600 }))).toEqual([])
    clock.advance(3_600_000)
    expect(await Realm.removeEnded(memory, systemRandom)).toEqual([{ id, name: 'a' }])
    expect(await names()).toEqual([])
  })

  test('is finished where the process died before the data was noted', async () => {
    const { create, clock, memory, gone } = realms()
    const { id } = (await create('a', { ends_at: end }))!
    clock.advance(3_600_000)
    const dying: Store = {
      ...verbsOf(memory.store),
      link: () => Promise.reject(new Error('died')),
      unlink: () => Promise.reject(new Error('died')),
    }
    expect(
      await Realm.removeEnded({ ...memory, store: dying }, systemRandom).catch(
        (error: Error) => error.message,
      ),
    ).toBe('died')
    await Realm.removeEnded(memory, systemRandom)
    clock.advance(60_000)
    expect(await gone()).toEqual([{ id, name: 'a' }])
  })
})

/** The verbs of a store, to replace one of them. */
const verbsOf = (store: Store): Store => ({
  seals: store.seals,
  get: (key) => store.get(key),
  put: (key, value, ttl) => store.put(key, value, ttl),
  create: (key, value, ttl) => store.create(key, value, ttl),
  replace: (key, expected, value, ttl) => store.replace(key, expected, value, ttl),
  take: (key) => store.take(key),
  increment: (key, ttl, by) => store.increment(key, ttl, by),
  link: (index, member, score, ttl) => store.link(index, member, score, ttl),
  unlink: (index, member) => store.unlink(index, member),
  range: (index, options) => store.range(index, options),
  trim: (index, max) => store.trim(index, max),
  scan: () => store.scan(),
  ping: () => store.ping(),
  close: () => store.close(),
})
