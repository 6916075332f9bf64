/** The types of sockets about End-Users: sign-in, second factors, account pages, personal data. docs/architecture.md, "Features" */
import type { Acr, AcrDemand } from '../auth/acr.ts'
import type { Context } from './context.ts'
import type { Call } from './call.ts'
import type { IconName } from '../html/icon.ts'
import type { Html } from '../html/view.ts'
import type { PolicySource } from '../lib/policy_source.ts'
import type { MessageKey, Said } from '../lib/say.ts'
import type { Client } from '../models/client.ts'
import type { Interaction } from '../models/interaction.ts'
import type { Session } from '../models/session.ts'
import type { User } from '../models/user.ts'

/** An alternative sign-in method on the sign-in page. Its own endpoints do the rest and end in `signIn`. */
export interface LoginMethod {
  name: string
  view(
    call: Call,
    context: Context,
    at: { handle: string; interaction: Interaction; client: Client | undefined },
  ): Promise<Html | undefined>
  /** Foreign origins, or schemes such as `http:`, that its form may lead to (CSP form-action). https is always allowed. */
  formTargets?(context: Context): readonly PolicySource[]
}

/** A link below the form of the sign-in page: registration, a forgotten password. */
export interface LoginLink {
  name: string
  label: MessageKey
  /** Below the base path, with `?interaction=` so that its page can return to the sign-in; undefined when it is not offered. */
  path(context: Context, interaction: { handle: string }): string | undefined
  /** The value of `prompt` that opens its page in place of the sign-in page. */
  prompt?: 'create'
}

/** What a login step decides by: an End-User between the first factor and the session. */
export interface LoginStepInput {
  call: Call
  user: User
  /** All factors so far. */
  amr: readonly string[]
  client: Client | undefined
  interaction: Pick<Interaction, 'params' | 'return_to' | 'declined_by'>
  /** The authentication levels that the request demands. */
  demand: AcrDemand
  /** The session of an End-User who is already signed in, at an authorization request (see `LoginStep.whileSignedIn`). */
  session?: Session
  /** Milliseconds: when another provider authenticated the End-User, 0 if it did not say. Undefined: a moment ago, here. */
  provenAt?: number | undefined
}

/** A step between the first factor and the session (second factor, terms, …). Its page ends in `signIn` again. */
export interface LoginStep {
  name: string
  /**
   * Also runs at each authorization request of a signed-in End-User, with their `session`, for requirements on an existing
   * session such as a second factor. It must not read the store when nothing is demanded.
   */
  whileSignedIn?: true
  /** Runs after all steps without `last`: for actions that require all factors. */
  last?: true
  /** The page of this step; undefined if it is not needed. */
  path(context: Context, state: LoginStepInput): Promise<string | undefined>
}

/**
 * A factor in addition to a first factor of another kind: an authenticator app, a passkey, a recovery code. The feature
 * `second_factor` decides when one is required, offers those that are set up, and lists them at /account/factors.
 * SECOND_FACTORS says which may be used.
 */
export interface SecondFactor {
  /** Its name in SECOND_FACTORS. */
  name: string
  /** Strongest first, ascending: passkey 10, totp 20, sms 30, email 40, recovery 90. */
  order: number
  /** Its name on the page of choices, for example "A code from your authenticator app". */
  label: MessageKey
  /** Beside the name on pages. */
  icon: IconName
  /** The authentication level of a password with this factor. */
  acr: Acr
  /** Replaces a lost factor (recovery codes). An End-User with nothing else has no second factor. */
  standIn?: true
  /**
   * It also signs in by itself (passkeys). An End-User with no other factor is not asked for it after the password, but
   * proves it for everything that needs a second factor. It counts whether or not SECOND_FACTORS has its name.
   */
  signsIn?: true
  /** Of a stand-in: erases it. Called when the last factor that it could replace was removed. */
  forget?(context: Context, sub: string): Promise<unknown>
  /** Whether this End-User can use it now. */
  isSetUp(context: Context, user: User): Promise<boolean>
  /**
   * Its page for a login step, below the base path; gets `?interaction=`. Begins with `stepOfPage`, and
   * ends in `signIn` with what it adds to `amr`, `mfa` included.
   */
  path: string
  /** Its page on which an End-User who must have a second factor and has none sets it up during a sign-in. Ends likewise. */
  enrolPath?: string
  /** Its page of /account, where it is set up and removed after a recent sign-in. */
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
    /** The End-User asked to skip the second factor in this browser from now on. */
    trustDevice: boolean
  },
) => Promise<string[]>

/** A rule for new passwords. */
export interface PasswordRule {
  name: string
  /** A message for the field, or undefined. `about` are words about the End-User: names, addresses. */
  problem(context: Context, password: string, about: readonly string[]): Promise<Said | undefined>
}

/** What an End-User should do or look at, on the overview of the account. */
export interface Attention {
  /** A warning tells of something that happened, which may be an attack. Warnings stand first. */
  kind: 'warning' | 'advice'
  text: Said | Html
  action: Said
  /** Where the action is. Default: the page of the section. */
  path?: string
}

/** A page of /account: its entry in the menu, and what the overview has of it. */
export interface AccountSection {
  name: string
  /** Below the base path, for example `/account/sessions`. */
  path: string
  title: MessageKey
  /** Its position in the menu, ascending. */
  order: number
  icon: IconName
  /** On the overview. A section without it has nothing there that changes. */
  summary?(context: Context, person: { user: User; session: Session }): Promise<Html | Said | undefined>
  attention?(context: Context, person: { user: User; session: Session }): Promise<readonly Attention[]>
}

/**
 * How many of the feature's sign-in methods (passkeys, connections) an End-User has. The last method of an account cannot
 * be removed (people/sign_in_methods.ts).
 */
export type CountSignInMethods = (context: Context, user: User) => Promise<number>

/** The personal data that a feature stores, for export and erasure of an account. */
export interface PersonData {
  /** Its member of the export. */
  name: string
  read(context: Context, sub: string): Promise<unknown>
  /** The data are sign-in factors other than the password: `latchkey reset-factors` erases them. */
  factor?: true
  /** Erases all of it; may be called again after a failure. */
  erase(context: Context, sub: string): Promise<void>
  /** Removes the item of the list with this `id`: `kept` when the End-User could not sign in any more. A dry run says which it would be. */
  removeOne?(context: Context, user: User, item: { id: string; dryRun: boolean }): Promise<RemovedItem>
}

/** `name` is what End-Users call the item; `sessions` is how many ended with it. */
export type RemovedItem =
  { outcome: 'removed' | 'kept'; name: string; sessions: number } | { outcome: 'absent' }
