/** A store that encrypts the values of another store. docs/architecture.md, "Store". */
import { seal } from '../lib/seal.ts'
import type { Keys } from '../lib/secret_keys.ts'
import { isMark } from './moving/mark.ts'
import { isReadable } from './readable_index.ts'
import { openedValue, sealedValue } from './sealed_value.ts'
import type { Backend, Concern, Counted, Found, RangeOptions, Scored, Store, Ttl } from './store.ts'

/**
 * Values are sealed with the first of `keys` and bound to their store key, so that a value copied to another store key
 * does not open. Store keys, counters and indexes stay readable; an index of readable words is not kept. A value that does not
 * open is absent for `get` and `take` (which still deletes it) and never equal to `expected` of `replace`. For `create` it
 * exists, so that a damaged value does not allow a second use of something single-use.
 */
export const sealedStore = (store: Store, keys: Keys): Store => new SealedStore(store, keys)

/** As `sealedStore`, for a move. The marks of the move are not sealed, because others read them beneath the encryption. */
export const sealedBackend = (backend: Backend, keys: Keys): Backend => new SealedBackend(backend, keys)

class SealedStore<Inner extends Store = Store> implements Store {
  readonly seals = true
  protected readonly inner: Inner
  readonly #keys: Keys

  constructor(inner: Inner, keys: Keys) {
    seal(keys, '', '') // throws here, not at the first request, when the key has the wrong length
    this.inner = inner
    this.#keys = keys
  }

  async get(key: string): Promise<string | undefined> {
    return this.opened(key, await this.inner.get(key))
  }

  put(key: string, value: string, ttl?: Ttl): Promise<void> {
    return this.inner.put(key, this.sealed(key, value), ttl)
  }

  create(key: string, value: string, ttl?: Ttl): Promise<boolean> {
    return this.inner.create(key, this.sealed(key, value), ttl)
  }

  async replace(key: string, expected: string, value: string, ttl?: Ttl): Promise<boolean> {
    const next = this.sealed(key, value)
    // Two ciphertexts of one plaintext differ, so the swap compares ciphertexts. When another writer has stored the same
    // plaintext again, the swap fails and is repeated. Each repetition means that another writer succeeded.
    for (;;) {
      const current = await this.inner.get(key)
      if (current === undefined || this.opened(key, current) !== expected) return false
      if (await this.inner.replace(key, current, next, ttl)) return true
    }
  }

  async take(key: string): Promise<string | undefined> {
    return this.opened(key, await this.inner.take(key))
  }

  increment(key: string, ttl: Ttl, by?: number): Promise<Counted> {
    return this.inner.increment(key, ttl, by)
  }

  async link(index: string, member: string, score: number, ttl?: Ttl): Promise<void> {
    if (!isReadable(index)) await this.inner.link(index, member, score, ttl)
  }

  unlink(index: string, member: string): Promise<void> {
    return this.inner.unlink(index, member)
  }

  range(index: string, options?: RangeOptions): Promise<Scored[]> {
    return this.inner.range(index, options)
  }

  trim(index: string, max: number): Promise<void> {
    return this.inner.trim(index, max)
  }

  async *scan(): AsyncGenerator<readonly Found[]> {
    for await (const page of this.inner.scan()) yield page.flatMap((found) => this.#opened(found))
  }

  ping(): Promise<void> {
    return this.inner.ping()
  }

  async time(): Promise<number | undefined> {
    return this.inner.time?.()
  }

  async concerns(): Promise<Concern[]> {
    return (await this.inner.concerns?.()) ?? []
  }

  close(): Promise<void> {
    return this.inner.close()
  }

  /** Nothing for a value that does not open, which is absent for `get` too. */
  #opened(found: Found): Found[] {
    if (found.kind === 'member') return [found]
    const value = this.opened(found.key, found.value)
    return value === undefined ? [] : [{ ...found, value }]
  }

  protected sealed(key: string, value: string): string {
    return sealedValue(this.#keys, key, value)
  }

  protected opened(key: string, sealed: string | undefined): string | undefined {
    return openedValue(this.#keys, key, sealed)
  }
}

class SealedBackend extends SealedStore<Backend> implements Backend {
  async read(key: string): Promise<{ value: string; ttl?: Ttl } | undefined> {
    const found = await this.inner.read(key)
    const value = this.opened(key, found?.value)
    return found && value !== undefined ? { ...found, value } : undefined
  }

  async adopt(index: string, member: string, score: number, ttl?: Ttl): Promise<void> {
    if (!isReadable(index)) await this.inner.adopt(index, member, score, ttl)
  }

  protected override sealed(key: string, value: string): string {
    return isMark(key) ? value : super.sealed(key, value)
  }

  protected override opened(key: string, sealed: string | undefined): string | undefined {
    return isMark(key) ? sealed : super.opened(key, sealed)
  }
}
