/** Opens the configuration from the environment, its store and the keys. */
import { keyRingSecret } from '../app.ts'
import type { KeyAlg } from '../auth/jwk.ts'
import { type Config, loadConfig } from '../config.ts'
import type { Env } from '../config/read.ts'
import { SettingFault } from '../config/setting_fault.ts'
import { type Clock, realClock, systemClock } from '../lib/clock.ts'
import { createLabClock } from '../lib/lab_clock.ts'
import { type AdjustableLog, createLog, type Log } from '../lib/log.ts'
import { deriveKeys } from '../lib/secret_keys.ts'
import { clockOffset, clockProblem } from '../models/clock_guard.ts'
import { type KeyRing, loadKeyRing } from '../models/key_ring.ts'
import type { KeyRingOptions, KeyStorage } from '../models/key_ring_options.ts'
import { openLastingRoot } from '../models/lasting_root.ts'
import type { RealmRecord } from '../models/realm.ts'
import { SignerUnavailable } from '../models/remote_signer.ts'
import { keysAreLost, lostKeysWords } from '../models/readable_keys.ts'
import { parseDocument, recordName } from '../models/signing_keys.ts'
import { unfinishedWords } from '../models/unfinished.ts'
import { unfinishedKey } from '../store/moving/mark.ts'
import { type Backend, type Concern, quietConcerns, type Store, StoreUnavailable } from '../store/store.ts'
import { featureEntries, featureKeyAlgs } from '../table.ts'
import { assumesDevelopment } from '../version.ts'
import { type Environment, readEnvironment } from './environment.ts'
import { type LineStream, lineWriter } from './log_writer.ts'
import { requireNone } from './folders.ts'
import { keyFolder, ownKey } from './own_files.ts'
import { lineOf, openBackend, openPlace, openPlaces } from './open_store.ts'
import { openRemoteKeys } from './key_sources/open_sources.ts'
import { createSecrets, type Secrets } from './secrets.ts'

export interface Opened {
  /** Where the command works in a realm: `config`, `store` and keys are its own. */
  realm?: RealmRecord
  config: Config
  clock: Clock
  log: AdjustableLog
  store: Store
}

/** Algorithms that have a key: those of SIGNING_ALGS, and those of features. */
export const algsInUse = (config: Config): KeyAlg[] => [...config.signingAlgs, ...featureKeyAlgs(config)]

/** `env` has the values of secrets: that of `readSettings`. */
export const readConfig = (env: Env): Config =>
  loadConfig(env, { featureEntries, environmentIsTold: !assumesDevelopment })

/** For a command that needs no secret: those that are kept elsewhere are not read. */
export const readConfigWithoutSecrets = (): Config =>
  loadConfig(readEnvironment().env, {
    featureEntries,
    environmentIsTold: !assumesDevelopment,
    secretsMayBeUnread: true,
  })

/** The environment of this process, with secrets read from where they are kept, and its configuration. */
export async function readSettings(
  secrets: Secrets = createSecrets(),
): Promise<{ config: Config; environment: Environment }> {
  const environment = readEnvironment()
  const env = await secrets.resolve(environment.env)
  return { config: readConfig(env), environment: { ...environment, env } }
}

export interface OpenedPlain extends Omit<Opened, 'store'> {
  /** Beneath an encryption. */
  plain: Store
  /** Which of two places in one store this is; absent where it is all of the store. */
  place?: string
}

/** The store as it is kept, which may be one that a restore did not finish. `stream` gets the lines of the log. */
export async function openPlain(config: Config, stream: LineStream = process.stderr): Promise<OpenedPlain> {
  const log = logTo(config, stream)
  const clock = config.lab ? createLabClock(systemClock) : systemClock
  return { config, clock, log, plain: await openBackend(config, clock) }
}

function logTo(config: Config, stream: LineStream): AdjustableLog {
  const { logLevel, logLevels, logFormat } = config
  const dropped = (lines: number) => lineOf(logFormat, 'log_lines_dropped', { lines })
  return createLog(logLevel, logFormat, lineWriter(stream, dropped), logLevels)
}

/** `withLog` is called before anything waits for the store. */
export async function open(
  config: Config,
  stream?: LineStream,
  withLog: (log: Log) => void = () => {},
): Promise<Opened & OpenedPlain> {
  const opened = await openPlain(config, stream)
  withLog(opened.log)
  await requireWhole(opened.plain)
  return { ...opened, store: await encrypted(opened.plain, config) }
}

/** Throws SettingFault for a store that is not whole, or was moved away. The store is closed when this throws, so that the process can end. */
export async function requireWhole(plain: Store): Promise<void> {
  try {
    requireNone('STORE_URL', unfinishedWords(await plain.get(unfinishedKey)))
  } catch (error) {
    await plain.close()
    throw error
  }
}

/** The same store, with encryption when the configuration wants it. That of a change of STORE_ENCRYPTION seals by itself. */
export async function encrypted(plain: Store, { store, storeEncryption, secretKey }: Config): Promise<Store> {
  if (storeEncryption === 'false' || (storeEncryption === 'migrate' && store.kind !== 'memory')) return plain
  const { sealedStore } = await import('../store/sealed.ts')
  return sealedStore(plain, deriveKeys(secretKey, 'store'))
}

