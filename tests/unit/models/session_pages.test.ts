/** All sessions are listed a page at a time in bounded work; the index has those that are alive, and follows each use and each end. */
import { beforeEach, expect, test } from 'bun:test'
import { createLog } from '../../../src/lib/log.ts'
import type { Memory } from '../../../src/models/define_record.ts'
import { Session, type SessionSearch } from '../../../src/models/session.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import type { Scored } from '../../../src/store/store.ts'
import { systemRandom } from '../../../src/lib/random.ts'
import { countingStore } from '../../support/counting_store.ts'
import { turnableClock } from '../../support/provider.ts'

const hour = 3600
const lifetimes = { idle: hour, absolute: 10 * hour }
let clock = turnableClock()
let memory: Memory
beforeEach(() => {
  clock = turnableClock()
  memory = { store: memoryStore(clock), clock, log: createLog('error', 'json', () => {}) }
})

const begin = async (sub: string): Promise<Session> =>
  (await Session.begin(memory, systemRandom, { sub, acr: '1', amr: ['pwd'] }, lifetimes)).session

const any = () => true
const page = (more: Partial<SessionSearch> = {}) =>
  Session.page(memory, { limit: 50, matches: any, descending: true, ...more })
const subs = async (more: Partial<SessionSearch> = {}) => (await page(more)).items.map(({ sub }) => sub)
const members = async () => (await memory.store.range('sessions')).map(({ member }) => member)

test('the session that was used last comes first, and one that ends is gone from the index', async () => {
  const first = await begin('a')
  clock.advance(120_000)
  const second = await begin('b')
  expect(await subs()).toEqual(['b', 'a'])
  clock.advance(120_000)
  await Session.touch(memory, first, lifetimes)
  expect(await subs()).toEqual(['a', 'b'])
  await Session.end(memory, second.sid)
  expect(await members()).toEqual([first.sid])
})

test('what has expired is in no page, and leaves the index at the next sign-in', async () => {
  await begin('a')
  clock.advance(lifetimes.idle * 1000 + 1)
  expect(await subs()).toEqual([])
  const second = await begin('b')
  expect(await members()).toEqual([second.sid])
})

test('a use that comes after the end leaves no entry', async () => {
  const session = await begin('a')
  await Session.end(memory, session.sid)
  clock.advance(120_000)
  expect(await Session.touch(memory, session, lifetimes)).toBeUndefined()
  expect(await members()).toEqual([])
})

test('a session of a release without the index: among those of its End-User at once, among all from its next use on', async () => {
  const session = await begin('a')
  await memory.store.unlink('sessions', session.sid)
  expect(await subs()).toEqual([])
  expect(await subs({ sub: 'a' })).toEqual(['a'])
  clock.advance(120_000)
  await Session.touch(memory, session, lifetimes)
  expect(await subs()).toEqual(['a'])
})

test('a use costs the round trips that it cost without the index', async () => {
  const session = await begin('a')
  clock.advance(120_000)
  const { store, take } = countingStore(memory.store)
  await Session.touch({ ...memory, store }, session, lifetimes)
  expect(take()).toEqual({ verbs: 3, trips: 2 }) // get and link, then replace
})

test('all pages have each session once, in both directions; a rare match reads at most 500 records for a page', async () => {
  for (let i = 0; i < 1_200; i++) {
    await begin(i % 600 === 7 ? 'rare' : `p${i}`)
    clock.advance(1000)
  }
  for (const descending of [true, false]) {
    const found: string[] = []
    let after: Scored | undefined
    do {
      const some = await page({ descending, limit: 200, ...(after && { after }) })
      found.push(...some.items.map(({ sid }) => sid))
      after = some.next
    } while (after)
    expect([found.length, new Set(found).size]).toEqual([1_200, 1_200])
  }
  let read = 0
  const { get } = memory.store
  memory.store.get = (key) => (read++, get.call(memory.store, key))
  const some = await page({ limit: 1, matches: ({ sub }) => sub === 'rare' })
  expect(some.items).toHaveLength(0)
  expect(some.next).toBeDefined()
  expect(read).toBeLessThanOrEqual(500)
  const more = await page({ limit: 1, after: some.next, matches: ({ sub }) => sub === 'rare' })
  expect(more.items).toHaveLength(1)
})
