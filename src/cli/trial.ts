/** The type of one row of `config check --deep`. */
import type { Config } from '../config.ts'

export interface Trial {
  /** The variable to mend. */
  name: string
  /** Tried only if what these variables name works: otherwise one fault would be said twice. */
  needs?: readonly string[]
  /** Resolves to what is wrong; undefined when it works. An error says it too. Changes nothing that stays. */
  run(config: Config, run: Run): Promise<string | undefined> | string | undefined
}

export interface Run {
  /** For what works and may be a mistake. */
  warn(text: string): void
  /** For what works and is good to know. */
  note(text: string): void
}
