/** What a change of an account means for its role: an owner must remain. docs/administration.md */
import type { AdminRole } from '../auth/admin_roles.ts'
import { HttpError } from '../auth/errors.ts'
import type { Context } from '../contracts/context.ts'
import { say } from '../lib/say.ts'
import {
  type Administrator,
  Administrators,
  mostAdministrators,
  type Outcome,
} from '../models/administrators.ts'
import { isActive, User } from '../models/user.ts'
import { type Author, differences, noteChange } from './author.ts'
import { tellOfOperator } from './tell_owner.ts'

/** Throws 409 that says what to do. */
export function requireDone(outcome: Outcome): void {
  if (outcome === 'last_owner')
    throw new HttpError('conflict', {
      expected: 'another owner',
      problem: 'the account is the last owner of the administration; nothing was changed',
      next: 'make another account an owner first (latchkey admin grant USER --role owner)',
      say: say('deletion.last_owner'),
    })
  if (outcome === 'too_many')
    throw new HttpError('conflict', {
      expected: `at most ${mostAdministrators} administrators`,
      problem: 'there are too many administrators; nothing was changed',
    })
  if (outcome === 'not_allowed')
    throw new HttpError('forbidden', {
      expected: 'a caller that holds all scopes of the role of the account',
      problem: 'the account has a role that may do more than this caller; nothing was changed',
      next: 'an administrator of that role can do it',
    })
}

type IsAllowed = (current: Administrator | undefined) => boolean

/** Before an account is disabled, or its deletion is requested. An owner who is suspended is none who remains. */
export async function suspendAdministrator(
  context: Context,
  sub: string,
  isAllowed?: IsAllowed,
): Promise<Outcome> {
  return (await Administrators.find(context, sub)) === undefined
    ? 'done'
    : Administrators.suspend(context, sub, true, isAllowed)
}

/** After an account is enabled, or its deletion was stopped. */
export async function resumeAdministrator(context: Context, sub: string): Promise<void> {
  if ((await Administrators.find(context, sub))?.suspended) await Administrators.suspend(context, sub, false)
}

/** Gives a role, or takes it. An account that is disabled, or about to be deleted, gets none. */
export async function setAdministrator(
  context: Context,
  author: Author,
  user: User,
  { role, isAllowed }: { role: AdminRole | undefined; isAllowed?: IsAllowed },
): Promise<Outcome | 'inactive'> {
  if (role && !isActive(user)) return 'inactive'
  const { sub } = user
  let before: Administrator | undefined
  const allowed: IsAllowed = (current) => {
    before = current
    return isAllowed?.(current) ?? true
  }
  const offer = context.random(12)
  const outcome = await (role
    ? Administrators.offer(context, sub, { role, offer }, allowed)
    : Administrators.set(context, sub, undefined, allowed))
  if (outcome !== 'done') return outcome
  // The account may have been disabled since it was read. A suspension after this look takes the offer away.
  if (
    role &&
    !(isActive(await User.find(context, sub)) && (await Administrators.accept(context, sub, offer)))
  ) {
    await Administrators.withdraw(context, sub, { role, offer, before })
    return 'inactive'
  }
  await tellOfOperator(context, user, { kind: 'roles_set' })
  await noteChange(context, author, role ? 'administrator_granted' : 'administrator_revoked', {
    sub,
    ...differences(context, { administration_role: before?.role }, { administration_role: role }, [
      'administration_role',
    ]),
  })
  return 'done'
}

/** Makes the first owner: true for one caller, and only while there is no owner. */
export async function becomeFirstOwner(context: Context, author: Author, user: User): Promise<boolean> {
  const { sub } = user
  if (!(await Administrators.claim(context, sub))) return false
  if (!isActive(await User.find(context, sub))) {
    await Administrators.forget(context, sub)
    return false
  }
  await tellOfOperator(context, user, { kind: 'roles_set' })
  await noteChange(context, author, 'administrator_granted', {
    sub,
    ...differences(context, {}, { administration_role: 'owner' }, ['administration_role']),
  })
  return true
}
