/** A store that encrypts the values of another store. docs/architecture.md, "Store". */
import { seal, unseal } from '../lib/seal.ts'
import type { Keys } from '../lib/secret_keys.ts'
import type { Concern, Counted, Found, RangeOptions, Scored, Store, Ttl } from './store.ts'

/**
 * Values are sealed with the first of `keys` and bound to their store key, so that a value copied to another store key
 * does not open. Store keys, counters and indexes stay readable. A value that does not open is absent for `get` and
 * `take` (which still deletes it) and never equal to `expected` of `replace`. For `create` it exists, so that a damaged
 * value does not allow a second use of something single-use.
 */
export const sealedStore = (store: Store, keys: Keys): Store => new SealedStore(store, keys)

const isCount = /^-?[0-9]+$/

class SealedStore implements Store {
  readonly seals = true
  readonly #store: Store
  readonly #keys: Keys

  constructor(store: Store, keys: Keys) {
    seal(keys, '', '') // throws here, not at the first request, when the key has the wrong length
    this.#store = store
    this.#keys = keys
  }

  async get(key: string): Promise<string | undefined> {
    return this.#open(key, await this.#store.get(key))
  }

  put(key: string, value: string, ttl?: Ttl): Promise<void> {
    return this.#store.put(key, seal(this.#keys, value, key), ttl)
  }

  create(key: string, value: string, ttl?: Ttl): Promise<boolean> {
    return this.#store.create(key, seal(this.#keys, value, key), ttl)
  }

  async replace(key: string, expected: string, value: string, ttl?: Ttl): Promise<boolean> {
    const next = seal(this.#keys, value, key)
    // Two ciphertexts of one plaintext differ, so the swap compares ciphertexts. When another writer has stored the same
    // plaintext again, the swap fails and is repeated. Each repetition means that another writer succeeded.
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

  async *scan(): AsyncGenerator<readonly Found[]> {
    for await (const page of this.#store.scan()) yield page.flatMap((found) => this.#opened(found))
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

  close(): Promise<void> {
    return this.#store.close()
  }

  /** A counter is not sealed. Nothing for a value that does not open, which is absent for `get` too. */
  #opened(found: Found): Found[] {
    if (found.kind === 'member' || isCount.test(found.value)) return [found]
    const value = this.#open(found.key, found.value)
    return value === undefined ? [] : [{ ...found, value }]
  }

  #open(key: string, sealed: string | undefined): string | undefined {
    return sealed === undefined ? undefined : unseal(this.#keys, sealed, key)
  }
}
