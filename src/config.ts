/** Reads the configuration from the environment: one frozen object, or one error with every problem. https://12factor.net/config */
import { readFileSync } from 'node:fs'
import { deepFreeze } from './lib/freeze.ts'
import { availableParallelism } from 'node:os'
import { checkOutbound, checkTogether, type Draft, hostOf, storeOf } from './config/checks.ts'
import {
  camelCase,
  type Entries,
  type Environment,
  type Fields,
  type Profile,
  profiles,
  type Sections,
  type Values,
} from './config/entry.ts'
import { type Env, given, readEntries, type Report } from './config/read.ts'
import type { StoreLocation } from './config/schemas.ts'
import { reportUnknownVariables } from './config/unknown_variables.ts'
import { entries } from './config/variables.ts'

export { defineEntries } from './config/entry.ts'
export type { Entries, Entry, Sections } from './config/entry.ts'

/** Fields whose name or type differs from that of the variable. */
interface Derived {
  readonly environment: Environment
  /** Without trailing slash, query or fragment: compared as a string everywhere. */
  readonly issuer: string
  readonly store: StoreLocation
  readonly host: string
  readonly tls: { readonly certPath: string; readonly keyPath: string } | undefined
  readonly accessTokenAudience: string
  readonly registrationAllowedScopes: readonly string[]
  readonly signInConcurrency: number
  readonly realms: boolean
  /** Values of features' own entries, by feature; read them with `featureConfig`. */
  readonly features: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** Variables whose field has another name. */
const renamed = ['nodeEnv', 'host', 'issuerUrl', 'storeUrl', 'redisUrl', 'tlsCertPath', 'tlsKeyPath'] as const

/** One camelCase field for each entry of `config/variables.ts` (durations in seconds), and the derived fields. */
export type Config = Readonly<Omit<Fields<typeof entries>, (typeof renamed)[number] | keyof Derived>> &
  Derived

/** `problems` are lines `NAME: problem`; the message has all of them. No value of a secret is in it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    super([`the configuration has ${count}`, ...problems].join('\n'))
    this.problems = problems
  }
}

export interface LoadOptions {
  readonly readFile?: (path: string) => string
  /** Entries of features, by the feature's name. */
  readonly featureEntries?: Sections
  /** Without NODE_ENV nothing loads. For a binary: where its settings are missing, it must not become development. */
  readonly environmentIsTold?: boolean
  /** Secrets that variables only refer to are undefined: for a command that needs none. */
  readonly secretsMayBeUnread?: boolean
}

/** All entries in one list. A name that two entries claim is reported, because both would read the same value. */
function listOf(features: Sections, report: Report): Entries {
  const owners = new Map<string, string>()
  const claim = (name: string, owner: string): boolean => {
    const other = owners.get(name)
    if (other) report(name, `claimed by ${owner} and by ${other}`)
    else owners.set(name, owner)
    return !other
  }
  const claimAll = (list: Entries, owner: string): Entries =>
    // A secret has two names.
    list.filter(({ name, secret }) => claim(name, owner) && (!secret || claim(`${name}_FILE`, owner)))
  const core = claimAll(entries, 'the core')
  return [...core, ...Object.entries(features).flatMap(([name, list]) => claimAll(list, `feature ${name}`))]
}

