/** Finds and begins the session of a browser, and deletes its cookie. */
import type { Context } from '../contracts/context.ts'
import { Session, type SignIn } from '../models/session.ts'
import type { Call } from '../contracts/call.ts'
import type { Reply } from '../contracts/reply.ts'
import { cookieName, readCookie, setCookie } from './cookie.ts'
import { sessionAtBase, sessionCookie } from './base_session.ts'
import { userAgentOf } from '../people/device_words.ts'
import { endSession, lifetimesOf } from '../people/end_session.ts'

export async function currentSession(call: Call, context: Context): Promise<Session | undefined> {
  const cookie = readCookie(call, sessionCookie(call, context))
  const session = cookie === undefined ? undefined : await sessionOf(call, context, cookie)
  if (!session) return undefined
  for (const holds of context.table.sessions.holds)
    if (!(await holds(call, context, session))) return undefined
  return session
}

const sessionOf = (call: Call, context: Context, cookie: string): Promise<Session | undefined> =>
  call.base === undefined ? Session.ofCookie(context, cookie) : sessionAtBase(call, context, cookie)

/** Begins a session and replaces the previous session of the browser (ASVS 7.2.4). Returns the cookies to set. */
export async function beginSession(
  call: Call,
  context: Context,
  signIn: SignIn,
): Promise<{ session: Session; cookies: string[]; headers: Record<string, string> }> {
  const previous = await currentSession(call, context)
  const hadSession = readCookie(call, cookieName(context.config, 'session')) !== undefined
  if (previous && previous.sub !== signIn.sub) await endSession(previous.sid, context)
  const { session, cookie } = await Session.begin(
    context,
    context.random,
    { ...signIn, address: call.address, user_agent: userAgentOf(call) },
    lifetimesOf(context),
    previous,
  )
  context.metrics.count('sign_ins', 'result', 'success')
  context.usage.session(previous?.sid === session.sid ? previous.exp : undefined, session.exp)
  const more = context.table.sessions.begun.flatMap((notify) => notify(context, session))
  return {
    session,
    cookies: [setCookie(context.config, 'session', cookie), ...more],
    headers: hadSession && previous?.sub !== signIn.sub ? forgetPages : {},
  }
}

/**
 * Browsers keep whole pages for the Back button, also those with `Cache-Control: no-store`. This header removes those of
 * this origin (ASVS 14.3.1). https://www.w3.org/TR/clear-site-data/
 */
export const forgetPages = { 'clear-site-data': '"cache"' }

/** The answer to a browser whose session has ended: it forgets the cookies of the session and the pages that it has kept. */
export function withoutSession(reply: Reply, context: Context): Reply {
  const more = context.table.sessions.signedOut.flatMap((forget) => forget(context))
  return {
    ...reply,
    headers: { ...reply.headers, ...forgetPages },
    cookies: [...(reply.cookies ?? []), setCookie(context.config, 'session', '', 0), ...more],
  }
}
