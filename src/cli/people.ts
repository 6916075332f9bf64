/** Shared by commands about accounts: find one, change one, end its sessions and grants. */
import type { Facts } from '../models/audit/kinds.ts'
import { note } from '../models/audit/note.ts'
import type { Context } from '../contracts/context.ts'
import { endEverything } from '../people/end_session.ts'
import { Grant } from '../models/grant.ts'
import { Session } from '../models/session.ts'
import { provenEmail, User } from '../models/user.ts'
import { listAll } from './administration.ts'
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

/**
 * Applies `changes` to the current record, because a running server may have changed it. Returns the new record. `name` is
 * the new `preferred_username`, if that changes.
 */
export async function change(
  context: Context,
  user: User,
  changes: (current: User) => Partial<User>,
  name?: unknown,
): Promise<User> {
  const wanted = typeof name === 'string' ? name : undefined
  const owner = wanted === undefined ? undefined : await User.findByLogin(context, wanted)
  const changed =
    owner && owner.sub !== user.sub
      ? 'taken'
      : await User.updateNames(context, user, wanted, (current) => ({ ...current, ...changes(current) }))
  if (changed === 'taken')
    throw new Refusal(
      `preferred_username ${printable(wanted)} looks like the name of another account; latchkey user list shows all names`,
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
  more: Facts<'changed_by_operator'> = {},
): Promise<void> => note(undefined, context, 'changed_by_operator', { change, sub, ...more })

/** Milliseconds within which a request ends that a server began before the change. */
const inFlight = 1_000

/** Ends all sessions, grants and tokens of an account. */
export async function endAll(context: Context, user: User): Promise<EndedOfOne> {
  const { sessions, grants } = await endAllOf(context, async () => [user])
  return { ended_sessions: sessions, ended_grants: grants }
}

/** Numbers of what was ended of one account. */
export interface EndedOfOne {
  ended_sessions: number
  ended_grants: number
}

export const endedAnswer = ({ username, sub }: User, what: string, ended: EndedOfOne): Answer => ({
  facts: { username, sub, ...ended },
  show: () => print(`${printable(username)} ${what}; ended ${endedWords(ended)}`),
})

export const endedWords = ({ ended_sessions, ended_grants }: EndedOfOne): string =>
  `${number(ended_sessions, 'session')} and ${number(ended_grants, 'grant')} with all tokens`

/** Ends all sessions, grants and tokens of all accounts. */
export const endAllAccounts = (context: Context): Promise<Ended> =>
  endAllOf(context, () => listAll((offset, limit) => User.list(context, offset, limit)))

/** Numbers of what was ended. */
export interface Ended {
  people: number
  sessions: number
  grants: number
}

/** Accounts at a time: enough for a store across the network, and few enough not to slow down a running server. */
const atOnce = 20

async function endAllOf(context: Context, accounts: () => Promise<readonly User[]>): Promise<Ended> {
  const ended: Ended = { people: 0, sessions: 0, grants: 0 }
  await inTurns(await accounts(), async ({ sub }) => {
    const [sessions, grants] = await Promise.all([
      Session.listOfUser(context, sub),
      Grant.listOfUser(context, sub),
    ])
    await endEverything(sub, context)
    ended.people += 1
    ended.sessions += sessions.length
    ended.grants += grants.length
  })
  // Again: a sign-in or an authorization that read the account before the change may have completed since.
  await Bun.sleep(inFlight)
  await inTurns(await accounts(), ({ sub }) => endEverything(sub, context))
  return ended
}

async function inTurns(users: readonly User[], work: (user: User) => Promise<void>): Promise<void> {
  for (let from = 0; from < users.length; from += atOnce)
    await Promise.all(users.slice(from, from + atOnce).map(work))
}

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
