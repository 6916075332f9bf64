/** The two places of one store: the contract in each, between them in both directions, and attacks with access to the backend. docs/decisions/0105-encryption-of-a-store-in-use.md */
import { expect, test } from 'bun:test'
import { createNameCipher } from '../../src/lib/name_cipher.ts'
import { placeMadeOnWrite } from '../../src/store/made_on_write.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { arrivedKey, type MoveMark, unfinishedKey } from '../../src/store/moving/mark.ts'
import { movingStore } from '../../src/store/moving/moving.ts'
import { pullingStore } from '../../src/store/moving/pulling.ts'
import { encryptedPlace, plainPlace } from '../../src/store/named.ts'
import { sealedBackend, sealedStore } from '../../src/store/sealed.ts'
import { type Backend, StoreUnavailable } from '../../src/store/store.ts'
import { storeContract } from './contract.ts'
import { rangeContract } from './range_contract.ts'
import { scanContract } from './scan_contract.ts'

const key = new Uint8Array(32).fill(7)
const cipher = createNameCipher('a-secret-of-names-for-this-test-with-256-bits')

function backendWithClock() {
  let now = 1_800_000_000_000
  const clock = { now: () => now }
  return { backend: memoryStore(clock), clock, pass: async (ms: number) => void (now += ms) }
}

const inPlace = (open: (backend: Backend) => Backend) => async () => {
  const { backend, pass } = backendWithClock()
  return { a: open(backend), b: open(backend), pass, done: () => backend.close() }
}
const encrypted = (backend: Backend) => sealedBackend(encryptedPlace(backend, cipher), key)
const opens: Record<string, (backend: Backend) => Backend> = {
  'the plain place': (backend) => plainPlace(backend),
  'the encrypted place': encrypted,
  'a place made on write': (backend) =>
    placeMadeOnWrite({
      empty: plainPlace(backend),
      look: async () => ((await backend.get('made')) === undefined ? undefined : encrypted(backend)),
      async make() {
        await backend.create('made', '1')
        return encrypted(backend)
      },
    }),
}
for (const [name, open] of Object.entries(opens)) {
  storeContract(name, inPlace(open))
  scanContract(name, inPlace(open))
  rangeContract(name, inPlace(open))
}

const mark = (state: MoveMark['state'], more: Partial<MoveMark> = {}): string =>
  JSON.stringify({ move: 'm', role: 'source', state, other: 'there', run: 'r', ...more })

let names = 0
async function between(isSealing: boolean, state: MoveMark['state']) {
  const { backend, clock, pass } = backendWithClock()
  const places = [plainPlace(backend), encrypted(backend)] as const
  const [source, target] = isSealing ? places : ([places[1], places[0]] as const)
  await source.put(unfinishedKey, mark(state))
  await target.put(unfinishedKey, mark(state, { role: 'target' }))
  await target.put(arrivedKey, 'm')
  const handle = () =>
    movingStore({
      ...{ source, target, name: `here/1-x/${names++}`, unique: () => `${names++}` },
      clock: { now: clock.now, elapsed: () => performance.now() },
      warn: () => {},
    })
  const [a, b] = [await handle(), await handle()]
  const done = async () => {
    await a.close()
    await b.close()
  }
  return { a, b, source, target, raw: backend, pass, done }
}
for (const isSealing of [true, false])
  for (const state of ['announced', 'moving', 'drained'] as const) {
    const name = `${isSealing ? 'sealing' : 'unsealing'} that is ${state}`
    storeContract(name, () => between(isSealing, state))
    scanContract(name, () => between(isSealing, state))
  }

test.each([true, false])(
  'sealing %p: of all that race for one record while it is moved, one wins',
  async (isSealing) => {
    for (let round = 0; round < 40; round++) {
      const { a, b, source, target, done } = await between(isSealing, 'moving')
      const record = JSON.stringify({ code: 'x' })
      await Promise.all(['taken', 'swapped', 'made'].map((name) => source.put(`code:${name}`, record)))
      await source.increment('tries:x', 60_000, 5)
      const walk = pullingStore({
        source,
        target,
        elapsed: () => performance.now(),
        unique: () => `${names++}`,
      })
      const handles = [a, b, a, b]
      const pulls = () =>
        Promise.all(['code:taken', 'code:swapped', 'code:made', 'tries:x'].map((name) => walk.pull(name)))
      const [taken, swapped, made] = await Promise.all([
        Promise.all(handles.map((each) => each.take('code:taken'))),
        Promise.all(handles.map((each, i) => each.replace('code:swapped', record, JSON.stringify({ i })))),
        Promise.all(handles.map((each) => each.create('code:made', 'second'))),
        Promise.all(handles.map((each) => each.increment('tries:x', 60_000))),
        pulls(),
        pulls(),
      ])
      expect(taken.filter((each) => each !== undefined)).toEqual([record])
      expect(swapped.filter(Boolean)).toHaveLength(1)
      expect(made).toEqual([false, false, false, false])
      expect((await a.increment('tries:x', 60_000, 0)).count).toBe(9)
      expect(await b.get('code:swapped')).toBe(JSON.stringify({ i: swapped.indexOf(true) }))
      await done()
    }
  },
)

