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
  | { what: 'client accepted an ID Token'; sub: string; alg: string }
  | {
      what: 'client opened an account'
      /** Who made the account, and who signed in: `iss` and `sub`. */
      owner: string
      by: string
      /** Another account has the address of the ID Token. */
      sameEmail: boolean
    }
  | { what: 'client refused'; because: string; detail: string }
  | {
      what: 'api accepted a token'
      sub: string
      typ: string
      aud: string
      /** The token was issued for this API. */
      ownAudience: boolean
      /** The program that came with the token first came again. */
      sameAgent: boolean
    }
  | { what: 'api refused a token'; because: string; detail: string }
  | { what: 'provider refused'; rule: string; problem: string; path: string }
  | { what: 'provider saw a replay'; event: string }
  | { what: 'toy refreshed'; timesBefore: number }
  | { what: 'toy connected a device'; sub: string }
  | { what: 'inside answered'; agent: string }
  | { what: 'attacker got a token'; by: string }
  | { what: 'attacker got a code'; at: string }
  | { what: 'attacker got nothing'; at: string }
  | { what: 'attacker counted a visitor'; withToken: boolean }

/** What an attempt came to. */
export type Outcome = 'attack succeeded' | 'defended'
