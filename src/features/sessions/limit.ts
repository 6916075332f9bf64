/** At most so many sessions of one person at a time, whichever instance they sign in at: one record says which, moved on by compare-and-swap. OWASP ASVS 5.0 V7.1.2 */
import * as v from 'valibot'
import { OAuthError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import { endSession } from '../../people/end_session.ts'
import { say } from '../../lib/say.ts'
import { defineRecord } from '../../models/define_record.ts'
import { Session } from '../../models/session.ts'
import { settings } from './settings.ts'

/** The sessions that have a place, some of which may have ended since. */
const places = defineRecord('session_places', v.object({ sids: v.array(v.string()), exp: v.number() }))

export const forgetPlaces = (context: Context, sub: string) => places.take(context, sub)

/** Milliseconds in which a session that has begun takes its place, or is one whose sign-in broke off. */
const settling = 60_000
/** Sign-ins of one person at one moment; more of them fail rather than wait. */
const mostTries = 200

const byAge = (a: Session, b: Session) => a.authenticated_at - b.authenticated_at || (a.sid < b.sid ? -1 : 1)

/**
 * Gives a session that has just begun its place, at the cost of the oldest ones, which it returns ended; a session
 * without a place is ended before this throws.
 */
export async function takePlace(context: Context, session: Session): Promise<Session[]> {
  const { sessionLimit: limit, sessionLimitPolicy: policy } = settings(context)
  if (limit === 0) return []
  for (let tries = 0; tries < mostTries; tries++) {
    const loaded = await places.load(context, session.sub)
    // Read after the record: whoever is in it and not here has ended.
    const live = (await Session.listOfUser(context, session.sub)).sort(byAge)
    if (!live.some(({ sid }) => sid === session.sid)) return [] // ended meanwhile, by a sign-in after it
    const placed = loaded ? live.filter(({ sid }) => loaded.record.sids.includes(sid)) : live
    const others = placed.filter(({ sid }) => sid !== session.sid)
    if (policy === 'refuse' && others.length >= limit) break
    const kept = others.slice(Math.max(0, others.length - (limit - 1)))
    const next = {
      sids: [...kept.map(({ sid }) => sid), session.sid],
      exp: Math.ceil(context.clock.now() / 1000) + context.config.sessionTtl,
    }
    const written = loaded
      ? await places.update(
          context,
          session.sub,
          (current) => (current === loaded.record ? next : undefined),
          loaded,
        )
      : await places.create(context, session.sub, next)
    if (written) return policy === 'refuse' ? [] : endWithoutPlace(next.sids, { placed, live }, context)
  }
  await endSession(session.sid, context)
  throw new OAuthError('access_denied', {
    rule: 'RFC 6749 §4.1.2.1',
    expected: `at most ${limit} sessions of one account`,
    problem: 'signed in in as many places as are allowed',
    say: say('sessions.refused', { n: limit }),
  })
}

/** Those that have just lost their place, and those whose end broke off before; not those about to take one. */
async function endWithoutPlace(
  sids: readonly string[],
  { placed, live }: { placed: readonly Session[]; live: readonly Session[] },
  context: Context,
): Promise<Session[]> {
  const settled = context.clock.now() - settling
  const surplus = live.filter(
    (each) => !sids.includes(each.sid) && (placed.includes(each) || each.authenticated_at < settled),
  )
  const ended = await Promise.all(surplus.map(({ sid }) => endSession(sid, context)))
  return ended.filter((each) => each !== undefined)
}
