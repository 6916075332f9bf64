/** The contract of a flow of the playground: a row with its steps. A step makes a request of what the client holds, and reads the answer into it. */
import type { JSONWebKeySet } from 'jose'
import type { Rule } from '../../auth/rule.ts'
import type { Context } from '../../contracts/context.ts'
import type { LabClient } from './clients.ts'
import type { LabClientKind } from './paths.ts'
import type { Draft } from './draft.ts'

/** What the client of a run holds: its own random values, and what it was given. By name. */
export type Values = Readonly<Record<string, string>>

/** What the client of a run compares in an answer, and whether it holds. */
export interface Finding {
  held: boolean
  about: string
  rule: Rule
  /** What was compared. */
  expected?: string | undefined
  came?: string | undefined
}

/** An answer to a request of the client, or what a browser brought back. */
export interface Answer {
  /** Undefined for what a browser brought. */
  status: number | undefined
  headers: readonly (readonly [name: string, value: string])[]
  /** The body, or what the browser brought, one parameter a line. */
  text: string
  /** The members of a JSON object, or the parameters that the browser brought. */
  members: Readonly<Record<string, unknown>>
}

export interface Making {
  context: Context
  values: Values
  client: LabClient
  /** The JWK Set of the provider, requested now. */
  jwks(): Promise<JSONWebKeySet>
}

export interface Reading {
  /** What the client holds from now on. */
  values?: Values
  findings: readonly Finding[]
}

export interface RunStep {
  name: string
  title: string
  about: string
  rule: Rule
  /** What to change before it is sent, and what that shows. */
  tries: readonly string[]
  /**
   * `browser`: the End-User is sent to the provider and comes back with the answer. `person`: a page of the provider that
   * the End-User opens, such as that of a device; the client hears nothing of it. `provider`: the client is told something.
   */
  by: 'browser' | 'client' | 'person' | 'provider'
  draft(making: Making): Draft | Promise<Draft>
  read(making: Making, answer: Answer): Reading | Promise<Reading>
}

export interface RunFlow {
  name: string
  title: string
  about: string
  rule: Rule
  client: LabClientKind
  /** What the client makes before its first request. */
  begin?(context: Context): Values | Promise<Values>
  steps: readonly [RunStep, ...RunStep[]]
}

export const stepOf = ({ steps }: RunFlow, name: string | undefined): RunStep | undefined =>
  steps.find((each) => each.name === name)

/** Longer texts are not kept: a fault of the lab makes such tokens. */
const longestKept = 16_000

/** The text members of an answer that a client keeps. */
export const kept = (members: Answer['members'], names: readonly string[]): Values =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = Object.hasOwn(members, name) ? members[name] : undefined
      return typeof value === 'string' && value !== '' && value.length <= longestKept ? [[name, value]] : []
    }),
  )

/** The finding that two values are equal. */
export const equal = (
  about: string,
  rule: Rule,
  { expected, came }: { expected: string | undefined; came: unknown },
): Finding => ({
  held: expected !== undefined && expected === came,
  about,
  rule,
  expected: expected ?? 'nothing',
  came: came === undefined ? 'nothing' : typeof came === 'string' ? came : JSON.stringify(came),
})
