/** Every setting with its value and its origin, as `latchkey config check` and the administration show it. docs/configuration.md */
import type { Config, Entry } from '../config.ts'
import { type EffectiveSetting, originsOnly, withoutUserInfo } from '../config/effective_setting.ts'
import { camelCase, inEnvironment } from '../config/entry.ts'
import { type Env, given } from '../config/read.ts'
import { referenceIn } from '../config/secret_reference.ts'
import { developmentSecretKey } from '../config/server_variables.ts'
import { entries } from '../config/variables.ts'
import { featureEntries } from '../table.ts'
import { storeLocation } from './store_location.ts'
import type { Environment } from './environment.ts'

/** What was read, and the variables that a configuration file sets (cli/applied_settings.ts). */
type Origins = Environment & { applied: readonly string[] }

/** In the order of the documentation. */
export function effectiveSettings(
  config: Config,
  read: Environment,
  applied: readonly string[] = [],
): EffectiveSetting[] {
  const environment = { ...read, applied }
  const core = entries.map((entry) => settingOf(entry, valueOf(config, entry), config, environment))
  const features = Object.entries(featureEntries).flatMap(([feature, own]) =>
    own.map((entry) =>
      settingOf(entry, config.features[feature]?.[camelCase(entry.name)], config, environment),
    ),
  )
  return [...core, ...features]
}

/** Fields whose name or shape differs from that of the variable. */
const derived: Readonly<Record<string, (config: Config) => unknown>> = {
  NODE_ENV: ({ environment }) => environment,
  ISSUER_URL: ({ issuer }) => issuer,
  TLS_CERT_PATH: ({ tls }) => tls?.certPath,
  TLS_KEY_PATH: ({ tls }) => tls?.keyPath,
}

const valueOf = (config: Config, { name }: Entry): unknown =>
  derived[name]?.(config) ?? (config as unknown as Record<string, unknown>)[camelCase(name)]

function originOf(
  { name, secret, profiles }: Entry,
  config: Config,
  { env, written, fromDotenv, applied }: Origins,
): EffectiveSetting['from'] {
  const place = secret ? referenceIn(given(written, name))?.scheme : undefined
  if (place !== undefined) return place
  if (secret && given(env, `${name}_FILE`) !== undefined) return 'file'
  if (given(env, name) !== undefined) {
    if (given(written, name) === undefined && applied.includes(name)) return 'apply'
    return fromDotenv(name) ? '.env' : 'environment'
  }
  return profiles?.[config.profile] === undefined ? 'default' : 'PROFILE'
}

function settingOf(entry: Entry, value: unknown, config: Config, environment: Origins): EffectiveSetting {
  const { name, help } = entry
  const from = originOf(entry, config, environment)
  if (entry.secret)
    return { name, help, from, value: hidden(name, value, from, config), hidden: from !== 'default' }
  const text = textOf(entry, value, config, environment.env)
  const shown = text && (entry.credentials ? originsOnly(text) : withoutUserInfo(text))
  return { name, help, from, value: shown, hidden: shown !== text }
}

/** Says whether a secret is set, and never shows it. */
function hidden(
  name: string,
  value: unknown,
  from: EffectiveSetting['from'],
  config: Config,
): string | undefined {
  if (name === 'STORE_URL') return storeLocation(config)
  if (value === developmentSecretKey) return 'a public demo key'
  return from === 'default' ? undefined : 'hidden'
}

function textOf(entry: Entry, value: unknown, { environment }: Config, env: Env): string | undefined {
  if (value === undefined) return undefined
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value.join(' ')
  // Networks and other objects are shown as the environment has them.
  return typeof value === 'object'
    ? (given(env, entry.name) ?? inEnvironment(entry.default, environment))
    : String(value)
}