const camelFields = (list: Entries, values: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(list.map(({ name }) => [camelCase(name), values[name]]))

/** Fields that differ from their variable in the name alone. */
function plainFields(values: Values<typeof entries>): Fields<typeof entries> {
  const fields = camelFields(entries, values)
  for (const name of renamed) delete fields[name]
  return fields as Fields<typeof entries>
}

/** With PROFILE=mcp the API is there for clients that register themselves, so that its scopes are theirs too. */
const scopesOfStrangers = ({ PROFILE, SCOPES }: Values<typeof entries>): readonly string[] => [
  ...new Set([
    ...['openid', 'profile', 'email', 'address', 'phone', 'offline_access'],
    ...(PROFILE === 'mcp' ? SCOPES : []),
  ]),
]

/** `values` are complete, because no problem was reported. */
function assemble(
  values: Values<typeof entries>,
  environment: Environment,
  features: Config['features'],
): Config {
  const { TLS_CERT_PATH: certPath, TLS_KEY_PATH: keyPath } = values
  const tls = certPath && keyPath ? { certPath, keyPath } : undefined
  const issuer = values.ISSUER_URL ?? `${tls ? 'https' : 'http'}://localhost:${values.PORT}`
  // The files in KEYS_PATH show the RS256 key.
  const showsKey = environment === 'development' && values.SIGNING_ALGS.includes('RS256')
  const handy = (file: string) => (showsKey ? `${values.KEYS_PATH}/${file}` : undefined)
  return {
    ...plainFields(values),
    environment,
    issuer,
    store: storeOf(values, environment),
    tls,
    host: hostOf(values, environment),
    privateKeyPath: values.PRIVATE_KEY_PATH ?? handy('private.pem'),
    publicKeyPath: values.PUBLIC_KEY_PATH ?? handy('public.pem'),
    accessTokenAudience: values.ACCESS_TOKEN_AUDIENCE ?? issuer,
    registrationAllowedScopes: values.REGISTRATION_ALLOWED_SCOPES ?? scopesOfStrangers(values),
    realms: values.REALMS ?? values.LAB,
    signInConcurrency: values.SIGN_IN_CONCURRENCY ?? Math.max(1, availableParallelism() - 1),
    features,
  }
}

/** The first line that a newcomer with the binary may read; so it says how to go on. */
const untold = `NODE_ENV: required: production, or development to try Latchkey with public passwords (NODE_ENV=development latchkey serve). Neither the environment nor .env of the working directory sets it`

/** An unknown NODE_ENV is reported by its entry; the other checks are as strict as in production. */
function environmentOf(env: Env): Environment {
  const word = given(env, 'NODE_ENV') ?? 'development'
  return word === 'development' || word === 'test' ? 'development' : 'production'
}

/** An unknown PROFILE is reported by its entry. */
const profileOf = (env: Env): Profile => profiles.find((each) => each === given(env, 'PROFILE')) ?? 'oauth21'

/** Reads `env` and the files in NAME_FILE. The result is deeply frozen. Throws one ConfigError. */
export function loadConfig(env: Env, options: LoadOptions = {}): Config {
  const { readFile = (path) => readFileSync(path, 'utf8'), featureEntries = {} } = options
  if (options.environmentIsTold && given(env, 'NODE_ENV') === undefined) throw new ConfigError([untold])
  const problems: string[] = []
  const report: Report = (name, problem) => problems.push(`${name}: ${problem}`)
  const isSet = (name: string) => (given(env, name) ?? given(env, `${name}_FILE`)) !== undefined
  const environment = environmentOf(env)

  const list = listOf(featureEntries, report)
  const { secretsMayBeUnread = false } = options
  const values = readEntries(list, {
    env,
    environment,
    profile: profileOf(env),
    readFile,
    report,
    secretsMayBeUnread,
  })
  checkTogether(values as Draft, environment, isSet, report)
  checkOutbound(list, values, (values as Draft).OUTBOUND_ALLOW_HOSTS ?? [], report)
  for (const { name, needs } of list)
    if (needs !== undefined && isSet(name) && !isSet(needs)) report(needs, `required with ${name}`)
  reportUnknownVariables(env, list, report)
  if (problems.length > 0) throw new ConfigError(problems)

  const features = Object.fromEntries(
    Object.entries(featureEntries).map(([feature, own]) => [feature, camelFields(own, values)]),
  )
  return deepFreeze(assemble(values as Values<typeof entries>, environment, features))
}

/** The values of a feature, typed by its entries. Throws when they were not among the `featureEntries`. */
export function featureConfig<List extends Entries>(
  config: Config,
  feature: string,
  _own: List,
): Fields<List> {
  const values = config.features[feature]
  // Called in every request: that all values of `own` exist was checked when the configuration was loaded.
  if (!values) throw new Error(`feature ${feature} was not configured`)
  return values as Fields<List>
}
