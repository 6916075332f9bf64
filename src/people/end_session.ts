/** Ends one session, or all sessions of an End-User, with the grants bound to them. */
import type { Context } from '../contracts/context.ts'
import { Grant } from '../models/grant.ts'
import { Session, type SessionLifetimes } from '../models/session.ts'

export const lifetimesOf = (context: Context): SessionLifetimes => ({
  idle: context.config.sessionIdleTtl,
  absolute: context.config.sessionTtl,
})

/** Ends a session and the grants bound to it, and notifies the features. Of concurrent callers only one gets the session. */
export async function endSession(sid: string, context: Context): Promise<Session | undefined> {
  const { beforeEnd, ended } = context.table.logout
  const found = beforeEnd.length > 0 ? await Session.find(context, sid) : undefined
  if (found) await Promise.all(beforeEnd.map((prepare) => prepare(context, found)))
  await Grant.endOfSession(context, sid) // first: if this fails, the session still exists and the end can be tried again
  const session = await Session.end(context, sid)
  if (session) context.usage.session(session.exp, undefined)
  // Again: a concurrent request that read the session before its end may have linked a grant. None can be redeemed now.
  await Grant.endOfSession(context, sid)
  if (session) await Promise.all(ended.map((notify) => notify(context, session)))
  return session
}

/** Records a use of the session by a client that receives a code or token. */
export async function useSession(context: Context, session: Session, clientId: string): Promise<void> {
  const touched = await Session.touch(context, session, lifetimesOf(context), clientId)
  if (touched) context.usage.session(touched.before, touched.exp)
}

/** Ends all sessions, grants and tokens of an End-User. */
export async function endEverything(sub: string, context: Context): Promise<void> {
  for (const session of await Session.listOfUser(context, sub)) await endSession(session.sid, context)
  await Grant.endOfUser(context, sub)
}
