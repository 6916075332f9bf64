/** A session as the administration API shows it. */
import * as v from 'valibot'
import type { Session } from '../../models/session.ts'
import { Moment, moment } from './person.ts'

export const SessionRow = v.object({
  sid: v.string(),
  sub: v.string(),
  signed_in_at: Moment,
  last_used_at: Moment,
  ends_at: Moment,
  acr: v.string(),
  amr: v.array(v.string()),
  address: v.nullable(v.string()),
  user_agent: v.nullable(v.string()),
  clients: v.pipe(v.array(v.string()), v.description('The client_ids that got a code or token in it')),
})

export const sessionRowOf = (session: Session): v.InferOutput<typeof SessionRow> => ({
  sid: session.sid,
  sub: session.sub,
  signed_in_at: new Date(session.authenticated_at).toISOString(),
  last_used_at: moment(session.seen_at),
  ends_at: moment(session.exp),
  acr: session.acr,
  amr: session.amr,
  address: session.address ?? null,
  user_agent: session.user_agent ?? null,
  clients: session.clients,
})
