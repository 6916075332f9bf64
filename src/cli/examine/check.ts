/** The type of one row of `latchkey examine`: one thing that a certifier looks at. docs/examine.md */
import type { Rule } from '../../auth/rule.ts'
import type { Sight } from './sight.ts'

/** `must`: the examination fails without it. `should`: a recommendation. `note`: information alone. */
export type Level = 'must' | 'should' | 'note'

export interface Check {
  /** `GROUP.name`. It stays the same over versions, because reports are compared by it. */
  readonly id: `${string}.${string}`
  /** What holds for a provider that is well. */
  readonly about: string
  /** What goes wrong where it does not hold. */
  readonly why: string
  readonly rule: Rule
  /** `must` when left out. */
  readonly level?: Level
  /** Throws NotExamined where it cannot be looked at, and OutboundError where the provider does not answer. */
  run(sight: Sight): Found | Promise<Found>
}

/** What was found in place of what is expected: nothing where it holds; `note` is shown and is no fault. */
export type Found = undefined | string | readonly string[] | { note: string }

export type Outcome = 'pass' | 'fail' | 'advice' | 'note' | 'not_examined'

/** One line of the report. */
export interface Line extends Omit<Check, 'run' | 'level'> {
  readonly level: Level
  readonly outcome: Outcome
  /** Undefined where it holds and there is nothing to say. */
  readonly found?: string
  /** Where to read. */
  readonly link: string
}
