/** /account/activity: lists the events of the account, newest first. OWASP ASVS 5.0 V16.3 */
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { pageOfPerson } from '../../flow/signed_in_person.ts'
import { accountPage } from '../../flow/account_page.ts'
import { paragraph } from '../../html/account_parts.ts'
import { languageOf } from '../../http/language.ts'
import { page } from '../../http/reply.ts'
import { say } from '../../lib/say.ts'
import { Event } from '../../models/event.ts'
import { eventList } from './event_list.ts'

export const activityPath = '/account/activity'

const shownEvents = 100

export const activity = defineEndpoint({
  name: 'account_activity',
  path: activityPath,
  advertised: false,
  limited: true,
  page: true,
  get: pageOfPerson(activityPath, async (call, context, person) => {
    const events = await Event.listOfUser(context, person.user.sub, shownEvents)
    const html = accountPage(context, {
      current: activityPath,
      title: say('activity.title'),
      main:
        events.length > 0
          ? await eventList(context, events, languageOf(call, context))
          : paragraph({ text: say('activity.none') }),
    })
    return page(200, html)
  }),
})
