/** The two places in one backend: data under the names that it has, and data under encrypted names. docs/decisions/0105-encryption-of-a-store-in-use.md */
import { createBoundedMap } from '../lib/bounded_map.ts'
import type { NameCipher } from '../lib/name_cipher.ts'
import { isOfPresence } from './moving/mark.ts'
import type { Backend, Concern, Counted, Found, RangeOptions, Scored, Ttl } from './store.ts'

/** The first character of every name in the encrypted place. A kind of record begins with a letter. */
const first = '~'

/** Where the secret of these names is kept: in neither place. */
export const namesSecret = `${first}names_secret`

/** Of names that were made lately. */
const mostBytes = 2_097_152

interface Naming {
  nameOf(name: string): string
  /** Undefined for what is in the other place, or was not written by `nameOf`. */
  named(name: string): string | undefined
}

interface As {
  /** The backend is that of another place too, which closes it and is asked about it. */
  second?: boolean
}

/** Beside an encrypted place, which it does not see. */
export const plainPlace = (backend: Backend, as: As = {}): Backend =>
  new NamedStore(
    backend,
    { nameOf: (name) => name, named: (name) => (name.startsWith(first) ? undefined : name) },
    as,
  )

/**
 * Its names cannot be guessed without the secret of `cipher`, unlike the SHA-256 of a user name or an address. Names of processes
 * that use the store are those of the plain place, so that all see each other.
 */
export function encryptedPlace(backend: Backend, cipher: NameCipher, as: As = {}): Backend {
  // A session, an account and a grant are read again and again.
  const made = createBoundedMap<string>(mostBytes)
  const sealed = (name: string): string => {
    const known = made.get(name)
    if (known !== undefined) return known
    const text = first + cipher.seal(name)
    made.set(name, text, 2 * (name.length + text.length))
    return text
  }
  return new NamedStore(
    backend,
    {
      nameOf: (name) => (isOfPresence(name) ? name : sealed(name)),
      named: (name) =>
        name.startsWith(first) && name !== namesSecret ? cipher.open(name.slice(first.length)) : undefined,
    },
    as,
  )
}

class NamedStore implements Backend {
  readonly seals = false
  readonly #backend: Backend
  readonly #naming: Naming
  readonly #isSecond: boolean

  constructor(backend: Backend, naming: Naming, { second = false }: As) {
    this.#backend = backend
    this.#naming = naming
    this.#isSecond = second
  }

  get(key: string): Promise<string | undefined> {
    return this.#backend.get(this.#naming.nameOf(key))
  }

  read(key: string): Promise<{ value: string; ttl?: Ttl } | undefined> {
    return this.#backend.read(this.#naming.nameOf(key))
  }

  put(key: string, value: string, ttl?: Ttl): Promise<void> {
    return this.#backend.put(this.#naming.nameOf(key), value, ttl)
  }

  create(key: string, value: string, ttl?: Ttl): Promise<boolean> {
    return this.#backend.create(this.#naming.nameOf(key), value, ttl)
  }

  replace(key: string, expected: string, value: string, ttl?: Ttl): Promise<boolean> {
    return this.#backend.replace(this.#naming.nameOf(key), expected, value, ttl)
  }

  take(key: string): Promise<string | undefined> {
    return this.#backend.take(this.#naming.nameOf(key))
  }

  increment(key: string, ttl: Ttl, by?: number): Promise<Counted> {
    return this.#backend.increment(this.#naming.nameOf(key), ttl, by)
  }

  link(index: string, member: string, score: number, ttl?: Ttl): Promise<void> {
    return this.#backend.link(this.#naming.nameOf(index), member, score, ttl)
  }

  adopt(index: string, member: string, score: number, ttl?: Ttl): Promise<void> {
    return this.#backend.adopt(this.#naming.nameOf(index), member, score, ttl)
  }

  unlink(index: string, member: string): Promise<void> {
    return this.#backend.unlink(this.#naming.nameOf(index), member)
  }

  range(index: string, options?: RangeOptions): Promise<Scored[]> {
    return this.#backend.range(this.#naming.nameOf(index), options)
  }

  trim(index: string, max: number): Promise<void> {
    return this.#backend.trim(this.#naming.nameOf(index), max)
  }

  async *scan(): AsyncGenerator<readonly Found[]> {
    for await (const page of this.#backend.scan()) {
      const here = page.flatMap((found) => this.#found(found))
      if (here.length > 0) yield here
    }
  }

  async ping(): Promise<void> {
    if (!this.#isSecond) await this.#backend.ping()
  }

  async time(): Promise<number | undefined> {
    return this.#backend.time?.()
  }

  async concerns(): Promise<Concern[]> {
    return this.#isSecond ? [] : ((await this.#backend.concerns?.()) ?? [])
  }

  async close(): Promise<void> {
    if (!this.#isSecond) await this.#backend.close()
  }

  #found(found: Found): Found[] {
    const name = this.#naming.named(found.kind === 'value' ? found.key : found.index)
    if (name === undefined) return []
    return [found.kind === 'value' ? { ...found, key: name } : { ...found, index: name }]
  }
}
