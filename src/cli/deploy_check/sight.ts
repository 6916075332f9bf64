/** Looks at all that the checks before going live judge. Changes nothing, and sends one GET request to the address of the issuer. */
import type { Config } from '../../config.ts'
import { readAuthorities } from '../../config/named_files.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import type { Concern, Store } from '../../store/store.ts'
import { isCompiled } from '../../version.ts'
import { warningsIn } from '../config_warnings.ts'
import type { Environment } from '../environment.ts'
import { encrypted } from '../open.ts'
import { newStore, openBackend } from '../open_store.ts'
import type { Finding, Level, Machine, Row, Sight } from './row.ts'
import { levels } from './row.ts'
import { lookAtIssuer, type Served } from './served.ts'

export function thisMachine(): Machine {
  // Without a limit the runtime answers 0, or more than any machine has.
  const limit = process.constrainedMemory()
  return {
    platform: process.platform,
    uid: process.getuid?.(),
    bunVersion: Bun.version,
    isCompiled,
    memoryLimit: limit > 0 && limit < Number.MAX_SAFE_INTEGER ? limit : undefined,
  }
}

export interface Looking {
  config: Config
  environment: Environment
  /** Of the trials of `--deep`. */
  problems: readonly string[]
  machine: Machine
  /** Where ISSUER_URL is connected to, in place of what the system resolves. */
  address?: string
}

/** What was found, the worst first. */
export async function findingsOf(rows: readonly Row[], looking: Looking): Promise<Finding[]> {
  return withSight(looking, async (sight) => {
    const found = await Promise.all(rows.map((row) => findingsIn(row, sight)))
    const order = (level: Level) => levels.indexOf(level)
    return found.flat().toSorted((a, b) => order(a.level) - order(b.level))
  })
}

async function findingsIn({ find, ...row }: Row, sight: Sight): Promise<Finding[]> {
  try {
    const found = (await find(sight)) ?? []
    return (typeof found === 'string' ? [found] : found).map((each) => ({ ...row, found: each }))
  } catch (error) {
    return [{ ...row, level: 'warning', found: `could not be looked at: ${(error as Error).message}` }]
  }
}

async function withSight<T>(looking: Looking, use: (sight: Sight) => Promise<T>): Promise<T> {
  const { config, environment, problems, machine, address } = looking
  const [opened, served] = await Promise.all([openFor(looking), servedBy(config, address)])
  try {
    return await use({
      config,
      env: environment.env,
      written: environment.written,
      fromDotenv: environment.fromDotenv,
      warnings: warningsIn(config),
      problems,
      now: systemClock.now(),
      machine,
      log: createLog('silent', 'json', () => {}),
      store: opened?.store,
      concerns: opened?.concerns ?? [],
      served,
    })
  } finally {
    await opened?.store.close()
  }
}

const storeVariables = /^(STORE_URL|REDIS_URL|REDIS_CA_PATH|POSTGRES_CA_PATH|SECRET_KEY):/

/** Only a store that works and exists: a check makes none. What evicts is a problem of its own and no reason not to look. */
async function openFor({
  config,
  problems,
}: Looking): Promise<{ store: Store; concerns: readonly Concern[] } | undefined> {
  const isBroken = problems.some((each) => storeVariables.test(each) && !each.includes('maxmemory-policy'))
  if (config.store.kind === 'memory' || isBroken || (await newStore(config)) !== undefined) return undefined
  const plain = await openBackend(config, systemClock)
  return { store: await encrypted(plain, config), concerns: (await plain.concerns?.()) ?? [] }
}

async function servedBy(config: Config, address: string | undefined): Promise<Served> {
  const { issuer, outboundTimeoutMs: timeoutMs, outboundCaPath: path } = config
  const ca: string[] = []
  try {
    if (path !== undefined) ca.push(readAuthorities('OUTBOUND_CA_PATH', path).pem)
  } catch {
    // The trial of that variable says it.
  }
  return lookAtIssuer({ issuer, timeoutMs, ca, address })
}
