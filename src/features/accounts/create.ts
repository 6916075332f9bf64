/**
 * /create_account, where the link of a mail leads: the name and the password are chosen here and not before, so that
 * nobody can prepare an account for an address that is another's. https://www.usenix.org/conference/usenixsecurity22/presentation/sudhodanan
 */
import { HttpError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import type { Going } from '../../flow/asked.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { ownPage } from '../../openapi/parts.ts'
import { signIn } from '../../flow/sign_in.ts'
import { form, query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { csrfToken, ensureBrowser, requireOwnBrowser, requireOwnForm } from '../../http/csrf.ts'
import { page as document } from '../../html/document.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { formField, newPasswordFields } from '../../html/form_field.ts'
import { languageOf } from '../../http/language.ts'
import { newPasswordProblem, wordsAbout } from '../../people/new_password.ts'
import { hiddenField } from '../../html/page_parts.ts'
import { hashPassword } from '../../people/password.ts'
import { countAddress } from '../../people/rate_limit.ts'
import { page } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { noteEvent } from '../../people/tell_owner.ts'
import { defineView } from '../../html/view.ts'
import { seconds } from '../../lib/clock.ts'
import { isPlainName } from '../../lib/plain_name.ts'
import { type Said, say } from '../../lib/say.ts'
import { Interaction } from '../../models/interaction.ts'
import { Invitation } from '../../models/invitation.ts'
import { canonicalEmail, canonicalUsername, User } from '../../models/user.ts'
import { plainEnd } from './register.ts'
import { createAccountPath } from './requests.ts'
import { settings } from './settings.ts'
import { normalize } from '../../lib/normalize.ts'

const view = defineView(
  'create_account',
  '<h1>{{t new_account.create_title}}</h1>\n<p class="muted">{{t new_account.create_lead}}</p>\n<form method="post" action="{{action}}">{{hidden}}{{fields}}<div class="actions"><button class="primary" type="submit" name="create" value="create">{{t new_account.create}}</button></div></form>',
  ['email', 'action', 'hidden', 'fields'],
)

/** By address; a link cannot be guessed, but with one names can be tried, and hashing costs. */
const tries = { most: 60, window: 600 }

export const create = defineEndpoint({
  name: 'create_account',
  path: createAccountPath,
  advertised: false,
  limited: true,
  page: true,
  api: ownPage('Make an account with a link from a mail'),
  async get(call, context) {
    await countTries(call, context)
    const { token = '' } = query(call, context)
    const invitation = await goodOne(context, token)
    if (!invitation) return gone(context)
    return show(call, context, 200, { invitation, token, username: invitation.email })
  },
  async form(call, context) {
    requireOwnBrowser(call, context)
    await countTries(call, context)
    const fields = await form(call, context)
    const invitation = await goodOne(context, fields.token ?? '')
    if (!invitation) return { reply: gone(context) }
    requireOwnForm(call, context, fields.csrf_token, purposeOf(invitation))
    return { fields, invitation }
  },
  post: submit,
})

const countTries = (call: Call, context: Context): Promise<void> =>
  countAddress(context, 'create_account', call.address, tries.most, tries.window)

/** Undefined when registration is no longer what the link was for, or the address has an account by now. */
async function goodOne(context: Context, token: string): Promise<Invitation | undefined> {
  const invitation = await Invitation.ofToken(context, token)
  if (!invitation) return undefined
  if (!invitation.invited && settings(context).accountRegistration !== 'open') return undefined
  return (await User.findByAddress(context, invitation.email)) ? undefined : invitation
}

const gone = (context: Context): Reply => {
  const title = say('new_account.create_title')
  const more = { path: `${context.basePath}/login`, label: say('new_account.back'), more: [] }
  return page(400, document(title, plainEnd({ title, text: say('new_account.gone'), ...more })))
}

interface Shown {
  invitation: Invitation
  token: string
  username: string
  problems?: { username?: Said | undefined; password?: Said | undefined; repeat?: Said | undefined }
}

const purposeOf = ({ id }: Invitation): string => `create_account ${id}`

function show(
  call: Call,
  context: Context,
  status: number,
  { invitation, token, username, problems = {} }: Shown,
): Reply {
  const { browser, cookies } = ensureBrowser(call, context)
  const html = view({
    email: foreignText(invitation.email),
    action: `${context.basePath}${createAccountPath}`,
    hidden: [
      hiddenField({ name: 'csrf_token', value: csrfToken(context, browser, purposeOf(invitation)) }),
      hiddenField({ name: 'token', value: token }),
    ],
    fields: [
      formField({
        name: 'username',
        label: say('new_account.username'),
        value: username,
        autocomplete: 'username',
        required: true,
        problem: problems.username,
        hint: say('new_account.username_hint'),
      }),
      ...newPasswordFields(problems),
    ],
  })
  return { ...page(status, document(say('new_account.create_title'), html)), cookies }
}

async function submit(
  call: Call,
  context: Context,
  { fields, invitation }: Submitted & { invitation: Invitation },
): Promise<Reply> {
  const { token = '', username: typed = '', password = '', repeat = '' } = fields
  const username = normalize(typed, 'NFC').trim()
  const claims = { email: invitation.email, email_verified: true }
  const again = (status: number, problems: Shown['problems'] & object) =>
    show(call, context, status, { invitation, token, username: foreignText(typed, 254), problems })
  const problems = {
    username: await nameProblem(context, username, invitation),
    password: await newPasswordProblem(context, password, wordsAbout({ username, claims })),
    repeat: password === repeat ? undefined : say('password.differs'),
  }
  if (Object.values(problems).some((problem) => problem !== undefined)) return again(400, problems)
  const password_hash = await context.signInQueue.run(() => hashPassword(password))
  // Spent last: what is wrong with a name must not cost another mail.
  if (!(await Invitation.spend(context, invitation.id))) return gone(context)
  const now = seconds(context.clock)
  const user: User = {
    sub: context.random(15),
    username,
    password_hash,
    disabled: false,
    claims,
    attributes: invitation.attributes,
    roles: invitation.roles,
    language: languageOf(call, context),
    created_at: now,
    updated_at: now,
  }
  if (!(await User.create(context, user))) {
    await Invitation.restore(context, invitation)
    return again(409, { username: say('new_account.username_taken') })
  }
  await noteEvent(call, context, user.sub, { kind: 'account_created' })
  context.log.info('account_created', { sub: user.sub, invited: invitation.invited, address: call.address })
  const { going, cookies } = await wayOn(call, context, invitation)
  const reply = await signIn(call, context, going, { user, amr: ['pwd'] })
  return { ...reply, cookies: [...cookies, ...(reply.cookies ?? [])] }
}

/**
 * Names are also what people type to sign in, so one that looks like an address is its owner's alone: otherwise whoever
 * took it first would receive what its owner types.
 */
async function nameProblem(
  context: Context,
  username: string,
  { email }: Invitation,
): Promise<Said | undefined> {
  const own =
    canonicalUsername(username) === canonicalUsername(email) ||
    canonicalEmail(username) === canonicalEmail(email)
  if (!own && (!isPlainName(username) || canonicalUsername(username) === ''))
    return say('new_account.username_odd')
  if (!own && canonicalUsername(username).includes('@')) return say('new_account.username_address')
  return (await User.findByUsername(context, username)) ? say('new_account.username_taken') : undefined
}

/** On with what the person came for, in the browser it began in; any other browser lands on the account page. */
async function wayOn(
  call: Call,
  context: Context,
  { interaction: handle }: Invitation,
): Promise<{ going: Going; cookies: string[] }> {
  const { browser, cookies } = ensureBrowser(call, context)
  const begun = handle === undefined ? undefined : await Interaction.find(context, handle, browser)
  if (handle !== undefined && begun) return { going: { handle, interaction: begun }, cookies }
  const { random, config, basePath } = context
  const fresh = await Interaction.begin(
    context,
    random,
    browser,
    { return_to: `${basePath}/account` },
    config.interactionTtl,
  )
  const interaction = await Interaction.find(context, fresh, browser)
  if (!interaction)
    throw new HttpError('server_error', {
      expected: 'the interaction that has just begun',
      problem: 'an interaction was gone as soon as it had begun',
    })
  return { going: { handle: fresh, interaction }, cookies }
}
