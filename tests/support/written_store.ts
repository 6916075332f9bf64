/** A real store that remembers what was written: the verb and the kind of record, in order. */
import type { Store } from '../../src/store/store.ts'

const reads = new Set(['get', 'range', 'ping', 'close'])

/** `user:17` is of the kind `user`; a hash or an id is part of no kind. */
const kindOf = (key: unknown): string => /^[a-z_]*/.exec(String(key))![0]

export function writtenStore(store: Store): { store: Store; take(): string[] } {
  let written: string[] = []
  const watched = new Proxy(store, {
    get(target, name) {
      const verb = Reflect.get(target, name) as ((...args: unknown[]) => Promise<unknown>) | undefined
      if (typeof verb !== 'function') return verb
      return (...args: unknown[]) => {
        if (!reads.has(String(name))) written.push(`${String(name)} ${kindOf(args[0])}`)
        return verb.apply(target, args)
      }
    },
  })
  return {
    store: watched,
    take() {
      const taken = written
      written = []
      return taken
    },
  }
}
