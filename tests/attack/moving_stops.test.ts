/** `latchkey migrate --while-serving` that stops at any verb: servers go on, and the same command ends the move. docs/decisions/0086-moves.md */
import { expect, test } from 'bun:test'
import { abort } from '../../src/cli/migrate/abort.ts'
import { moveWhileServing } from '../../src/cli/migrate/online.ts'
import type { OpenedPlain } from '../../src/cli/open.ts'
import { isUnfinished } from '../../src/models/unfinished.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { isOfMove, parseMoveMark, unfinishedKey } from '../../src/store/moving/mark.ts'
import { movingStore } from '../../src/store/moving/moving.ts'
import { type Backend, StoreUnavailable } from '../../src/store/store.ts'
import { browser, tokensOf } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const op = await provider()
await tokensOf(op, browser(op))

const plainOf = ({ context }: Provider, plain: Backend, path: string): OpenedPlain & { plain: Backend } => ({
  config: { ...context.config, store: { kind: 'sqlite', path } },
  clock: context.clock,
  log: { ...context.log, setLevel() {} },
  plain,
})

const records = async (store: Backend): Promise<string[]> =>
  (await Array.fromAsync(store.scan()))
    .flat()
    .filter((found) => !isOfMove(found))
    .map(({ ttl, ...found }) => JSON.stringify([found, ttl === undefined]))
    .toSorted()
const before = await records(op.context.store as Backend)

/** Fails for good from the nth verb on, as a process that was killed. */
function dying(store: Backend, verbs: number): Backend {
  let left = verbs
  return new Proxy(store, {
    get: (target, name) => {
      const verb = Reflect.get(target, name) as unknown
      if (typeof verb !== 'function') return verb
      if (name === 'scan') return () => target.scan()
      return (...args: unknown[]) =>
        left-- <= 0
          ? Promise.reject(new StoreUnavailable('the process has ended'))
          : (verb.apply(target, args) as unknown)
    },
  })
}

async function scene() {
  const [from, to] = [memoryStore(op.clock), memoryStore(op.clock)]
  for await (const page of op.context.store.scan())
    for (const found of page)
      await (found.kind === 'value'
        ? from.put(found.key, found.value, found.ttl)
        : from.link(found.index, found.member, found.score, found.ttl))
  let names = 0
  const clock = { now: () => op.clock.now(), elapsed: () => performance.now() }
  const handle = () =>
    movingStore({
      ...{ source: from, target: to, clock, name: `web/1-x/${names++}`, unique: () => `h${names++}` },
      warn: () => {},
    })
  const handles = [await handle(), await handle()]
  return {
    from,
    to,
    handles,
    stores: { from: plainOf(op, from, 'from'), to: plainOf(op, to, 'to') },
    stop: () => Promise.all(handles.map((each) => each.close())),
  }
}

const quiet = { gone: [], progress: () => {} }
const again = async (from: Backend) => ({
  gone: [(parseMoveMark(await from.get(unfinishedKey))?.run ?? '').replace(/\/[^/]*$/, '')],
  progress: () => {},
})

const runs = Array.from({ length: 60 }, (_, i) => 3 * i)
for (const side of ['source', 'target'] as const)
  test(`the command ends at a verb of the ${side}: servers take codes once, and the next run ends the move`, async () => {
    const stopped = await Promise.all(
      runs.map(async (verbs) => {
        const { from, to, handles, stores, stop } = await scene()
        const [a, b] = [handles[0]!, handles[1]!]
        await a.put('code', 'once')
        await a.increment('tries', 60_000, 3)
        const failing = {
          from: plainOf(op, side === 'source' ? dying(from, verbs) : from, 'from'),
          to: plainOf(op, side === 'target' ? dying(to, verbs) : to, 'to'),
        }
        const whole = await moveWhileServing(failing, quiet).then(
          () => true,
          () => false,
        )
        const state = parseMoveMark(await from.get(unfinishedKey))?.state
        // The servers go on in every state.
        const taken = await Promise.all([a.take('code'), b.take('code'), a.take('code')])
        expect(taken.filter((each) => each === 'once')).toHaveLength(1)
        expect((await b.increment('tries', 60_000)).count).toBe(4)
        await b.take('tries')
        if (whole) expect([await isUnfinished(from), await isUnfinished(to)]).toEqual([true, false])
        // A target with a part of the data is not served alone.
        else if (state !== 'drained' && (await records(to)).length > 0)
          expect(await isUnfinished(to)).toBe(true)
        if (!whole)
          await moveWhileServing(stores, await again(from)).catch((error: Error) => {
            expect([state, error.message]).toEqual(['drained', expect.stringContaining('was moved to')])
          })
        expect([await isUnfinished(from), await isUnfinished(to)]).toEqual([true, false])
        expect([await records(from), await records(to)]).toEqual([[], before])
        expect(await a.take('code')).toBeUndefined()
        await stop()
        return whole ? undefined : state
      }),
    )
    const states = new Set(stopped)
    for (const state of side === 'source' ? (['announced', 'moving'] as const) : (['moving'] as const))
      expect(states).toContain(state)
  }, 120_000)

test('abort: the servers go on with the source; once the data is on its way it is refused', async () => {
  const { from, to, handles, stores, stop } = await scene()
  const state = async () => parseMoveMark(await from.get(unfinishedKey))?.state
  for (let verbs = 1; (await state()) !== 'announced'; verbs++)
    await moveWhileServing({ from: plainOf(op, dying(from, verbs), 'from'), to: stores.to }, quiet).catch(
      () => {},
    )
  expect(parseMoveMark(await from.get(unfinishedKey))?.state).toBe('announced')
  await abort(stores, (await again(from)).gone)
  expect([await isUnfinished(from), await isUnfinished(to)]).toEqual([false, false])
  await handles[0]!.put('x', '1')
  expect([await from.get('x'), await to.get('x')]).toEqual(['1', undefined])
  await moveWhileServing({ from: stores.from, to: plainOf(op, dying(to, 60), 'to') }, quiet).catch(() => {})
  expect(parseMoveMark(await from.get(unfinishedKey))?.state).toBe('moving')
  expect(await abort(stores, (await again(from)).gone).catch((error: Error) => error.message)).toContain(
    'servers use both stores by now',
  )
  await stop()
}, 60_000)
