/** Ends all access of accounts at the word of an operator or an administrator: sessions, grants and tokens. OWASP ASVS 5.0 V7.4.5 */
import type { Context } from '../contracts/context.ts'
import { Grant } from '../models/grant.ts'
import { allOf } from '../models/every_member.ts'
import { Session } from '../models/session.ts'
import { User } from '../models/user.ts'
import { endEverything } from './end_session.ts'

/** Milliseconds within which a request ends that a server began before the change. */
const inFlight = 1_000

/** Numbers of what was ended of one account. */
export interface EndedOfOne {
  ended_sessions: number
  ended_grants: number
}

/** Before a change: what a request has begun ends with `endAll` after it. */
export async function endNow(context: Context, { sub }: Pick<User, 'sub'>): Promise<EndedOfOne> {
  const [sessions, grants] = await Promise.all([
    Session.listOfUser(context, sub),
    Grant.listOfUser(context, sub),
  ])
  await endEverything(sub, context)
  return { ended_sessions: sessions.length, ended_grants: grants.length }
}

/** What was ended before a change and after it. */
export const together = (before: EndedOfOne, after: EndedOfOne): EndedOfOne => ({
  ended_sessions: before.ended_sessions + after.ended_sessions,
  ended_grants: before.ended_grants + after.ended_grants,
})

/** Ends all sessions, grants and tokens of an account. */
export async function endAll(context: Context, user: Pick<User, 'sub'>): Promise<EndedOfOne> {
  const { sessions, grants } = await endAllOf(context, async () => [user])
  return { ended_sessions: sessions, ended_grants: grants }
}

/** Ends all sessions, grants and tokens of all accounts. */
export const endAllAccounts = (context: Context): Promise<Ended> =>
  endAllOf(context, () => allOf(User.everyone(context)))

/** Numbers of what was ended. */
export interface Ended {
  people: number
  sessions: number
  grants: number
}

/** Accounts at a time: enough for a store across the network, and few enough not to slow down a running server. */
const atOnce = 20

type Account = Pick<User, 'sub'>

async function endAllOf(context: Context, accounts: () => Promise<readonly Account[]>): Promise<Ended> {
  const ended: Ended = { people: 0, sessions: 0, grants: 0 }
  await inTurns(await accounts(), async (account) => {
    const { ended_sessions, ended_grants } = await endNow(context, account)
    ended.people += 1
    ended.sessions += ended_sessions
    ended.grants += ended_grants
  })
  // Again: a sign-in or an authorization that read the account before the change may have completed since.
  await Bun.sleep(inFlight)
  await inTurns(await accounts(), ({ sub }) => endEverything(sub, context))
  return ended
}

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += atOnce)
    await Promise.all(items.slice(from, from + atOnce).map(work))
}
