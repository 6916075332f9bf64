/** The part of a store that belongs to one realm: the same verbs on names of its own. docs/decisions/0100-realms.md */
import type { Concern, Counted, Found, RangeOptions, Scored, Store, Ttl } from './store.ts'

/** What the names of keys and indexes of all realms begin with. */
const ofRealms = 'realm:'

/** `id` of a realm has no colon, so no realm has a name of another one. */
const prefixOf = (id: string): string => `${ofRealms}${id}:`

/** Nothing leads out of the realm: each name gets its prefix, and `scan` finds what has it alone, without it. */
export const realmStore = (store: Store, id: string): Store => new RealmStore(store, prefixOf(id))

class RealmStore implements Store {
  readonly #store: Store
  readonly #prefix: string

  constructor(store: Store, prefix: string) {
    this.#store = store
    this.#prefix = prefix
  }

  get seals(): boolean {
    return this.#store.seals
  }

  get(key: string): Promise<string | undefined> {
    return this.#store.get(this.#prefix + key)
  }

  put(key: string, value: string, ttl?: Ttl): Promise<void> {
    return this.#store.put(this.#prefix + key, value, ttl)
  }

  create(key: string, value: string, ttl?: Ttl): Promise<boolean> {
    return this.#store.create(this.#prefix + key, value, ttl)
  }

  replace(key: string, expected: string, value: string, ttl?: Ttl): Promise<boolean> {
    return this.#store.replace(this.#prefix + key, expected, value, ttl)
  }

  take(key: string): Promise<string | undefined> {
    return this.#store.take(this.#prefix + key)
  }

  increment(key: string, ttl: Ttl, by?: number): Promise<Counted> {
    return this.#store.increment(this.#prefix + key, ttl, by)
  }

  link(index: string, member: string, score: number, ttl?: Ttl): Promise<void> {
    return this.#store.link(this.#prefix + index, member, score, ttl)
  }

  unlink(index: string, member: string): Promise<void> {
    return this.#store.unlink(this.#prefix + index, member)
  }

  range(index: string, options?: RangeOptions): Promise<Scored[]> {
    return this.#store.range(this.#prefix + index, options)
  }

  trim(index: string, max: number): Promise<void> {
    return this.#store.trim(this.#prefix + index, max)
  }

  async *scan(): AsyncGenerator<readonly Found[]> {
    for await (const page of this.#store.scan()) {
      const own = page.flatMap((found) => {
        const { realm, inside } = realmOf(found) ?? {}
        return inside && prefixOf(realm!) === this.#prefix ? [inside] : []
      })
      if (own.length > 0) yield own
    }
  }

  ping(): Promise<void> {
    return this.#store.ping()
  }

  async time(): Promise<number | undefined> {
    return this.#store.time?.()
  }

  async concerns(): Promise<Concern[]> {
    return (await this.#store.concerns?.()) ?? []
  }

  /** Closes the store beneath, and with it those of all realms. */
  close(): Promise<void> {
    return this.#store.close()
  }
}

/** The id of the realm that what a scan of the whole store found belongs to, and what it is there; undefined for what is of no realm. */
export function realmOf(found: Found): { realm: string; inside: Found } | undefined {
  const name = found.kind === 'value' ? found.key : found.index
  if (!name.startsWith(ofRealms)) return undefined
  const end = name.indexOf(':', ofRealms.length)
  if (end < 0) return undefined
  const realm = name.slice(ofRealms.length, end)
  const own = name.slice(end + 1)
  return { realm, inside: found.kind === 'value' ? { ...found, key: own } : { ...found, index: own } }
}

/** What a scan of the realm found, as a scan of the whole store finds it. */
export function ofRealm(id: string, inside: Found): Found {
  const prefix = prefixOf(id)
  return inside.kind === 'value'
    ? { ...inside, key: prefix + inside.key }
    : { ...inside, index: prefix + inside.index }
}
