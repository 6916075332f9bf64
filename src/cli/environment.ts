/** The variables of this process: its environment, and `.env` of the working directory for what is not set there. */
import { readFileSync } from 'node:fs'
import { ConfigError } from '../config.ts'
import { readDotenv } from '../config/dotenv.ts'
import { type Env, given } from '../config/read.ts'
import { isCompiled } from '../version.ts'

export interface Environment {
  /** With the values of secrets that are kept elsewhere, once they have been read (`readSettings`). */
  readonly env: Env
  /** As set: with the places of such secrets. */
  readonly written: Env
  /** Whether the value comes from `.env`. */
  fromDotenv(name: string): boolean
}

/**
 * The names that were set when the process started. Bun reads `.env` by itself and replaces `$NAME` in values. A
 * binary and `bunfig.toml` of this folder switch that off; when the sources run from another folder, only Linux tells
 * what was set before Bun read the file.
 */
function namesAtStart(): Env {
  if (isCompiled) return process.env
  try {
    const pairs = readFileSync('/proc/self/environ', 'utf8').split('\0')
    return Object.fromEntries(pairs.map((pair) => [pair.split('=', 1)[0], pair.slice(pair.indexOf('=') + 1)]))
  } catch {
    return process.env
  }
}

/** Throws ConfigError for a `.env` that exists and cannot be read. */
export function readEnvironment(): Environment {
  const { values, problems } = readDotenv()
  if (problems.length > 0) throw new ConfigError(problems)
  const names = Object.keys(values)
  if (names.length === 0) return { env: process.env, written: process.env, fromDotenv: () => false }
  const atStart = namesAtStart()
  const fromFile = new Set(names.filter((name) => given(atStart, name) === undefined))
  const file = Object.fromEntries(Object.entries(values).filter(([name]) => fromFile.has(name)))
  const env = { ...process.env, ...file }
  return { env, written: env, fromDotenv: (name) => fromFile.has(name) }
}

/** The variable that names the store. */
export const storeVariable = (env: Env): 'STORE_URL' | 'REDIS_URL' =>
  (given(env, 'STORE_URL') ?? given(env, 'STORE_URL_FILE')) === undefined &&
  (given(env, 'REDIS_URL') ?? given(env, 'REDIS_URL_FILE')) !== undefined
    ? 'REDIS_URL'
    : 'STORE_URL'
