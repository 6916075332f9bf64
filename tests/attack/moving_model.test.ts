/**
 * A model of a move while serving: clients and two commands on one pair of stores, every verb of a backend in a random order,
 * commands and clients that sleep or die between any two. What is used is used once, and nothing is lost. docs/decisions/0086-moves.md
 */
import { expect, test } from 'bun:test'
import { memoryStore } from '../../src/store/memory.ts'
import { type Pulling, pullingStore } from '../../src/store/moving/pulling.ts'
import type { Backend } from '../../src/store/store.ts'

/** A small generator, so that a seed repeats a run. https://prng.di.unimi.it/splitmix64.c */
function random(seed: number): (below: number) => number {
  let state = BigInt(seed)
  return (below) => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n)
    let z = state
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
    return Number((z ^ (z >> 31n)) % BigInt(below))
  }
}

class Actor {
  readonly name: string
  /** Awake, asleep until all others have ended, or dead. */
  state: 'awake' | 'asleep' | 'dead' = 'awake'
  constructor(name: string) {
    this.name = name
  }
}

/** Of all verbs that wait, one at a time runs. Its answer waits too, as on a slow line. */
class Schedule {
  readonly #next: (below: number) => number
  #waiting: { actor: Actor; go(): void }[] = []

  constructor(next: (below: number) => number) {
    this.#next = next
  }

  #turn(actor: Actor): Promise<void> {
    return new Promise((go) => this.#waiting.push({ actor, go }))
  }

  of(store: Backend, actor: Actor): Backend {
    return new Proxy(store, {
      get: (target, name) => {
        const verb = Reflect.get(target, name) as ((...args: unknown[]) => unknown) | undefined
        if (typeof verb !== 'function') return verb
        if (name === 'scan') return () => target.scan()
        return async (...args: unknown[]) => {
          await this.#turn(actor)
          const answer = await verb.apply(target, args)
          await this.#turn(actor)
          return answer
        }
      },
    })
  }

