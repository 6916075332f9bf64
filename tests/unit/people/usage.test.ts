/** Usage is counted in bounded room, added up over instances, kept for its time, and shows nobody. */
import { beforeEach, describe, expect, test } from 'bun:test'
import type { Context } from '../../../src/contracts/context.ts'
import { createLog } from '../../../src/lib/log.ts'
import { redirectUseOf } from '../../../src/models/usage/redirects.ts'
import { aliveSessions } from '../../../src/models/usage/stored.ts'
import { createUsage, type Usage } from '../../../src/models/usage/usage.ts'
import { usage as readUsage, usageCsv, writeUsage } from '../../../src/people/usage.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import { type Store, StoreUnavailable } from '../../../src/store/store.ts'
import { turnableClock } from '../../support/provider.ts'

const start = Date.UTC(2026, 10, 29, 10, 15)
const hour = 3_600_000
let clock = turnableClock(start)
let store: Store
const lines: string[] = []
const log = createLog('warn', 'json', (line) => void lines.push(line))
beforeEach(() => {
  clock = turnableClock(start)
  store = memoryStore(clock)
  lines.length = 0
})

type Counting = Parameters<typeof writeUsage>[0]
const instance = (usageClients = 100, usage: Usage = createUsage(usageClients)): Counting => ({
  store,
  clock,
  log,
  usage,
  config: { usageClients, usageHoursKept: 7, usageDaysKept: 400 } as Context['config'],
})
const client = (client_id: string, self_registered = false) => ({ client_id, self_registered })
const read = (context: Counting, by: 'hour' | 'day' = 'hour', hours = 24) => {
  const to = clock.now() / 1000 + 1
  return readUsage(context, { from: to - hours * 3600, to, by })
}

/** `each` is called for each verb, with its name. */
const watched = (each: (verb: string) => Promise<never> | void): Store =>
  new Proxy(store, {
    get(target, name) {
      const verb = Reflect.get(target, name) as unknown
      if (typeof verb !== 'function') return verb
      return (...args: unknown[]) =>
        each(String(name)) ?? (verb as (...given: unknown[]) => unknown).apply(target, args)
    },
  })

test('what several instances count adds up by client, hour and day; a person is counted once', async () => {
  const [a, b] = [instance(), instance()]
  for (const each of [a, b]) {
    for (let i = 0; i < 5; i++) each.usage.count('tokens', client('app'))
    each.usage.count('sign_ins', client('app'))
    each.usage.count('refusals', undefined)
    each.usage.seen(client('app'), 'anna', 's1')
    each.usage.seen(client('wiki'), 'anna', 's1')
  }
  b.usage.seen(client('app'), 'bob', 's2')
  await Promise.all([writeUsage(a), writeUsage(b)])
  clock.advance(hour)
  a.usage.count('tokens', client('app'))
  a.usage.seen(client('app'), 'anna', 's3')
  await writeUsage(a)
  const hours = (await read(a)).periods.filter(({ clients }) => clients.length > 0)
  expect(hours.map(({ at, total }) => [at, total.tokens])).toEqual([
    [Date.UTC(2026, 10, 29, 10) / 1000, 10],
    [Date.UTC(2026, 10, 29, 11) / 1000, 1],
  ])
  expect(hours[0]!.clients.find(({ client_id }) => client_id === 'app')).toEqual({
    client_id: 'app',
    other: false,
    tokens: 10,
    sign_ins: 2,
    refusals: 0,
    people: 2,
    sessions: 2,
  })
  expect(hours[0]!.total).toEqual({ tokens: 10, sign_ins: 2, refusals: 2, people: 2, sessions: 2 })
  const { whole, periods } = await read(a, 'day')
  expect(whole.total).toEqual({ tokens: 11, sign_ins: 2, refusals: 2, people: 2, sessions: 3 })
  expect(periods.at(-1)!.total).toEqual(whole.total)
})

