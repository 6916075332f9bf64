/** The read-only view of a store for HEAD: it answers as the store would and writes nothing. */
import { expect, test } from 'bun:test'
import { memoryStore } from '../../../src/store/memory.ts'
import { readOnlyStore } from '../../../src/store/read_only.ts'
import { writtenStore } from '../../support/written_store.ts'

async function pair() {
  const { store, take } = writtenStore(memoryStore({ now: () => 0 }))
  await store.put('there', 'value')
  await store.link('index', 'member', 1)
  await store.increment('counter', 1000, 7)
  take()
  return { store, view: readOnlyStore(store), take }
}

test('each write is answered as the store would answer it now', async () => {
  const { view } = await pair()
  expect(await view.create('there', 'other')).toBe(false)
  expect(await view.create('free', 'other')).toBe(true)
  expect(await view.replace('there', 'value', 'other')).toBe(true)
  expect(await view.replace('there', 'wrong', 'other')).toBe(false)
  expect(await view.replace('free', 'value', 'other')).toBe(false)
  expect(await view.take('there')).toBe('value')
  expect(await view.take('free')).toBeUndefined()
  expect(await view.increment('counter', 1000)).toEqual({ count: 1, ttl: 1000 })
})

test('no verb writes, whatever order they come in', async () => {
  const { store, view, take } = await pair()
  await view.put('there', 'other')
  await view.create('free', 'other')
  await view.replace('there', 'value', 'other')
  await view.take('there')
  await view.increment('counter', 1000)
  await view.link('index', 'another', 2)
  await view.unlink('index', 'member')
  await view.trim('index', 10)
  await view.close()
  expect(take()).toEqual([])
  expect(await store.get('there')).toBe('value')
  expect(await store.get('free')).toBeUndefined()
  expect(await store.range('index')).toEqual([{ member: 'member', score: 1 }])
  expect(await store.increment('counter', 1000)).toMatchObject({ count: 8 })
})

test('reads are those of the store', async () => {
  const { view } = await pair()
  expect(await view.get('there')).toBe('value')
  expect(await view.range('index', { limit: 5 })).toEqual([{ member: 'member', score: 1 }])
  expect(await view.ping()).toBeUndefined()
})
