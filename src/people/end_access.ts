/** Ends all access of accounts at the word of an operator or an administrator: sessions, grants and tokens. OWASP ASVS 5.0 V7.4.5 */
import type { Context } from '../contracts/context.ts'
import { Grant } from '../models/grant.ts'
import { Session } from '../models/session.ts'
import { User } from '../models/user.ts'
import { endEverything, endSession } from './end_session.ts'

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
  const { sessions, grants } = await endAllOf(context, () => [[user]])
  return { ended_sessions: sessions, ended_grants: grants }
}

/** Ends all sessions, grants and tokens of all accounts. */
export const endAllAccounts = (context: Context): Promise<Ended> =>
  endAllOf(context, () => User.everyone(context))

/** Numbers of what was ended. */
export interface Ended {
  people: number
  sessions: number
  grants: number
}

/** Accounts at a time: enough for a store across the network, and few enough not to slow down a running server. */
const atOnce = 20

type Account = Pick<User, 'sub'>
/** Accounts a page at a time, so that memory does not grow with their number. */
type Pages = AsyncIterable<readonly Account[]> | Iterable<readonly Account[]>

async function endAllOf(context: Context, accounts: () => Pages): Promise<Ended> {
  const ended: Ended = { people: 0, sessions: 0, grants: 0 }
  await inTurns(accounts(), async (account) => {
    const { ended_sessions, ended_grants } = await endNow(context, account)
    ended.people += 1
    ended.sessions += ended_sessions
    ended.grants += ended_grants
  })
  // Again: a sign-in or an authorization that read the account before the change may have completed since.
  await Bun.sleep(inFlight)
  await inTurns(accounts(), ({ sub }) => endEverything(sub, context))
  return ended
}

async function inTurns(pages: Pages, work: (account: Account) => Promise<void>): Promise<void> {
  for await (const page of pages)
    for (let from = 0; from < page.length; from += atOnce)
      await Promise.all(page.slice(from, from + atOnce).map(work))
}

/**
 * Ends the sessions of all accounts in which a client got a code or token, with the grants bound to them. A grant that
 * outlives its session goes on. By the accounts, so that a session is ended that no list of all sessions has yet.
 */
export async function endSessionsOfClient(
  context: Context,
  clientId: string,
): Promise<Pick<Ended, 'people' | 'sessions'>> {
  const ended = { people: 0, sessions: 0 }
  await inTurns(User.everyone(context), async ({ sub }) => {
    const sessions = await Session.listOfUser(context, sub)
    const used = sessions.filter(({ clients }) => clients.includes(clientId))
    for (const { sid } of used) await endSession(sid, context)
    ended.people += used.length > 0 ? 1 : 0
    ended.sessions += used.length
  })
  return ended
}