describe('redirect URIs', () => {
  const uri = 'https://app.example/cb'
  const today = Math.floor(start / 86_400_000)

  test('one write for each instance and day, however often one is used', async () => {
    const verbs: string[] = []
    store = watched((verb) => void verbs.push(verb))
    const [a, b] = [instance(), instance()]
    for (const here of [a, b, a, b]) {
      for (let i = 0; i < 50; i++) here.usage.redirect(client('app'), uri, today)
      await writeUsage(here)
    }
    // The second one finds the day in the record, and writes nothing.
    expect(verbs).toEqual(['create', 'create', 'get'])
    expect(await redirectUseOf(a, 'app')).toEqual({ since: today, days: new Map([[uri, today]]) })
    clock.advance(24 * hour)
    a.usage.redirect(client('app'), uri, today + 1)
    a.usage.redirect(client('app'), 'https://app.example/other', today + 1)
    await writeUsage(a)
    expect((await redirectUseOf(b, 'app'))!.days.get(uri)).toBe(today + 1)
  })

  test('instances that write at once lose none, and an outage delays a day', async () => {
    const all = Array.from({ length: 8 }, () => instance())
    for (const [i, each] of all.entries()) each.usage.redirect(client('app'), `${uri}/${i}`, today)
    await Promise.all(all.map(writeUsage))
    expect((await redirectUseOf(all[0]!, 'app'))!.days.size).toBe(8)

    const [first] = all
    const down = watched(() => Promise.reject(new StoreUnavailable('gone')))
    first!.usage.redirect(client('app'), `${uri}/late`, today)
    await writeUsage({ ...first!, store: down })
    await writeUsage(first!)
    expect((await redirectUseOf(first!, 'app'))!.days.get(`${uri}/late`)).toBe(today)
  })

  test('in bounded room: clients of an instance, URIs of a client, none that registered itself, none without usage', async () => {
    const here = instance(10)
    for (let i = 0; i < 50; i++) {
      here.usage.redirect(client(`self-${i}`, true), uri, today)
      here.usage.redirect(client(`own-${i}`), uri, today)
    }
    expect(here.usage.take()!.redirects.size).toBe(10)
    const many = instance()
    for (let i = 0; i < 300; i++) many.usage.redirect(client('app'), `${uri}/${i}`, today - (i % 2))
    await writeUsage(many)
    const { days } = (await redirectUseOf(many, 'app'))!
    expect([days.size, new Set(days.values())]).toEqual([100, new Set([today])])
    const off = instance(0)
    off.usage.redirect(client('app'), uri, today)
    expect(off.usage.take()).toBeUndefined()
  })
})

describe('bounds', () => {
  test('clients beyond the number are counted together; those that registered themselves take half of it at most', async () => {
    const here = instance(10)
    for (let i = 0; i < 50; i++) here.usage.count('tokens', client(`self-${i}`, true))
    for (let i = 0; i < 50; i++) here.usage.count('tokens', client(`own-${i}`))
    const there = instance(10)
    for (let i = 0; i < 50; i++) there.usage.count('tokens', client(`late-${i}`))
    await writeUsage(here)
    await writeUsage(there)
    const { clients, total } = (await read(here)).periods.find((each) => each.clients.length > 0)!
    expect(total.tokens).toBe(150)
    const named = clients.flatMap(({ client_id }) => client_id ?? [])
    expect(named.filter((id) => id.startsWith('self'))).toHaveLength(5)
    expect(named.filter((id) => id.startsWith('own'))).toHaveLength(5)
    expect(named).toHaveLength(10)
    expect(clients.find(({ other }) => other)!.tokens).toBe(140)
  })

  test('requests of unknown clients make no row each', async () => {
    const here = instance(10)
    for (let i = 0; i < 100; i++) here.usage.count('refusals', undefined)
    await writeUsage(here)
    expect((await read(here)).whole.clients).toMatchObject([{ client_id: null, other: false, refusals: 100 }])
  })

  test('records end with their time, and too many are not read', async () => {
    const here = instance()
    here.usage.count('tokens', client('app'))
    await writeUsage(here)
    clock.advance(8 * 24 * hour)
    expect((await read(here, 'hour', 9 * 24)).whole.total.tokens).toBe(0)
    expect((await read(here, 'day', 9 * 24)).whole.total.tokens).toBe(1)
    await expect(read(here, 'hour', 24 * 400)).rejects.toThrow(RangeError)
  })

  test('a turn is two swaps, however much was counted, and none when nothing was', async () => {
    let swaps = 0
    const here = { ...instance(), store: watched((verb) => void (verb === 'get' || swaps++)) }
    await writeUsage(here)
    expect(swaps).toBe(0)
    here.usage.count('tokens', client('first'))
    await writeUsage(here)
    swaps = 0
    for (let i = 0; i < 90; i++) for (let n = 0; n < 100; n++) here.usage.count('tokens', client(`c${i}`))
    await writeUsage(here)
    expect(swaps).toBe(2)
  })
})

