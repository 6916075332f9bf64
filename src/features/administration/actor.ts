/** Who calls: a person with a role, or a service client; and what they may do at this moment. docs/administration.md */
import { type AdminRole, type AdminScope, holdsRole, scopesOfRole } from '../../auth/admin_roles.ts'
import { acrOf, meetsAcr } from '../../auth/acr.ts'
import { HttpError } from '../../auth/errors.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import { authTime, type Session } from '../../models/session.ts'
import type { ActiveUser } from '../../models/user.ts'
import { type Administrator, Administrators } from '../../models/administrators.ts'
import type { Administrating } from '../../people/author.ts'
import { settingsOf } from './settings.ts'

/** The sign-in of a person. */
export interface SignIn {
  /** Seconds; 0 when it is not known. */
  at: number
  amr: readonly string[]
}

/** The caller of a route. Its scopes are those of this request: what a token has, cut to the role. */
export interface Actor {
  scopes: ReadonlySet<AdminScope>
  /** Of a person. */
  sub?: string | undefined
  role?: AdminRole | undefined
  signIn?: SignIn | undefined
  /** The client that sent the request; absent for our own pages. */
  clientId?: string | undefined
}

/** The role of a person at this moment. An account that is disabled has none. */
export async function roleOf(context: Context, sub: string): Promise<AdminRole | undefined> {
  const found = await Administrators.find(context, sub)
  return found?.suspended ? undefined : found?.role
}

/** For our own pages. Undefined for a person without a role. */
export async function actorOfSession(
  context: Context,
  { session, user }: { session: Session; user: ActiveUser },
): Promise<Actor | undefined> {
  const role = await roleOf(context, user.sub)
  return (
    role && {
      sub: user.sub,
      role,
      scopes: new Set(scopesOfRole(role)),
      signIn: { at: authTime(session), amr: session.amr },
    }
  )
}

/** What a person must prove first; undefined when the sign-in is enough. A service client has no sign-in. */
export function missingOf(
  { signIn }: Actor,
  context: Context,
  isChange: boolean,
): 'second_factor' | 'fresh_sign_in' | undefined {
  if (!signIn) return undefined
  const { adminSecondFactor, adminFreshSignIn } = settingsOf(context.config)
  if (adminSecondFactor && !meetsAcr(acrOf(signIn.amr), secondFactorAcr)) return 'second_factor'
  const age = context.clock.now() / 1000 - signIn.at
  return isChange && adminFreshSignIn > 0 && age > adminFreshSignIn ? 'fresh_sign_in' : undefined
}

export const secondFactorAcr = 'urn:latchkey:2fa'

/**
 * Call it before a change of the account, the factors or the sessions of a person: the caller must hold every right of
 * that person. Throws 403.
 */
export async function requireRightOver(context: Context, actor: Actor, sub: string): Promise<void> {
  const current = await Administrators.find(context, sub)
  if (isWithin(actor)(current)) return
  const role = current?.role
  throw new HttpError('forbidden', {
    expected: `a caller that holds all scopes of the role ${role}`,
    came: [...actor.scopes].join(' '),
    problem: `the account has the role ${role}, which may do more than this caller`,
    next: 'an administrator of that role can do it',
  })
}

/** For a compare-and-swap of the record of administrators: whether the caller may change what the account is then. */
export const isWithin =
  ({ scopes }: Actor) =>
  (current: Administrator | undefined): boolean =>
    holdsRole(scopes, current?.role)

/** Streams are counted for each caller. */
export const laneOf = ({ sub, clientId }: Actor): string => sub ?? `client ${clientId}`

/** By whose act a route changes something. */
export const authorOf = (call: Call, { sub, role }: Actor): Administrating => ({ call, sub, role })
