/** The type of one row of `config check --deploy`: one check of what is asked for before a provider goes live. docs/going_live.md */
import type { Config } from '../../config.ts'
import type { Env } from '../../config/read.ts'
import type { Log } from '../../lib/log.ts'
import type { Concern, Store } from '../../store/store.ts'
import type { WarningName } from '../config_warnings.ts'
import type { Served } from './served.ts'

/** `error`: do not go live. `warning`: rarely meant. `note`: good to know, and right for many deployments. */
export const levels = ['error', 'warning', 'note'] as const
export type Level = (typeof levels)[number]

/** What a check may look at. */
export interface Sight {
  readonly config: Config
  /** With the values of secrets. */
  readonly env: Env
  /** As set: with the places of secrets. */
  readonly written: Env
  /** Whether a variable comes from `.env` of the working folder. */
  fromDotenv(name: string): boolean
  readonly warnings: ReadonlyMap<WarningName, string>
  /** What the trials of `--deep` found: lines `NAME: problem`. */
  readonly problems: readonly string[]
  /** Milliseconds. */
  readonly now: number
  readonly machine: Machine
  /** Undefined where the store cannot be used, which a trial says, or does not exist yet. */
  readonly store: Store | undefined
  readonly log: Log
  readonly concerns: readonly Concern[]
  readonly served: Served
}

/** The process and its machine. */
export interface Machine {
  readonly platform: NodeJS.Platform
  /** Undefined on Windows. */
  readonly uid: number | undefined
  readonly bunVersion: string
  readonly isCompiled: boolean
  /** Bytes that the process may use; undefined without a limit. */
  readonly memoryLimit: number | undefined
}

export interface Row {
  readonly name: string
  readonly level: Level
  readonly expected: string
  readonly mend: string
  /** A file of docs/ and the anchor of a heading in it. */
  readonly link: `${string}.md#${string}`
  /** The requirement of ASVS 5.0, or the chapter of the hardening plan. */
  readonly source: string
  /** What was found in place of what is expected; none where all is well, or where it cannot be looked at. */
  find(sight: Sight): Finds | Promise<Finds>
}

type Finds = string | undefined | readonly string[]

export interface Finding extends Omit<Row, 'find'> {
  readonly found: string
}
