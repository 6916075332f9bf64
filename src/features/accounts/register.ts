/** /register_account: asks for an address. Answer and time are the same whether or not it has an account. OWASP ASVS 5.0 V6.3.8 */
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { csrfToken, ensureBrowser, ownForm } from '../../http/csrf.ts'
import { page as document } from '../../html/document.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { formField } from '../../html/form_field.ts'
import { languageOf } from '../../http/language.ts'
import { hiddenField } from '../../html/page_parts.ts'
import { countAddress } from '../../people/rate_limit.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { defineView, type Html } from '../../html/view.ts'
import { readMailAddress } from '../../lib/mail_address.ts'
import { type Said, say } from '../../lib/say.ts'
import { canonicalEmail } from '../../models/user.ts'
import { isHandle } from '../../models/interaction.ts'
import { jobName, requests } from './requests.ts'
import { domainMayRegister, settings } from './settings.ts'

export const registerPath = '/register_account'
const purpose = 'register_account'

const view = defineView(
  'register_account',
  '<h1>{{t new_account.title}}</h1>\n<p class="muted">{{t new_account.lead}}</p>\n<form method="post" action="{{action}}">{{hidden}}{{field}}<div class="actions"><button class="primary" type="submit" name="register" value="register">{{t new_account.submit}}</button></div></form>\n<p><a href="{{back}}">{{t new_account.back}}</a></p>',
  ['action', 'hidden', 'field', 'back'],
)
/** A message with one link. */
export const messageView = defineView(
  'new_account_end',
  '<h1>{{title}}</h1>\n<p>{{text}}</p>{{more}}\n<p><a href="{{path}}">{{label}}</a></p>',
  ['title', 'text', 'more', 'path', 'label'],
)
const second = defineView('new_account_more', '\n<p class="muted">{{text}}</p>', ['text'])

export const register = defineEndpoint({
  name: 'register_account',
  path: registerPath,
  advertised: false,
  limited: true,
  page: true,
  get(call, context) {
    if (settings(context).accountRegistration !== 'open') return byInvitation(context)
    const { done, interaction } = query(call, context)
    if (done === undefined) return show(call, context, 200, { interaction })
    return messagePage(context, 200, say('new_account.sent_title'), say('new_account.sent'), {
      interaction,
      more: second({ text: say('new_account.nothing_came') }),
    })
  },
  form: ownForm(purpose),
  post: ask,
})

/** A value that is not shaped like a handle is ignored. */
const handleIn = (interaction: string | undefined): string | undefined =>
  isHandle(interaction) ? interaction : undefined
const backTo = (context: Context, interaction: string | undefined): string => {
  const handle = handleIn(interaction)
  return `${context.basePath}/login${handle === undefined ? '' : `?interaction=${handle}`}`
}

function messagePage(
  context: Context,
  status: number,
  title: Said,
  text: Said,
  { interaction, more = [] }: { interaction?: string | undefined; more?: Html | Html[] } = {},
): Reply {
  const html = messageView({
    title,
    text,
    more,
    path: backTo(context, interaction),
    label: say('new_account.back'),
  })
  return page(status, document(title, html))
}

const byInvitation = (context: Context): Reply =>
  messagePage(context, 403, say('new_account.title'), say('new_account.by_invitation'))

function show(
  call: Call,
  context: Context,
  status: number,
  given: { interaction: string | undefined; email?: string; problem?: Said },
): Reply {
  const { browser, cookies } = ensureBrowser(call, context)
  const html = view({
    action: `${context.basePath}${registerPath}`,
    hidden: [
      hiddenField({ name: 'csrf_token', value: csrfToken(context, browser, purpose) }),
      hiddenField({ name: 'interaction', value: handleIn(given.interaction) ?? '' }),
    ],
    field: formField({
      name: 'email',
      label: say('new_account.email'),
      type: 'email',
      value: given.email,
      autocomplete: 'email',
      maxLength: 254,
      required: true,
      problem: given.problem,
    }),
    back: backTo(context, given.interaction),
  })
  return { ...page(status, document(say('new_account.title'), html)), cookies }
}

/** Characters of the typed address that are shown again. */
const longestShown = 254

async function ask(call: Call, context: Context, { fields }: Submitted): Promise<Reply> {
  if (settings(context).accountRegistration !== 'open') return byInvitation(context)
  const { email: typed = '', interaction } = fields
  const { signInAttemptsPerAddress, signInWindow } = context.config
  await countAddress(context, 'account_registration', call.address, signInAttemptsPerAddress, signInWindow)
  const email = readMailAddress(typed)
  const showAgain = (problem: Said) =>
    show(call, context, 400, { interaction, email: foreignText(typed, longestShown), problem })
  if (email === undefined) return showAgain(say('email.problem'))
  if (!domainMayRegister(context, canonicalEmail(email))) return showAgain(say('new_account.domain'))
  const handle = handleIn(interaction)
  await requests.add(context, context.random, context.secrets.people, {
    email,
    language: languageOf(call, context),
    address: call.address,
    ...(handle !== undefined && { interaction: handle }),
  })
  context.soon(jobName)
  const onward = handle === undefined ? '' : `&interaction=${handle}`
  return redirectWithin(`${context.basePath}${registerPath}?done=sent${onward}`)
}
