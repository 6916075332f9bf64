/** Changes of an account at the word of an operator or an administrator. The commands and the administration API call them. */
import type { Context } from '../contracts/context.ts'
import { say } from '../lib/say.ts'
import { Event } from '../models/event.ts'
import { FactorGeneration } from '../models/factor_generation.ts'
import { provenEmail, User } from '../models/user.ts'
import type { Outcome } from '../models/administrators.ts'
import { Administrators } from '../models/administrators.ts'
import { resumeAdministrator, suspendAdministrator } from './administrator_account.ts'
import { type Author, noteChange } from './author.ts'
import { endAll, type EndedOfOne, endNow, together } from './end_access.ts'
import { forgetAccountTries } from './password.ts'
import { mailLink } from './reset_link.ts'
import { erasePerson } from './person_data.ts'
import { tellOfOperator } from './tell_owner.ts'

/**
 * Applies `changes` to the current record, because another request may have changed it. `name` is the new
 * `preferred_username`, if that changes: 'taken' where another account has it. Undefined where there is no account.
 */
export async function changeAccount(
  context: Context,
  user: User,
  changes: (current: User) => Partial<User>,
  name?: unknown,
): Promise<User | 'taken' | undefined> {
  const wanted = typeof name === 'string' ? name : undefined
  const owner = wanted === undefined ? undefined : await User.findByLogin(context, wanted)
  return owner && owner.sub !== user.sub
    ? 'taken'
    : User.updateNames(context, user, wanted, (current) => ({ ...current, ...changes(current) }))
}

/** Ends all access. Returns what was ended. May be repeated after a failure. */
export async function setPassword(
  context: Context,
  author: Author,
  user: User,
  password_hash: string,
): Promise<EndedOfOne> {
  const before = await endNow(context, user) // first: a stop leaves no session of the old password beside the new one
  await User.update(context, user.sub, (current) => ({ ...current, password_hash }))
  await forgetAccountTries(user, context)
  const ended = together(before, await endAll(context, user))
  await tellOfOperator(context, user, { kind: 'password_set' })
  await noteChange(context, author, 'password_set', { sub: user.sub })
  return ended
}

/** As `setPassword`. `last_owner`: nothing was changed. */
export async function disableAccount(
  context: Context,
  author: Author,
  user: User,
  isAllowed?: Parameters<typeof suspendAdministrator>[2],
): Promise<EndedOfOne | Exclude<Outcome, 'done'>> {
  const refused = await suspendAdministrator(context, user.sub, isAllowed)
  if (refused !== 'done') return refused
  await User.update(context, user.sub, (current) => ({ ...current, disabled: true })) // no new session begins
  // Once more: the account may have got a role since.
  const late = await suspendAdministrator(context, user.sub, isAllowed)
  if (late !== 'done') {
    await User.update(context, user.sub, (current) => ({ ...current, disabled: user.disabled }))
    return late
  }
  const ended = await endAll(context, user)
  await tellOfOperator(context, user, { kind: 'account_disabled' })
  await noteChange(context, author, 'account_disabled', { sub: user.sub })
  return ended
}

export async function enableAccount(context: Context, author: Author, user: User): Promise<void> {
  const after = await User.update(context, user.sub, (current) => ({ ...current, disabled: false }))
  if (after && after.leaving_at === undefined) await resumeAdministrator(context, user.sub)
  await tellOfOperator(context, user, { kind: 'account_enabled' })
  await noteChange(context, author, 'account_enabled', { sub: user.sub })
}

/** The erasure of an account and of all that is stored about it. `last_owner`: nothing was changed. */
export async function removeAccount(
  context: Context,
  author: Author,
  user: User,
  isAllowed?: Parameters<typeof suspendAdministrator>[2],
): Promise<EndedOfOne | Exclude<Outcome, 'done'>> {
  const { sub } = user
  const takeRole = async (): Promise<Outcome> =>
    (await Administrators.find(context, sub))
      ? Administrators.set(context, sub, undefined, isAllowed)
      : 'done'
  const outcome = await takeRole()
  if (outcome !== 'done') return outcome
  // Disabled first, so that no session begins; then what a server had begun ends too.
  await User.update(context, sub, (current) => ({ ...current, disabled: true }))
  // Once more: the account may have got a role since. From now on it gets none.
  const late = await takeRole()
  if (late !== 'done') {
    await User.update(context, sub, (current) => ({ ...current, disabled: user.disabled }))
    return late
  }
  await noteChange(context, author, 'account_removed', { sub })
  const ended = await endAll(context, user)
  await erasePerson(sub, context)
  return ended
}

/** Of a refusal: the account that has the address. 'just_taken': another one claimed it a moment ago. */
export async function setEmail(
  context: Context,
  author: Author,
  user: User,
  address: string,
): Promise<{ owner: User } | 'just_taken' | undefined> {
  const owner = await User.findByAddress(context, address)
  if (owner && owner.sub !== user.sub) return { owner }
  // First: after the change, a repetition does not know the previous address.
  await tellOfOperator(context, user, { kind: 'email_set', detail: address }, [address, user.claims.email])
  if (!(await User.proveEmail(context, user.sub, address))) return 'just_taken'
  await noteChange(context, author, 'email_set', { sub: user.sub })
  return undefined
}

/** Second factors and passkeys. What was erased and ended. May be repeated after a failure. */
export async function eraseFactors(
  context: Context,
  author: Author,
  user: User,
): Promise<{ erased: string[]; ended: EndedOfOne }> {
  const rows = context.table.personData.filter(({ factor }) => factor)
  // First, and the sessions once more at the end: an attacker who is signed in may be the reason for the reset.
  await FactorGeneration.renew(context, context.random, user.sub) // trusted devices are no longer trusted
  const before = await endNow(context, user)
  for (const { erase } of rows) await erase(context, user.sub)
  const ended = together(before, await endAll(context, user))
  await tellOfOperator(context, user, { kind: 'factors_reset' })
  await noteChange(context, author, 'factors_reset', { sub: user.sub })
  return { erased: rows.map((row) => row.name), ended }
}

/** Why no link for a new password can be mailed; an address where it can. */
export function resetAddress(
  context: Context,
  user: User,
): { to: string } | 'no_recovery' | 'disabled' | 'no_password' | 'no_address' {
  if (!context.table.features.includes('recovery')) return 'no_recovery'
  if (user.disabled) return 'disabled'
  if (user.password_hash === undefined) return 'no_password'
  const to = provenEmail(user)
  return to === undefined ? 'no_address' : { to }
}

/** Mails a link to choose a new password. Only its owner sees it. OWASP ASVS 5.0 V6.4.6 */
export async function sendReset(context: Context, author: Author, user: User, to: string): Promise<void> {
  await Event.add(context, context.random, { sub: user.sub, kind: 'password_asked' })
  await mailLink(context, user, { to, why: say('recovery.operator_line') })
  await noteChange(context, author, 'password_asked', { sub: user.sub })
}

/** Creates the account; false when a name, the address or the `sub` was taken since it was looked at. */
export async function addAccount(context: Context, author: Author, user: User): Promise<boolean> {
  if (!(await User.create(context, user))) return false
  await Event.add(context, context.random, { sub: user.sub, kind: 'account_added' })
  await noteChange(context, author, 'account_added', { sub: user.sub, roles: user.roles })
  return true
}
