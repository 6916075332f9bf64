/** /account/email: shows the address of the account and whether it is proven, and changes it. */
import { ownMember } from '../../lib/own_member.ts'
import emailSource from '../../../views/account_email.html' with { type: 'text' }
import { RefusedError } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import { accountForm, signedInForm } from '../../flow/account_form.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { stronglySignedIn } from '../../flow/second_factors.ts'
import { type SignedInPerson, pageOfPerson } from '../../flow/signed_in_person.ts'
import { accountPage } from '../../flow/account_page.ts'
import { buttonForm, paragraph } from '../../html/account_parts.ts'
import { logRefusal } from '../../http/error_reply.ts'
import { query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { fieldProblem } from '../../html/page_parts.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { tellOwner } from '../../people/tell_owner.ts'
import { sendVerification, withdrawVerification } from '../../people/verification.ts'
import { defineView } from '../../html/view.ts'
import { readMailAddress } from '../../lib/mail_address.ts'
import { type MessageKey, say, type Said } from '../../lib/say.ts'
import { PendingEmail } from '../../models/pending_email.ts'
import { canonicalEmail, provenEmail, type User } from '../../models/user.ts'

export const emailPath = '/account/email'
const purpose = 'email'

const view = defineView('account_email', emailSource, [
  'now',
  'resend',
  'pending',
  'action',
  'csrf',
  'email',
  'invalid',
  'describedBy',
  'problem',
])

const done: Readonly<Record<string, MessageKey>> = {
  sent: 'email.done_sent',
  withdrawn: 'email.done_withdrawn',
  confirmed: 'email.done_confirmed',
}

export const account = defineEndpoint({
  name: 'account_email',
  path: emailPath,
  advertised: false,
  limited: true,
  page: true,
  get: pageOfPerson(emailPath, (call, context, person) => show(call, context, person, 200)),
  form: signedInForm(emailPath, purpose),
  post: change,
})

/** The email claim. An operator may have set it to any value, so only a string counts. */
const addressOf = ({ claims }: User): string | undefined =>
  typeof claims.email === 'string' ? claims.email : undefined

async function show(
  call: Call,
  context: Context,
  person: SignedInPerson,
  status: number,
  { typed = '', problem }: { typed?: string; problem?: Said } = {},
): Promise<Reply> {
  const { user, session } = person
  const { csrf, cookies } = accountForm(call, context, session, purpose)
  const pending = await PendingEmail.find(context, user.sub)
  const action = `${context.basePath}${emailPath}`
  const email = addressOf(user)
  const proven = provenEmail(user) !== undefined
  const text = foreignText(email ?? '')
  const word = ownMember(done, query(call, context).done ?? '')
  const main = view({
    now: say(email === undefined ? 'email.none' : proven ? 'email.summary' : 'email.summary_unverified', {
      email: text,
    }),
    resend:
      email === undefined || proven
        ? []
        : buttonForm({ action, csrf, name: 'resend', text: say('email.resend') }),
    pending: pending
      ? [
          paragraph({ text: say('email.pending', { email: foreignText(pending.address) }) }),
          buttonForm({ action, csrf, name: 'withdraw', text: say('email.withdraw') }),
        ]
      : [],
    action,
    csrf,
    email: typed,
    invalid: problem ? 'true' : 'false',
    describedBy: problem ? 'email_problem email_hint' : 'email_hint',
    problem: problem ? fieldProblem({ id: 'email_problem', text: problem }) : [],
  })
  const html = accountPage(context, {
    current: emailPath,
    title: say('email.title'),
    main,
    done: word && say(word),
  })
  return { ...page(status, html), cookies }
}

async function change(call: Call, context: Context, person: SignedInPerson & Submitted): Promise<Reply> {
  const { fields } = person
  if (fields.withdraw !== undefined) {
    await withdrawVerification(context, person.user.sub)
    return redirectWithin(`${context.basePath}${emailPath}?done=withdrawn`)
  }
  const current = addressOf(person.user)
  if (fields.resend !== undefined) {
    const address = current === undefined ? undefined : readMailAddress(current)
    return address === undefined
      ? show(call, context, person, 400, { problem: say('email.problem') })
      : send(call, context, person, address)
  }
  const fresh = await stronglySignedIn(call, context, emailPath)
  if ('reply' in fresh) return fresh.reply
  const typed = fields.email ?? ''
  const address = readMailAddress(typed)
  if (address === undefined) return show(call, context, fresh, 400, { typed, problem: say('email.problem') })
  const same = current !== undefined && canonicalEmail(current) === canonicalEmail(address)
  if (same && provenEmail(person.user) !== undefined)
    return show(call, context, fresh, 400, { typed, problem: say('email.same') })
  return send(call, context, fresh, address)
}

/** Sends the link to the new address, and a notice to the old one before anything changes. */
async function send(call: Call, context: Context, person: SignedInPerson, address: string): Promise<Reply> {
  const { user } = person
  try {
    await sendVerification(context, user, address)
  } catch (error) {
    if (!(error instanceof RefusedError) || error.code !== 'too_many_requests') throw error
    logRefusal(error, call, context)
    const reply = await show(call, context, person, 429, { typed: address, problem: say('email.too_many') })
    return { ...reply, headers: { ...reply.headers, 'retry-after': `${error.refusal.retryAfter}` } }
  }
  const current = addressOf(user)
  if (current === undefined || canonicalEmail(current) !== canonicalEmail(address))
    await tellOwner(call, context, user, { kind: 'email_change_asked', detail: address })
  return redirectWithin(`${context.basePath}${emailPath}?done=sent`)
}
