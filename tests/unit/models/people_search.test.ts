/** People and clients are found by words, filtered, sorted and paged; the indexes follow each change, survive a stop, and keep nothing of an erased person. */
import { beforeEach, describe, expect, test } from 'bun:test'
import { createLog } from '../../../src/lib/log.ts'
import { clientIndex } from '../../../src/models/client_index.ts'
import { searchClients } from '../../../src/models/client_search.ts'
import { Client } from '../../../src/models/client.ts'
import type { Memory } from '../../../src/models/define_record.ts'
import { Event } from '../../../src/models/event.ts'
import { noteSignIn, people } from '../../../src/models/people_index.ts'
import { type PeopleSearch, searchPeople } from '../../../src/models/people_search.ts'
import { type Page, SortUnavailable } from '../../../src/models/search.ts'
import { markIndex, namesIndex, wordsIndex } from '../../../src/models/search_index.ts'
import { type NewUser, User } from '../../../src/models/user.ts'
import { keepSearchIndexes } from '../../../src/people/search_job.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import { isReadable } from '../../../src/store/readable_index.ts'
import { sealedStore } from '../../../src/store/sealed.ts'
import type { Scored, Store } from '../../../src/store/store.ts'
import { turnableClock } from '../../support/provider.ts'

const log = createLog('error', 'json', () => {})
let clock = turnableClock()
let memory: Memory
beforeEach(() => {
  clock = turnableClock()
  memory = { store: memoryStore(clock), clock, log }
})

const person = (sub: string, more: Partial<NewUser> = {}): NewUser => ({
  sub,
  username: sub,
  claims: {},
  created_at: 1000,
  updated_at: 1000,
  ...more,
})

const fill = async (): Promise<void> => {
  await memory.store.take('search_index_turn')
  await keepSearchIndexes({ ...memory, closing: () => false })
}

/** All pages. */
async function all<T>(read: (after?: Scored) => Promise<Page<T>>): Promise<T[]> {
  const found: T[] = []
  for (let after: Scored | undefined, pages = 0; ; pages++) {
    const page = await read(after)
    found.push(...page.items)
    if (!page.next) return found
    expect(pages).toBeLessThan(200)
    after = page.next
  }
}
const subs = async (wanted: Omit<PeopleSearch, 'limit' | 'after'>, limit = 2): Promise<string[]> =>
  (await all((after) => searchPeople(memory, { ...wanted, limit, ...(after && { after }) }))).map(
    ({ sub }) => sub,
  )

const anna = person('s1', {
  username: 'anna.meier',
  claims: {
    email: 'anna@example.com',
    email_verified: true,
    given_name: 'Anna',
    family_name: 'Müller-Meier',
  },
  created_at: 1001,
})
const bob = person('s2', {
  username: 'Bob',
  claims: { email: 'anna.b@example.org', email_verified: false, name: 'Robert Annan' },
  created_at: 1002,
  roles: ['admin'],
})
const carl = person('s3', { username: 'carl', claims: {}, created_at: 1003, disabled: true })
const threePeople = async () => {
  for (const each of [carl, anna, bob]) expect(await User.create(memory, each)).toBe(true)
}

