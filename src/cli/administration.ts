/** Opens the configured store, its keys and a context for the time of one command. */
import { isAbsolute } from 'node:path'
import { createContext } from '../app.ts'
import type { Config } from '../config.ts'
import type { Env } from '../config/read.ts'
import type { Context } from '../contracts/context.ts'
import { systemRandom } from '../lib/random.ts'
import { writeUsage } from '../people/usage.ts'
import type { KeyRing } from '../models/key_ring.ts'
import type { Memory } from '../models/define_record.ts'
import { createPresence } from '../models/presence.ts'
import { Realm, type RealmRecord } from '../models/realm.ts'
import { StoreUnavailable } from '../store/store.ts'
import { underApplied, underRealm } from './applied_settings.ts'
import { auditAdded, closeTrail, openTrail } from './audit_trail.ts'
import { chosenRealm } from './in_realm.ts'
import { Refusal } from './failure.ts'
import { newDatabase } from './own_files.ts'
import { requireNone } from './folders.ts'
import {
  open,
  openKeys,
  type Opened,
  type OpenedPlain,
  openPlain,
  openRoot,
  readSettings,
  requireWhole,
} from './open.ts'
import { machine, ownId } from './own_process.ts'
import { printable } from './output.ts'

export { allOf } from '../models/every_member.ts'

/** Commands print what they did, so only warnings and errors are logged unless LOG_LEVEL is debug. */
const quieter = (config: Config): Config => ({
  ...config,
  logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel,
})

/** What takes no write needs no sign: a command that reads goes on. */
function unlessReadOnly(error: Error): undefined {
  if (error instanceof StoreUnavailable && error.refusesWrites) return undefined
  throw error
}

/** A relative path names another database in another folder: a command then works on an empty one. */
function sayItIsNew({ store }: Config, made: string | undefined, { log }: Opened): void {
  if (made === undefined || store.kind !== 'sqlite' || isAbsolute(store.path)) return
  log.warn('database_made', {
    path: made,
    problem:
      'there was no database, so one was made. The path of STORE_URL is relative to the working folder: run commands in the folder of the server, or name the whole path',
  })
}

/** What the command works on: what is of the server, or with --realm of that realm. */
async function chosenIn(opened: Opened, env: Env): Promise<Opened> {
  const name = chosenRealm()
  if (name === undefined) return opened
  requireSharedStore(opened.config, 'realms')
  return underRealm(opened, env, await requireRealm(opened, name))
}

/** Throws Refusal. One that is disabled or has ended is there for commands. */
export async function requireRealm(memory: Memory, name: string): Promise<RealmRecord> {
  const realm = await Realm.find(memory, name)
  if (realm) return realm
  throw new Refusal(
    `there is no realm ${printable(name)}; latchkey realm list shows all, latchkey realm add makes one`,
  )
}

/** A move or a restore of the store waits for the command, or keeps it out. `env` is that of `readSettings`. */
export async function withOpened<T>(
  config: Config,
  env: Env,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const made = newDatabase(config)
  const opened = await open(quieter(config))
  sayItIsNew(config, made, opened)
  const presence =
    config.store.kind === 'memory' ? undefined : createPresence(opened, `${machine}:command`, ownId)
  try {
    requireNone('STORE_URL', await presence?.sign().catch(unlessReadOnly))
    return await work(await chosenIn(opened, env))
  } finally {
    await presence?.leave('command').catch(() => {}) // the error of the command is the one to be told
    await opened.store.close()
  }
}

/** The store under the settings of the environment and of the configuration file that was applied last. */
export async function withSettings<T>(work: (opened: Opened) => Promise<T>): Promise<T> {
  const { config, environment } = await readSettings()
  return withOpened(config, environment.env, async (opened) =>
    work(await underApplied(opened, environment.env)),
  )
}

/** The keys of the configured store; with the memory store those of KEYS_PATH, which a running server reads too. */
export const withKeys = async <T>(work: (keys: KeyRing, opened: Opened) => Promise<T>): Promise<T> =>
  withSettings(async (opened) => {
    const keys = await openKeys(opened)
    if (keys.added.length > 0) {
      const audit = await openTrail(opened, 'cli')
      await auditAdded(audit, keys)
      await closeTrail(audit)
    }
    return work(keys, opened)
  })

/** What a context is made of, for one under other settings. */
export interface Scene {
  /** With the values of secrets, without the settings of a configuration file. */
  env: Env
  make(config: Config): Context
  /** In a realm, with what is of it. */
  inRealm<T>(realm: RealmRecord, work: (context: Context) => Promise<T>): Promise<T>
}

/** A context like that of the server. Throws Refusal with the memory store, which is in the process of the server. */
export async function withContext<T>(
  what: 'accounts' | 'clients' | 'secrets' | 'realms',
  work: (context: Context, scene: Scene) => Promise<T>,
  isOfTheFile = false,
): Promise<T> {
  const { config, environment } = await readSettings()
  requireSharedStore(config, what)
  return withOpened(config, environment.env, async (plain) =>
    inContext(await underApplied(plain, environment.env, isOfTheFile), environment.env, work),
  )
}

async function inContext<T>(
  opened: Opened,
  env: Env,
  work: (context: Context, scene: Scene) => Promise<T>,
): Promise<T> {
  const keys = await openKeys(opened) // features sign logout tokens with them
  const lastingRoot = await openRoot(opened)
  const audit = await openTrail(opened, 'cli')
  try {
    await auditAdded(audit, keys)
    const make = (config: Config) =>
      createContext({ ...opened, config, keys, audit, lastingRoot, random: systemRandom })
    const context = make(opened.config)
    const result = await work(context, {
      env,
      make,
      inRealm: async (realm, inside) => inContext(await underRealm(opened, env, realm), env, inside),
    })
    await writeUsage(context) // sessions that it ended
    return result
  } finally {
    await closeTrail(audit)
  }
}

/** Throws Refusal with the memory store. */
export function requireSharedStore({ store }: Config, what = 'its data'): void {
  if (store.kind === 'memory')
    throw new Refusal(
      `the memory store keeps ${what} in the process of the server, where a command cannot access them. ` +
        'Configure one store for the server and this command: STORE_URL=sqlite:latchkey.db or postgres://…, or REDIS_URL=redis://…',
    )
}

/** The store beneath an encryption, also one that a restore or a move did not finish. */
export async function withUnfinished<T>(
  config: Config,
  work: (opened: OpenedPlain) => Promise<T>,
): Promise<T> {
  const opened = await openPlain(quieter(config))
  try {
    return await work(opened)
  } finally {
    await opened.plain.close()
  }
}

export const withPlain = <T>(config: Config, work: (opened: OpenedPlain) => Promise<T>): Promise<T> =>
  withUnfinished(config, async (opened) => {
    await requireWhole(opened.plain)
    return work(opened)
  })
