/** Picks the backend of the settings and the place in it, and a move that it takes part in. docs/architecture.md, "Store" */
import { type Config } from '../config.ts'
import { readAuthorities } from '../config/named_files.ts'
import { SettingFault } from '../config/setting_fault.ts'
import type { Clock } from '../lib/clock.ts'
import { createLog, type Fields } from '../lib/log.ts'
import { systemRandom } from '../lib/random.ts'
import { memoryStore } from '../store/memory.ts'
import { type Backend, type Store, StoreUnavailable } from '../store/store.ts'
import { requireNone } from './folders.ts'
import { newDatabase, newDatabaseProblem } from './own_files.ts'
import { machine, ownId } from './own_process.ts'
import type { Places } from './store_place.ts'

/** A single line at level `warn`. */
export function lineOf(format: Config['logFormat'], event: string, fields: Fields): string {
  let made = ''
  createLog('warn', format, (line) => (made = line)).warn(event, fields)
  return made
}

/**
 * The store of the settings, which takes part in a move with STORE_MOVE_TO, and with STORE_ENCRYPTION=migrate. Of the backends,
 * those that are not chosen are not loaded.
 */
export async function openBackend(config: Config, clock: Clock): Promise<Store> {
  if (isBetweenPlaces(config)) return openBetween(config, clock)
  if (config.storeMoveTo === undefined) return openPlace(config, clock)
  const target = await openTarget(config, clock)
  return openMoving(config, clock, { source: await openPlace(config, clock), target })
}

const isBetweenPlaces = ({ store, storeEncryption }: Config): boolean =>
  storeEncryption === 'migrate' && store.kind !== 'memory'

/** A store that is being encrypted or decrypted: a move from one place in it to the other. */
async function openBetween(config: Config, clock: Clock): Promise<Store> {
  if (config.storeMoveTo !== undefined)
    throw new SettingFault('STORE_ENCRYPTION', 'migrate and STORE_MOVE_TO are one after the other')
  const { from, to } = await openPlaces(config, clock)
  return openMoving(config, clock, { source: from, target: to })
}

/** Both places of a store, for STORE_ENCRYPTION=migrate. */
export async function openPlaces(config: Config, clock: Clock): Promise<Places> {
  const backend = await openWhole(config, clock)
  try {
    const { bothPlaces } = await import('./store_place.ts')
    return await bothPlaces(backend, config)
  } catch (error) {
    await backend.close()
    throw error
  }
}

async function openMoving(
  config: Config,
  clock: Clock,
  stores: { source: Backend; target: Backend },
): Promise<Store> {
  const { movingStore } = await import('../store/moving/moving.ts')
  return movingStore({
    ...stores,
    name: `${machine}:${process.pid}/${ownId}/${systemRandom(6)}`,
    clock: { now: () => clock.now(), elapsed: () => performance.now() },
    unique: () => systemRandom(12),
    warn: (problem) => process.stderr.write(`${lineOf(config.logFormat, 'store_not_moved', { problem })}\n`),
  })
}

/** The place of the settings in their store. */
export async function openPlace(config: Config, clock: Clock): Promise<Backend> {
  const backend = await openWhole(config, clock)
  if (config.store.kind === 'memory') return backend
  if (config.storeEncryption === 'false') return (await import('../store/named.ts')).plainPlace(backend)
  return (await import('./store_place.ts')).placeOf(backend, config)
}

/** The store of STORE_MOVE_TO. Throws SettingFault. */
export async function openTarget(config: Config, clock: Clock): Promise<Backend> {
  const { storeMoveTo: store, ...others } = config
  try {
    const target = await openPlace({ ...others, ...(store && { store }) } as Config, clock)
    await target.ping()
    return target
  } catch (error) {
    if (!(error instanceof StoreUnavailable || error instanceof SettingFault)) throw error
    throw new SettingFault('STORE_MOVE_TO', error.message.replace(/^STORE_URL: /, ''))
  }
}

/** The only code that chooses a backend: all of a store, whatever its encryption. */
export async function openWhole(config: Config, clock: Clock): Promise<Backend> {
  const { store, redisCaPath, storeTimeoutMs } = config
  if (store.kind === 'memory') return memoryStore(clock)
  if (store.kind === 'sqlite') {
    requireNone('STORE_URL', newDatabaseProblem(config))
    return (await import('../store/sqlite.ts')).sqliteStore(store.path, clock)
  }
  if (store.kind === 'postgres') {
    const { postgresStore } = await import('../store/postgres.ts')
    return postgresStore(store.url, clock, postgresOptions(config))
  }
  const caCert =
    redisCaPath === undefined || !store.url.startsWith('rediss')
      ? undefined
      : readAuthorities('REDIS_CA_PATH', redisCaPath).pem
  const { redisStore } = await import('../store/redis.ts')
  return redisStore(store.url, { timeoutMs: storeTimeoutMs, ...(caCert !== undefined && { caCert }) })
}

function postgresOptions({ postgresCaPath, postgresPoolSize, storeTimeoutMs }: Config) {
  const ca = postgresCaPath === undefined ? undefined : readAuthorities('POSTGRES_CA_PATH', postgresCaPath)
  return { timeoutMs: storeTimeoutMs, poolSize: postgresPoolSize, ...(ca && { caCert: ca.pem }) }
}

/**
 * What `openBackend` would first create; undefined where it exists. A command that only looks leaves it to the service, which may
 * be another user. Throws StoreUnavailable when tables could not be created.
 */
export async function newStore(config: Config): Promise<string | undefined> {
  if (config.store.kind !== 'postgres') return newDatabase(config)
  const { wantsTables } = await import('../store/postgres_migration.ts')
  return (await wantsTables(config.store.url, postgresOptions(config)))
    ? 'a schema latchkey with the tables of this release'
    : undefined
}
