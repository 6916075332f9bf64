/** /account/applications: lists what each client may do with the account, and withdraws it. OWASP ASVS 5.0 V10.7.3 */
import { ownMember } from '../../lib/own_member.ts'
import type { Context } from '../../contracts/context.ts'
import { accountForm, signedInForm } from '../../flow/account_form.ts'
import { shownAudience } from '../../flow/grant_extra.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { type SignedInPerson, pageOfPerson } from '../../flow/signed_in_person.ts'
import { accountPage } from '../../flow/account_page.ts'
import { buttonForm, entry, entryList, paragraph } from '../../html/account_parts.ts'
import { query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { clientLogo, imageSources, type ShownClient, shownName } from '../../html/client_parts.ts'
import { plainNameOf, shownClient, unnamedAt } from '../../http/client_words.ts'
import { claimDescription, scopeWords } from '../../html/consent_page.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { type AccountEvent, changeAndTell } from '../../people/tell_owner.ts'
import { defineView, type Html } from '../../html/view.ts'
import { withdrawAccess } from '../../people/withdraw_access.ts'
import { type Said, say } from '../../lib/say.ts'
import { Client } from '../../models/client.ts'
import { type Access, accessOfUser } from './access.ts'

export const accessPath = '/account/applications'

const purpose = 'applications'

const list = defineView('access_scopes', '<p>{{t access.may}}</p>\n<ul>{{items}}</ul>', ['items'])
const item = defineView('access_scope', '<li>{{text}}</li>', ['text'])

export const accessPage = defineEndpoint({
  name: 'account_applications',
  path: accessPath,
  advertised: false,
  limited: true,
  page: true,
  get: pageOfPerson(accessPath, show),
  form: signedInForm(accessPath, purpose),
  post: submit,
})

async function show(call: Call, context: Context, { user, session }: SignedInPerson): Promise<Reply> {
  const all = (await accessOfUser(context, user.sub)).map((access) => ({
    access,
    shown: shownOf(access, call, context),
  }))
  const { csrf, cookies } = accountForm(call, context, session, purpose)
  const action = `${context.basePath}${accessPath}`
  const entries = all.map(({ access, shown }) => {
    const name = shownName(shown.clientName)
    return entry({
      title: name,
      image: clientLogo(shown),
      badge: badgeOf(access),
      lines: linesOf(access),
      more: [scopesOf(access, context), ...shownAudience(access.audience)],
      action: buttonForm({
        action,
        csrf,
        name: 'withdraw',
        text: say('access.withdraw'),
        label: say('access.withdraw_named', { client: name }),
        kind: 'danger',
        fields: { client_id: access.clientId },
      }),
    })
  })
  const html = accountPage(context, {
    current: accessPath,
    title: say('access.title'),
    done: query(call, context).done === 'withdrawn' ? say('access.done') : undefined,
    main:
      entries.length > 0
        ? [paragraph({ text: say('access.lead') }), entryList({ entries })]
        : paragraph({ text: say('access.none') }),
  })
  const images = new Set(all.flatMap(({ shown }) => imageSources(shown)))
  return { ...page(200, html), cookies, imageSources: [...images] }
}

const shownOf = (
  { client }: Access,
  call: Call,
  context: Context,
): ShownClient & { clientName: string | Said } =>
  client ? shownClient(client, call, context) : { clientName: unnamedAt(undefined), unverified: true }

function badgeOf({ client }: Access): Said | undefined {
  if (!client) return say('access.gone')
  return client.self_registered ? say('access.unchecked') : undefined
}

function linesOf({ client, consent, usedAt }: Access): Said[] {
  const at = (ms: number) => ({ at: new Date(ms) })
  return [
    ...(consent ? [say('access.agreed', at(consent.granted_at * 1000))] : []),
    ...(!consent && client?.first_party ? [say('access.first_party')] : []),
    ...(usedAt === undefined ? [] : [say('access.used', at(usedAt))]),
  ]
}

function scopesOf({ scope, claims }: Access, context: Context): Html {
  // A record of an older version may have claims that no scope has; no token has them.
  const defined = new Set(Object.values(context.scopeTable).flat())
  const covered = new Set(scope.flatMap((each) => context.scopeTable[each] ?? []))
  const described = scope.map((name) => ownMember(context.scopeDescriptions, name) ?? name)
  const single = claims
    .filter((name) => defined.has(name.split('#')[0]!) && !covered.has(name))
    .map((name) => claimDescription(name))
  return list({ items: [...described.map(scopeWords), ...single].map((text) => item({ text })) })
}

async function submit(
  call: Call,
  context: Context,
  { user, fields }: SignedInPerson & Submitted,
): Promise<Reply> {
  const { client_id: clientId = '' } = fields
  // Ends only what this End-User granted. For a client without access the answer is the same.
  const client = await Client.find(context, clientId)
  const detail = client ? plainNameOf(client) : foreignText(clientId)
  const event: AccountEvent = { kind: 'access_withdrawn', detail, more: { client_id: clientId } }
  await changeAndTell(call, context, user, event, () => withdrawAccess(context, user.sub, clientId))
  return redirectWithin(`${context.basePath}${accessPath}?done=withdrawn`)
}