test('0 counts nothing', () => {
  const off = instance(0)
  off.usage.count('tokens', client('app'))
  off.usage.seen(client('app'), 'anna')
  off.usage.session(undefined, clock.now() / 1000 + 60)
  expect(off.usage.take()).toBeUndefined()
})

test('a store that is down costs what was counted until then, one line, and no error', async () => {
  const here = instance()
  here.usage.count('tokens', client('app'))
  await writeUsage({ ...here, store: watched(() => Promise.reject(new StoreUnavailable('down'))) })
  expect(lines.filter((line) => line.includes('usage_not_written'))).toHaveLength(1)
  here.usage.count('tokens', client('app'))
  await writeUsage(here)
  expect((await read(here)).whole.total.tokens).toBe(1)
})

test('sessions that are alive: begun, gone on with, ended, and over by themselves', async () => {
  const here = instance()
  const at = (hours: number) => clock.now() / 1000 + hours * 3600
  for (let i = 0; i < 5; i++) here.usage.session(undefined, at(3))
  here.usage.session(at(3), at(5)) // used again: it lives longer
  here.usage.session(at(3), undefined) // signed out
  await writeUsage(here)
  expect(await aliveSessions(here)).toBe(4)
  clock.advance(4 * hour)
  expect(await aliveSessions(here)).toBe(1)
  clock.advance(2 * hour)
  expect(await aliveSessions(here)).toBe(0)
  here.usage.session(clock.now() / 1000 - 7200, undefined) // the end of one that was over
  await writeUsage(here)
  expect(await aliveSessions(here)).toBe(0)
})

test('the store and the CSV have no person, and a client_id is no formula', async () => {
  const here = instance()
  here.usage.seen(client('=HYPERLINK("x")'), 'anna-the-person', 'session-of-anna')
  await writeUsage(here)
  for await (const page of store.scan())
    for (const found of page) expect(JSON.stringify(found)).not.toContain('anna')
  const csv = usageCsv((await read(here)).periods)
  expect(csv.split('\r\n')[0]).toBe('at,client_id,tokens,sign_ins,refusals,people,sessions')
  expect(csv).toContain(`2026-11-29T10:00:00.000Z,"'=HYPERLINK(""x"")",0,0,0,1,1`)
})

test('a month by hour is read in a few portions, so that not all sketches are in memory at once', async () => {
  const usual = instance()
  const context = { ...usual, config: { ...usual.config, usageHoursKept: 31 } }
  for (let day = 0; day < 30; day++) {
    context.usage.count('tokens', client('app'))
    await writeUsage(context)
    clock.advance(24 * hour)
  }
  let [open, most, portions, reads] = [0, 0, 0, 0]
  const get = store.get.bind(store)
  store.get = async (key) => {
    if (open++ === 0) portions += 1
    reads += 1
    most = Math.max(most, open)
    await Bun.sleep(0)
    const value = await get(key)
    open -= 1
    return value
  }
  const { periods, whole } = await read(context, 'hour', 30 * 24)
  expect([periods.length, reads, whole.total.tokens]).toEqual([721, 721, 30])
  expect(most).toBeLessThanOrEqual(64)
  expect(portions).toBeLessThanOrEqual(12)
})
