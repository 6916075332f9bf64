/**
 * Reads the secrets that variables refer to (config/secret_reference.ts). A place that fails later leaves the last value in
 * force. docs/configuration.md, "Where secrets are"
 */
import { ConfigError } from '../config.ts'
import { camelCase, type Entries } from '../config/entry.ts'
import { type Env, given, readEntries } from '../config/read.ts'
import { referenceIn, type ReferenceScheme, type SecretReference } from '../config/secret_reference.ts'
import { secretSourceEntries } from '../config/secret_source_variables.ts'
import { entries } from '../config/variables.ts'
import type { SpanStart, Tracing } from '../lib/tracing.ts'
import { featureEntries } from '../table.ts'
import { readFileSync } from 'node:fs'
import type { SecretSource, SourceSettings } from './secret_sources/source.ts'

export interface Unread {
  name: string
  problem: string
}

export interface Secrets {
  /**
   * `env` with a value in place of each reference. A place that fails is in `unread()`, and the last value of the variable
   * is used. Throws ConfigError where there is no last value.
   */
  resolve(env: Env, tracing?: Pick<Tracing, 'within'>): Promise<Env>
  /** Variables whose place failed at the last reading. */
  unread(): readonly Unread[]
  /** The variables of the last environment that had a reference. */
  names(): readonly string[]
}

const own = new Set<string>(secretSourceEntries.map(({ name }) => name))
/** Those that are needed to read the others are values themselves. */
const all: Entries = [...entries, ...Object.values(featureEntries).flat()]
const secretNames = all.filter(({ name, secret }) => secret && !own.has(name)).map(({ name }) => name)

const loaders: Readonly<Record<ReferenceScheme, (settings: SourceSettings) => Promise<SecretSource>>> = {
  vault: async (settings) => (await import('./secret_sources/vault.ts')).vaultSource(settings),
  awssm: async (settings) => (await import('./secret_sources/aws.ts')).awsSource(settings),
  gcpsm: async (settings) => (await import('./secret_sources/gcp.ts')).googleSource(settings),
  exec: async (settings) => (await import('./secret_sources/exec.ts')).commandSource(settings),
}

/** Throws ConfigError for faulty variables of the places. */
function settingsIn(env: Env): SourceSettings {
  const problems: string[] = []
  const values = readEntries(secretSourceEntries, {
    env,
    environment: 'production',
    profile: 'oauth21',
    readFile: (path) => readFileSync(path, 'utf8'),
    report: (name, problem) => problems.push(`${name}: ${problem}`),
  })
  if (problems.length > 0) throw new ConfigError(problems)
  const fields = Object.entries(values).map(([name, value]) => [camelCase(name), value])
  return { ...(Object.fromEntries(fields) as Omit<SourceSettings, 'env'>), env }
}

/** Whether Latchkey itself has a secret in this variable, or in the file that it names. */
export const isSecretVariable = (name: string): boolean =>
  all.some((entry) => entry.secret && [entry.name, `${entry.name}_FILE`].includes(name))

/** One secret for a command. Throws SourceError and ConfigError. */
export async function readReference(reference: SecretReference, env: Env): Promise<string> {
  const source = await loaders[reference.scheme](settingsIn(env))
  return source.read(reference)
}

/** Neither the value nor its path in the place. */
const spanOf = (name: string, { scheme }: SecretReference): SpanStart => ({
  name: `secret ${scheme}`,
  kind: 'client',
  attributes: { 'latchkey.variable': name },
})

export function createSecrets(): Secrets {
  let last = new Map<string, { text: string; value: string }>()
  let unread: readonly Unread[] = []
  let names: readonly string[] = []
  let sources: { settings: string; open: Map<ReferenceScheme, Promise<SecretSource>> } | undefined

  /** Sources keep their sessions until a variable of this process changes. */
  function sourceFor(scheme: ReferenceScheme, settings: SourceSettings): Promise<SecretSource> {
    const text = JSON.stringify(settings)
    if (sources?.settings !== text) sources = { settings: text, open: new Map() }
    const source = sources.open.get(scheme) ?? loaders[scheme](settings)
    sources.open.set(scheme, source)
    return source
  }

  async function readOne(reference: SecretReference, settings: SourceSettings): Promise<string> {
    const value = await (await sourceFor(reference.scheme, settings)).read(reference)
    if (value === '') throw new Error(`${reference.scheme}: the secret is empty`)
    return value
  }

  return {
    unread: () => unread,
    names: () => names,
    async resolve(env, tracing) {
      const references = secretNames.flatMap((name) => {
        const reference = referenceIn(given(env, name))
        return reference ? [{ name, reference }] : []
      })
      names = references.map(({ name }) => name)
      if (names.length === 0) return env
      const settings = settingsIn(env)
      const failed: Unread[] = []
      const found = await Promise.all(
        references.map(async ({ name, reference }) => {
          const text = env[name] ?? ''
          try {
            const read = () => readOne(reference, settings)
            const value = await (tracing?.within(spanOf(name, reference), read) ?? read())
            return [name, { text, value }] as const
          } catch (error) {
            failed.push({ name, problem: (error as Error).message })
            const before = last.get(name)
            // The value of another reference must not stand in for this one.
            return before?.text === text ? ([name, before] as const) : undefined
          }
        }),
      )
      const read = new Map(found.filter((each) => each !== undefined))
      const lacking = failed.filter(({ name }) => !read.has(name))
      if (lacking.length > 0) throw new ConfigError(lacking.map(({ name, problem }) => `${name}: ${problem}`))
      last = read
      unread = failed
      return { ...env, ...Object.fromEntries([...read].map(([name, { value }]) => [name, value])) }
    },
  }
}
