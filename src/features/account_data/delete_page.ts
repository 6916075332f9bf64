/** /account/data/delete: deletes the account after its username was typed. /account/deleted: confirms the request. OWASP ASVS 5.0 V7.4.2 */
import deleteSource from '../../../views/account_delete.html' with { type: 'text' }
import type { Context } from '../../contracts/context.ts'
import { accountForm, signedInForm } from '../../flow/account_form.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { stronglySignedIn } from '../../flow/second_factors.ts'
import { type SignedInPerson, pageOfPerson } from '../../flow/signed_in_person.ts'
import { accountPage } from '../../flow/account_page.ts'
import type { Call } from '../../contracts/call.ts'
import { page as document } from '../../html/document.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { withoutSession } from '../../http/session.ts'
import { tellAndChange } from '../../people/tell_owner.ts'
import { defineView } from '../../html/view.ts'
import { type Said, say } from '../../lib/say.ts'
import { canonicalUsername } from '../../models/user.ts'
import { requestDeletion } from './deletion.ts'
import { settings } from './settings.ts'

export const deletePath = '/account/data/delete'
const deletedPath = '/account/deleted'

const purpose = 'delete'

const view = defineView('account_delete', deleteSource, [
  'grace',
  'action',
  'csrf',
  'username',
  'typed',
  'invalid',
  'describedBy',
  'problem',
])
const problemBeside = defineView(
  'account_delete_problem',
  '<p class="field_problem" id="problem">{{text}}</p>',
  ['text'],
)
const deletedView = defineView(
  'account_deleted',
  '<h1>{{t deletion.asked_title}}</h1>\n<p>{{t deletion.asked}}</p>\n<p>{{grace}}</p>',
  ['grace'],
)

const day = 86_400

/** How long the End-User can still keep the account. */
const graceWords = (context: Context): Said => {
  const { accountDeletionGrace: grace } = settings(context.config)
  return grace >= day ? say('deletion.grace', { n: Math.floor(grace / day) }) : say('deletion.no_grace')
}

export const deletePage = defineEndpoint({
  name: 'account_delete',
  path: deletePath,
  advertised: false,
  limited: true,
  page: true,
  get: pageOfPerson(deletePath, (call, context, person) => show(call, context, person, ''), stronglySignedIn),
  form: signedInForm(deletePath, purpose, stronglySignedIn),
  post: submit,
})

function show(
  call: Call,
  context: Context,
  { user, session }: SignedInPerson,
  typed: string,
  problem?: Said,
): Reply {
  const { csrf, cookies } = accountForm(call, context, session, purpose)
  const html = accountPage(context, {
    current: '/account/data',
    title: say('deletion.title'),
    main: view({
      grace: graceWords(context),
      action: `${context.basePath}${deletePath}`,
      csrf,
      username: foreignText(user.username),
      typed,
      invalid: problem ? 'true' : 'false',
      describedBy: problem ? 'problem' : '',
      problem: problem ? problemBeside({ text: problem }) : [],
    }),
  })
  return { ...page(problem ? 400 : 200, html), cookies }
}

async function submit(call: Call, context: Context, person: SignedInPerson & Submitted): Promise<Reply> {
  const { user } = person
  const { confirmation = '' } = person.fields
  if (canonicalUsername(confirmation) !== canonicalUsername(user.username))
    return show(call, context, person, confirmation, say('deletion.other_name'))
  await tellAndChange(call, context, user, { kind: 'deletion_asked' }, () =>
    requestDeletion(context, user.sub),
  )
  return withoutSession(redirectWithin(`${context.basePath}${deletedPath}`), context)
}

export const deletedPage = defineEndpoint({
  name: 'account_deleted',
  path: deletedPath,
  advertised: false,
  limited: true,
  page: true,
  get(_call, context) {
    const html = document(say('deletion.asked_title'), deletedView({ grace: graceWords(context) }))
    return page(200, html)
  },
})
