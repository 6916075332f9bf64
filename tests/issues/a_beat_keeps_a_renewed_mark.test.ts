/**
 * Issue 9, 55, beside instances that write at once: a beat that had read the birth mark before another instance renewed it
 * wrote the older `since` back, so what was used before the loss became valid again.
 */
import { expect, test } from 'bun:test'
import { createLog } from '../../src/lib/log.ts'
import { createBirth } from '../../src/models/birth.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { sealedStore } from '../../src/store/sealed.ts'
import type { Store } from '../../src/store/store.ts'
import { holdingStore } from '../support/odd_stores.ts'
import { turnableClock } from '../support/provider.ts'

const key = 'birth'
const minute = 60_000

function stage(wrap = (inner: Store): Store => inner) {
  const clock = turnableClock()
  const inner = memoryStore(clock)
  const store = wrap(inner)
  const lines: string[] = []
  const log = createLog('info', 'json', (line) => lines.push(line))
  const on = (own: Pick<Store, 'get' | 'create' | 'replace' | 'take'>, ahead = 0) =>
    createBirth({ store: own, clock: { ...clock, now: () => clock.now() + ahead }, log })
  return {
    clock,
    inner,
    store,
    on,
    mark: async () => JSON.parse((await store.get(key)) ?? 'null') as { since: number; seen_at: number },
    losses: () => lines.filter((line) => line.includes('store_lost_records')),
  }
}

test('a beat that read the mark before it was renewed leaves the renewed one', async () => {
  const { clock, store, on, mark } = stage()
  const line = holdingStore(store)
  const slow = on(line.store)
  await slow.renew()
  clock.advance(2 * minute)
  const beatRead = line.hold('get')
  const beat = slow.beat()
  await beatRead.held
  await on(store).renew()
  const renewed = await mark()
  // Both answers arrive together, as those of one connection do.
  const otherRead = line.hold('get')
  const known = slow.since()
  await otherRead.held
  beatRead.deliver()
  otherRead.deliver()
  expect((await known).dated).toBe(renewed.since)
  await beat
  expect(await mark()).toEqual(renewed)
})

test('the answer to a beat that arrives late does not make an instance forget the renewed mark', async () => {
  const { clock, store, on, losses } = stage()
  const line = holdingStore(store)
  const slow = on(line.store)
  await slow.renew()
  clock.advance(2 * minute)
  const swap = line.hold('replace')
  const beat = slow.beat()
  await swap.held
  const older = (await store.get(key))!
  clock.advance(1_000)
  await on(store).renew()
  const renewed = await slow.since()
  swap.deliver()
  await beat
  await store.put(key, older) // a copy from before
  expect(losses()).toEqual([])
  expect((await slow.since()).dated).toBeGreaterThanOrEqual(renewed.dated)
  expect(losses()).toHaveLength(1)
})

test('renewing takes no beat of another instance back', async () => {
  const { clock, store, on, mark, losses } = stage()
  const ahead = on(store, 5_000)
  await ahead.renew()
  clock.advance(2 * minute)
  const line = holdingStore(store)
  const read = line.hold('get')
  const renewal = on(line.store).renew()
  await read.held
  await ahead.beat()
  const beaten = await mark()
  read.deliver()
  await renewal
  const renewed = await mark()
  expect(renewed.seen_at).toBe(beaten.seen_at)
  expect(renewed.since).toBe(Math.floor(clock.now() / 1000) + 1)
  expect((await ahead.since()).dated).toBe(renewed.since)
  expect(losses()).toEqual([])
})

test('of renewals at once, the later time holds, whichever is written last', async () => {
  const { clock, store, on, mark, losses } = stage()
  const watching = on(store)
  await watching.renew()
  clock.advance(minute)
  const line = holdingStore(store)
  const read = line.hold('get')
  const renewal = on(line.store).renew()
  await read.held
  await on(store, 5_000).renew()
  const later = (await watching.since()).dated
  read.deliver()
  await renewal
  expect((await mark()).since).toBe(later)
  expect((await watching.since()).dated).toBe(later)
  expect(losses()).toEqual([])
})

test('a mark that is sealed with another SECRET_KEY is renewed', async () => {
  const { clock, inner, on } = stage()
  await on(sealedStore(inner, new Uint8Array(32).fill(1))).renew()
  const ours = sealedStore(inner, new Uint8Array(32).fill(2))
  await on(ours).renew()
  expect((await on(ours).since()).dated).toBe(Math.floor(clock.now() / 1000) + 1)
})
