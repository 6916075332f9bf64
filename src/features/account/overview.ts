/** GET /account: the End-User who is signed in, and one line for each section of the account. */
import overviewSource from '../../../views/account_overview.html' with { type: 'text' }
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { type SignedInPerson, pageOfPerson } from '../../flow/signed_in_person.ts'
import { accountPage } from '../../flow/account_page.ts'
import { accountPath } from '../../html/account_parts.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { page } from '../../http/reply.ts'
import { defineView, type Html } from '../../html/view.ts'
import { say } from '../../lib/say.ts'
import type { User } from '../../models/user.ts'
import type { AccountSection } from '../../contracts/feature.ts'

const view = defineView('account_overview', overviewSource, ['picture', 'name', 'username', 'sections'])
const picture = defineView(
  'account_picture',
  '<img class="account_picture" src="{{url}}" alt="" width="64" height="64">',
  ['url'],
)
const section = defineView(
  'account_section',
  '<li><a href="{{path}}">{{title}}</a><span>{{summary}}</span></li>',
  ['path', 'title', 'summary'],
)

export const overview = defineEndpoint({
  name: 'account',
  path: accountPath,
  advertised: false,
  limited: true,
  page: true,
  get: pageOfPerson(accountPath, async (_call, context, person) => {
    const sections = await Promise.all(
      context.table.accountSections.map((each) => shown(each, person, context)),
    )
    const { user } = person
    const html = accountPage(context, {
      current: accountPath,
      title: say('account.title'),
      main: view({
        picture: pictureOf(user, context),
        name: foreignText(typeof user.claims.name === 'string' ? user.claims.name : user.username),
        username: foreignText(user.username),
        sections,
      }),
    })
    return page(200, html)
  }),
})

async function shown(each: AccountSection, person: SignedInPerson, context: Context): Promise<Html> {
  const summary = await each.summary?.(context, person)
  return section({ path: `${context.basePath}${each.path}`, title: say(each.title), summary: summary ?? '' })
}

/** Only a picture on this provider: another server would learn when the End-User opens the page. */
function pictureOf({ claims }: User, { config }: Context): Html | Html[] {
  const url = typeof claims.picture === 'string' ? URL.parse(claims.picture) : null
  return url && url.href.startsWith(`${config.issuer}/`) ? picture({ url: url.href }) : []
}
