/** The shapes of what a feature says about people: how they sign in, what follows from it, what their account page shows. docs/architecture.md, "Features" */
import type { Acr, AcrDemand } from '../auth/acr.ts'
import type { Context } from './context.ts'
import type { Call } from './call.ts'
import type { Html } from '../html/view.ts'
import type { PolicySource } from '../lib/policy_source.ts'
import type { MessageKey, Said } from '../lib/say.ts'
import type { Client } from '../models/client.ts'
import type { Interaction } from '../models/interaction.ts'
import type { Session } from '../models/session.ts'
import type { User } from '../models/user.ts'

/** Another way to say who one is, shown on the login page. Its own endpoints do the rest and end in `signIn`. */
export interface LoginMethod {
  name: string
  view(
    call: Call,
    context: Context,
    at: { handle: string; interaction: Interaction; client: Client | undefined },
  ): Promise<Html | undefined>
  /** Origins beyond our own, or schemes such as `http:`, that its form may lead to; https needs no word (CSP form-action). */
  formTargets?(context: Context): readonly PolicySource[]
}

/** A way out of the sign-in page, below the form: registration, a forgotten password. */
export interface LoginLink {
  name: string
  label: MessageKey
  /** Below the base path, with `?interaction=` so that the way back is not lost; undefined where it is not offered. */
  path(context: Context, interaction: { handle: string }): string | undefined
}

/** What a login step decides by: an End-User between the first factor and the session. */
export interface LoginStepInput {
  call: Call
  user: User
  /** All factors so far. */
  amr: readonly string[]
  client: Client | undefined
  interaction: Pick<Interaction, 'params' | 'return_to' | 'declined_by'>
  /** The levels that the request asks for. */
  demand: AcrDemand
  /** The session of a person who is signed in already, at a request of an application (see `LoginStep.whileSignedIn`). */
  session?: Session
}

/** A step between the first factor and the session (second factor, terms, …). Its page ends in `signIn` again. */
export interface LoginStep {
  name: string
  /**
   * Asked at each authorization request of a person who is signed in already, too, with their `session`: for what may be
   * demanded of a session that has begun, such as a second factor. Must read nothing when nothing is demanded.
   */
  whileSignedIn?: true
  /** Asked once every step that is not last has nothing left to do: for what only a person with all factors may do. */
  last?: true
  /** The page of this step; undefined if it is not needed. */
  path(context: Context, state: LoginStepInput): Promise<string | undefined>
}

/**
 * What proves a person beside a first factor of another kind: an authenticator app, a passkey, a code on paper. The
 * feature `second_factor` decides when one is asked for, offers those that are set up, and lists them at /account/factors;
 * SECOND_FACTORS says which may be used.
 */
export interface SecondFactor {
  /** As SECOND_FACTORS names it. */
  name: string
  /** Strongest first, ascending: passkey 10, totp 20, sms 30, email 40, recovery 90. */
  order: number
  /** What the page of choices calls it, as "A code from your authenticator app". */
  label: MessageKey
  /** The level that a password and this reach together. */
  acr: Acr
  /** Stands in for a factor that is lost (recovery codes): whoever has nothing else has no second factor. */
  standIn?: true
  /** Whether this person can use it now. */
  isSetUp(context: Context, user: User): Promise<boolean>
  /**
   * Its page for a login step, below the base path; gets `?interaction=`. Begins with `stepOfPage`, and
   * ends in `signIn` with what it adds to `amr`, `mfa` included.
   */
  path: string
  /** Its page on which a End-User who must have a second factor and has none sets it up during a sign-in. Ends likewise. */
  enrolPath?: string
  /** Its page of /account, where it is set up and removed after a fresh sign-in. */
  accountPath?: string
}

/** Called for each sign-in, with the session that it began. Returns cookies to set. A throw ends the sign-in. */
export type SignedIn = (
  call: Call,
  context: Context,
  done: {
    user: User
    session: Session
    client: Client | undefined
    /** The person asked to be spared the second factor here from now on. */
    trustDevice: boolean
  },
) => Promise<string[]>

/** What a new password may not be. */
export interface PasswordRule {
  name: string
  /** A sentence for beside the field, or undefined. `about` are words of the person: names, addresses. */
  problem(context: Context, password: string, about: readonly string[]): Promise<Said | undefined>
}

/** A page of /account: a line of its menu, and what the overview says of it. */
export interface AccountSection {
  name: string
  /** Below the base path, as `/account/sessions`. */
  path: string
  title: MessageKey
  /** Where it stands in the menu, ascending. */
  order: number
  summary?(context: Context, person: { user: User; session: Session }): Promise<Html | Said | undefined>
}

/**
 * How many of the feature's sign-in methods (passkeys, connections) an End-User has. The last method of an account cannot
 * be removed (people/sign_in_methods.ts).
 */
export type CountSignInMethods = (context: Context, user: User) => Promise<number>

/** What a feature keeps about people: for the export of an account, and for its end. */
export interface PersonData {
  /** The member of the export. */
  name: string
  read(context: Context, sub: string): Promise<unknown>
  /** What it is, is factors to sign in with beyond a password: `latchkey reset-factors` erases it. */
  factor?: true
  /** Erases it all; may be called again after a failure. */
  erase(context: Context, sub: string): Promise<void>
}
