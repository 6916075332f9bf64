/** The ticket that takes a session of the issuer to ADMIN_HOST: single-use, good for seconds, for one browser and one page. docs/decisions/0103-administration-at-its-own-host.md */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { equalInConstantTime } from '../../lib/equal.ts'
import { OneTime } from '../../models/one_time.ts'
import { Session } from '../../models/session.ts'
import { isActive, User } from '../../models/user.ts'

const purpose = 'admin_host'
/** Two redirects of a browser. Seconds. */
const lifetime = 30

const Ticket = v.object({
  /** The base URL at ADMIN_HOST. */
  base: v.string(),
  /** Of the browser there (`challengeOf`). */
  challenge: v.string(),
  /** Path and query, below the base path. */
  page: v.string(),
  sid: v.string(),
  secret_hash: v.string(),
})

export const issueTicket = (
  context: Context,
  { sid, secret_hash }: Session,
  to: { base: string; challenge: string; page: string },
): Promise<string> => OneTime.issue(context, context.random, purpose, { ...to, sid, secret_hash }, lifetime)

/**
 * Spends the ticket, also for a browser that is not the right one: then its link has leaked. Undefined for such a browser, at
 * another base URL, and once the session or the account has ended or the session has got another secret.
 */
export async function takeTicket(
  context: Context,
  ticket: string,
  at: { base: string | undefined; challenge: string | undefined },
): Promise<{ page: string; session: Session } | undefined> {
  const { success, output } = v.safeParse(Ticket, await OneTime.take(context, purpose, ticket))
  if (!success || output.base !== at.base || !equalInConstantTime(output.challenge, at.challenge ?? ''))
    return undefined
  const session = await Session.find(context, output.sid)
  const user = session && (await User.find(context, session.sub))
  if (!session || session.secret_hash !== output.secret_hash || !isActive(user)) return undefined
  return { page: output.page, session }
}
