/** A store that takes part in a move: the contract before it, while the data is on its way, and afterwards. docs/decisions/0086-moves.md */
import { expect, test } from 'bun:test'
import { memoryStore } from '../../src/store/memory.ts'
import {
  arrivedKey,
  closedKey,
  handlesIndex,
  type MoveMark,
  unfinishedKey,
} from '../../src/store/moving/mark.ts'
import { movingStore } from '../../src/store/moving/moving.ts'
import { sealedStore } from '../../src/store/sealed.ts'
import { type Backend, type Store, StoreUnavailable } from '../../src/store/store.ts'
import { until } from '../support/until.ts'
import { storeContract } from './contract.ts'
import { scanContract } from './scan_contract.ts'

const mark = (state: MoveMark['state'], more: Partial<MoveMark> = {}): string =>
  JSON.stringify({ move: 'm', role: 'source', state, other: 'there', run: 'r', ...more })
const targetMark = mark('announced', { role: 'target' })

let names = 0
async function pair(state: MoveMark['state'] | undefined) {
  let now = 1_800_000_000_000
  const clock = { now: () => now, elapsed: () => performance.now() }
  const memory = { now: () => now }
  const [source, target] = [memoryStore(memory), memoryStore(memory)]
  if (state) {
    await source.put(unfinishedKey, mark(state))
    await target.put(unfinishedKey, targetMark)
    await target.put(arrivedKey, 'm')
  }
  const warned: string[] = []
  const handle = (over: Partial<{ source: Backend }> = {}) =>
    movingStore({
      ...{ source, target, clock, name: `here/1-x/${names++}`, unique: () => `${names++}` },
      ...over,
      warn: (problem) => void warned.push(problem),
    })
  const [a, b] = [await handle(), await handle()]
  return {
    ...{ a, b, source, target, warned, handle },
    pass: async (ms: number) => void (now += ms),
    async done() {
      await a.close()
      await b.close()
    },
  }
}

for (const state of [undefined, 'announced', 'moving', 'drained'] as const) {
  const name = `a move that is ${state ?? 'not begun'}`
  storeContract(name, () => pair(state))
  scanContract(name, () => pair(state))
}

storeContract('sealed, over a move that is moving', async () => {
  const handles = await pair('moving')
  const key = new Uint8Array(32).fill(7)
  return { ...handles, a: sealedStore(handles.a, key), b: sealedStore(handles.b, key) }
})

test('before: the source alone; on its way: what is read stays, what is written goes to the target; then the target alone', async () => {
  const { a, source, target, done } = await pair(undefined)
  await a.put('kept', '1', 60_000)
  await a.put('used', '2')
  await a.link('index', 'x', 1)
  expect([await source.get('kept'), await target.get('kept')]).toEqual(['1', undefined])
  await source.put(unfinishedKey, mark('moving'))
  await target.put(unfinishedKey, targetMark)
  await target.put(arrivedKey, 'm')
  await until(async () => {
    await a.put('probe', '1')
    return (await target.get('probe')) === '1'
  }, 'the handle to see the mark')
  expect([await a.get('kept'), await source.get('kept')]).toEqual(['1', '1'])
  expect([await a.take('used'), await source.get('used'), await target.get('used')]).toEqual([
    '2',
    undefined,
    undefined,
  ])
  await a.replace('kept', '1', '3', 60_000)
  expect([await source.get('kept'), await target.get('kept')]).toEqual([undefined, '3'])
  await a.link('index', 'x', 5)
  await a.link('index', 'y', 2)
  expect(await a.range('index')).toEqual([
    { member: 'y', score: 2 },
    { member: 'x', score: 5 },
  ])
  expect(await source.range('index')).toEqual([])
  await done()
})

