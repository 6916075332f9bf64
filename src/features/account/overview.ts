/** GET /account: the End-User who is signed in, what needs attention, the state of the account, and what happened last. */
import attentionSource from '../../../views/account_attention.html' with { type: 'text' }
import overviewSource from '../../../views/account_overview.html' with { type: 'text' }
import recentSource from '../../../views/account_recent.html' with { type: 'text' }
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import type { AccountSection, Attention } from '../../contracts/feature.ts'
import { type SignedInPerson, pageOfPerson } from '../../flow/signed_in_person.ts'
import { accountPage } from '../../flow/account_page.ts'
import { accountPath } from '../../html/account_parts.ts'
import { avatar } from '../../html/avatar.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { icon, done as nothingToDo } from '../../html/page_parts.ts'
import { defineView, type Html } from '../../html/view.ts'
import { languageOf } from '../../http/language.ts'
import { page } from '../../http/reply.ts'
import { say } from '../../lib/say.ts'
import { Event } from '../../models/event.ts'
import { shownPerson } from '../../people/shown_person.ts'
import { activityPath } from './activity.ts'
import { eventList } from './event_list.ts'

const view = defineView('account_overview', overviewSource, [
  'picture',
  'name',
  'username',
  'attention',
  'sections',
  'recent',
])
const picture = defineView(
  'account_picture',
  '<img class="account_picture" src="{{url}}" alt="" width="64" height="64">',
  ['url'],
)
const attentionList = defineView('account_attention', attentionSource, ['items'])
const attentionItem = defineView(
  'account_attention_item',
  '<li class="{{kind}}"><p>{{text}}</p><p><a href="{{path}}">{{action}}</a></p>{{icon}}</li>',
  ['kind', 'text', 'path', 'action', 'icon'],
)
const section = defineView(
  'account_section',
  '<li><a href="{{path}}">{{icon}}<span>{{title}}</span></a><p>{{summary}}</p></li>',
  ['path', 'icon', 'title', 'summary'],
)
const recent = defineView('account_recent', recentSource, ['events', 'path'])

const shownEvents = 3

export const overview = defineEndpoint({
  name: 'account',
  path: accountPath,
  advertised: false,
  limited: true,
  page: true,
  get: pageOfPerson(accountPath, async (call, context, person) => {
    const { accountSections } = context.table
    const [sections, attention, events] = await Promise.all([
      Promise.all(accountSections.map((each) => shown(each, person, context))),
      attentionOf(accountSections, person, context),
      Event.listOfUser(context, person.user.sub, shownEvents),
    ])
    const about = shownPerson(person.user, context)
    const html = accountPage(context, {
      current: accountPath,
      title: say('account.title'),
      main: view({
        picture: about.picture === undefined ? avatar(about) : picture({ url: about.picture }),
        name: about.name || foreignText(about.username),
        username: foreignText(about.username),
        attention,
        sections: sections.flat(),
        recent:
          events.length > 0
            ? recent({
                events: await eventList(context, events, languageOf(call, context)),
                path: `${context.basePath}${activityPath}`,
              })
            : [],
      }),
    })
    return page(200, html)
  }),
})

async function shown(each: AccountSection, person: SignedInPerson, context: Context): Promise<Html[]> {
  const summary = await each.summary?.(context, person)
  const path = `${context.basePath}${each.path}`
  return summary === undefined
    ? []
    : [section({ path, icon: icon(each.icon), title: say(each.title), summary })]
}

/** Warnings before advice; within each, in the order of the sections. */
async function attentionOf(
  sections: readonly AccountSection[],
  person: SignedInPerson,
  context: Context,
): Promise<Html> {
  const found = await Promise.all(
    sections.map(async (each) =>
      ((await each.attention?.(context, person)) ?? []).map((what) => ({ path: each.path, ...what })),
    ),
  )
  const isWarning = ({ kind }: Attention) => (kind === 'warning' ? 0 : 1)
  const items = found.flat().sort((a, b) => isWarning(a) - isWarning(b))
  if (items.length === 0) return nothingToDo({ text: say('account.all_well') })
  return attentionList({
    items: items.map(({ kind, text, action, path }) =>
      attentionItem({
        kind: kind === 'warning' ? 'alert' : 'warning',
        text,
        action,
        path: `${context.basePath}${path}`,
        icon: icon('triangle-alert'),
      }),
    ),
  })
}
