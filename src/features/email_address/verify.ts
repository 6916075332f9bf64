/**
 * /verify_email, the page behind the link of the mail. It needs a sign-in to the account that asked for the link: an
 * attacker who entered a victim's address for the attacker's account must not have it proven by the victim's click. On
 * another device the End-User signs in there first. docs/decisions/0018-mail.md
 */
import { note } from '../../models/audit/note.ts'
import verifySource from '../../../views/verify_email.html' with { type: 'text' }
import verifyStoppedSource from '../../../views/verify_email_stopped.html' with { type: 'text' }
import type { Context } from '../../contracts/context.ts'
import { accountForm, signedInForm } from '../../flow/account_form.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { type SignedInPerson, signedInPerson } from '../../flow/signed_in_person.ts'
import { query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { cookieName, readCookie, setCookie } from '../../http/cookie.ts'
import { page as document } from '../../html/document.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { countAddress } from '../../people/rate_limit.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { tellOwner } from '../../people/tell_owner.ts'
import {
  findVerification,
  isVerificationDone,
  spendVerification,
  type Verification,
  verifyEmailPath,
} from '../../people/verification.ts'
import { defineView } from '../../html/view.ts'
import { say, type Said } from '../../lib/say.ts'
import { canonicalEmail, provenEmail, User } from '../../models/user.ts'
import { currentSession } from '../../http/session.ts'
import { emailPath } from './account.ts'

const view = defineView('verify_email', verifySource, ['email', 'username', 'action', 'csrf', 'token'])
const stopped = defineView('verify_email_stopped', verifyStoppedSource, ['text', 'path', 'label'])

const purpose = 'verify_email'
/** Keeps the token during the sign-in. It is in a cookie, because `return_to` is stored in plain text and must not hold a token. */
const cookie = 'verification'
/** Seconds. */
const cookieLifetimeSeconds = 1_800

/** Per network address: a link cannot be guessed, but attempts must not cost unbounded lookups. */
const tries = { most: 60, window: 600 }

export const verify = defineEndpoint({
  name: 'verify_email',
  path: verifyEmailPath,
  advertised: false,
  limited: true,
  page: true,
  get: show,
  form: signedInForm(emailPath, purpose),
  post: confirm,
})

const countTries = (call: Call, context: Context): Promise<void> =>
  countAddress(context, 'verify_email', call.address, tries.most, tries.window)

const tokenCookie = (context: Context, token: string, age: number) =>
  setCookie(context.config, cookie, token, age)

/** The shape of a token; any other value is ignored and never reaches a cookie. */
const tokenForm = /^[\w-]{1,64}$/

async function show(call: Call, context: Context): Promise<Reply> {
  await countTries(call, context)
  const token = query(call, context).token ?? readCookie(call, cookieName(context.config, cookie)) ?? ''
  const wanted = tokenForm.test(token) ? await findVerification(context, token) : undefined
  if (!wanted) return gone(context, token, await currentPerson(call, context))
  const person = await signedInPerson(call, context, verifyEmailPath)
  if ('reply' in person) {
    const { reply } = person
    return {
      ...reply,
      cookies: [...(reply.cookies ?? []), tokenCookie(context, token, cookieLifetimeSeconds)],
    }
  }
  if (person.user.sub !== wanted.user.sub) return stopForOther(context, person)
  const { csrf, cookies } = accountForm(call, context, person.session, purpose)
  const html = view({
    email: foreignText(wanted.address),
    username: foreignText(wanted.user.username),
    action: `${context.basePath}${verifyEmailPath}`,
    csrf,
    token,
  })
  return {
    ...page(200, document(say('verification.title'), html)),
    cookies: [...cookies, tokenCookie(context, '', 0)],
  }
}

async function confirm(call: Call, context: Context, person: SignedInPerson & Submitted): Promise<Reply> {
  await countTries(call, context)
  const { token = '' } = person.fields
  const wanted = await findVerification(context, token)
  if (!wanted) return gone(context, token, person.user)
  if (wanted.user.sub !== person.user.sub) return stopForOther(context, person)
  const result = await spendVerification(context, token, (proven) =>
    tellPrevious(call, context, person, proven),
  )
  if (result === undefined) return gone(context, token, person.user)
  if (result === 'taken') return stop(context, 409, say('verification.taken'))
  await note(call, context, 'email_verified', { sub: person.user.sub })
  return redirectWithin(`${context.basePath}${emailPath}?done=confirmed`)
}

/** Tells the previous address that it is no longer the address of the account. */
async function tellPrevious(
  call: Call,
  context: Context,
  { user }: SignedInPerson,
  { address, before }: Verification,
): Promise<void> {
  const changed = before !== '' && canonicalEmail(before) !== canonicalEmail(address)
  if (changed) await tellOwner(call, context, user, { kind: 'email_changed', detail: address, to: before })
}

async function currentPerson(call: Call, context: Context): Promise<User | undefined> {
  const session = await currentSession(call, context)
  return session && (await User.find(context, session.sub))
}

/** After a form that was sent twice, or a link that was opened again, the address is verified. */
async function gone(context: Context, token: string, user: User | undefined): Promise<Reply> {
  const isDone = user && tokenForm.test(token) && (await isVerificationDone(context, token, user.sub))
  const now = isDone ? await User.find(context, user.sub) : undefined // a concurrent request may have changed it
  return now && provenEmail(now) !== undefined
    ? redirectWithin(`${context.basePath}${emailPath}?done=confirmed`)
    : stop(context, 400, say('verification.gone'))
}

const stop = (context: Context, status: number, text: Said): Reply => ({
  ...page(
    status,
    document(
      say('verification.title'),
      stopped({ text, path: `${context.basePath}${emailPath}`, label: say('verification.to_account') }),
    ),
  ),
  why: text,
})

const stopForOther = (context: Context, { user }: SignedInPerson): Reply =>
  page(
    403,
    document(
      say('verification.title'),
      stopped({
        text: say('verification.other_account', { username: foreignText(user.username) }),
        path: `${context.basePath}/logout`,
        label: say('account.sign_out'),
      }),
    ),
  )