test('the backend of the encrypted place tells no name, and not that two places have one name', async () => {
  const { backend } = backendWithClock()
  const store = encrypted(backend)
  await store.put('username:alice', '{}')
  await store.link('user_events:alice', 'e', 1)
  await store.increment('tries:login:203.0.113.7', 60_000)
  await store.link('people_words', 'alice\0sub', 0)
  await store.link('people_names', 'alice\0sub', 0)
  const seen: string[] = []
  for await (const page of backend.scan())
    for (const found of page) seen.push(found.kind === 'value' ? found.key : `${found.index} ${found.member}`)
  expect(seen).toHaveLength(3)
  expect(seen.join()).not.toContain('alice')
  expect(seen.join()).not.toContain('203.0.113.7')
  expect(seen.every((each) => each.startsWith('~'))).toBe(true)
  const found = (await Array.fromAsync(store.scan())).flat()
  expect(found.map((each) => (each.kind === 'value' ? each.key : each.index)).toSorted()).toEqual([
    'tries:login:203.0.113.7',
    'user_events:alice',
    'username:alice',
  ])
})

test('what another party writes into the encrypted place is absent, and a record under the name of another does not open', async () => {
  const { backend } = backendWithClock()
  const store = sealedStore(encryptedPlace(backend, cipher), key)
  await store.put('user:alice', '{"roles":["owner"]}')
  await store.put('user:mallory', '{"roles":[]}')
  const [hers, his] = ['user:alice', 'user:mallory'].map((name) => `~${cipher.seal(name)}`)
  await backend.put(his!, (await backend.get(hers!))!)
  expect(await store.get('user:mallory')).toBeUndefined()
  await backend.put(his!, '{"roles":["owner"]}')
  expect(await store.get('user:mallory')).toBeUndefined()
  await backend.put('user:mallory', '{"roles":["owner"]}')
  await backend.put('~user:Zm9yZ2VkIG5hbWUgb2YgYSByZWNvcmQ', 'x')
  const names = (await Array.fromAsync(store.scan()))
    .flat()
    .map((found) => found.kind === 'value' && found.key)
  expect(names).toEqual(['user:alice'])
})

test('a value in the target that does not open ends a move of its record with an error, and not in a loop', async () => {
  const { a, source, target, raw, done } = await between(true, 'moving')
  await source.put('code:x', '{"code":"x"}')
  await raw.put(`~${cipher.seal('code:x')}`, 'written by another party')
  const walk = pullingStore({ source, target, elapsed: () => 0, unique: () => `${names++}` })
  await expect(walk.pull('code:x')).rejects.toThrow(StoreUnavailable)
  await expect(a.take('code:x')).rejects.toThrow('does not open where it is moved to (code)')
  await raw.put(`~${cipher.seal('code:y')}`, 'written by another party')
  expect(await a.create('code:y', '1')).toBe(false)
  await done()
})

test('a name has one text, which only the secret makes or reads', () => {
  const other = createNameCipher('another-secret-of-names-for-this-test-256-bits')
  for (const name of ['user:', 'user:a', 'tries:login:ünï 😀\0', `grant:${'x'.repeat(5000)}`, 'index:a:b']) {
    const text = cipher.seal(name)
    expect(text).toBe(cipher.seal(name))
    expect(cipher.open(text)).toBe(name)
    expect(other.seal(name)).not.toBe(text)
    expect(other.open(text)).toBeUndefined()
    expect(text.slice(0, text.indexOf(':'))).toBe(name.slice(0, name.indexOf(':')))
    const changed = text.slice(0, -1) + (text.endsWith('A') ? 'Q' : 'A')
    expect([undefined, name]).toContain(cipher.open(changed)) // the last character may carry padding bits only
    expect(cipher.open(text.replace(/^[a-z]+:/, 'other:'))).toBeUndefined()
  }
  for (const text of ['user:', 'user:AAAA', 'user:!']) expect(cipher.open(text)).toBeUndefined()
  expect(cipher.open(cipher.seal('users'))).toBe('users')
})
