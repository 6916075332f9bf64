/** /account/activity: lists the events of the account, newest first. OWASP ASVS 5.0 V16.3 */
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { pageOfPerson } from '../../flow/signed_in_person.ts'
import { accountPage } from '../../flow/account_page.ts'
import { paragraph } from '../../html/account_parts.ts'
import { deviceWords } from '../../people/device_words.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { languageOf } from '../../http/language.ts'
import { placeOf } from '../../people/place.ts'
import { page } from '../../http/reply.ts'
import { defineView, type Html } from '../../html/view.ts'
import { isMessageKey } from '../../html/words.ts'
import { type Language, type Said, say } from '../../lib/say.ts'
import { Event } from '../../models/event.ts'

export const activityPath = '/account/activity'

const shownEvents = 100

const list = defineView('activity', '<ol class="activity">\n{{events}}\n</ol>', ['events'])
const row = defineView('activity_event', '<li><p>{{what}}</p><p class="muted small">{{where}}</p></li>', [
  'what',
  'where',
])

export const activity = defineEndpoint({
  name: 'account_activity',
  path: activityPath,
  advertised: false,
  limited: true,
  page: true,
  get: pageOfPerson(activityPath, async (call, context, person) => {
    const events = await Event.listOfUser(context, person.user.sub, shownEvents)
    const language = languageOf(call, context)
    const rows = await Promise.all(events.map((event) => shown(event, context, language)))
    const html = accountPage(context, {
      current: activityPath,
      title: say('activity.title'),
      main: rows.length > 0 ? list({ events: rows }) : paragraph({ text: say('activity.none') }),
    })
    return page(200, html)
  }),
})

/** An event kind of another version has no sentence here, so its name is shown. */
function sentenceOf({ kind, detail = '' }: Event): Said {
  const key = `event.${kind}`
  return isMessageKey(key) ? say(key, { detail: foreignText(detail) }) : say('activity.unknown', { kind })
}

async function shown(event: Event, context: Context, language: Language): Promise<Html> {
  const place = await placeOf(context, event.address, language)
  const values = {
    at: new Date(event.at),
    device: deviceWords(event.user_agent),
    address: event.address ?? '',
    place: place ?? '',
  }
  return row({
    what: sentenceOf(event),
    where: say(place === undefined ? 'activity.from' : 'activity.from_place', values),
  })
}
