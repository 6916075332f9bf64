/** What every lease queue promises: each item by one instance at a time, none lost, failures ever more slowly, and an end. docs/architecture.md, "Store" */
import { afterEach, describe, expect, test } from 'bun:test'
import { memoryStore } from '../../src/store/memory.ts'
import { queues, type Use } from '../support/lease_queues.ts'
import { failingStore, type Verb } from '../support/odd_stores.ts'
import { type Provider, type TurnableClock, turnableClock } from '../support/provider.ts'

const begun: Use[] = []
afterEach(async () => {
  await Promise.all(begun.splice(0).map((each) => each.stop()))
})

/** Failures of the store reach the job's caller in some queues, and the log in others. */
const turnOf = (use: Use, op: Provider) => use.turn(op).catch(() => {})

describe.each(queues)('$name', ({ index, lease, backOff, givenUp, use: begin }) => {
  /** Two instances on one store; the second's clock is `ahead` ms of the first's, and the first's store can fail. */
  async function pair(ahead = 0) {
    const use = await begin()
    begun.push(use)
    const clock = turnableClock()
    const otherClock: TurnableClock = { now: () => clock.now() + ahead, advance: clock.advance }
    const inner = memoryStore(clock)
    const failing = failingStore(inner)
    const first = await use.instance({ store: failing.store, clock })
    const second = await use.instance({ store: inner, clock: otherClock })
    const left = async () => (await inner.range(index)).length
    const due = async () => (await inner.range(index, { max: otherClock.now() })).length
    return { use, clock, failing, first, second, left, due }
  }

  /** The first instance claims the one item, and dies before it writes anything more. */
  async function dyingHolder(ahead = 0) {
    const world = await pair(ahead)
    const { use, failing, first } = world
    await use.add(first, 1)
    const before = use.attempts().length
    for (let verbs = 1, passed: Verb[] = []; !passed.includes('replace'); verbs++) {
      failing.used()
      failing.failAfter(verbs)
      await turnOf(use, first)
      passed = failing.used().slice(0, verbs)
    }
    failing.failAfter(0)
    expect(use.attempts()).toHaveLength(before) // it died before it did anything
    return world
  }

  test('two instances: each item is worked on once', async () => {
    const { use, first, second, left } = await pair()
    await use.add(first, 12)
    await Promise.all([first, second, second, first].map(use.turn))
    await Promise.all([first, second].map(use.turn))
    expect(use.attempts()).toHaveLength(12)
    expect(new Set(use.attempts()).size).toBe(12)
    expect(await left()).toBe(0)
  })

  test.each([0, 4_000, -4_000])(
    'a holder that dies lets go when its lease ends, and not before; clocks %i ms apart',
    async (ahead) => {
      const { use, clock, second, left, due } = await dyingHolder(ahead)
      await use.turn(second)
      expect(use.attempts()).toHaveLength(0)
      expect(await due()).toBe(0) // it no longer takes a place among what is due
      clock.advance(lease - ahead - 1)
      await use.turn(second)
      expect(use.attempts()).toHaveLength(0)
      clock.advance(1)
      await use.turn(second)
      expect(use.attempts()).toHaveLength(1)
      expect(await left()).toBe(0)
    },
  )

  test('an instance may die at any point: another ends the work', async () => {
    for (let verbs = 0, died = true; died && verbs < 14; verbs++) {
      const { use, clock, failing, first, second, left } = await pair()
      await use.add(first, 1)
      failing.failAfter(verbs)
      await turnOf(use, first)
      died = (await left()) > 0 || use.attempts().length === 0
      failing.failAfter(0)
      for (let turns = 0; turns < 3; turns++) {
        await use.turn(second)
        clock.advance(lease)
      }
      await use.turn(second)
      expect([verbs, new Set(use.attempts()).size, await left()]).toEqual([verbs, 1, 0])
      expect(use.attempts().length).toBeLessThanOrEqual(2)
    }
  })

  test('a failure is tried again after its time, and not before', async () => {
    const { use, clock, first, second } = await pair()
    await use.add(first, 1)
    use.fail(true)
    await turnOf(use, first)
    for (const [nth, delay] of backOff.entries()) {
      expect(use.attempts()).toHaveLength(nth + 1)
      clock.advance(delay - 1)
      await turnOf(use, second)
      expect(use.attempts()).toHaveLength(nth + 1)
      clock.advance(1)
      await turnOf(use, second)
    }
    expect(use.attempts()).toHaveLength(backOff.length + 1)
  })

  test('what fails for ever comes to its end, which the log says once', async () => {
    const { use, clock, first, second, left } = await pair()
    await use.add(first, 1)
    use.fail(true)
    let turns = 0
    for (; turns < 100 && (await left()) > 0; turns++) {
      await turnOf(use, turns % 2 ? first : second)
      clock.advance(turns % 20 === 19 ? 3_600_000 : 10_000)
    }
    expect((await left()) > 0).toBe(givenUp === 'never')
    const said = [...first.lines, ...second.lines].filter((line) => line.includes(givenUp))
    expect(said).toHaveLength(givenUp === 'silence' || givenUp === 'never' ? 0 : 1)
    use.fail(false)
    const before = use.attempts().length
    for (const op of [first, second]) {
      clock.advance(3_600_000)
      await use.turn(op)
    }
    expect(use.attempts().length - before).toBe(givenUp === 'never' ? 1 : 0)
    expect(await left()).toBe(0)
  })
})
