/** A view of a store that reads and keeps no write: what a request that may change nothing is given. */
import type { Store, Ttl } from './store.ts'

/**
 * Reads are those of `store`. A write is dropped, and answered as `store` would have answered it now: `create` and
 * `replace` say whether the key is free or unchanged, `take` says what is there, and a counter begins at nothing.
 */
export const readOnlyStore = (store: Store): Store => ({
  get: (key) => store.get(key),
  range: (index, options) => store.range(index, options),
  ping: () => store.ping(),
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
