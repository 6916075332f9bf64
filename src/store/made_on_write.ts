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
  const read = async (): Promise<Backend> => (place ??= await look()) ?? empty
  const write = async (name: string): Promise<Backend> =>
    isOfPresence(name) || (!place && isProbe(name)) ? empty : (place ??= await make())
  /** What removes from nothing makes nothing. */
  const remove = (name: string): Promise<Backend> => (isOfPresence(name) ? write(name) : read())
  return {
    seals: false,
    get: async (key) => (await read()).get(key),
    read: async (key) => (await read()).read(key),
    put: async (key, value, ttl) => (await write(key)).put(key, value, ttl),
    create: async (key, value, ttl) => (await write(key)).create(key, value, ttl),
    replace: async (key, expected, value, ttl) => (await remove(key)).replace(key, expected, value, ttl),
    take: async (key) => (await remove(key)).take(key),
    increment: async (key, ttl, by) => (await write(key)).increment(key, ttl, by),
    link: async (index, member, score, ttl) => (await write(index)).link(index, member, score, ttl),
    adopt: async (index, member, score, ttl) => (await write(index)).adopt(index, member, score, ttl),
    unlink: async (index, member) => (await remove(index)).unlink(index, member),
    range: async (index, options) => (await read()).range(index, options),
    trim: async (index, max) => (await remove(index)).trim(index, max),
    async *scan() {
      yield* (await read()).scan()
    },
    ping: () => empty.ping(),
    time: async () => empty.time?.(),
    concerns: async () => (await empty.concerns?.()) ?? [],
    close: () => empty.close(),
  }
}
