/** A change of several records: the store fails at each of its verbs in turn, and comes back. docs/decisions/0048-changes-of-several-records.md */
import { expect, test } from 'bun:test'
import { Event } from '../../src/models/event.ts'
import type { ActivityKind } from '../../src/models/audit/kinds_of_people.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import { withPassword } from './authenticator.ts'
import { type Tokens, tokensOf } from './flow.ts'
import { failingStore } from './odd_stores.ts'
import { type Page, type Person, person } from './person.ts'
import { type Provider, provider, turnableClock } from './provider.ts'

export const sub = 'user-alice'

export interface Scene {
  op: Provider
  /** The browser in which the change is made, and another one of the same End-User. */
  who: Person
  other: Person
  /** Of `other`. */
  tokens: Tokens
  /** Sends a form of `who`; the store works again before the answer is followed. Resolves to the status of the answer. */
  send(page: Page, button: string, fields?: Record<string, string>): Promise<number>
  /** The same for a link or a redirect that `who` follows. */
  visit(url: string): Promise<number>
  /** The same for work without a request: 200, or 503 when the store failed. */
  run(work: () => Promise<unknown>): Promise<number>
  /** The store works again. */
  recover(): void
}

export interface Staged {
  /** The change; called again after a stop. The store is away from some verb on. */
  act(again?: boolean): Promise<number>
  /** What must hold after a stop, whatever was written. */
  safe?(): Promise<void>
  /** What holds when it was finished. */
  done(): Promise<void>
  told?: ActivityKind
}

export type Change = (scene: Scene) => Promise<Staged>

/** A fresh provider where Alice has two sessions, with tokens in the other one. */
async function stage(env: Record<string, string>) {
  const clock = turnableClock()
  const failing = failingStore(memoryStore(clock))
  const op = await provider({ store: failing.store, clock, env })
  let answered: number | undefined
  const who = person(op.issuer, async (url, init) => {
    const answer = await op.fetch(url, init)
    answered ??= answer.status
    failing.recover()
    return answer
  })
  const other = person(op.issuer, op.fetch)
  const tokens = await tokensOf(op, other)
  await withPassword(who)
  const first = async (act: () => Promise<unknown>): Promise<number> => {
    answered = undefined
    await act()
    return answered ?? 0
  }
  const scene: Scene = {
    op,
    who,
    other,
    tokens,
    recover: failing.recover,
    send: (page, button, fields) => first(() => who.press(page, button, fields)),
    visit: (url) => first(() => who.open(url)),
    async run(work) {
      try {
        await work()
        return 200
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        return 503
      } finally {
        failing.recover()
      }
    },
  }
  return { scene, failing }
}

/** A test for each change, with `env` as the settings of the provider. */
export function stopsSafely(changes: Record<string, Change>, env: Record<string, string> = {}): void {
  for (const [name, prepare] of Object.entries(changes)) testOf(name, prepare, env)
}

/** So many stops at a time: some changes wait a second for requests in flight. */
const atOnce = 12

const testOf = (name: string, prepare: Change, env: Record<string, string>) =>
  test(`${name}: the store fails at each verb in turn`, async () => {
    for (let verbs = 0; ; verbs += atOnce) {
      const stops = Array.from({ length: atOnce }, (_, i) => stopAfter(verbs + i, name, prepare, env))
      const statuses = await Promise.all(stops)
      const whole = statuses.indexOf('whole')
      if (whole >= 0) return expect(verbs + whole).toBeGreaterThan(3)
      expect(verbs).toBeLessThan(120)
    }
  }, 600_000)

/** `whole`: the change has no more verbs than these. */
async function stopAfter(
  verbs: number,
  name: string,
  prepare: Change,
  env: Record<string, string>,
): Promise<'stopped' | 'whole'> {
  const { scene, failing } = await stage(env)
  const { act, safe, done, told } = await prepare(scene)
  failing.failAfter(verbs)
  const status = await act()
  failing.recover()
  try {
    expect([200, 303, 503]).toContain(status)
    if (status === 503) {
      await safe?.()
      scene.op.clock.advance(1_500)
      expect([200, 303]).toContain(await act(true))
    }
    await done()
    if (told) expect((await Event.listOfUser(scene.op.context, sub)).map(({ kind }) => kind)).toContain(told)
  } catch (error) {
    throw new Error(`${name}, away after ${verbs} verbs (${status}): ${(error as Error).message}`)
  }
  return status === 503 ? 'stopped' : 'whole'
}
