/**
 * /create_account, the page behind the link of the mail: username and password are chosen here, after the address is
 * proven. So an attacker cannot prepare an account with a victim's address (account pre-hijacking). https://www.usenix.org/conference/usenixsecurity22/presentation/sudhodanan
 */
import { beginInteraction } from '../../flow/begin_interaction.ts'
import { HttpError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import type { OpenInteraction } from '../../flow/open_interaction.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { beginAgainPath } from '../../flow/ways_on.ts'
import { firstFactorNeeded, signIn } from '../../flow/sign_in.ts'
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
import { isUsername } from '../../lib/plain_name.ts'
import { type Said, say } from '../../lib/say.ts'
import { Interaction } from '../../models/interaction.ts'
import { Invitation } from '../../models/invitation.ts'
import { canonicalEmail, canonicalUsername, User } from '../../models/user.ts'
import { messageView } from './register.ts'
import { createAccountPath } from './requests.ts'
import { settings } from './settings.ts'
import { normalize } from '../../lib/normalize.ts'

const view = defineView(
  'create_account',
  '<h1>{{t new_account.create_title}}</h1>\n<p class="muted">{{t new_account.create_lead}}</p>\n<form method="post" action="{{action}}">{{hidden}}{{fields}}<div class="actions"><button class="primary" type="submit" name="create" value="create">{{t new_account.create}}</button></div></form>',
  ['email', 'action', 'hidden', 'fields'],
)

/** Per network address: a link lets its holder test usernames, and hashing a password is expensive. */
const tries = { most: 60, window: 600 }

export const create = defineEndpoint({
  name: 'create_account',
  path: createAccountPath,
  advertised: false,
  limited: true,
  page: true,
  async get(call, context) {
    await countTries(call, context)
    const { token = '' } = query(call, context)
    const invitation = await usableInvitation(context, token)
    if (!invitation) return invalidLink(context)
    return show(call, context, 200, { invitation, token, username: invitation.email })
  },
  async form(call, context) {
    requireOwnBrowser(call, context)
    await countTries(call, context)
    const fields = await form(call, context)
    const invitation = await usableInvitation(context, fields.token ?? '')
    if (!invitation) return { reply: invalidLink(context) }
    requireOwnForm(call, context, fields.csrf_token, purposeOf(invitation))
    return { fields, invitation }
  },
  post: submit,
})

const countTries = (call: Call, context: Context): Promise<void> =>
  countAddress(context, 'create_account', call.address, tries.most, tries.window)

/** The invitation, when registration still allows it and the address has no account yet. */
async function usableInvitation(context: Context, token: string): Promise<Invitation | undefined> {
  const invitation = await Invitation.ofToken(context, token)
  if (!invitation) return undefined
  if (!invitation.invited && settings(context).accountRegistration !== 'open') return undefined
  return (await User.findByAddress(context, invitation.email)) ? undefined : invitation
}

const invalidLink = (context: Context): Reply => {
  const title = say('new_account.create_title')
  const more = { path: `${context.basePath}/login`, label: say('new_account.back'), more: [] }
  const why = say('new_account.gone')
  return { ...page(400, document(title, messageView({ title, text: why, ...more }))), why }
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
  const showAgain = (status: number, problems: Shown['problems'] & object) =>
    show(call, context, status, { invitation, token, username: foreignText(typed, 254), problems })
  const problems = {
    username: await nameProblem(context, username, invitation),
    password: await newPasswordProblem(context, password, wordsAbout({ username, claims })),
    repeat: password === repeat ? undefined : say('password.differs'),
  }
  if (Object.values(problems).some((problem) => problem !== undefined)) return showAgain(400, problems)
  const password_hash = await context.signInQueue.run(() => hashPassword(password))
  // After all checks, so that a refused username or password does not use the link up.
  const made = { sub: context.random(15), username: canonicalUsername(username) }
  const sub = await Invitation.claim(context, invitation.id, made)
  if (sub === undefined) return invalidLink(context)
  const now = seconds(context.clock)
  const user: User = {
    sub,
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
    // The account is complete, by a concurrent request or by one that stopped halfway.
    if (await User.findByAddress(context, invitation.email)) {
      await Invitation.spend(context, invitation.id)
      return invalidLink(context)
    }
    await Invitation.release(context, invitation.id)
    return showAgain(409, { username: say('new_account.username_taken') })
  }
  await Invitation.spend(context, invitation.id) // last: the link of a request that stopped halfway still works
  await noteEvent(call, context, user.sub, {
    kind: 'account_created',
    more: { invited: invitation.invited },
  })
  const { open, cookies } = await nextInteraction(call, context, invitation)
  const reply = await signIn(call, context, firstFactorNeeded(open), { user, amr: ['pwd'] })
  return { ...reply, cookies: [...cookies, ...(reply.cookies ?? [])] }
}

/**
 * A username with `@` must be the proven address itself. Otherwise an attacker could take a victim's address as username,
 * and sign-ins with that address would reach the attacker's account.
 */
async function nameProblem(
  context: Context,
  username: string,
  { email, making }: Invitation,
): Promise<Said | undefined> {
  const isOwn = canonicalEmail(username) === canonicalEmail(email)
  if (!isOwn && canonicalUsername(username).includes('@')) return say('new_account.username_address')
  if (!isOwn && !isUsername(username)) return say('new_account.username_word')
  // The name may be held by the account that a request which stopped halfway began to create.
  const free = await User.areNamesFree(context, { sub: making?.sub ?? '', username, claims: {} })
  return free ? undefined : say('new_account.username_taken')
}

/** The interaction to continue: the original one in the browser that began it, else a new one to the application or the account. */
async function nextInteraction(
  call: Call,
  context: Context,
  { interaction: handle }: Invitation,
): Promise<{ open: OpenInteraction; cookies: string[] }> {
  const { browser, cookies } = ensureBrowser(call, context)
  const begun = handle === undefined ? undefined : await Interaction.find(context, handle, browser)
  if (handle !== undefined && begun) return { open: { handle, interaction: begun }, cookies }
  const return_to = (await beginAgainPath(context, handle)) ?? `${context.basePath}/account`
  const fresh = await beginInteraction(call, context, browser, { return_to })
  const interaction = await Interaction.find(context, fresh, browser)
  if (!interaction)
    throw new HttpError('server_error', {
      expected: 'the interaction that has just begun',
      problem: 'the new interaction was not found in the store',
    })
  return { open: { handle: fresh, interaction }, cookies }
}
