/** Finds and begins the session of a browser, and deletes its cookie. */
import type { Context } from '../contracts/context.ts'
import { Session, type SignIn } from '../models/session.ts'
import type { Call } from '../contracts/call.ts'
import { cookieName, readCookie, setCookie } from './cookie.ts'
import { userAgentOf } from '../people/device_words.ts'
import { endSession, lifetimesOf } from '../people/end_session.ts'

export async function currentSession(call: Call, context: Context): Promise<Session | undefined> {
  const cookie = readCookie(call, cookieName(context.config, 'session'))
  const session = cookie === undefined ? undefined : await Session.ofCookie(context, cookie)
  if (!session) return undefined
  for (const holds of context.table.sessions.holds)
    if (!(await holds(call, context, session))) return undefined
  return session
}

/** Begins a session and replaces the previous session of the browser (ASVS 7.2.4). Returns the cookies to set. */
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
  const more = context.table.sessions.begun.flatMap((notify) => notify(context, session))
  return { session, cookies: [setCookie(context.config, 'session', cookie), ...more] }
}

export const forgetSessionCookie = (context: Context): string => setCookie(context.config, 'session', '', 0)
