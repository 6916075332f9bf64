/** A view of a store that reads and drops every write, for requests that must not change anything. */
import type { Store, Ttl } from './store.ts'

/**
 * Reads are those of `store`. A write is dropped, and its result is computed from a read: `create` tells whether the key
 * is absent, `replace` whether the value is `expected`, `take` returns the value, and a counter starts at zero.
 */
export const readOnlyStore = (store: Store): Store => ({
  get seals() {
    return store.seals
  },
  get: (key) => store.get(key),
  range: (index, options) => store.range(index, options),
  scan: () => store.scan(),
  ping: () => store.ping(),
  time: async () => store.time?.(),
  put: async () => {},
  create: async (key) => (await store.get(key)) === undefined,
  replace: async (key, expected) => (await store.get(key)) === expected,
  take: (key) => store.get(key),
  increment: async (_key: string, ttl: Ttl, by = 1) => ({ count: by, ttl }),
  link: async () => {},
  unlink: async () => {},
  trim: async () => {},
  close: async () => {},
})
