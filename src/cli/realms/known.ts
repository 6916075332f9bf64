/** Which realms there are, as this instance knows it: by one read, at most every few seconds, whatever is asked for. */
import type { Memory } from '../../models/define_record.ts'
import { Realm } from '../../models/realm.ts'

/** Milliseconds after which an instance asks whether anything has changed. */
const freshFor = 5_000
/** For a name that is not known here: another instance may have created it just now. */
const freshForUnknown = 1_000

export interface Known {
  /** The id of a realm; undefined when there is none of this name. A promise when the store is asked first. */
  id(name: string): Promise<string | undefined> | string | undefined
  /** Changes whenever any realm was changed. */
  version(): string | undefined
  names(): readonly string[]
  /** False when it was removed, as far as this instance knows. */
  has(name: string, id: string): boolean
  /** Asks the store now, and rejects when it does not answer. What was written before this call is seen. */
  look(): Promise<void>
}

/** `elapsed`: milliseconds of a clock that is never set. */
export function createKnown(memory: Memory, elapsed: () => number): Known {
  let ids: ReadonlyMap<string, string> | undefined
  let version: string | undefined
  let lookedAt = -Infinity
  let looking: Promise<void> | undefined

  /** The version is read first: what changes after it is seen by the next look. */
  async function read(): Promise<void> {
    const now = await Realm.version(memory)
    if (ids && now === version) return
    const keys = await Realm.keys(memory)
    ids = new Map(keys.map(({ id, name }) => [name, id]))
    version = now
  }

  const share = (): Promise<void> =>
    (looking ??= read().finally(() => {
      lookedAt = elapsed() // also when the store is down: requests do not wait for it in turn
      looking = undefined
    }))

  return {
    async look() {
      await looking?.catch(() => {}) // it may have begun before what was written
      return share()
    },
    has: (name, id) => !ids || ids.get(name) === id,
    version: () => version,
    names: () => [...(ids?.keys() ?? [])],
    id(name) {
      const known = ids?.get(name)
      const age = elapsed() - lookedAt
      if (ids && age < (known === undefined ? freshForUnknown : freshFor)) return known
      return share().then(
        () => ids?.get(name),
        (error: unknown) => {
          if (!ids) throw error
          return ids.get(name)
        },
      )
    },
  }
}
