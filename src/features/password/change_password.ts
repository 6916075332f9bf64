/** /account/password: changes the password after the current one was entered, ends all other sessions, notifies the End-User by mail. OWASP ASVS 5.0 V6.2.3, V7.4.3 */
import { RefusedError } from '../../auth/refusal.ts'
import { needsUpgrade } from '../../auth/password_hash.ts'
import type { Context } from '../../contracts/context.ts'
import { accountForm, signedInForm } from '../../flow/account_form.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { readyFactors, stronglySignedIn } from '../../flow/second_factors.ts'
import {
  type SignedInPerson,
  type FindPerson,
  pageOfPerson,
  signedInPerson,
} from '../../flow/signed_in_person.ts'
import { accountPage } from '../../flow/account_page.ts'
import { logRefusal, refusalFields } from '../../http/error_reply.ts'
import { query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { formField, newPasswordFields } from '../../html/form_field.ts'
import { browserKnownTo } from '../../http/known_browser.ts'
import { newPasswordProblem, wordsAbout } from '../../people/new_password.ts'
import { hiddenField } from '../../html/page_parts.ts'
import { checkPassword, hashPassword } from '../../people/password.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { beginSession } from '../../http/session.ts'
import { endSession } from '../../people/end_session.ts'
import { changeAndTell, isHalfDone, tellOwner } from '../../people/tell_owner.ts'
import { withdrawVerification } from '../../people/verification.ts'
import { defineView } from '../../html/view.ts'
import { type Said, say } from '../../lib/say.ts'
import { Grant } from '../../models/grant.ts'
import { Session } from '../../models/session.ts'
import { User } from '../../models/user.ts'

export const passwordPath = '/account/password'
const purpose = 'password'

const view = defineView(
  'account_password',
  '<p>{{lead}}</p>\n<form method="post" action="{{action}}">{{hidden}}<input type="text" name="username" value="{{username}}" autocomplete="username" readonly hidden>{{fields}}<div class="actions"><button class="primary" type="submit" name="change" value="change">{{t password.change}}</button></div></form>',
  ['lead', 'action', 'hidden', 'username', 'fields'],
)

/**
 * The current password is proof enough of an End-User without a second factor. With one, or without a password, a recent
 * sign-in is needed, in which the second factor was used.
 */
const personAllowed: FindPerson = async (call, context, path) => {
  const person = await signedInPerson(call, context, path)
  if ('reply' in person) return person
  const proves = person.user.password_hash !== undefined
  return proves && (await readyFactors(person.user, context)).length === 0
    ? person
    : stronglySignedIn(call, context, path)
}

export const changePassword = defineEndpoint({
  name: 'account_password',
  path: passwordPath,
  advertised: false,
  limited: true,
  page: true,
  repetition: 'known', // the old password is wrong now
  get: pageOfPerson(
    passwordPath,
    (call, context, person) => show(call, context, person, 200, {}),
    personAllowed,
  ),
  form: signedInForm(passwordPath, purpose, personAllowed),
  post: change,
})

interface Problems {
  current?: Said | undefined
  password?: Said | undefined
  repeat?: Said | undefined
  whole?: Said | undefined
}

function show(
  call: Call,
  context: Context,
  { session, user }: SignedInPerson,
  status: number,
  problems: Problems,
): Reply {
  const { csrf, cookies } = accountForm(call, context, session, purpose)
  const has = user.password_hash !== undefined
  const current = formField({
    name: 'current_password',
    label: say('password.current'),
    type: 'password',
    autocomplete: 'current-password',
    maxLength: 1024,
    required: true,
    problem: problems.current,
  })
  const html = accountPage(context, {
    current: passwordPath,
    title: say('password.title'),
    problem: problems.whole,
    done: query(call, context).done === 'changed' ? say('password.done') : undefined,
    main: view({
      lead: say(has ? 'password.lead' : 'password.lead_none'),
      action: `${context.basePath}${passwordPath}`,
      hidden: hiddenField({ name: 'csrf_token', value: csrf }),
      username: user.username,
      fields: [...(has ? [current] : []), ...newPasswordFields(problems)],
    }),
  })
  return { ...page(status, html), cookies }
}

async function change(call: Call, context: Context, person: SignedInPerson & Submitted): Promise<Reply> {
  const { session, user, fields } = person
  const { current_password = '', password = '', repeat = '' } = fields
  const showAgain = (status: number, problems: Problems) => show(call, context, person, status, problems)
  let repeated = false
  try {
    // First, so that a wrong password gets no other answer.
    if (!(await knowsPassword(call, context, user, current_password))) {
      if (!(await isRepetition(call, context, user, password)))
        return showAgain(403, { current: say('password.wrong') })
      repeated = true
    }
  } catch (error) {
    if (!(error instanceof RefusedError) || error.refusal.retryAfter === undefined) throw error
    logRefusal(error, call, context)
    const reply = showAgain(error.status, { whole: error.refusal.say ?? say('error.too_many_requests') })
    return { ...reply, headers: { ...reply.headers, 'retry-after': `${error.refusal.retryAfter}` } }
  }
  const problem = await newPasswordProblem(context, password, wordsAbout(user))
  const differs = password === repeat ? undefined : say('password.differs')
  if (problem || differs) return showAgain(400, { password: problem, repeat: differs })
  const hash = repeated ? undefined : await context.signInQueue.run(() => hashPassword(password))
  let cookies: string[] = []
  const event = { kind: 'password_changed' } as const
  const replace = async () => {
    // First, so that no stop leaves the new password beside sessions of the old one.
    await endOthers(context, session)
    if (hash !== undefined && !(await replaceHash(context, user, hash))) return false
    await endOthers(context, session) // again: a sign-in with the old password may have succeeded since
    await withdrawVerification(context, user.sub) // an attacker who knew the old password may have asked for it
    return true
  }
  const changed = await changeAndTell(call, context, user, event, replace, async () => {
    await tellOwner(call, context, user, event)
    cookies = await renewSession(call, context, session) // after it the form cannot be repeated
    // Once more: a request with the old cookie may have come in between. Later ones get nothing for it.
    await Grant.endOfUser(context, user.sub).catch((error: unknown) => {
      context.log.warn('grants_not_ended', { sub: user.sub, problem: (error as Error).message })
    })
  })
  if (!changed) return showAgain(409, { whole: say('password.changed_meanwhile') })
  return redirectWithin(`${context.basePath}${passwordPath}?done=changed`, cookies)
}

/**
 * Whether the form repeats a change that stopped halfway, after the new password had been stored: then the new password is
 * the current one.
 */
const isRepetition = async (call: Call, context: Context, user: User, password: string): Promise<boolean> =>
  (await isHalfDone(context, user.sub, 'password_changed')) &&
  user.password_hash !== undefined &&
  (await knowsPassword(call, context, user, password))

/** Wrong passwords are counted as at the sign-in page, so that an open session allows no unlimited guesses. */
async function knowsPassword(call: Call, context: Context, user: User, password: string): Promise<boolean> {
  if (user.password_hash === undefined) return true
  const known = await checkPassword(context, {
    username: user.username,
    password,
    address: call.address,
    call,
    knownTo: (account) => browserKnownTo(call, context, account),
    request: () => refusalFields(call),
  })
  return known?.sub === user.sub
}

/** Of two concurrent changes one succeeds. An upgrade of the hash by `checkPassword` does not count as a change. */
async function replaceHash(context: Context, user: User, hash: string): Promise<boolean> {
  const before = user.password_hash
  let changed = false
  await User.update(context, user.sub, (current) => {
    const same = current.password_hash === before || (before !== undefined && needsUpgrade(before))
    changed = same && !current.disabled
    return changed ? { ...current, password_hash: hash } : current
  })
  return changed
}

/** Ends all other sessions, and all grants. */
async function endOthers(context: Context, { sid: own, sub }: Session): Promise<void> {
  for (const { sid } of await Session.listOfUser(context, sub))
    if (sid !== own) await endSession(sid, context)
  await Grant.endOfUser(context, sub)
}

/** Begins a new session for this browser, because its old cookie may have been copied. */
async function renewSession(call: Call, context: Context, session: Session): Promise<string[]> {
  const { sub, acr, amr, authenticated_at } = session
  const { session: begun, cookies } = await beginSession(call, context, {
    sub,
    acr,
    amr,
    authenticated_at,
    outlives: true,
  })
  if (begun.sid === session.sid) return cookies
  // The session of this browser has ended in between, and with it the sign-in that it proved.
  await endSession(begun.sid, context)
  return []
}
