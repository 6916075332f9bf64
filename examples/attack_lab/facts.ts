/** What the programs of the lab notice. A lesson judges by these facts alone: no program knows the lessons. */
import type { Weakness } from './weaknesses.ts'

export type Fact =
  | { what: 'switched'; weakness: Weakness; weak: boolean }
  | {
      what: 'client signed in'
      sub: string
      /** The browser began this sign-in itself. */
      ownSignIn: boolean
      /** The ID Token answers the request of this sign-in. */
      ownNonce: boolean
    }
  | { what: 'client refused'; because: string; detail: string }
  | {
      what: 'provider refused'
      rule: string
      problem: string
      path: string
    }

/** What an attempt came to. */
export type Outcome = 'attack succeeded' | 'defended'