describe('people', () => {
  test('are found by the beginning of each word, without case and accents, each once', async () => {
    await threePeople()
    for (const [query, expected] of [
      ['ann', ['s1', 's2']],
      ['ANNA.M', ['s1']],
      ['muller', ['s1']],
      ['MÜL', ['s1']],
      ['meier', ['s1']],
      ['robert annan', ['s2']],
      ['annan rob', ['s2']],
      ['robert meier', []],
      ['anna@example.com', ['s1']],
      ['anna@', ['s1']],
      ['example.org', ['s2']],
      ['s3', ['s3']],
      ['nobody', []],
      ['ob', []],
    ] as const)
      expect([query, (await subs({ query }, 1)).toSorted()]).toEqual([query, expected.toSorted()])
  })

  test('are listed by creation, user name and last sign-in, in both directions', async () => {
    await threePeople()
    expect(await subs({})).toEqual(['s1', 's2', 's3'])
    expect(await subs({ descending: true })).toEqual(['s3', 's2', 's1'])
    expect(await subs({ sort: 'username' })).toEqual(['s1', 's2', 's3'])
    await noteSignIn(memory, 's2')
    clock.advance(60_000)
    await noteSignIn(memory, 's1')
    expect(await subs({ sort: 'last_sign_in', descending: true })).toEqual(['s1', 's2', 's3'])
  })

  test('are filtered by state and role, together with a query', async () => {
    await threePeople()
    expect(await subs({ filter: { state: 'disabled' } })).toEqual(['s3'])
    expect(await subs({ filter: { state: 'unverified' } })).toEqual(['s2'])
    expect(await subs({ filter: { role: 'admin' } })).toEqual(['s2'])
    expect(await subs({ filter: { role: 'admin', state: 'disabled' } })).toEqual([])
    expect(await subs({ filter: { role: 'admin' }, query: 'ann' })).toEqual(['s2'])
    expect(await subs({ filter: { state: 'disabled' }, sort: 'username' })).toEqual(['s3'])
    expect(await subs({ filter: { state: 'disabled' }, query: 's1' })).toEqual([])
  })

  test('are found under what they have after each change, and under nothing that they had', async () => {
    await threePeople()
    await User.update(memory, 's1', (user) => ({
      ...user,
      claims: { ...user.claims, family_name: 'Schulz' },
    }))
    await User.update(memory, 's3', (user) => ({ ...user, disabled: false, roles: ['guest'], leaving_at: 5 }))
    expect(await subs({ query: 'muller' })).toEqual([])
    expect(await subs({ query: 'schulz' })).toEqual(['s1'])
    expect(await subs({ filter: { state: 'disabled' } })).toEqual([])
    expect(await subs({ filter: { state: 'leaving', role: 'guest' } })).toEqual(['s3'])
    const kept = await memory.store.range(wordsIndex(people))
    expect(kept.filter(({ member }) => member.startsWith('muller'))).toEqual([])
    await User.proveEmail(memory, 's2', 'new@example.net')
    expect(await subs({ query: 'new@' })).toEqual(['s2'])
    expect(await subs({ filter: { state: 'unverified' } })).toEqual([])
  })

  test('of whom one is erased: no index has anything of the person', async () => {
    await threePeople()
    const before = await contents(memory.store)
    const dora = person('s4', { username: 'dora', claims: { given_name: 'Dora' }, roles: ['x'] })
    await User.create(memory, dora)
    await User.update(memory, 's4', (user) => ({ ...user, claims: { given_name: 'Dorothea' } }))
    await noteSignIn(memory, 's4')
    await User.remove(memory, (await User.find(memory, 's4'))!)
    const left = (await contents(memory.store)).filter((each) => !before.includes(each))
    expect(left.filter((each) => !each.startsWith('gone_sub:'))).toEqual([])
  })

  test('a page of a search that finds little is bounded, and the search goes on from there', async () => {
    for (let i = 0; i < 1200; i++)
      await User.create(memory, person(`p${i}`, { username: `u${i}`, created_at: i, disabled: i === 1100 }))
    await fill()
    let reads = 0
    const counted = { ...memory, store: countingGets(memory.store, () => reads++) }
    const wanted = { query: 'u', filter: { state: 'disabled' as const }, limit: 10 }
    const first = await searchPeople(counted, wanted)
    expect(reads).toBeLessThan(520)
    expect(first.next).toBeDefined()
    expect(await subs({ query: 'u', filter: { state: 'disabled' } }, 10)).toEqual(['p1100'])
  })
})

/** Everything as text: keys, and members with their index. */
async function contents(store: Store): Promise<string[]> {
  const found: string[] = []
  for await (const page of store.scan())
    for (const each of page) found.push(each.kind === 'value' ? each.key : `${each.index} ${each.member}`)
  return found
}

const countingGets = (store: Store, count: () => void): Store =>
  new Proxy(store, {
    get(target, name) {
      const verb = Reflect.get(target, name) as unknown
      if (typeof verb !== 'function') return verb
      return (...args: unknown[]) => {
        if (name === 'get') count()
        return (verb as (...given: unknown[]) => unknown).apply(target, args)
      }
    },
  })

describe('a store that seals', () => {
  let backend: Store
  beforeEach(() => {
    backend = memoryStore(clock)
    memory = { store: sealedStore(backend, new Uint8Array(32).fill(7)), clock, log }
  })

  test('has no word of a name and no address in the clear', async () => {
    await threePeople()
    await fill()
    const clear: string[] = []
    for await (const page of backend.scan())
      for (const each of page)
        clear.push(
          (each.kind === 'value' ? `${each.key} ${each.value}` : `${each.index} ${each.member}`).replace(
            /s1\.[\w-]+/g,
            'sealed',
          ),
        )
    // No short words: what is sealed or hashed is random, and may have three letters by chance.
    for (const word of ['meier', 'muller', 'example', 'robert'])
      expect([word, clear.filter((each) => each.toLowerCase().includes(word))]).toEqual([word, []])
  })

  test('finds whole names and addresses at once, and parts of words by reading', async () => {
    await threePeople()
    expect((await searchPeople(memory, { query: 'Bob', limit: 5 })).items.map(({ sub }) => sub)).toEqual([
      's2',
    ])
    expect(await subs({ query: 'anna@example.com' })).toEqual(['s1'])
    expect((await subs({ query: 'ann' }, 1)).toSorted()).toEqual(['s1', 's2'])
    expect(await subs({ query: 's3' }, 1)).toEqual(['s3'])
    expect(await subs({ filter: { role: 'admin' } })).toEqual(['s2'])
    await expect(searchPeople(memory, { sort: 'username', limit: 5 })).rejects.toThrow(SortUnavailable)
  })

  test('loses what a move from an open store brought along', async () => {
    await threePeople()
    await backend.link(wordsIndex(people), 'anna\0s1', 0)
    await backend.link(namesIndex(people), 'anna.meier\0s1', 0)
    await fill()
    expect(await backend.range(wordsIndex(people))).toEqual([])
    expect(await backend.range(namesIndex(people))).toEqual([])
  })
})

