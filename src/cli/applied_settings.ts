/** Settings of the configuration file that was applied last: each stands for a variable that is not set. docs/configuration_files.md, "Settings" */
import * as v from 'valibot'
import { type Config, ConfigError } from '../config.ts'
import type { Entries } from '../config/entry.ts'
import { type Env, given } from '../config/read.ts'
import { entries } from '../config/variables.ts'
import { Applied } from '../models/applied.ts'
import { logWith } from '../lib/log.ts'
import type { Memory } from '../models/define_record.ts'
import type { RealmRecord } from '../models/realm.ts'
import { realmStore } from '../store/realm.ts'
import { featureEntries } from '../table.ts'
import { type Opened, readConfig } from './open.ts'
import { realmConfig, type Root } from './realms/realm_config.ts'

export type Settings = Readonly<Record<string, string>>

const all: Entries = [...entries, ...Object.values(featureEntries).flat()]

/** Whether two texts of a variable are one value. */
function isSame(name: string, one: string, other: string): boolean {
  const schema = all.find((entry) => entry.name === name)?.schema
  if (!schema) return one === other
  const [a, b] = [v.safeParse(schema, one), v.safeParse(schema, other)]
  return a.success && b.success && Bun.deepEquals(a.output, b.output)
}

/** `NAME: problem` for each variable that the environment sets to another value than the file. */
export const contradictions = (env: Env, settings: Settings, file: string): string[] =>
  Object.entries(settings).flatMap(([name, text]) => {
    const set = given(env, name)
    const isFile = given(env, `${name}_FILE`) !== undefined
    if (!isFile && (set === undefined || isSame(name, set, text))) return []
    return [
      `${name}: the environment sets it, and the configuration file ${file} says otherwise. Take it out of one of the two: unset it, or change the file and run latchkey apply -f ${file}`,
    ]
  })

/** The environment with the settings in place. Throws ConfigError for a contradiction, and for a secret that cannot be read. */
export async function withSettings(env: Env, settings: Settings, file: string): Promise<Env> {
  if (Object.keys(settings).length === 0) return env
  const problems = contradictions(env, settings, file)
  if (problems.length > 0) throw new ConfigError(problems)
  return { ...env, ...(await withSecrets(env, settings)) }
}

/** Secrets of the settings are read where the server runs. */
async function withSecrets(env: Env, settings: Settings): Promise<Settings> {
  const { providersWithSecrets, providersVariable } = await import('./plan/provider_secrets.ts')
  const text = settings[providersVariable]
  if (text === undefined) return settings
  return { ...settings, [providersVariable]: await providersWithSecrets(text, env) }
}

const readApplied = async (
  memory: Memory,
): Promise<{ version: number; file: string; settings: Settings }> => {
  const state = await Applied.find(memory)
  if (!state || state.history.length === 0) return { version: state?.version ?? 0, file: '', settings: {} }
  const { file, settings } = await Applied.document(memory, state)
  return { version: state.version, file, settings }
}

export interface AppliedSettings {
  /** `env` with the settings that are in force now. Throws ConfigError. */
  over(env: Env): Promise<Env>
  /** Whether another version is in force since `over` was called. */
  hasMoved(): Promise<boolean>
  /** The variables of the last call. */
  names(): readonly string[]
}

export function appliedSettings(memory: Memory): AppliedSettings {
  let last: { version: number; names: readonly string[] } = { version: 0, names: [] }
  return {
    names: () => last.names,
    async over(env) {
      const { version, file, settings } = await readApplied(memory)
      last = { version, names: [...new Set([...last.names, ...Object.keys(settings)])] }
      return withSettings(env, settings, file)
    },
    hasMoved: async () => ((await Applied.find(memory))?.version ?? 0) !== last.version,
  }
}

/** `env` with the settings that are in force, for a command; undefined where there are none. */
async function envInForce(memory: Memory, env: Env, lenient: boolean): Promise<Env | undefined> {
  const { file, settings } = await readApplied(memory)
  if (Object.keys(settings).length === 0) return undefined
  if (!lenient) return withSettings(env, settings, file)
  const base = Object.fromEntries(
    Object.entries(env).filter(([name]) => !Object.hasOwn(settings, name.replace(/_FILE$/, ''))),
  )
  return { ...base, ...(await placed(settings)) }
}

/**
 * For a command: the store as it was opened, under the settings that are in force. `lenient` takes the file where the
 * environment contradicts it, so that the commands of the file can mend that.
 */
export async function underApplied(opened: Opened, env: Env, lenient = false): Promise<Opened> {
  const next = await envInForce(opened, env, lenient)
  return next ? { ...opened, config: quietAs(opened, readConfig(next)) } : opened
}

/** The settings of the server as they are in force, on which those of realms stand. */
export async function settingsInForce(memory: Memory, env: Env): Promise<Root> {
  const inForce = (await envInForce(memory, env, false)) ?? env
  return { config: readConfig(inForce), env: inForce }
}

/** What is of a realm, under its settings and those of the server. Throws ConfigError, which names the realm. */
export async function underRealm(opened: Opened, env: Env, realm: RealmRecord): Promise<Opened> {
  const config = configOf(await settingsInForce(opened, env), realm)
  return {
    ...opened,
    realm,
    config: quietAs(opened, config),
    log: logWith(opened.log, { realm: realm.name }),
    store: realmStore(opened.store, realm.id),
  }
}

function configOf(root: Root, realm: RealmRecord): Config {
  try {
    return realmConfig(root, realm)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new ConfigError(error.problems.map((problem) => `realm ${realm.name}: ${problem}`))
  }
}

/** The level of the log is that of the command. */
const quietAs = ({ config: { logLevel, logLevels } }: Opened, config: Config): Config => ({
  ...config,
  logLevel,
  logLevels,
})

/** With stand-ins for secrets that only a server reads. */
export async function placed(settings: Settings): Promise<Settings> {
  const { providersVariable, withStandIns } = await import('./plan/provider_secrets.ts')
  const text = settings[providersVariable]
  return text === undefined ? settings : { ...settings, [providersVariable]: withStandIns(text) }
}
