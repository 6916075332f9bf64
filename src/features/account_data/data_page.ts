/** /account/data: exports everything that is kept about the End-User, and leads to the deletion of the account. OWASP ASVS 5.0 V14.2 */
import type { Context } from '../../contracts/context.ts'
import { accountForm, signedInForm } from '../../flow/account_form.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { stronglySignedIn } from '../../flow/second_factors.ts'
import { type SignedInPerson, pageOfPerson } from '../../flow/signed_in_person.ts'
import { accountPage } from '../../flow/account_page.ts'
import { buttonForm, linkTo } from '../../html/account_parts.ts'
import type { Call } from '../../contracts/call.ts'
import { exportPerson } from '../../people/person_data.ts'
import { page } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { tellOwner } from '../../people/tell_owner.ts'
import { defineView, type Html } from '../../html/view.ts'
import { say } from '../../lib/say.ts'
import { deletePath } from './delete_page.ts'
import { mayDelete, mayExport } from './settings.ts'

export const dataPath = '/account/data'

const purpose = 'data'

const exportView = defineView(
  'account_export',
  '<section><h2>{{t data.export_title}}</h2>\n<p>{{t data.export_text}}</p>\n{{form}}</section>',
  ['form'],
)
const deleteView = defineView(
  'account_delete_link',
  '<section><h2>{{t deletion.title}}</h2>\n<p>{{t deletion.short}}</p>\n{{link}}</section>',
  ['link'],
)

export const dataPage = defineEndpoint({
  name: 'account_data',
  path: dataPath,
  advertised: false,
  limited: true,
  page: true,
  get: pageOfPerson(dataPath, show),
  form: signedInForm(dataPath, purpose, stronglySignedIn),
  post: download,
})

function show(call: Call, context: Context, { session }: SignedInPerson): Reply {
  const { csrf, cookies } = accountForm(call, context, session, purpose)
  const form = buttonForm({
    action: `${context.basePath}${dataPath}`,
    csrf,
    name: 'download',
    text: say('data.download'),
  })
  const link = linkTo({ path: `${context.basePath}${deletePath}`, text: say('deletion.link') })
  const parts: Html[] = [
    ...(mayExport(context.config) ? [exportView({ form })] : []),
    ...(mayDelete(context.config) ? [deleteView({ link })] : []),
  ]
  const html = accountPage(context, { current: dataPath, title: say('data.title'), main: parts })
  return { ...page(200, html), cookies }
}

/** Needs a recent sign-in with a second factor if there is one, so that an unattended browser cannot export everything. */
async function download(call: Call, context: Context, person: SignedInPerson): Promise<Reply> {
  const { user } = person
  if (!mayExport(context.config)) return show(call, context, person)
  const body = await exportPerson(user.sub, context)
  await tellOwner(call, context, user, { kind: 'data_exported' })
  return {
    status: 200,
    body,
    headers: {
      'content-type': 'application/json',
      'content-disposition': 'attachment; filename="account-data.json"',
      'cache-control': 'no-store',
    },
  }
}