describe('a store that is sealed or unsealed meanwhile', () => {
  /** At the moment of the change all handles seal, or do not any more. */
  const changing = () => {
    const backend = memory.store
    let seals = false
    const store = new Proxy(backend, {
      get(target, name: keyof Store) {
        const member = name === 'seals' ? seals : target[name]
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    memory = { ...memory, store }
    return (next: boolean) => void (seals = next)
  }
  const found = async (complete: boolean) => {
    const page = await searchPeople(memory, { query: 'ann', limit: 5 })
    expect([page.items.map(({ sub }) => sub).toSorted(), page.complete]).toEqual([['s1', 's2'], complete])
  }

  test('finds all before, at the change, and after it, in both directions', async () => {
    const seal = changing()
    await threePeople()
    await fill()
    await found(true)
    seal(true)
    await found(true)
    await fill()
    await found(true)
    expect(await memory.store.range(wordsIndex(people))).toEqual([])
    seal(false)
    await found(false)
    await fill()
    await found(true)
    expect(await memory.store.range(wordsIndex(people))).not.toEqual([])
  })

  test('was sealed and unsealed between two turns of the job: it has lost its words, and reads until it has them again', async () => {
    await threePeople()
    await fill()
    await found(true)
    // A store that seals keeps no word of what is moved there, so none comes back.
    for await (const page of memory.store.scan())
      for (const each of page)
        if (each.kind === 'member' && isReadable(each.index))
          await memory.store.unlink(each.index, each.member)
    await found(false)
    await fill()
    await found(true)
    expect(await memory.store.range(wordsIndex(people))).not.toEqual([])
  })

  test.each([true, false])('a search over pages goes on when it becomes sealed: %p', async (next) => {
    const seal = changing()
    for (let i = 1; i <= 30; i++)
      await User.create(memory, person(`p${i}`, { username: `u${i}`, created_at: 1000 + i }))
    seal(!next)
    await fill()
    const first = await searchPeople(memory, { query: 'u', limit: 10 })
    expect(first.items).toHaveLength(10)
    seal(next)
    const rest = await all((after) =>
      searchPeople(memory, { query: 'u', limit: 10, after: after ?? first.next }),
    )
    expect(new Set([...first.items, ...rest].map(({ sub }) => sub)).size).toBe(30)
  })
})

describe('the job', () => {
  const forget = async () => {
    for (const index of [wordsIndex(people), namesIndex(people), 'people_signed_in', wordsIndex(clientIndex)])
      await memory.store.trim(index, Infinity)
    for (const mark of ['disabled', 'role:admin', 'unverified'])
      await memory.store.trim(markIndex(people, mark), Infinity)
  }

  test('fills the indexes of a store from before, and says so until it is done', async () => {
    await threePeople()
    await Event.add(memory, () => 'event', { sub: 's1', kind: 'signed_in' })
    await forget()
    const before = await searchPeople(memory, { query: 'ann', limit: 5 })
    expect([before.items.map(({ sub }) => sub), before.complete]).toEqual([['s1', 's2'], false])
    expect(await subs({ filter: { state: 'disabled' } })).toEqual([])
    await fill()
    const page = await searchPeople(memory, { query: 'ann', limit: 5 })
    expect(page.items.map(({ sub }) => sub).toSorted()).toEqual(['s1', 's2'])
    expect(page.complete).toBe(true)
    expect(await subs({ filter: { state: 'disabled' } })).toEqual(['s3'])
    expect((await subs({ sort: 'last_sign_in', descending: true }))[0]).toBe('s1')
  })

  test('goes on where it was stopped', async () => {
    for (let i = 0; i < 450; i++)
      await User.create(memory, person(`p${i}`, { username: `u${i}`, created_at: i }))
    await forget()
    let reads = 0
    const store = countingGets(memory.store, () => reads++)
    let pages = 0
    await keepSearchIndexes({ ...memory, store, closing: () => pages++ >= 2 })
    expect((await searchPeople(memory, { query: 'u', limit: 5 })).complete).toBe(false)
    const first = reads
    reads = 0
    await memory.store.take('search_index_turn')
    await keepSearchIndexes({ ...memory, store, closing: () => false })
    expect(await subs({ query: 'u' }, 100)).toHaveLength(450)
    // Four hundred were done: what is left is read with the first check of words, and not all of it anew.
    expect(first).toBeGreaterThan(700)
    expect(reads).toBeLessThan(1000)
  })

  test('finds an account without an entry and an entry without an account, a day later', async () => {
    await threePeople()
    await fill()
    await memory.store.unlink(wordsIndex(people), 'muller\0s1')
    await memory.store.link(wordsIndex(people), 'ghost\0gone', 0)
    await memory.store.link(wordsIndex(people), 'former\0s1', 0)
    expect(await subs({ query: 'ghost' })).toEqual([])
    expect(await subs({ query: 'former' })).toEqual([])
    clock.advance(90_000_000)
    for (let i = 0; i < 8; i++) await fill()
    expect(await subs({ query: 'muller' })).toEqual(['s1'])
    const kept = (await memory.store.range(wordsIndex(people))).map(({ member }) => member)
    expect(kept).not.toContain('ghost\0gone')
    expect(kept).not.toContain('former\0s1')
  })

  test('of several instances one has a turn', async () => {
    await threePeople()
    await forget()
    await Promise.all(Array.from({ length: 5 }, () => keepSearchIndexes({ ...memory, closing: () => false })))
    expect(await subs({ query: 'ann' })).toHaveLength(2)
    await memory.store.trim(wordsIndex(people), Infinity)
    await keepSearchIndexes({ ...memory, closing: () => false }) // the turn is taken
    expect(await memory.store.range(wordsIndex(people))).toEqual([])
  })
})

test('changes at once, each stopped anywhere, leave everyone to be found and no word of another', async () => {
  const words = ['red', 'green', 'blue', 'grey']
  for (let round = 0; round < 30; round++) {
    const sub = `r${round}`
    await User.create(memory, person(sub, { username: `${sub}name`, claims: { nickname: 'x', name: 'red' } }))
    let verbs = 0
    const dies = (after: number): Memory => ({
      ...memory,
      store: new Proxy(memory.store, {
        get(target, name) {
          const verb = Reflect.get(target, name) as unknown
          if (typeof verb !== 'function') return verb
          return async (...args: unknown[]) => {
            await Bun.sleep(0)
            if (++verbs > after) throw new Error('stopped')
            return (verb as (...given: unknown[]) => unknown).apply(target, args)
          }
        },
      }),
    })
    const dying = dies((round * 7) % 23)
    await Promise.allSettled(
      words.map((name, i) =>
        User.update(i % 2 ? dying : memory, sub, (user) => ({ ...user, claims: { ...user.claims, name } })),
      ),
    )
    const { claims } = (await User.find(memory, sub))!
    const found = await all((after) =>
      searchPeople(memory, {
        query: `${claims.name as string} ${sub}name`,
        limit: 5,
        ...(after && { after }),
      }),
    )
    expect([sub, found.map((each) => each.sub)]).toEqual([sub, [sub]])
    for (const other of words.filter((each) => each !== claims.name))
      expect(await subs({ query: `${other} ${sub}name` })).toEqual([])
  }
})

test('clients are found by name and client_id, and those that may end by themselves only by creation', async () => {
  const client = (client_id: string, more: Partial<Client>) =>
    Client.create(memory, {
      client_id,
      client_id_issued_at: 1000,
      scope: '',
      self_registered: false,
      first_party: false,
      resource_server: false,
      disabled: false,
      ...more,
    } as Client)
  await client('c1', { client_name: 'Payroll System' })
  await client('c2', { client_name: 'Wiki', disabled: true })
  await client('c3', { client_name: 'Payments', self_registered: true, exp: clock.now() / 1000 + 900 })
  const ids = async (wanted: Parameters<typeof searchClients>[1]) =>
    (await searchClients(memory, wanted)).items.map(({ client_id }) => client_id)
  expect(await ids({ query: 'pay', limit: 5 })).toEqual(['c1'])
  expect(await ids({ query: 'c2', limit: 5 })).toEqual(['c2'])
  expect(await ids({ query: 'c3', limit: 5 })).toEqual(['c3']) // whole
  expect(await ids({ sort: 'client_name', limit: 5 })).toEqual(['c1', 'c2'])
  expect(await ids({ limit: 5 })).toEqual(['c1', 'c2', 'c3'])
  expect(await ids({ filter: { state: 'disabled' }, limit: 5 })).toEqual(['c2'])
  await Client.keep(memory, 'c3')
  expect((await ids({ query: 'pay', limit: 5 })).toSorted()).toEqual(['c1', 'c3'])
  await Client.remove(memory, 'c1')
  expect(await ids({ query: 'payroll', limit: 5 })).toEqual([])
})
