/** The memory store: the contract, its sweep, and a large index. */
import { expect, test } from 'bun:test'
import { heapStats } from 'bun:jsc'
import { memoryStore } from '../../src/store/memory.ts'
import { storeContract } from './contract.ts'
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
