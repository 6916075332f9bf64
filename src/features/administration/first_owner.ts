/** The one-time link by which the first owner is made: a start without an owner writes it to the log, and the first person who accepts it becomes the owner. docs/administration.md */
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Job } from '../../contracts/feature.ts'
import type { Reply } from '../../contracts/reply.ts'
import { accountForm, signedInForm } from '../../flow/account_form.ts'
import type { SignedInPerson } from '../../flow/signed_in_person.ts'
import { buttonForm, paragraph } from '../../html/account_parts.ts'
import { page as document } from '../../html/document.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { defineView, type Html } from '../../html/view.ts'
import { query } from '../../http/call.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import { say } from '../../lib/say.ts'
import { Administrators } from '../../models/administrators.ts'
import { OneTime } from '../../models/one_time.ts'
import { becomeFirstOwner } from '../../people/administrator_account.ts'
import { administrationExists } from './existence.ts'
import { personOfPage, signOutPath } from './pages/way_to_issuer.ts'
import { adminBases } from './settings.ts'

const path = '/admin/first_owner'
const purpose = 'first_owner'
/** Seconds. */
const lifetime = 3_600

const withToken = (token: string): string => `${path}?token=${encodeURIComponent(token)}`

const isOpen = async (context: Context, token: string): Promise<boolean> =>
  (await OneTime.peek(context, purpose, token)) !== undefined && !(await Administrators.hasOwner(context))

/** Whether a path and query are those of a link that is good: its page takes a person without a role. */
export async function opensFirstOwner(context: Context, page: string): Promise<boolean> {
  const [opened, search] = page.split('?')
  return opened === path && isOpen(context, new URLSearchParams(search).get('token') ?? '')
}

const parts = defineView('first_owner', '<h1>{{title}}</h1>\n{{content}}', ['title', 'content'])

const shown = (
  title: Parameters<typeof document>[0],
  content: Html | Html[],
  signedIn: false | { signOut: string },
): Html => document(title, parts({ title, content }), { signedIn, again: false })

function gone(): Reply {
  const title = say('first_owner.gone_title')
  return {
    ...page(400, shown(title, paragraph({ text: say('first_owner.gone') }), false)),
    why: title,
  }
}

async function show(call: Call, context: Context): Promise<Reply> {
  const { token = '' } = query(call, context)
  if (!(await isOpen(context, token))) return gone()
  const person = await personOfPage(call, context, withToken(token))
  if ('reply' in person) return person.reply
  const { csrf, cookies } = accountForm(call, context, person.session, purpose)
  const content = [
    paragraph({ text: say('first_owner.text', { username: foreignText(person.user.username) }) }),
    buttonForm({
      action: `${context.basePath}${path}`,
      csrf,
      name: 'claim',
      text: say('first_owner.submit'),
      kind: 'primary',
      fields: { token },
    }),
  ]
  return { ...page(200, shown(say('first_owner.title'), content, { signOut: signOutPath(call) })), cookies }
}

/** Of all who send it, `take` gives the link to one, and one compare-and-swap makes one owner, whatever links there are. */
async function submit(call: Call, context: Context, person: SignedInPerson & Submitted): Promise<Reply> {
  const { token = '' } = person.fields
  if (!(await isOpen(context, token))) return gone()
  if ((await OneTime.take(context, purpose, token)) === undefined) return gone()
  if (!(await becomeFirstOwner(context, { call, sub: person.user.sub, role: 'owner' }, person.user)))
    return gone()
  return redirectWithin(`${context.basePath}/admin`)
}

export const firstOwnerPage = defineEndpoint({
  name: 'admin_first_owner',
  path,
  exists: administrationExists,
  advertised: false,
  limited: true,
  page: true,
  repetition: 'refused',
  get: show,
  form: signedInForm(({ token = '' }) => withToken(token), purpose, personOfPage),
  post: submit,
})

/** Where the pages are: on ADMIN_HOST, if there is one. */
const baseOf = ({ config }: Context): string => adminBases(config)[0] ?? config.issuer

/** `serve` runs it at each start. */
export const firstOwnerJob: Job = {
  name: purpose,
  every: 86_400,
  async run(context) {
    if (await Administrators.hasOwner(context)) return
    const token = await OneTime.issue(context, context.random, purpose, {}, lifetime)
    const link = `${baseOf(context)}${withToken(token)}`
    const level = context.config.environment === 'production' ? 'warn' : 'info'
    context.log[level]('no_owner', {
      link,
      minutes: lifetime / 60,
      hint: 'a person with an account opens the link and becomes the first owner; or latchkey admin grant NAME',
    })
  },
}
