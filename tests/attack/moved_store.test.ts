/** A move that stops at any verb of either store: at most one store is ever served, and in the end nothing is lost. docs/decisions/0086-moves.md */
import { expect, test } from 'bun:test'
import { abort } from '../../src/cli/migrate/abort.ts'
import { move } from '../../src/cli/migrate/move.ts'
import type { OpenedPlain } from '../../src/cli/open.ts'
import { isUnfinished } from '../../src/models/unfinished.ts'
import { unfinishedKey } from '../../src/store/moving/mark.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Found, Store } from '../../src/store/store.ts'
import { browser, tokensOf } from '../support/flow.ts'
import { failingStore } from '../support/odd_stores.ts'
import { type Provider, provider } from '../support/provider.ts'

const op = await provider()
await tokensOf(op, browser(op))
await op.context.store.increment('tries:alice', 60_000, 3)

/** The locations of memory stores are one; those of files say which is which. */
const plainOf = ({ context }: Provider, plain: Store, path: string): OpenedPlain => ({
  config: { ...context.config, store: { kind: 'sqlite', path } },
  clock: context.clock,
  log: { ...context.log, setLevel() {} },
  plain,
})

const everything = async (store: Store): Promise<string[]> => {
  const all: Found[] = []
  for await (const page of store.scan()) all.push(...page)
  return all
    .filter((found) => !(found.kind === 'value' && found.key === unfinishedKey))
    .map((found) => JSON.stringify(found))
    .toSorted()
}
const before = await everything(op.context.store)

async function source(): Promise<Store> {
  const store = memoryStore(op.clock)
  for await (const page of op.context.store.scan())
    for (const found of page)
      await (found.kind === 'value'
        ? store.put(found.key, found.value, found.ttl)
        : store.link(found.index, found.member, found.score, found.ttl))
  return store
}

const moving = { gone: [], progress: () => {} }
/** A run that stopped with this process is one that has not ended. */
const again = async (from: Store) => ({
  gone: [String(JSON.parse((await from.get(unfinishedKey)) ?? '{"run":""}').run).replace(/\/[^/]*$/, '')],
  progress: () => {},
})

for (const side of ['source', 'target'] as const)
  test(`the ${side} fails at each verb in turn: the same command makes it whole`, async () => {
    let stops = 0
    for (let verbs = 0; ; verbs++) {
      const [from, to] = [await source(), memoryStore(op.clock)]
      const failing = failingStore(side === 'source' ? from : to)
      const stores = {
        from: plainOf(op, side === 'source' ? failing.store : from, 'from'),
        to: plainOf(op, side === 'target' ? failing.store : to, 'to'),
      }
      failing.failAfter(verbs)
      const first = await move(stores, moving).catch(() => undefined)
      failing.recover()
      const served = [!(await isUnfinished(from)), !(await isUnfinished(to))]
      const isTouched = (await everything(to)).length > 0
      if (first) {
        expect(served).toEqual([false, true])
        expect(await everything(to)).toEqual(before)
        break
      }
      stops++
      // With a part of the data the target is not served, and the source is not served beside a target that may be.
      if (isTouched && served[1]) expect(served[0]).toBe(false)
      if (isTouched && !(await everything(to)).every((each, i) => each === before[i]))
        expect(served[1]).toBe(false)
      await move(stores, await again(from)).catch((error: Error) => {
        // It failed at the very end.
        expect(error.message).toContain('was moved to')
      })
      expect([await isUnfinished(from), await isUnfinished(to)]).toEqual([true, false])
      expect(await everything(to)).toEqual(before)
    }
    expect(stops).toBeGreaterThan(10)
  }, 240_000)

