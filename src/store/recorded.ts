/** A store whose verbs are steps of the request that the recorder of the lab keeps. */
import type { Heard } from '../lib/recorder.ts'
import type { Store } from './store.ts'

export function recordedStore(store: Store, recorder: Pick<Heard, 'store'>): Store {
  const read = async (verb: string, key: string, run: () => Promise<string | undefined>) => {
    const value = await run()
    recorder.store({ verb, key, value, held: value !== undefined })
    return value
  }
  const write = async <T>(
    verb: string,
    key: string,
    run: () => Promise<T>,
    more: { value?: string | undefined; ttl?: number | undefined } = {},
  ): Promise<T> => {
    const result = await run()
    recorder.store({ verb, key, ...more, ...(typeof result === 'boolean' && { held: result }) })
    return result
  }
  return {
    get seals() {
      return store.seals
    },
    get: (key) => read('get', key, () => store.get(key)),
    take: (key) => read('take', key, () => store.take(key)),
    put: (key, value, ttl) => write('put', key, () => store.put(key, value, ttl), { value, ttl }),
    create: (key, value, ttl) => write('create', key, () => store.create(key, value, ttl), { value, ttl }),
    replace: (key, expected, value, ttl) =>
      write('replace', key, () => store.replace(key, expected, value, ttl), { value, ttl }),
    increment: (key, ttl, by) => write('increment', key, () => store.increment(key, ttl, by), { ttl }),
    link: (index, member, score, ttl) =>
      write('link', index, () => store.link(index, member, score, ttl), { ttl }),
    unlink: (index, member) => write('unlink', index, () => store.unlink(index, member)),
    range: (index, options) => write('range', index, () => store.range(index, options)),
    trim: (index, max) => write('trim', index, () => store.trim(index, max)),
    scan: () => store.scan(),
    ping: () => store.ping(),
    close: () => store.close(),
    ...(store.time && { time: () => store.time!() }),
    ...(store.concerns && { concerns: () => store.concerns!() }),
  }
}
