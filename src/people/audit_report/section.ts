/** The contract of a section of the report for an auditor: one table, whose rows come one after the other. */
import type { Context } from '../../contracts/context.ts'
import type { Audit } from '../../models/audit/audit.ts'
import type { Checkpoint } from '../../models/audit/checkpoint.ts'

export interface Asked {
  context: Context
  audit: Audit
  /** Milliseconds. */
  from: number
  to: number
  /** Where each chain begins. */
  bases: Checkpoint['chains'] | undefined
  /** Days without a sign-in after which an account is dormant. */
  dormantDays: number
}

export type Cells = readonly string[]

export interface Section {
  /** For `--section`. */
  readonly name: string
  readonly title: string
  /** What the table has, and what it does not. */
  readonly words: (asked: Asked) => string
  readonly head: Cells
  rows(asked: Asked): AsyncGenerator<Cells>
}

export const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