test('a handle with a verb under way does not say that it has closed; the next verbs wait, and go on where the data is', async () => {
  const { source, target, handle, done } = await pair('announced')
  const { promise: answer, resolve } = Promise.withResolvers<void>()
  const slow = new Proxy(source, {
    get: (from, name) => {
      const verb = Reflect.get(from, name) as (...args: unknown[]) => unknown
      return name === 'take' && typeof verb === 'function'
        ? async (...args: unknown[]) => {
            await answer
            return verb.apply(from, args)
          }
        : typeof verb === 'function'
          ? verb.bind(from)
          : verb
    },
  })
  await source.put('code', 'secret')
  const name = `here/1-x/${names}`
  const store = await handle({ source: slow })
  const taking = store.take('code')
  await source.put(unfinishedKey, mark('closing', { turn: 'one' }))
  let waited = false
  await until(
    async () => (await source.get(closedKey('here/1-x/none'))) === undefined && Date.now() > 0,
    'a look',
  )
  const next = until(async () => {
    const get = store.get('other').then(() => 'answered')
    waited = (await Promise.race([get, Bun.sleep(5).then(() => 'waits')])) === 'waits'
    return waited
  }, 'a verb to wait')
  await next
  expect(await source.get(closedKey(name))).toBeUndefined()
  resolve()
  expect(await taking).toBe('secret')
  await until(async () => (await source.get(closedKey(name))) === 'one', 'the handle to close')
  const held = store.create('jti', '1')
  await source.put(unfinishedKey, mark('moving'))
  expect(await held).toBe(true)
  expect([await source.get('jti'), await target.get('jti')]).toEqual([undefined, '1'])
  await store.close()
  await done()
})

test('a command that does not go on: the handles open again by themselves, and its attempt fails', async () => {
  const { a, source, target, done } = await pair('announced')
  const closing = mark('closing', { turn: 'one' })
  await source.put(unfinishedKey, closing)
  const state = async () => (JSON.parse((await source.get(unfinishedKey))!) as MoveMark).state
  await until(async () => (await state()) === 'announced', 'the handles to give up')
  await until(
    () =>
      a.put('x', '1').then(
        () => true,
        () => false,
      ),
    'a verb to pass',
  )
  expect([await source.get('x'), await target.get('x')]).toEqual(['1', undefined])
  expect(await source.replace(unfinishedKey, closing, mark('moving'))).toBe(false)
  await done()
}, 60_000)

test('a handle whose STORE_MOVE_TO is another store never closes, and says why', async () => {
  const { source, target, warned, done } = await pair('announced')
  await target.put(arrivedKey, 'another')
  await source.put(unfinishedKey, mark('closing', { turn: 'one' }))
  await until(() => warned.length > 0, 'a warning')
  expect(warned[0]).toContain('STORE_MOVE_TO is not the store that the data is moved to (there)')
  for (const { member } of await source.range(handlesIndex))
    expect(await source.get(closedKey(member))).toBeUndefined()
  await done()
})

test('one that starts later with another STORE_MOVE_TO is refused; a mark that is lost leads no handle back', async () => {
  for (const state of ['moving', 'drained'] as const) {
    const { a, source, target, warned, handle, done } = await pair(state)
    await target.put(arrivedKey, 'another')
    expect(await handle().catch((error: Error) => error.message)).toContain('STORE_MOVE_TO is not the store')
    await source.take(unfinishedKey)
    await a.put('x', '1')
    if (state === 'moving')
      await until(
        () => warned.some((each) => each.includes('has gone from the source')),
        'a look at the mark',
      )
    await a.put('y', '1')
    expect([await source.get('y'), await target.get('y')]).toEqual([undefined, '1'])
    await done()
  }
})

test('a handle that had no answer to a verb does not close for a while: the backend may still do it', async () => {
  const { source, handle, done } = await pair('announced')
  const lost = new Proxy(source, {
    get: (from, name) => {
      const verb = Reflect.get(from, name) as (...args: unknown[]) => unknown
      if (typeof verb !== 'function') return verb
      return name === 'increment' ? () => Promise.reject(new StoreUnavailable('no answer')) : verb.bind(from)
    },
  })
  const name = `here/1-x/${names}`
  const store = await handle({ source: lost })
  await store.increment('x', 1000).catch(() => {})
  await source.put(unfinishedKey, mark('closing', { turn: 'one' }))
  await until(async () => {
    const said = await Promise.all(
      (await source.range(handlesIndex)).map(({ member }) => source.get(closedKey(member))),
    )
    return said.filter((each) => each === 'one').length === 2
  }, 'the others to close')
  expect(await source.get(closedKey(name))).toBeUndefined()
  await store.close()
  await done()
})

