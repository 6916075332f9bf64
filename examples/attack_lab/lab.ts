/** What each program of the lab gets: the addresses, the switches, and where it writes down what it notices. */
import type { Addresses } from './addresses.ts'
import type { Fact } from './facts.ts'
import type { Weakness } from './weaknesses.ts'

export interface Lab {
  at: Addresses
  /** Whether the learner switched this weakness on. */
  weak(weakness: Weakness): boolean
  note(fact: Fact): void
}

export interface Running {
  stop(): Promise<void>
}
