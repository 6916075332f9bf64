/** The grant a person gives a client in a session, waiting for the client to redeem what stands for it. */
import { newGrantId } from '../auth/token.ts'
import type { Context } from '../contracts/context.ts'
import { seconds } from '../lib/clock.ts'
import type { Client } from '../models/client.ts'
import type { Grant, GrantExtra } from '../models/grant.ts'
import { authTime, type Session } from '../models/session.ts'
import type { ActiveUser } from '../models/user.ts'

export interface Given {
  scope: string[]
  claims?: Grant['claims']
  /** What features add. */
  extra?: GrantExtra
}

/** `waits` in seconds is how long it may take to be redeemed. */
export const newGrant = (
  context: Context,
  client: Client,
  { session, user }: { session: Session; user: ActiveUser },
  { scope, claims, extra }: Given,
  waits: number,
): Grant => ({
  ...extra,
  grant_id: newGrantId(context.random),
  client_id: client.client_id,
  sub: user.sub,
  username: user.username,
  scope,
  ...(claims && { claims }),
  authentication: { auth_time: authTime(session), acr: session.acr, amr: session.amr, sid: session.sid },
  session_bound: !scope.includes('offline_access'),
  exp: seconds(context.clock) + waits,
})
