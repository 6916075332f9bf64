/** Servers and commands that use the store, so that its data is moved or replaced only when none does. docs/decisions/0086-moves.md */
import { type Clock, seconds } from '../lib/clock.ts'
import type { Store } from '../store/store.ts'
import { lastUse } from './birth.ts'
import { leftKey, presentIndex, unfinishedKey } from '../store/moving/mark.ts'
import { unfinishedWords } from './unfinished.ts'

/** Seconds for which one that did not leave in order is remembered. */
const remembered = 86_400
/** Seconds without a sign of it, after which one that was seen counts as silent. It gives a sign every five. */
const silentAfter = 30
/** Seconds by which a process may have used the store after its last sign. */
const signSlack = 10
/** Seconds. A server of a release without signs of its own says once a minute that it uses the store. */
const quietSeconds = 150

/** `store`: that with the records. `plain`: the one beneath an encryption. */
interface Parts {
  store: Pick<Store, 'get'>
  plain: Store
  clock: Clock
}

export interface Presence {
  /**
   * Says that this process uses the store. Resolves to why it must not, where a mark is there. A command that sets a
   * mark looks for signs afterwards, so that one of the two sees the other.
   */
  sign(): Promise<string | undefined>
  /** Forgets those whose port this server has now. */
  succeed(): Promise<void>
  leave(as: 'server' | 'command'): Promise<void>
}

/** `place` is the machine with the port or the process; `id` is of this process alone. */
export function createPresence(
  { plain, clock }: Pick<Parts, 'plain' | 'clock'>,
  place: string,
  id: string,
): Presence {
  const name = `${place}/${id}`
  return {
    async sign() {
      const now = seconds(clock)
      await plain.link(presentIndex, name, now, remembered * 1000)
      await plain.trim(presentIndex, now - remembered)
      return unfinishedWords(await plain.get(unfinishedKey))
    },
    async succeed() {
      for (const { member } of await plain.range(presentIndex))
        if (member.startsWith(`${place}/`) && member !== name) await plain.unlink(presentIndex, member)
    },
    async leave(as) {
      await plain.unlink(presentIndex, name)
      const now = seconds(clock)
      // One that is silent has stopped or is frozen, and `useOf` asks for it by itself.
      const others = await plain.range(presentIndex, { min: now - silentAfter, limit: 1 })
      if (as === 'server' && others.length === 0) await plain.put(leftKey, `${now}`)
    },
  }
}

const idOf = (member: string): string => member.slice(member.indexOf('/') + 1)

/** Those that are present, other than the processes with one of these ids. */
export async function presentBeside(plain: Pick<Store, 'range'>, ids: readonly string[]): Promise<string[]> {
  const members = await plain.range(presentIndex, { limit: 10_000 })
  return members.map(({ member }) => member).filter((member) => !ids.includes(idOf(member)))
}

/** Takes out one that has ended without leaving. */
export const forgetPresent = (plain: Pick<Store, 'unlink'>, name: string): Promise<void> =>
  plain.unlink(presentIndex, name)

/**
 * Why the store counts as in use; undefined when all have left. `gone` names processes that did not leave in order and have
 * ended, by the word of the operator: one that is frozen would go on later with what it knows. `hasEnded` says of an id
 * whether that process has certainly ended.
 */
export async function useOf(
  { store, plain, clock }: Parts,
  { gone = [], hasEnded }: { gone?: readonly string[]; hasEnded(id: string): boolean },
): Promise<string | undefined> {
  const now = seconds(clock)
  /** Until when the store may have been used by one that has ended since. */
  let used = 0
  for (const { member, score } of await plain.range(presentIndex, { min: now - remembered })) {
    if (hasEnded(idOf(member))) {
      used = Math.max(used, score + signSlack)
      continue
    }
    if (now - score <= silentAfter)
      return `${member} uses it, seen ${Math.max(0, now - score)} seconds ago: stop every server, and try again`
    if (!gone.includes(member))
      return `${member} did not leave in order and was seen ${now - score} seconds ago: end it if it is frozen, then say that it is gone with --gone ${member}`
    used = Math.max(used, score + signSlack)
  }
  const seen = await lastUse(store)
  const left = Number((await plain.get(leftKey)) ?? 0)
  const wait = seen === undefined || Math.max(left, used) >= seen ? 0 : seen + quietSeconds - now
  return wait > 0
    ? `a server wrote ${quietSeconds - wait} seconds ago that it uses it: stop every instance, and try again in ${wait} seconds`
    : undefined
}
