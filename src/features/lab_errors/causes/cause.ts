/** A probable cause of a failure: what shows it, and how to mend it. */
import type { Context } from '../../../contracts/context.ts'
import { shellWord } from '../../../lib/shell_word.ts'
import type { Client } from '../../../models/client.ts'
import type { Comparison } from '../compare.ts'
import type { Failure, Shown } from '../failure.ts'

/** `proven`: the evidence allows no other. `possible`: nothing speaks against it. */
export const certainties = ['proven', 'likely', 'possible'] as const
export type Certainty = (typeof certainties)[number]

export interface Remedy {
  text: string
  /** A command, a setting or lines of a program. */
  code?: string | readonly string[]
}

export interface Cause {
  /** For tests and programs: it stays the same. */
  name: string
  certainty: Certainty
  title: string
  /** What this provider knows that speaks for it. */
  evidence: readonly string[]
  mend: readonly Remedy[]
  /** In place of the comparison of the refusal. */
  compared?: Comparison | undefined
}

/** A failure with what the provider knows when the page is opened. */
export interface Seen {
  failure: Failure
  /** The client as it is registered now. */
  client: Client | undefined
  /** The client is registered, and an operator has disabled it. */
  isDisabled: boolean
  context: Context
  /** A browser did not let the page read the answer. */
  isBlocked: boolean
  /** The client_ids that are near the one of the request. */
  nearClients: readonly string[]
}

/** One row of the table of causes. */
export interface CauseRow {
  name: string
  /** Codes of refusals that it may explain; any when left out. */
  codes?: readonly string[]
  /** The beginning of the rule of the refusal: `RFC 7636`, or one section. */
  rule?: string
  explain(seen: Seen): Omit<Cause, 'name'> | undefined
}

const rowFits = ({ codes, rule }: CauseRow, { failure }: Seen): boolean =>
  (codes === undefined || codes.includes(failure.code)) &&
  (rule === undefined || failure.rule === rule || failure.rule.startsWith(`${rule} `))

/** All that the rows find, the most certain first, and in the order of the rows among equals. */
export function causesOf(rows: readonly CauseRow[], seen: Seen): Cause[] {
  const found = rows.flatMap((row) => {
    const cause = rowFits(row, seen) ? row.explain(seen) : undefined
    return cause ? [{ ...cause, name: row.name }] : []
  })
  const rank = ({ certainty }: Cause) => certainties.indexOf(certainty)
  return found.toSorted((a, b) => rank(a) - rank(b))
}

/** The text of a parameter that may be shown; '' for one that may not. */
export const textIn = (from: Readonly<Record<string, Shown>>, name: string): string | undefined => {
  const shown = from[name]
  if (shown === undefined) return undefined
  return 'text' in shown ? shown.text : ''
}

/** What came, where it may be shown. */
export const cameIn = ({ came }: Failure): string | undefined =>
  came !== undefined && 'text' in came ? came.text : undefined

/** A parameter of the form or of the query. */
export const parameter = ({ failure: { request } }: Seen, name: string): string | undefined =>
  textIn(request.form, name) ?? textIn(request.query, name)

export const hasParameter = (seen: Seen, name: string): boolean => parameter(seen, name) !== undefined

/** `3 seconds`, for a sentence. */
export function duration(ms: number): string {
  const seconds = Math.abs(ms) / 1000
  const units = [
    [86_400, 'day'],
    [3_600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ] as const
  for (const [size, unit] of units) {
    const count = Math.round(seconds / size)
    if (seconds >= size) return `${count} ${unit}${count === 1 ? '' : 's'}`
  }
  return 'less than a second'
}

/** A word of a POSIX shell. */
export const word = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : shellWord(text))

/** `latchkey client set ID …` for the client of the request. */
export const clientSet = ({ failure, client }: Seen, ...options: string[]): string => {
  const id = client?.client_id ?? failure.clientId ?? 'CLIENT_ID'
  // After `--`, a client_id that looks like an option is none.
  const words = id.startsWith('-') ? [...options, '--', word(id)] : [word(id), ...options]
  return ['latchkey client set', ...words].join(' ')
}