test('what a command left behind where it stopped reads as absent, and is in the way of no verb', async () => {
  for (const state of ['moving', 'drained'] as const) {
    const { a, target, done } = await pair(state)
    const places = ['get', 'create', 'take', 'count', 'put', 'swap'] as const
    for (const key of places) await target.create(key, '\u0001move:1', 60_000)
    expect(await a.get('get')).toBeUndefined()
    expect([await a.create('create', '1'), await a.create('create', '2'), await a.get('create')]).toEqual([
      true,
      false,
      '1',
    ])
    expect([await a.take('take'), await a.take('take')]).toEqual([undefined, undefined])
    expect([(await a.increment('count', 1000)).count, (await a.increment('count', 1000)).count]).toEqual([
      1, 2,
    ])
    expect((await a.increment('count', 1000)).ttl).toBeLessThanOrEqual(1000)
    await a.put('put', '1')
    expect(await a.get('put')).toBe('1')
    expect([await a.replace('swap', '', '1'), await a.get('swap')]).toEqual([false, undefined])
    const keys = (await Array.fromAsync(a.scan())).flat().map((found) => found.kind === 'value' && found.key)
    expect(keys.toSorted()).toEqual(['count', 'create', 'put'])
    await done()
  }
})

test('who would fill or replace the store changes no mark', async () => {
  for (const state of [undefined, 'announced', 'moving', 'drained'] as const) {
    const { a, source, target, done } = await pair(state)
    const before = [await source.get(unfinishedKey), await target.get(unfinishedKey)]
    for (const verb of [
      () => a.create(unfinishedKey, '1'),
      () => a.put(unfinishedKey, '1'),
      () => a.take(unfinishedKey),
      () => a.replace(unfinishedKey, before[0] ?? '', '1'),
    ])
      expect(await verb().catch((error: Error) => error.message)).toContain('remove STORE_MOVE_TO')
    expect([await source.get(unfinishedKey), await target.get(unfinishedKey)]).toEqual(before)
    await done()
  }
})

test('a handle that closes takes its name out after its last verb, and keeps it where an answer is missing', async () => {
  const { source, handle, done } = await pair(undefined)
  const { promise: answer, resolve } = Promise.withResolvers<void>()
  const slow = new Proxy(source, {
    get: (from, name) => {
      const verb = Reflect.get(from, name) as (...args: unknown[]) => unknown
      if (typeof verb !== 'function') return verb
      if (name === 'trim') return () => Promise.reject(new StoreUnavailable('no answer'))
      return name === 'increment'
        ? async (...args: unknown[]) => {
            await answer
            return verb.apply(from, args)
          }
        : verb.bind(from)
    },
  })
  const names = async () => (await source.range(handlesIndex)).map(({ member }) => member)
  const before = await names()
  const store = await handle({ source: slow })
  const counting = store.increment('x', 1000)
  const closing = store.close()
  expect((await names()).length).toBe(before.length + 1)
  resolve()
  expect((await counting).count).toBe(1)
  await closing
  expect(await names()).toEqual(before)
  const lost = await handle({ source: slow })
  await lost.trim('x', 1).catch(() => {})
  await lost.close()
  expect((await names()).length).toBe(before.length + 1)
  await done()
})

const marked = async (store: Store) => store.get(unfinishedKey)
test('the mark keeps out those that do not take part, and not those that do', async () => {
  for (const state of ['announced', 'closing', 'moving', 'drained'] as const) {
    const { a, source, done } = await pair(state)
    if (state !== 'drained') expect([state, await marked(a)]).toEqual([state, undefined])
    expect(await marked(source)).toBe(mark(state))
    await done()
  }
  const { a, source, done } = await pair('copying')
  expect(await marked(a)).toBe(mark('copying'))
  await done()
  void source
})
