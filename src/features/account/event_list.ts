/** The list of events, on the page of all and on the overview. */
import type { Context } from '../../contracts/context.ts'
import { icon, sign } from '../../html/page_parts.ts'
import { defineView, type Html } from '../../html/view.ts'
import { type Language, type Said, say } from '../../lib/say.ts'
import type { Event } from '../../models/event.ts'
import { deviceWords } from '../../people/device_words.ts'
import { placeOf } from '../../people/place.ts'
import { iconOf, isAlarming, sentenceOf } from './event_looks.ts'

const list = defineView('activity', '<ol class="activity">\n{{events}}\n</ol>', ['events'])
const row = defineView(
  'activity_event',
  '<li>{{sign}}<div><p>{{what}}</p><p class="muted small"><span class="ago">{{at}}</span>{{where}}</p></div></li>',
  ['sign', 'what', 'at', 'where'],
)
const where = defineView('activity_where', ' · {{device}} · {{place}}', ['device', 'place'])

export const eventList = async (
  context: Context,
  events: readonly Event[],
  language: Language,
): Promise<Html> =>
  list({ events: await Promise.all(events.map((event) => shown(event, context, language))) })

async function shown(event: Event, context: Context, language: Language): Promise<Html> {
  return row({
    sign: sign({ kind: isAlarming(event) ? 'sign danger' : 'sign', icon: icon(iconOf(event)) }),
    what: sentenceOf(event),
    at: say('activity.at', { at: new Date(event.at) }),
    where: await whereOf(event, context, language),
  })
}

/** Nothing for what an operator did: that was on no device of the End-User. */
async function whereOf(
  { address, user_agent: userAgent }: Event,
  context: Context,
  language: Language,
): Promise<Html[]> {
  if (address === undefined) return []
  const place = await placeOf(context, address, language)
  const from: Said =
    place === undefined ? say('sessions.where', { address }) : say('sessions.place', { place, address })
  return [where({ device: deviceWords(userAgent), place: from })]
}
