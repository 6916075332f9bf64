/** What the overview warns of: events of the last days that may be the work of an attacker. */
import type { Context } from '../../contracts/context.ts'
import type { Attention } from '../../contracts/feature.ts'
import { defineView } from '../../html/view.ts'
import { say } from '../../lib/say.ts'
import { Event } from '../../models/event.ts'
import type { Session } from '../../models/session.ts'
import { deviceWords } from '../../people/device_words.ts'
import type { User } from '../../models/user.ts'
import { isAlarming, sentenceOf } from './event_looks.ts'

const shownDays = 7
const mostShown = 3
/** Among so many of the newest events. */
const looked = 50

const alarm = defineView('account_alarm', '{{what}} <span class="ago small">{{at}} · {{device}}</span>', [
  'what',
  'at',
  'device',
])

/** The event of a new device is recorded with the session that begins on it, and this session is known to its owner. */
const ownMomentMs = 10_000
const isOfSession = ({ kind, at }: Event, session: Session): boolean =>
  kind === 'new_device' && Math.abs(at - session.created_at * 1000) < ownMomentMs

export async function recentAlarms(
  context: Context,
  { user, session }: { user: User; session: Session },
): Promise<Attention[]> {
  const since = context.clock.now() - shownDays * 86_400_000
  const events = await Event.listOfUser(context, user.sub, looked)
  return events
    .filter((event) => isAlarming(event) && event.at > since && !isOfSession(event, session))
    .slice(0, mostShown)
    .map((event) => ({
      kind: 'warning',
      text: alarm({
        what: sentenceOf(event),
        at: say('activity.at', { at: new Date(event.at) }),
        device: deviceWords(event.user_agent),
      }),
      action: say('account.all_activity'),
    }))
}
