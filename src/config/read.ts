/** From the environment's text to values, entry by entry, reporting every problem instead of stopping at one. */
import * as v from 'valibot'
import { type Entries, type Entry, type Environment, inEnvironment, type Profile } from './entry.ts'

export type Env = Readonly<Record<string, string | undefined>>
export type Report = (name: string, problem: string) => void

export interface Source {
  readonly env: Env
  readonly environment: Environment
  readonly profile: Profile
  /** Text of a file; throws what `node:fs` throws. */
  readonly readFile: (path: string) => string
  readonly report: Report
}

/** An empty variable is an unset one: shells and compose files cannot say the difference. */
export const given = (env: Env, name: string): string | undefined => env[name] || undefined

/** What came, fit for a log: cut short, and without the password of a URL. */
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

/** For a secret only what was expected: the message of a schema may quote what it was given. */
function problemOf(entry: Entry, issue: v.BaseIssue<unknown>): string {
  if (entry.secret) return `expected ${v.getDescription(entry.schema) ?? issue.expected ?? 'another value'}`
  // Valibot's own messages say what came.
  return issue.message.includes(' received ') ? issue.message : `${issue.message}, got ${shown(issue.input)}`
}

function readEntry(entry: Entry, source: Source): unknown {
  const { name } = entry
  const { env, environment, profile, report } = source
  const file = entry.secret ? given(env, `${name}_FILE`) : undefined
  const raw = file === undefined ? given(env, name) : fromFile(name, source)
  // A file that could not be read is reported already, and must not fall back to a default.
  if (raw === undefined && file !== undefined) return undefined
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
