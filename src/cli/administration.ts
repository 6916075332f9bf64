/** What commands work with: the configured store, its keys and a context, opened for as long as the command takes. */
import { createContext } from '../app.ts'
import type { Config } from '../config.ts'
import type { Context } from '../contracts/context.ts'
import { systemRandom } from '../lib/random.ts'
import type { KeyRing } from '../models/key_ring.ts'
import { Refusal } from './failure.ts'
import { open, openKeys, type Opened, readConfig } from './open.ts'

/** A command says itself what it did: only warnings and worse are logged, unless more was asked for. */
const quieter = (config: Config): Config => ({
  ...config,
  logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel,
})

async function withOpened(config: Config, work: (opened: Opened) => Promise<void>): Promise<void> {
  const opened = await open(quieter(config))
  try {
    await work(opened)
  } finally {
    await opened.store.close()
  }
}

/** The signing keys of the configured store; beside the memory store those of KEYS_PATH, which a running server reads too. */
export const withKeys = (work: (keys: KeyRing, opened: Opened) => Promise<void>): Promise<void> =>
  withOpened(readConfig(), async (opened) => work(await openKeys(opened), opened))

/** A context as the server has it. Throws Refusal where the store lives in another process. `what` is what is sought. */
export function withContext(
  what: 'people' | 'clients',
  work: (context: Context) => Promise<void>,
): Promise<void> {
  const config = readConfig()
  if (config.store.kind === 'memory')
    throw new Refusal(
      `the memory store keeps ${what} inside the server's own process, where no command can reach them. ` +
        'Give the server and this command one store: STORE_URL=sqlite:latchkey.db, or REDIS_URL=redis://…',
    )
  return withOpened(config, async (opened) => {
    const keys = await openKeys(opened) // features sign with them what they tell clients of a session's end
    return work(createContext({ ...opened, keys, random: systemRandom }))
  })
}

/** Every record of an index that is read page by page. */
export async function listAll<T>(page: (offset: number, limit: number) => Promise<T[]>): Promise<T[]> {
  const all: T[] = []
  const limit = 1000
  for (let offset = 0; ; offset += limit) {
    const some = await page(offset, limit)
    all.push(...some)
    if (some.length === 0) return all
  }
}

/** Where it is, without the password of a URL. */
export function placeOf({ store }: Config): string {
  if (store.kind === 'memory') return 'memory:'
  if (store.kind === 'sqlite') return `sqlite:${store.path}`
  return store.url.replace(/\/\/[^/]*@/, '//…@').replace(/\?.*$/, '')
}
