/** What commands about people have in common: finding one, changing one, ending what one has open. */
import type { Context } from '../contracts/context.ts'
import { endEverything } from '../people/end_session.ts'
import { Grant } from '../models/grant.ts'
import { Session } from '../models/session.ts'
import { canonicalUsername, User } from '../models/user.ts'
import { listAll } from './administration.ts'
import { Refusal } from './failure.ts'
import { printable } from './output.ts'

export const taken = (username: string) => new Refusal(`there is a user ${printable(username)} already`)

/** Names people can type and tell apart; how alike names are joined is for `canonicalUsername` to say. */
export function requireGoodName(username: string): void {
  if (canonicalUsername(username) === '' || username.length > 200 || printable(username) !== username)
    throw new Refusal('NAME must be 1 to 200 visible characters')
}

export async function requireUser(context: Context, username: string): Promise<User> {
  const user = await User.findByUsername(context, username)
  if (!user)
    throw new Refusal(`there is no user ${printable(username)}; latchkey user list shows all accounts`)
  return user
}

/** `changes` of the record as it is at that moment, for a running server changes it too. Returns it as it is then. */
export async function change(
  context: Context,
  user: User,
  changes: (current: User) => Partial<User>,
): Promise<User> {
  const changed = await User.update(context, user.sub, (current) => ({ ...current, ...changes(current) }))
  if (!changed)
    throw new Refusal(
      `${printable(user.username)} could not be changed: the account was removed or is being changed`,
    )
  return changed
}

/** Milliseconds in which a request that a server had begun before the change is over. */
const inFlight = 1_000

/** Ends sessions, grants and with them all tokens, and says how many there were. */
export async function endAll(context: Context, user: User): Promise<string> {
  const { sessions, grants } = await endAllOf(context, async () => [user])
  return `${number(sessions, 'session')} and ${number(grants, 'grant')} with all tokens`
}

/** The same of everybody there is. */
export const endEverybody = (context: Context): Promise<Ended> =>
  endAllOf(context, () => listAll((offset, limit) => User.list(context, offset, limit)))

/** How many there were. */
export interface Ended {
  people: number
  sessions: number
  grants: number
}

/** People at a time: a store beside the network is waited for, and no running server is crowded out. */
const atOnce = 20

async function endAllOf(context: Context, who: () => Promise<readonly User[]>): Promise<Ended> {
  const ended: Ended = { people: 0, sessions: 0, grants: 0 }
  await inTurns(await who(), async ({ sub }) => {
    const [sessions, grants] = await Promise.all([
      Session.listOfUser(context, sub),
      Grant.listOfUser(context, sub),
    ])
    await endEverything(sub, context)
    ended.people += 1
    ended.sessions += sessions.length
    ended.grants += grants.length
  })
  // A sign-in or an authorization that read the record just before it changed may end just after this did.
  await Bun.sleep(inFlight)
  await inTurns(await who(), ({ sub }) => endEverything(sub, context))
  return ended
}

async function inTurns(users: readonly User[], work: (user: User) => Promise<void>): Promise<void> {
  for (let from = 0; from < users.length; from += atOnce)
    await Promise.all(users.slice(from, from + atOnce).map(work))
}

export const number = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`
