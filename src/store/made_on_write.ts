/** A place that is made by the first write, so that a command that is refused or only looks leaves an empty store as it is. */
import { isOfPresence } from './moving/mark.ts'
import type { Backend } from './store.ts'

interface Parts {
  /** As long as the place does not exist: has nothing, and takes signs of processes and probes. */
  empty: Backend
  /** The place, once another process has made it. */
  look(): Promise<Backend | undefined>
  make(): Promise<Backend>
}

const isProbe = (name: string): boolean => name.startsWith('config_check:')

export function placeMadeOnWrite({ empty, look, make }: Parts): Backend {
  let place: Backend | undefined
  const find = async (): Promise<Backend> => (place ??= await look()) ?? empty
  const placeFor = async (name: string): Promise<Backend> =>
    isOfPresence(name) || isProbe(name) ? empty : (place ??= await make())
  /** What removes from nothing makes nothing. Once the place is there, no verb waits for anything else. */
  const reading = <T>(verb: (at: Backend) => Promise<T>): Promise<T> =>
    place ? verb(place) : find().then(verb)
  const writing = <T>(name: string, verb: (at: Backend) => Promise<T>): Promise<T> =>
    place ? verb(place) : placeFor(name).then(verb)
  return {
    seals: false,
    get: (key) => reading((at) => at.get(key)),
    read: (key) => reading((at) => at.read(key)),
    put: (key, value, ttl) => writing(key, (at) => at.put(key, value, ttl)),
    create: (key, value, ttl) => writing(key, (at) => at.create(key, value, ttl)),
    replace: (key, expected, value, ttl) => reading((at) => at.replace(key, expected, value, ttl)),
    take: (key) => reading((at) => at.take(key)),
    increment: (key, ttl, by) => writing(key, (at) => at.increment(key, ttl, by)),
    link: (index, member, score, ttl) => writing(index, (at) => at.link(index, member, score, ttl)),
    adopt: (index, member, score, ttl) => writing(index, (at) => at.adopt(index, member, score, ttl)),
    unlink: (index, member) => reading((at) => at.unlink(index, member)),
    range: (index, options) => reading((at) => at.range(index, options)),
    trim: (index, max) => reading((at) => at.trim(index, max)),
    async *scan() {
      yield* (await find()).scan()
    },
    ping: () => empty.ping(),
    time: async () => empty.time?.(),
    concerns: async () => (await empty.concerns?.()) ?? [],
    close: () => empty.close(),
  }
}