test('abort that fails at each verb in turn: the same command releases the source, and the target is empty', async () => {
  let stops = 0
  for (let verbs = 0; ; verbs++) {
    const [from, to] = [await source(), memoryStore(op.clock)]
    const failingMove = failingStore(to)
    failingMove.failAfter(20)
    await move({ from: plainOf(op, from, 'from'), to: plainOf(op, failingMove.store, 'to') }, moving).catch(
      () => {},
    )
    expect(await isUnfinished(to)).toBe(true)
    const failing = failingStore(to)
    failing.failAfter(verbs)
    const stores = { from: plainOf(op, from, 'from'), to: plainOf(op, failing.store, 'to') }
    const { gone } = await again(from)
    const done = await abort(stores, gone).then(
      () => true,
      () => false,
    )
    failing.recover()
    if (!done) {
      stops++
      expect([await isUnfinished(from), await isUnfinished(to)]).toEqual([true, true])
      await abort(stores, (await again(from)).gone)
    }
    expect([await isUnfinished(from), await isUnfinished(to)]).toEqual([false, false])
    expect([await everything(from), await everything(to)]).toEqual([before, []])
    if (done) break
  }
  expect(stops).toBeGreaterThan(3)
}, 120_000)

test('a second run takes over from one that is said to be gone, and the first one stops at its next page', async () => {
  const [from, to] = [await source(), memoryStore(op.clock)]
  for (let i = 0; i < 900; i++) await from.put(`gone_sub:${i}`, '{}')
  const { promise: stopped, resolve: go } = Promise.withResolvers<void>()
  const { promise: isThere, resolve: there } = Promise.withResolvers<void>()
  let pages = 0
  const slow = new Proxy(from, {
    get(target, name) {
      if (name === 'scan')
        return async function* () {
          for await (const page of from.scan()) {
            if (++pages === 5) {
              there()
              await stopped
            }
            yield page
          }
        }
      const verb = Reflect.get(target, name) as unknown
      return typeof verb === 'function' ? verb.bind(target) : verb
    },
  })
  const first = move({ from: plainOf(op, slow, 'from'), to: plainOf(op, to, 'to') }, moving)
  const failed = first.catch((error: Error) => error.message)
  await Promise.race([isThere, failed.then((words) => expect(words).toBe(''))])
  const stores = { from: plainOf(op, from, 'from'), to: plainOf(op, to, 'to') }
  const told = await move(stores, moving).catch((error: Error) => error.message)
  expect(told).toContain('works on this move: wait for it')
  expect((await move(stores, await again(from))).records).toBeGreaterThan(900)
  go()
  expect(await failed).toContain('another command has taken over this move')
  expect([await isUnfinished(from), await isUnfinished(to)]).toEqual([true, false])
})

test('a record that is changed, lost or added in between is found, and the target is not served', async () => {
  for (const spoil of [
    (to: Store) => to.put('user:user-alice', '{}'),
    (to: Store) => to.take('user:user-alice'),
    (to: Store) => to.put('user:stranger', '{}'),
    (to: Store) => to.link('users', 'stranger', 1),
    (to: Store) => to.unlink('users', 'user-alice'),
    (to: Store) => to.link('users', 'user-alice', 5),
    async (to: Store) => to.put('tries:alice', '2', 600_000),
  ]) {
    const [from, to] = [await source(), memoryStore(op.clock)]
    await from.put('tries:alice', '3', 600_000)
    const stores = { from: plainOf(op, from, 'from'), to: plainOf(op, to, 'to') }
    const spoiling = {
      gone: [],
      progress: (words: string) => void (words.includes('comparing') && spoil(to)),
    }
    expect(await move(stores, spoiling).catch((error: Error) => error.message)).toContain('the stores differ')
    expect([await isUnfinished(from), await isUnfinished(to)]).toEqual([true, true])
    await move(stores, await again(from)).then(
      () => expect(spoil.toString()).not.toContain('stranger'),
      (error: Error) =>
        expect([spoil.toString(), error.message]).toEqual([
          expect.stringContaining('stranger'),
          expect.stringContaining('surplus'),
        ]),
    )
  }
})