/** The store of the settings as it is, for a command that moves it. */
export async function openForMove(config: Config): Promise<OpenedPlain & { plain: Backend }> {
  const log = logTo(config, process.stderr)
  return { config, clock: systemClock, log, plain: await openPlace(config, systemClock) }
}

/** As `openForMove`, both places of one store; that of `from` closes it. */
export async function openSides(
  config: Config,
): Promise<Record<'from' | 'to', OpenedPlain & { plain: Backend }>> {
  const log = logTo(
    { ...config, logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel },
    process.stderr,
  )
  const { from, to } = await openPlaces(config, systemClock)
  const { nameOfPlace } = await import('./store_place.ts')
  const side = (plain: Backend, place: string) => ({ config, clock: systemClock, log, plain, place })
  return { from: side(from, nameOfPlace(!to.seals)), to: side(to, nameOfPlace(to.seals)) }
}

/** Production refuses a store that evicts records before they expire, unless the operator allows it. Of the accepted ones a start warns. */
export function refusedConcern(
  { environment, redisEviction }: Config,
  concerns: readonly Concern[],
): { refused: string | undefined; accepted: readonly Concern[] } {
  const isRefused = environment === 'production' && redisEviction === 'refuse'
  const evicts = isRefused ? concerns.find(({ name }) => name === 'evicts') : undefined
  return {
    refused: evicts && `${evicts.text}, or accept it with REDIS_EVICTION=allow`,
    accepted: concerns.filter((each) => each !== evicts && !quietConcerns.some((name) => name === each.name)),
  }
}

/** A wrong clock would remove keys that are in use, and make tokens that live too long. */
async function requireGoodClock({ config, clock, log, store }: Opened): Promise<void> {
  const offset = await clockOffset(store, clock)
  const problem = clockProblem(offset, config.clockTolerance)
  if (problem !== undefined) throw new SettingFault('CLOCK_TOLERANCE', problem)
  if (store.time && offset === undefined && config.store.kind === 'redis')
    log.warn('clock_unknown', {
      problem: 'the user of the Redis URL may not use TIME: add +time to its rules',
    })
}

/** New keys beside old data would end all tokens without a word: the operator decides. Development makes them. */
async function requireKeptKeys({ config, log, store }: Opened): Promise<void> {
  if (config.store.kind === 'memory' || !(await keysAreLost(store))) return
  if (config.environment === 'production') throw new SettingFault('SECRET_KEY', lostKeysWords)
  log.warn('keys_were_lost', { problem: lostKeysWords })
}

/** The names of the memory store end with its process. */
export const openRoot = async ({ config, store }: Opened): Promise<Uint8Array | undefined> =>
  config.store.kind === 'memory' ? undefined : openLastingRoot(store, config.secretKey)

/** Of a ring whose keys are all in `storage`. */
export const ringOptions = ({ config, clock, log }: Opened, storage: KeyStorage): KeyRingOptions => ({
  storage,
  sealingKey: keyRingSecret(config.secretKey),
  clock: realClock(clock), // keys that were made in a moved time would stay in the store after it
  log,
  algs: algsInUse(config),
  rsaBits: Number(config.rsaKeySize),
  activationDelay: config.keyActivationDelay,
  retention: Math.max(config.accessTokenTtl, config.idTokenTtl),
  hints: config.sessionTtl,
  // In development the file shows the key that this provider made.
  rotation: { interval: config.keyRotationInterval, keepsImported: config.environment === 'production' },
})

export interface OpenedKeys extends KeyRing {
  /** The `kid` of each key that was made or imported just now: also a command that only looks does so, by its settings. */
  added: readonly string[]
}

/** The keys are in the store, so that all instances have the same; with the memory store they are in KEYS_PATH. */
export async function openKeys(opened: Opened): Promise<OpenedKeys> {
  const { config, store } = opened
  await requireGoodClock(opened)
  await requireKeptKeys(opened)
  const inFolder = config.store.kind === 'memory'
  const storage = inFolder ? keyFolder(config) : store
  const imported = await ownKey(config)
  const load = async (): Promise<OpenedKeys> => {
    const text = await storage.get(recordName)
    const before = text === undefined ? [] : parseDocument(text).keys
    const ring = await loadKeyRing(options)
    const added = ring.list().filter(({ kid }) => !before.some((key) => key.kid === kid))
    return { ...ring, added: added.map(({ kid }) => kid) }
  }
  const options: KeyRingOptions = {
    ...ringOptions(opened, storage),
    imported,
    remote: openRemoteKeys(opened, readEnvironment().env),
  }
  return load().catch((error: Error) => {
    if (error instanceof SignerUnavailable) throw new SettingFault('SIGNING_KEY_SOURCES', error.message)
    throw inFolder && error instanceof StoreUnavailable ? new SettingFault('KEYS_PATH', error.message) : error
  })
}
