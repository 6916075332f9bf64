/** The memory store: the contract, its sweep, and a large index. */
import { expect, test } from 'bun:test'
import { heapStats } from 'bun:jsc'
import { memoryStore } from '../../src/store/memory.ts'
import { storeContract } from './contract.ts'
import { rangeContract } from './range_contract.ts'
import { backendContract } from './backend_contract.ts'
import { scanContract } from './scan_contract.ts'
import { processorMs } from '../support/effort.ts'

function handClock(now = 1_800_000_000_000) {
  return { now: () => now, pass: async (ms: number) => void (now += ms) }
}

async function memory() {
  const clock = handClock()
  const store = memoryStore(clock)
  return { a: store, b: store, pass: clock.pass, done: () => store.close() }
}

storeContract('memory', memory)
scanContract('memory', memory)
backendContract('memory', memory)
rangeContract('memory', memory)

test('expired entries leave the memory although no request reads them', async () => {
  const clock = handClock()
  const store = memoryStore(clock)
  const live = () => {
    Bun.gc(true)
    return heapStats().heapSize
  }
  const before = live()
  for (let i = 0; i < 100_000; i++) await store.put(`key-number-${i}`, `value-number-${i}`, 1000)
  const full = live() - before
  expect(full).toBeGreaterThan(5_000_000)
  await clock.pass(2000)
  for (let i = 0; i < 40_000; i++) await store.put('one', 'value', 1000)
  expect(live() - before).toBeLessThan(full / 5)
  await store.close()
})

test('an index of 100,000 members stays quick when reads and writes alternate', async () => {
  const store = memoryStore(handClock())
  const took = await processorMs(async () => {
    for (let i = 0; i < 100_000; i++) await store.link('users', `user-${i}`, (i * 7919) % 100_003)
    for (let i = 0; i < 2000; i++) {
      await store.link('users', `user-${i}`, i)
      expect(await store.range('users', { limit: 2 })).toHaveLength(2)
    }
  })
  expect(took).toBeLessThan(8000) // sorting at each read would take minutes
  const all = await store.range('users', { limit: 200_000 })
  expect(all).toHaveLength(100_000)
  expect(all.every(({ score }, i) => i === 0 || (all[i - 1]?.score ?? 0) <= score)).toBe(true)
  await store.close()
})

test('an index of many chunks is as an array that is sorted each time', async () => {
  const store = memoryStore(handClock())
  const held = new Map<string, number>()
  let state = 83
  const below = (n: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
  const inOrder = () =>
    [...held]
      .map(([member, score]) => ({ member, score }))
      .toSorted((a, b) => a.score - b.score || Buffer.compare(Buffer.from(a.member), Buffer.from(b.member)))
  for (let i = 0; i < 12_000; i++) {
    const member = `m${below(9000)}`
    if (below(4) === 0) {
      held.delete(member)
      await store.unlink('i', member)
      continue
    }
    held.set(member, below(50))
    await store.link('i', member, held.get(member)!)
  }
  const all = inOrder()
  expect(all.length).toBeGreaterThan(4000)
  expect(await store.range('i', { limit: 10_000 })).toEqual(all)
  expect(await store.range('i', { limit: 10_000, descending: true })).toEqual(all.toReversed())
  for (const at of [0, 999, 1000, 1001, 3210, all.length - 1]) {
    const after = all[at]!
    expect(await store.range('i', { after, limit: 1500 })).toEqual(all.slice(at + 1, at + 1501))
    expect(await store.range('i', { offset: at, limit: 3 })).toEqual(all.slice(at, at + 3))
    const before = all.slice(Math.max(0, at - 1500), at).toReversed()
    expect(await store.range('i', { after, limit: 1500, descending: true })).toEqual(before)
  }
  await store.trim('i', 30)
  for (const [member, score] of held) if (score <= 30) held.delete(member)
  expect(await store.range('i', { limit: 10_000 })).toEqual(inOrder())
  await store.close()
})

test('what becomes old during a scan is in it, and what was removed is nowhere', async () => {
  const store = memoryStore(handClock())
  const pages = store.scan()[Symbol.asyncIterator]()
  const found = new Set<string>()
  const read = async () => {
    const { value } = (await pages.next()) as { value?: readonly { key?: string }[] }
    for (const { key } of value ?? []) if (key !== undefined) found.add(key)
    return value !== undefined
  }
  for (let i = 0; i < 10_000; i++) await store.put(`early-${i}`, `${i}`)
  await read()
  for (let i = 0; i < 40_000; i++) await store.put(`late-${i}`, `${i}`) // all of the first ones are old now
  while (await read());
  expect(Array.from({ length: 10_000 }, (_, i) => `early-${i}`).filter((key) => !found.has(key))).toEqual([])

  expect([await store.get('early-0'), await store.create('early-0', 'again')]).toEqual(['0', false])
  await store.put('early-0', 'again')
  expect(await store.take('early-0')).toBe('again')
  expect(await store.get('early-0')).toBeUndefined()
  expect(await store.create('early-0', 'anew')).toBe(true)
  expect(await store.take('late-39999')).toBe('39999')
  expect(await store.get('late-39999')).toBeUndefined()
  await store.close()
})
