/** The two stores of a move, opened by the settings of this process. */
import { SettingFault } from '../../config/setting_fault.ts'
import type { Config } from '../../config.ts'
import { type Backend, StoreUnavailable } from '../../store/store.ts'
import { requireSharedStore } from '../administration.ts'
import { readEnvironment } from '../environment.ts'
import { Refusal, UsageError } from '../failure.ts'
import { type OpenedPlain, openForMove, readConfig } from '../open.ts'
import { newStore } from '../open_store.ts'
import { createSecrets } from '../secrets.ts'

export interface Stores {
  from: OpenedPlain
  to: OpenedPlain
}

type Side = OpenedPlain & { plain: Backend }

export interface Backends extends Stores {
  from: Side
  to: Side
}

type Option = '--from' | '--to'

/**
 * The settings with the store of `url`, or of the file that `@PATH` names: a URL on the command line shows its password to
 * others on the machine. A certificate authority is of the side that has TLS.
 */
async function settingsOf(side: Option, url: string): Promise<Config> {
  const { REDIS_CA_PATH: redis, POSTGRES_CA_PATH: postgres, ...env } = readEnvironment().env
  const unnamed = {
    STORE_URL: undefined,
    STORE_URL_FILE: undefined,
    REDIS_URL: undefined,
    REDIS_URL_FILE: undefined,
    STORE_MOVE_TO: undefined,
    STORE_MOVE_TO_FILE: undefined,
  }
  const store = await createSecrets().resolve({
    ...env,
    ...unnamed,
    ...(url.startsWith('@') ? { STORE_URL_FILE: url.slice(1) } : { STORE_URL: url }),
  })
  try {
    const config = readConfig(store)
    requireSharedStore(config)
    if (config.store.kind === 'redis' && config.store.url.startsWith('rediss') && redis !== undefined)
      return readConfig({ ...store, REDIS_CA_PATH: redis })
    if (
      config.store.kind === 'postgres' &&
      postgres !== undefined &&
      !/sslmode=disable/.test(config.store.url)
    )
      return readConfig({ ...store, POSTGRES_CA_PATH: postgres })
    return config
  } catch (error) {
    throw error instanceof Refusal || !(error instanceof Error)
      ? error
      : new UsageError(error.message.replaceAll(/^STORE_URL(_FILE)?\b/gm, side))
  }
}

/** `work` may read and write both. Throws UsageError or Refusal for what cannot be moved. */
export async function withStores<T>(
  { from, to }: { from: string | undefined; to: string | undefined },
  work: (stores: Backends) => Promise<T>,
): Promise<T> {
  if (from === undefined || to === undefined)
    throw new UsageError(
      `${from === undefined ? '--from' : '--to'} is missing: expected the URL of a store, as STORE_URL has it, or @FILE with it`,
    )
  const [source, target] = [await settingsOf('--from', from), await settingsOf('--to', to)]
  const absent = await newStore(source)
  if (absent !== undefined) throw new Refusal(`--from: the store has no data: ${absent} does not exist`)
  const opened = await openSide('--from', source)
  try {
    const other = await openSide('--to', target)
    try {
      return await work({ from: opened, to: other })
    } finally {
      await other.plain.close()
    }
  } finally {
    await opened.plain.close()
  }
}

async function openSide(side: Option, config: Config): Promise<Side> {
  try {
    const opened = await openForMove({
      ...config,
      logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel,
    })
    await opened.plain.ping().catch(async (error: Error) => {
      await opened.plain.close()
      throw error
    })
    return opened
  } catch (error) {
    if (error instanceof SettingFault || error instanceof StoreUnavailable)
      throw new Refusal(`${side}: ${error.message.replace(/^STORE_URL: /, '')}`)
    throw error
  }
}
