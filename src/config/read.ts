/** Reads the values of all entries from the environment and reports every problem. */
import * as v from 'valibot'
import { referenceIn } from './secret_reference.ts'
import { type Entries, type Entry, type Environment, inEnvironment, type Profile } from './entry.ts'

export type Env = Readonly<Record<string, string | undefined>>
export type Report = (name: string, problem: string) => void

export interface Source {
  readonly env: Env
  readonly environment: Environment
  readonly profile: Profile
  /** The text of a file; throws errors of `node:fs`. */
  readonly readFile: (path: string) => string
  readonly report: Report
  /** True: a secret that is only referred to is undefined. Otherwise it is a problem, because it should have been read. */
  readonly secretsMayBeUnread?: boolean
}

/** An empty variable counts as unset, because shells and compose files often set it so. */
export const given = (env: Env, name: string): string | undefined => env[name] || undefined

/** A value for the log: shortened, and without the password of a URL. */
const shown = (value: unknown): string =>
  JSON.stringify(value)
    .replace(/\/\/[^/@]*@/g, '//…@')
    .replace(/^(.{100}).+$/s, '$1…')

function fromFile(name: string, { env, readFile, report }: Source): string | undefined {
  const path = given(env, `${name}_FILE`)
  if (path === undefined) return undefined
  if (given(env, name) !== undefined) {
    report(name, `expected either ${name} or ${name}_FILE, got both`)
    return undefined
  }
  try {
    const text = readFile(path).replace(/\r?\n$/, '')
    if (text === '')
      report(`${name}_FILE`, `expected a file with the value, got the empty file ${shown(path)}`)
    return text || undefined
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    report(`${name}_FILE`, `expected a readable file, got ${shown(path)}${code}`)
    return undefined
  }
}

/** For a secret only the expectation: the message of a schema may quote the value. */
function problemOf(entry: Entry, issue: v.BaseIssue<unknown>): string {
  if (entry.secret) return `expected ${v.getDescription(entry.schema) ?? issue.expected ?? 'another value'}`
  // Messages of valibot itself quote the value.
  return issue.message.includes(' received ') ? issue.message : `${issue.message}, got ${shown(issue.input)}`
}

function readEntry(entry: Entry, source: Source): unknown {
  const { name } = entry
  const { env, environment, profile, report } = source
  const file = entry.secret ? given(env, `${name}_FILE`) : undefined
  const raw = file === undefined ? given(env, name) : fromFile(name, source)
  // An unreadable file is reported already. The default must not be used in its place.
  if (raw === undefined && file !== undefined) return undefined
  const reference = entry.secret && file === undefined ? referenceIn(raw) : undefined
  if (reference) {
    if (!source.secretsMayBeUnread)
      report(name, `expected the value itself, got the place of a secret (${reference.scheme}:)`)
    return undefined
  }
  const text = raw ?? entry.profiles?.[profile] ?? inEnvironment(entry.default, environment)
  if (text === undefined) {
    if (entry.required === environment) report(name, `required in ${environment}. ${entry.help}`)
    return undefined
  }
  const result = v.safeParse(entry.schema, text)
  if (result.success) return result.output
  for (const problem of new Set(result.issues.map((issue) => problemOf(entry, issue)))) report(name, problem)
  return undefined
}

/** Values by variable name; undefined where unset or reported. */
export const readEntries = (entries: Entries, source: Source): Record<string, unknown> =>
  Object.fromEntries(entries.map((entry) => [entry.name, readEntry(entry, source)]))
