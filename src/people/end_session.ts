/** Ending a session, or everything a person has open, with the grants that hang on it. */
import type { Context } from '../contracts/context.ts'
import { Grant } from '../models/grant.ts'
import { Session, type SessionLifetimes } from '../models/session.ts'

export const lifetimesOf = (context: Context): SessionLifetimes => ({
  idle: context.config.sessionIdleTtl,
  absolute: context.config.sessionTtl,
})

/** End a session, the grants bound to it, and tell the features. Returns it to the one caller that ended it. */
export async function endSession(sid: string, context: Context): Promise<Session | undefined> {
  const { beforeEnd, ended } = context.table.logout
  const found = beforeEnd.length > 0 ? await Session.find(context, sid) : undefined
  if (found) await Promise.all(beforeEnd.map((prepare) => prepare(context, found)))
  await Grant.endOfSession(context, sid) // first: should this fail, the session is still there to try again
  const session = await Session.end(context, sid)
  // Again: a request that saw the session a moment ago may have linked a grant since. From now on none can be redeemed.
  await Grant.endOfSession(context, sid)
  if (session) await Promise.all(ended.map((hear) => hear(context, session)))
  return session
}

/** End everything a person has open: sessions, grants, tokens. */
export async function endEverything(sub: string, context: Context): Promise<void> {
  for (const session of await Session.listOfUser(context, sub)) await endSession(session.sid, context)
  await Grant.endOfUser(context, sub)
}
