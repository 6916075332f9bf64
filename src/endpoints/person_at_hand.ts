/** Pages that need somebody signed in, outside of an authorization request. */
import type { Context } from '../context.ts'
import type { Call } from '../http/call.ts'
import { ensureBrowser } from '../http/csrf.ts'
import { redirectWithin, type Reply } from '../http/reply.ts'
import { currentSession } from '../http/session.ts'
import { Interaction } from '../models/interaction.ts'
import type { Session } from '../models/session.ts'
import { User } from '../models/user.ts'

export interface AtHand {
  session: Session
  user: User
}

/** Who is signed in, or the reply that leads to the sign-in page and back to `path` (below the base path). */
export async function personAtHand(
  call: Call,
  context: Context,
  path: string,
): Promise<AtHand | { reply: Reply }> {
  const session = await currentSession(call, context)
  const user = session && (await User.find(context, session.sub))
  if (session && user && !user.disabled) return { session, user }
  const { browser, cookies } = ensureBrowser(call, context)
  const what = { return_to: `${context.basePath}${path}` }
  const handle = await Interaction.begin(
    context,
    context.random,
    browser,
    what,
    context.config.interactionTtl,
  )
  return { reply: redirectWithin(`${context.basePath}/login?interaction=${handle}`, cookies) }
}
