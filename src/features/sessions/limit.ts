/** The limit of concurrent sessions of an End-User, across instances: one record lists the admitted sessions, updated by compare-and-swap. OWASP ASVS 5.0 V7.1.2 */
import * as v from 'valibot'
import { HttpError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import { endSession } from '../../people/end_session.ts'
import { say } from '../../lib/say.ts'
import { defineRecord } from '../../models/define_record.ts'
import { Session } from '../../models/session.ts'
import { settings } from './settings.ts'

/** The sessions within the limit. Some of them may have ended since. */
const admitted = defineRecord('session_places', v.object({ sids: v.array(v.string()), exp: v.number() }))

export const forgetAdmitted = (context: Context, sub: string) => admitted.take(context, sub)

/** Milliseconds in which a new session is admitted. An older session that is not admitted comes from an interrupted sign-in. */
const settling = 60_000
/** Attempts of the compare-and-swap. With more concurrent sign-ins of one End-User, a sign-in fails. */
const mostTries = 200

const byAge = (a: Session, b: Session) => a.authenticated_at - b.authenticated_at || (a.sid < b.sid ? -1 : 1)

/**
 * Admits a new session. With `end_oldest` it ends the oldest sessions beyond the limit and returns them. With `refuse` it
 * ends the new session and throws when the limit is reached.
 */
export async function admitSession(context: Context, session: Session): Promise<Session[]> {
  const { sessionLimit: limit, sessionLimitPolicy: policy } = settings(context)
  if (limit === 0) return []
  for (let tries = 0; tries < mostTries; tries++) {
    const loaded = await admitted.load(context, session.sub)
    // Read after the record, so a session that is in the record but not in this list has ended.
    const live = (await Session.listOfUser(context, session.sub)).sort(byAge)
    if (!live.some(({ sid }) => sid === session.sid)) return [] // a later sign-in has ended it already
    const admittedLive = loaded ? live.filter(({ sid }) => loaded.record.sids.includes(sid)) : live
    const others = admittedLive.filter(({ sid }) => sid !== session.sid)
    if (policy === 'refuse' && others.length >= limit) break
    const kept = others.slice(Math.max(0, others.length - (limit - 1)))
    const next = {
      sids: [...kept.map(({ sid }) => sid), session.sid],
      exp: Math.ceil(context.clock.now() / 1000) + context.config.sessionTtl,
    }
    const written = loaded
      ? await admitted.update(
          context,
          session.sub,
          (current) => (current === loaded.record ? next : undefined),
          loaded,
        )
      : await admitted.create(context, session.sub, next)
    if (written) return policy === 'refuse' ? [] : endSurplus(next.sids, { admittedLive, live }, context)
  }
  await endSession(session.sid, context)
  throw new HttpError('session_limit', {
    expected: `at most ${limit} sessions of one account`,
    problem: 'the account has as many sessions as are allowed',
    say: say('sessions.refused', { n: limit }),
  })
}

/** Ends the sessions that this sign-in displaced, and old ones that were never admitted. Spares sessions that began just now. */
async function endSurplus(
  sids: readonly string[],
  { admittedLive, live }: { admittedLive: readonly Session[]; live: readonly Session[] },
  context: Context,
): Promise<Session[]> {
  const settled = context.clock.now() - settling
  const surplus = live.filter(
    (each) => !sids.includes(each.sid) && (admittedLive.includes(each) || each.authenticated_at < settled),
  )
  const ended = await Promise.all(surplus.map(({ sid }) => endSession(sid, context)))
  return ended.filter((each) => each !== undefined)
}
