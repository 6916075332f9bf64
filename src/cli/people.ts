/** Shared by commands about accounts: find one, change one, end its sessions and grants. */
import type { Context } from '../contracts/context.ts'
import { changeAccount } from '../people/account_changes.ts'
import { type ChangeFacts, noteChange } from '../people/author.ts'
import type { EndedOfOne } from '../people/end_access.ts'
import { mostAdministrators, type Outcome } from '../models/administrators.ts'
import { provenEmail, User } from '../models/user.ts'
import type { Answer } from './command.ts'
import { Refusal } from './failure.ts'
import { print, printable } from './output.ts'

export const taken = (username: string) =>
  new Refusal(
    `there is a user ${printable(username)} already, or one whose name looks like it; latchkey user set and latchkey user passwd change it`,
  )

/** How `owner` has an address that another account cannot verify: `User.findByAddress` finds it by either. */
export const ownerWords = (address: string, owner: User): string =>
  `${printable(address)} is the ${provenEmail(owner) === undefined ? 'username' : 'verified address'} of the account ${printable(owner.username)}`

export async function requireUser(context: Context, username: string): Promise<User> {
  const user = await User.findByUsername(context, username)
  if (!user)
    throw new Refusal(`there is no user ${printable(username)}; latchkey user list shows all accounts`)
  return user
}

/** As `changeAccount`; throws Refusal. */
export async function change(
  context: Context,
  user: User,
  changes: (current: User) => Partial<User>,
  name?: unknown,
): Promise<User> {
  const changed = await changeAccount(context, user, changes, name)
  if (changed === 'taken')
    throw new Refusal(
      `preferred_username ${printable(name)} looks like the name of another account; latchkey user list shows all names`,
    )
  if (!changed)
    throw new Refusal(
      `${printable(user.username)} could not be changed: the account was removed or is being changed`,
    )
  return changed
}

/** What an operator did to an account, for the log and the audit trail. A warning, because commands log nothing less. */
export const audit = (
  context: Context,
  change: string,
  { sub }: Pick<User, 'sub'>,
  more: ChangeFacts = {},
): Promise<void> => noteChange(context, 'operator', change, { sub, ...more })

/** Throws Refusal for an account that must stay an owner. */
export function requireOwnerRemains(user: User, outcome: Outcome | 'inactive'): void {
  if (outcome === 'done') return
  if (outcome === 'inactive')
    throw new Refusal(`${printable(user.username)} is disabled or about to be deleted; nothing was changed`)
  throw new Refusal(
    outcome === 'last_owner'
      ? `${printable(user.username)} is the last owner of the administration; nothing was changed. latchkey admin grant NAME makes another one first`
      : `there are more than ${mostAdministrators} administrators; nothing was changed`,
  )
}

/** What was ended; throws as `requireOwnerRemains`. */
export function requireChanged(user: User, done: EndedOfOne | Outcome): EndedOfOne {
  if (typeof done === 'object') return done
  requireOwnerRemains(user, done)
  return { ended_sessions: 0, ended_grants: 0 }
}

export const endedAnswer = ({ username, sub }: User, what: string, ended: EndedOfOne): Answer => ({
  facts: { username, sub, ...ended },
  show: () => print(`${printable(username)} ${what}; ended ${endedWords(ended)}`),
})

export const endedWords = ({ ended_sessions, ended_grants }: EndedOfOne): string =>
  `${number(ended_sessions, 'session')} and ${number(ended_grants, 'grant')} with all tokens`

export const number = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

/** A line of the log names an account by its `sub`. It is an option, because a username may look like one. */
export const subOption = {
  sub: { type: 'string', instead: true, value: 'SUB', help: 'The account with this sub, in place of NAME' },
} as const

/** The account of the argument NAME, or of `--sub`. */
export async function requireNamed(context: Context, name: string, sub: string | undefined): Promise<User> {
  if (sub === undefined) return requireUser(context, name)
  const user = await User.find(context, sub)
  if (!user)
    throw new Refusal(`there is no account with sub ${printable(sub)}; latchkey user list shows all accounts`)
  return user
}
