/** A store whose values are encrypted at rest, around any other store. docs/architecture.md, "Store". */
import { seal, unseal } from '../lib/seal.ts'
import type { Counted, RangeOptions, Scored, Store, Ttl } from './store.ts'

/**
 * Values are sealed under `key` (32 bytes) and bound to the key they are stored under, so that a value copied
 * to another key does not open. Keys, counters and indexes stay readable. What does not unseal is absent to `get`
 * and `take` (which still deletes it) and never `expected` by `replace`; to `create` it is there, so that damage
 * cannot make a single use happen twice.
 */
export const sealedStore = (store: Store, key: Uint8Array): Store => new SealedStore(store, key)

class SealedStore implements Store {
  readonly #store: Store
  readonly #key: Uint8Array

  constructor(store: Store, key: Uint8Array) {
    seal(key, '', '') // throws here, not at the first request, when the key has the wrong length
    this.#store = store
    this.#key = key
  }

  async get(key: string): Promise<string | undefined> {
    return this.#open(key, await this.#store.get(key))
  }

  put(key: string, value: string, ttl?: Ttl): Promise<void> {
    return this.#store.put(key, seal(this.#key, value, key), ttl)
  }

  create(key: string, value: string, ttl?: Ttl): Promise<boolean> {
    return this.#store.create(key, seal(this.#key, value, key), ttl)
  }

  async replace(key: string, expected: string, value: string, ttl?: Ttl): Promise<boolean> {
    const next = seal(this.#key, value, key)
    // No two seals of one plaintext are alike, so the swap is of ciphertexts. Losing it to a writer who put the
    // same plaintext again is no reason to fail: look again. Each round means that another writer got on.
    for (;;) {
      const current = await this.#store.get(key)
      if (current === undefined || this.#open(key, current) !== expected) return false
      if (await this.#store.replace(key, current, next, ttl)) return true
    }
  }

  async take(key: string): Promise<string | undefined> {
    return this.#open(key, await this.#store.take(key))
  }

  increment(key: string, ttl: Ttl, by?: number): Promise<Counted> {
    return this.#store.increment(key, ttl, by)
  }

  link(index: string, member: string, score: number, ttl?: Ttl): Promise<void> {
    return this.#store.link(index, member, score, ttl)
  }

  unlink(index: string, member: string): Promise<void> {
    return this.#store.unlink(index, member)
  }

  range(index: string, options?: RangeOptions): Promise<Scored[]> {
    return this.#store.range(index, options)
  }

  trim(index: string, max: number): Promise<void> {
    return this.#store.trim(index, max)
  }

  ping(): Promise<void> {
    return this.#store.ping()
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  #open(key: string, sealed: string | undefined): string | undefined {
    return sealed === undefined ? undefined : unseal(this.#key, sealed, key)
  }
}