  /** Runs until no actor that is awake waits. `disturb` is called before each step. */
  async run(disturb: () => void): Promise<void> {
    for (;;) {
      for (let i = 0; i < 12; i++) await Promise.resolve()
      const ready = this.#waiting.filter(({ actor }) => actor.state === 'awake')
      if (ready.length === 0) return
      disturb()
      const chosen = ready[this.#next(ready.length)]!
      this.#waiting = this.#waiting.filter((each) => each !== chosen)
      if (chosen.actor.state === 'awake') chosen.go()
      else this.#waiting.push(chosen)
    }
  }
}

async function model(seed: number, disturbances: 'none' | 'sleep' | 'sleep and die'): Promise<void> {
  const next = random(seed)
  const clock = { now: () => 1_800_000_000_000 }
  const [source, target] = [memoryStore(clock), memoryStore(clock)]
  const schedule = new Schedule(next)
  let names = 0
  const actors: Actor[] = []
  const handle = (name: string): Pulling => {
    const actor = new Actor(name)
    actors.push(actor)
    return pullingStore({
      source: schedule.of(source, actor),
      target: schedule.of(target, actor),
      elapsed: () => 0,
      unique: () => `${names++}`,
    })
  }
  const [clients, commands] = [3, 2]
  for (let i = 0; i < 3; i++) {
    await source.put(`once:${i}`, `ticket ${i}`, i === 0 ? undefined : 60_000)
    await source.put(`generation:${i}`, '0')
    await source.put(`count:${i}`, '5', 60_000)
    await source.put(`cycle:${i}`, `first ${i}`)
    for (let j = 0; j < clients; j++) {
      await source.put(`own:${j}:${i}`, '0')
      await source.link('index', `${j}:${i}`, 0, 60_000)
    }
  }
  const taken: string[] = []
  const created: string[] = []
  const made = new Set(['first 0', 'first 1', 'first 2'])
  const spent: string[] = []
  const swaps = [0, 0, 0]
  const steps = [0, 0, 0]
  const problems: string[] = []
  /** What each client was told last of what it alone writes. */
  const told: { value: number[]; score: (number | undefined)[]; ended: boolean }[] = []

  async function client(store: Pulling, me: number): Promise<void> {
    const mine = { value: [0, 0, 0], score: [0, 0, 0] as (number | undefined)[], ended: false }
    told[me] = mine
    for (let round = 0; round < 5; round++) {
      const i = next(3)
      const what = next(9)
      if (what === 0) {
        const ticket = await store.take(`once:${i}`)
        if (ticket !== undefined) taken.push(ticket)
      } else if (what === 1) {
        if (await store.create(`jti:${i}`, `${me}`, 60_000)) created.push(`${i}`)
      } else if (what === 2) {
        const value = await store.get(`generation:${i}`)
        if (value === undefined) problems.push('a generation was lost')
        else if (await store.replace(`generation:${i}`, value, `${Number(value) + 1}`)) swaps[i]!++
      } else if (what === 3) {
        await store.increment(`count:${i}`, 60_000)
        steps[i]!++
      } else if (what === 4) {
        const text = `${me}.${round}`
        made.add(text)
        await store.create(`cycle:${i}`, text)
        const found = await store.take(`cycle:${i}`)
        if (found !== undefined) spent.push(found)
      } else if (what === 5) {
        const value = mine.value[i]! + 1
        await store.put(`own:${me}:${i}`, `${value}`)
        mine.value[i] = value
        if ((await store.get(`own:${me}:${i}`)) !== `${value}`) problems.push('an own write was not read')
      } else if (what === 6) {
        const score = (mine.score[i] ?? 0) + 1
        await store.link('index', `${me}:${i}`, score, 60_000)
        mine.score[i] = score
      } else if (what === 7) {
        await store.unlink('index', `${me}:${i}`)
        mine.score[i] = undefined
      } else {
        const found = new Map((await store.range('index')).map(({ member, score }) => [member, score]))
        for (let j = 0; j < 3; j++)
          if (mine.score[j] !== undefined && found.get(`${me}:${j}`) !== mine.score[j])
            problems.push(`a member has the score ${found.get(`${me}:${j}`)} instead of ${mine.score[j]}`)
      }
    }
    mine.ended = true
  }

  async function command(store: Pulling): Promise<void> {
    for (const page of [await Array.fromAsync(source.scan())].flat())
      for (const found of page)
        await (found.kind === 'value' ? store.pull(found.key) : store.pullMember(found))
  }

  const work = Array.from({ length: clients }, (_, i) => client(handle(`client ${i}`), i))
  for (let i = 0; i < commands; i++) void command(handle(`command ${i}`))
  void work
  const died = new Set<Actor>()
  await schedule.run(() => {
    if (disturbances === 'none' || next(15) > 0) return
    const actor = actors[next(actors.length)]!
    if (disturbances === 'sleep' || next(2) === 0) actor.state = 'asleep'
    else {
      actor.state = 'dead'
      died.add(actor)
    }
  })
  // The last one moves the rest, alone; those that slept wake up afterwards.
  const last = handle('the last command')
  for (let left = true; left;) {
    const moving = command(last).then(() => 'moved')
    await schedule.run(() => {})
    expect(await moving).toBe('moved')
    left = (await Array.fromAsync(source.scan())).length > 0
  }
  for (const actor of actors) if (actor.state === 'asleep') actor.state = 'awake'
  await schedule.run(() => {})

  expect(problems).toEqual([])
  expect(await Array.fromAsync(source.scan())).toEqual([])
  expect(new Set(taken).size).toBe(taken.length)
  expect(new Set(created).size).toBe(created.length)
  expect(new Set(spent).size).toBe(spent.length)
  for (const each of spent) expect(made).toContain(each)
  const reader = pullingStore({ source, target, elapsed: () => 0, unique: () => `${names++}` })
  const lost = died.size
  for (let i = 0; i < 3; i++) {
    const isLeft = (await reader.get(`once:${i}`)) !== undefined
    const uses = Number(isLeft) + taken.filter((each) => each === `ticket ${i}`).length
    // One that died may have taken it.
    expect(uses === 1 || (uses === 0 && lost > 0)).toBe(true)
    const generation = Number(await reader.get(`generation:${i}`))
    expect(generation).toBeGreaterThanOrEqual(swaps[i]!)
    expect(generation).toBeLessThanOrEqual(swaps[i]! + lost)
    const { count } = await reader.increment(`count:${i}`, 60_000, 0)
    expect(count).toBeGreaterThanOrEqual(5 + steps[i]!)
    expect(count).toBeLessThanOrEqual(5 + steps[i]! + lost)
    const jti = await reader.get(`jti:${i}`)
    expect(created.includes(`${i}`) && jti === undefined).toBe(false)
    for (const [me, mine] of told.entries()) {
      const value = Number(await reader.get(`own:${me}:${i}`))
      const known = mine.value[i]!
      expect(mine.ended ? [known] : [known, known + 1]).toContain(value)
    }
  }
  const members = new Map((await reader.range('index')).map(({ member, score }) => [member, score]))
  for (const [me, mine] of told.entries())
    for (let i = 0; i < 3; i++) {
      const score = mine.score[i]
      if (!mine.ended) continue
      if (score !== undefined) expect([me, i, members.get(`${me}:${i}`)]).toEqual([me, i, score])
    }
}

const runs = 400
for (const disturbances of ['none', 'sleep', 'sleep and die'] as const)
  test(`${runs} orders, ${disturbances === 'none' ? 'all go on' : disturbances}: used once, and nothing lost`, async () => {
    const first = Number(process.env.MODEL_SEED ?? 1)
    for (let seed = first; seed < first + runs; seed++)
      await model(seed, disturbances).catch((error: Error) => {
        throw new Error(`MODEL_SEED=${seed}: ${error.message}`)
      })
  }, 240_000)
