/** A store whose round trips are spans of the request that makes them. */
import type { Tracing } from '../lib/tracing.ts'
import type { Store } from './store.ts'

/** What a key is of, such as `session`, also in a realm. The rest of a key may name a person. */
const kindOf = (key: string): string => /^(?:realm:[^:]*:)?([a-z_]+)(?=:)/.exec(key)?.[1] ?? 'other'

/** `system` is the kind of the backend. */
export function tracedStore(store: Store, system: string, tracing: Pick<Tracing, 'within'>): Store {
  const trip = <T>(verb: string, key: string, run: () => Promise<T>): Promise<T> =>
    tracing.within(
      {
        name: `store ${verb}`,
        kind: 'client',
        attributes: {
          'db.system.name': system,
          'db.operation.name': verb,
          'db.collection.name': kindOf(key),
        },
      },
      run,
    )
  return {
    get seals() {
      return store.seals
    },
    get: (key) => trip('get', key, () => store.get(key)),
    put: (key, value, ttl) => trip('put', key, () => store.put(key, value, ttl)),
    create: (key, value, ttl) => trip('create', key, () => store.create(key, value, ttl)),
    replace: (key, expected, value, ttl) =>
      trip('replace', key, () => store.replace(key, expected, value, ttl)),
    take: (key) => trip('take', key, () => store.take(key)),
    increment: (key, ttl, by) => trip('increment', key, () => store.increment(key, ttl, by)),
    link: (index, member, score, ttl) => trip('link', index, () => store.link(index, member, score, ttl)),
    unlink: (index, member) => trip('unlink', index, () => store.unlink(index, member)),
    range: (index, options) => trip('range', index, () => store.range(index, options)),
    scan: () => store.scan(),
    trim: (index, max) => trip('trim', index, () => store.trim(index, max)),
    ping: () => trip('ping', 'ping', () => store.ping()),
    close: () => store.close(),
    ...(store.time && { time: () => store.time!() }),
    ...(store.concerns && { concerns: () => store.concerns!() }),
  }
}
