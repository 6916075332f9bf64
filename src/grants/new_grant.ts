/** A grant that an End-User gave a client in a session, before the client has redeemed its code or other handle. */
import { newGrantId } from '../auth/token.ts'
import type { Context } from '../contracts/context.ts'
import { seconds } from '../lib/clock.ts'
import type { Client } from '../models/client.ts'
import type { Grant, GrantExtra } from '../models/grant.ts'
import { authTime, type Session } from '../models/session.ts'
import type { ActiveUser } from '../models/user.ts'

export interface GrantContent {
  scope: string[]
  claims?: Grant['claims']
  /** Members of features. */
  extra?: GrantExtra
}

/** The client must redeem the grant within `lifetime` seconds. */
export const newGrant = (
  context: Context,
  client: Client,
  { session, user }: { session: Session; user: ActiveUser },
  { scope, claims, extra }: GrantContent,
  lifetime: number,
): Grant => ({
  ...extra,
  grant_id: newGrantId(context.random),
  client_id: client.client_id,
  sub: user.sub,
  username: user.username,
  scope,
  ...(claims && { claims }),
  authentication: {
    auth_time: authTime(session),
    acr: session.acr,
    amr: session.amr,
    sid: session.sid,
    ...(session.through !== undefined && { through: session.through }),
  },
  session_bound: !scope.includes('offline_access'),
  session_until: session.exp,
  ...(session.epoch !== undefined && { session_epoch: session.epoch }),
  exp: seconds(context.clock) + lifetime,
})
