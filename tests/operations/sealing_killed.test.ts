/** `latchkey secrets seal` and `unseal` are killed at each of their writes and run again: nothing is lost, and nothing stays behind. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { loadConfig } from '../../src/config.ts'
import { moveWhileServing } from '../../src/cli/migrate/online.ts'
import { machine, ownId } from '../../src/cli/own_process.ts'
import { bothPlaces, nameOfPlace } from '../../src/cli/store_place.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { isGivenUp, parseMoveMark, unfinishedKey } from '../../src/store/moving/mark.ts'
import { movingStore } from '../../src/store/moving/moving.ts'
import { plainPlace } from '../../src/store/named.ts'
import type { Backend, Found } from '../../src/store/store.ts'

setDefaultTimeout(240_000)

const config = loadConfig({
  STORE_URL: 'sqlite:unused.db',
  STORE_ENCRYPTION: 'migrate',
  SECRET_KEY: 'tGh3o2uTqJ1mZ8vXw5cR7yLk0sNd9bQf4iAe6pUx',
})
const log = createLog('silent', 'text', () => {})
const writes = new Set(['put', 'create', 'replace', 'take', 'link', 'adopt', 'unlink', 'trim', 'increment'])

class Killed extends Error {}

/** Does `most` writes, and then nothing any more. */
function killedAfter(inner: Backend, most: number): { backend: Backend; count: () => number } {
  let count = 0
  const backend = new Proxy(inner, {
    get(target, name: keyof Backend) {
      const member = target[name]
      if (typeof member !== 'function') return member
      return async (...args: unknown[]) => {
        if (count >= most) throw new Killed()
        if (writes.has(name)) count++
        return (member as (...all: unknown[]) => unknown).apply(target, args)
      }
    },
  })
  // A scan is no promise.
  return {
    backend: new Proxy(backend, {
      get: (target, name: keyof Backend) => (name === 'scan' ? () => inner.scan() : target[name]),
    }),
    count: () => count,
  }
}

async function run(backend: Backend): Promise<number> {
  const { from, to } = await bothPlaces(backend, config)
  const side = (plain: Backend, isEncrypted: boolean) => ({
    ...{ config, clock: systemClock, log, plain, place: nameOfPlace(isEncrypted) },
  })
  return moveWhileServing(
    { from: side(from, !to.seals), to: side(to, to.seals) },
    { gone: [`${machine}/${ownId}`], progress: () => {} },
  )
}

const records = ['birth', 'user:ann', 'username:ann', 'grant:1'].map((name) => [
  name,
  JSON.stringify({ name }),
])

async function filled(place: Backend): Promise<void> {
  for (const [name, value] of records) await place.put(name!, value!)
  await place.put('code:1', '{"code":1}', 600_000)
  await place.increment('tries:ann', 600_000, 3)
  await place.link('users', 'ann', 1)
  await place.link('user_events:ann', 'e', 2, 600_000)
}

const lines = async (place: Backend): Promise<string[]> =>
  (await Array.fromAsync(place.scan()))
    .flat()
    .filter((found) => nameOf(found) !== unfinishedKey && nameOf(found) !== 'move_arrived')
    .map(
      (found) =>
        `${nameOf(found)} ${found.kind === 'value' ? found.value : `${found.member} ${found.score}`} ${found.ttl !== undefined}`,
    )
    .toSorted()
const nameOf = (found: Found) => (found.kind === 'value' ? found.key : found.index)

/** As a server that runs all the time: what is there is there at every moment. */
async function serverOn(backend: Backend, i: number) {
  const { from, to } = await bothPlaces(backend, config)
  return movingStore({
    ...{ source: from, target: to, name: `here/1-${i}`, unique: () => `${i}-${Math.random()}` },
    clock: { now: () => Date.now(), elapsed: () => performance.now() },
    warn: () => {},
  })
}

test.each([true, false])('sealing %p', async (isSealing) => {
  const place = async (backend: Backend) => {
    const both = await bothPlaces(backend, config)
    return both.to.seals ? both.from : both.to
  }
  const wanted = memoryStore(systemClock)
  await filled(plainPlace(wanted))
  const expected = await lines(plainPlace(wanted))
  const begun = async () => {
    const backend = memoryStore(systemClock)
    await filled(await place(backend))
    if (!isSealing) await run(backend)
    return backend
  }
  const attempt = async (most: number): Promise<number> => {
    const backend = await begun()
    const server = await serverOn(backend, most)
    const killed = killedAfter(backend, most)
    const ended = await run(killed.backend).then(
      () => true,
      (error: Error) => {
        if (!(error instanceof Killed)) throw error
        return false
      },
    )
    expect(await server.get('user:ann')).toBe('{"name":"user:ann"}')
    expect((await server.range('users')).map(({ member }) => member)).toEqual(['ann'])
    // Its last step may be what is missing: then the places have changed their roles, and the command says so.
    const now = await bothPlaces(backend, config)
    const mark = parseMoveMark(await now.from.get(unfinishedKey))
    if (!ended && !(now.to.seals !== isSealing && mark?.role !== 'source')) await run(backend)
    expect((await server.increment('tries:ann', 600_000, 0)).count).toBe(3)
    await server.close()
    const after = await bothPlaces(backend, config)
    expect(after.from.seals).toBe(isSealing)
    expect(await lines(after.from)).toEqual(expected)
    expect(await lines(after.to)).toEqual([])
    const left = parseMoveMark(await after.to.get(unfinishedKey))
    expect(left && isGivenUp(left)).toBe(true)
    await backend.close()
    return ended ? killed.count() : Infinity
  }
  const total = await attempt(Number.MAX_SAFE_INTEGER)
  expect(total).toBeGreaterThan(20)
  await Promise.all(Array.from({ length: total }, (_, most) => attempt(most)))
})

test('what another party has left in the other place is not taken for data', async () => {
  const backend = memoryStore(systemClock)
  await filled(plainPlace(backend))
  const expected = await lines(plainPlace(backend))
  const { to } = await bothPlaces(backend, config)
  await to.put('user:ann', '{"name":"forged"}')
  await to.put('user:mallory', '{"name":"forged"}')
  await to.link('users', 'mallory', 1)
  await run(backend)
  expect(await lines((await bothPlaces(backend, config)).from)).toEqual(expected)
  await backend.close()
})

test('a mark of the target that was lost on the way costs no record', async () => {
  const backend = memoryStore(systemClock)
  await filled(plainPlace(backend))
  const expected = await lines(plainPlace(backend))
  await expect(run(killedAfter(backend, 20).backend)).rejects.toThrow(Killed)
  const { from, to } = await bothPlaces(backend, config)
  expect(parseMoveMark(await from.get(unfinishedKey))?.state).toBe('moving')
  await to.take(unfinishedKey)
  await run(backend)
  expect(await lines((await bothPlaces(backend, config)).from)).toEqual(expected)
  await backend.close()
})
