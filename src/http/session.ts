/** The session of this browser: finding it, beginning it, ending it with all that hangs on it. */
import type { Context } from '../context.ts'
import { Grant } from '../models/grant.ts'
import { Session, type SessionLifetimes, type SignIn } from '../models/session.ts'
import type { Call } from './call.ts'
import { cookieName, readCookie, setCookie } from './cookie.ts'
import { userAgentOf } from './device_words.ts'

export const lifetimesOf = (context: Context): SessionLifetimes => ({
  idle: context.config.sessionIdleTtl,
  absolute: context.config.sessionTtl,
})

export async function currentSession(call: Call, context: Context): Promise<Session | undefined> {
  const cookie = readCookie(call, cookieName(context.config, 'session'))
  const session = cookie === undefined ? undefined : await Session.ofCookie(context, cookie)
  if (!session) return undefined
  for (const rule of context.table.sessionRules)
    if (!(await rule.holds(call, session, context))) return undefined
  return session
}

/** Begin a session; whatever session the browser had before is over (ASVS 7.2.4). Returns the cookies to set. */
export async function beginSession(
  call: Call,
  context: Context,
  signIn: SignIn,
): Promise<{ session: Session; cookies: string[] }> {
  const previous = await currentSession(call, context)
  if (previous && previous.sub !== signIn.sub) await endSession(previous.sid, context)
  const { session, cookie } = await Session.begin(
    context,
    context.random,
    { ...signIn, address: call.address, user_agent: userAgentOf(call) },
    lifetimesOf(context),
    previous,
  )
  context.metrics.count('sign_ins', 'result', 'success')
  const more = context.table.onSessionBegin.flatMap((begin) => begin(session, context))
  return { session, cookies: [setCookie(context.config, 'session', cookie), ...more] }
}

/** End a session, the grants bound to it, and tell the features. Returns it to the one caller that ended it. */
export async function endSession(sid: string, context: Context): Promise<Session | undefined> {
  const { beforeSessionEnd } = context.table
  const found = beforeSessionEnd.length > 0 ? await Session.find(context, sid) : undefined
  if (found) await Promise.all(beforeSessionEnd.map((prepare) => prepare(found, context)))
  await Grant.endOfSession(context, sid) // first: should this fail, the session is still there to try again
  const session = await Session.end(context, sid)
  // Again: a request that saw the session a moment ago may have linked a grant since. From now on none can be redeemed.
  await Grant.endOfSession(context, sid)
  if (session) await Promise.all(context.table.onSessionEnd.map((hear) => hear(session, context)))
  return session
}

/** End everything a person has open: sessions, grants, tokens. */
export async function endEverything(sub: string, context: Context): Promise<void> {
  for (const session of await Session.listOfUser(context, sub)) await endSession(session.sid, context)
  await Grant.endOfUser(context, sub)
}

export const forgetSessionCookie = (context: Context): string => setCookie(context.config, 'session', '', 0)
