/** /reset_password, the page behind the link of the mail: sets a new password. It starts no session; the End-User then signs in, with any second factor. */
import resetSource from '../../../views/reset_password.html' with { type: 'text' }
import resetEndSource from '../../../views/reset_password_end.html' with { type: 'text' }
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { browserOf, csrfToken, ensureBrowser, ownForm } from '../../http/csrf.ts'
import { page as document } from '../../html/document.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { newPasswordFields } from '../../html/form_field.ts'
import { newPasswordProblem, wordsAbout } from '../../people/new_password.ts'
import { forgetAccountTries, hashPassword } from '../../people/password.ts'
import { countAddress } from '../../people/rate_limit.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import { currentSession, withoutSession } from '../../http/session.ts'
import type { Reply } from '../../contracts/reply.ts'
import {
  findHalfUsedLink,
  findLink,
  forgetLink,
  isLinkDone,
  replacePassword,
  resetPath,
} from '../../people/reset_link.ts'
import { endEverything } from '../../people/end_session.ts'
import { changeAndTell } from '../../people/tell_owner.ts'
import { withdrawVerification } from '../../people/verification.ts'
import { defineView } from '../../html/view.ts'
import { say, type Said } from '../../lib/say.ts'
import type { User } from '../../models/user.ts'
import { applicationOf } from '../../flow/ways_on.ts'
import { hiddenField } from '../../html/page_parts.ts'
import { Interaction, isHandle } from '../../models/interaction.ts'
import { forgotPath, handleIn } from './forgot.ts'

const purpose = 'reset_password'

const view = defineView('reset_password', resetSource, ['username', 'action', 'csrf', 'token', 'fields'])
const end = defineView('reset_password_end', resetEndSource, ['title', 'text', 'path', 'label'])

/** Per network address, because hashing a password is expensive. */
const tries = { most: 60, window: 600 }

export const reset = defineEndpoint({
  name: 'reset_password',
  path: resetPath,
  advertised: false,
  limited: true,
  page: true,
  async get(call, context) {
    await countTries(call, context)
    const { token = '', done, interaction } = query(call, context)
    if (done !== undefined) return finished(call, context, interaction)
    const user = await findLink(context, token)
    return user ? show(call, context, 200, { user, token, interaction }) : invalidLink(context, interaction)
  },
  form: ownForm(purpose, ({ path }, { token, interaction }) =>
    isHandle(token) ? `${path}?token=${token}${onward(interaction)}` : path,
  ),
  post: choose,
})

/** In a query that has a parameter already. */
const onward = (interaction: string | undefined): string => handleIn(interaction).replace('?', '&')

const countTries = (call: Call, context: Context): Promise<void> =>
  countAddress(context, 'reset_password', call.address, tries.most, tries.window)

interface Problems {
  password?: Said | undefined
  repeat?: Said | undefined
}

function show(
  call: Call,
  context: Context,
  status: number,
  {
    user,
    token,
    interaction = '',
    problems = {},
  }: { user: User; token: string; interaction?: string | undefined; problems?: Problems },
): Reply {
  const { browser, cookies } = ensureBrowser(call, context)
  const html = view({
    username: foreignText(user.username),
    action: `${context.basePath}${resetPath}`,
    csrf: csrfToken(context, browser, purpose),
    token,
    fields: [hiddenField({ name: 'interaction', value: interaction }), ...newPasswordFields(problems)],
  })
  return { ...page(status, document(say('reset.title'), html)), cookies }
}

async function choose(call: Call, context: Context, { fields }: Submitted): Promise<Reply> {
  await countTries(call, context)
  const { token = '', password = '', repeat = '', interaction } = fields
  const found = await findLink(context, token)
  const user = found ?? (await findHalfUsedLink(context, token, password))
  const done = redirectWithin(`${context.basePath}${resetPath}?done=changed${onward(interaction)}`)
  const gone = async () =>
    (await isLinkDone(context, token, password)) ? done : invalidLink(context, interaction)
  if (!user) return gone()
  const problem = await newPasswordProblem(context, password, wordsAbout(user))
  const differs = password === repeat ? undefined : say('reset.differs')
  // A refused password does not use the link up.
  if (problem || differs)
    return show(call, context, 400, {
      user,
      token,
      interaction,
      problems: { password: problem, repeat: differs },
    })
  const hash = found && (await context.signInQueue.run(() => hashPassword(password)))
  if (!(await replace(call, context, user, hash))) return gone()
  // The session of another End-User in this browser goes on.
  const isOther = (await currentSession(call, context)) !== undefined
  // The link is bound to the old password and no longer valid, so that a failure here does no harm.
  await forgetLink(context, user.sub, token).catch(() => undefined)
  return isOther ? done : withoutSession(done, context)
}

/**
 * Ends all sessions and grants before and after the change, so that a failure in between leaves no old session alive. Of
 * concurrent uses of one link, one replaces the hash that the link is bound to. Without `hash` it was replaced before.
 */
const replace = (call: Call, context: Context, user: User, hash: string | undefined): Promise<boolean> =>
  changeAndTell(call, context, user, { kind: 'password_reset' }, async () => {
    await endEverything(user.sub, context)
    if (hash !== undefined && !(await replacePassword(context, user, hash))) return false
    await endEverything(user.sub, context) // again: a sign-in with the old password may have succeeded since
    await withdrawVerification(context, user.sub) // an attacker with access may have asked for it
    await forgetAccountTries(user, context)
    return true
  })

const invalidLink = (context: Context, interaction: string | undefined): Reply => {
  const [title, why] = [say('reset.title'), say('reset.gone')]
  const html = end({
    title,
    text: why,
    path: `${context.basePath}${forgotPath}${handleIn(interaction)}`,
    label: say('reset.again'),
  })
  return { ...page(400, document(title, html)), why }
}

/**
 * Leads to the sign-in from which the reset began, in the browser where it began. In another one it leads to the
 * application of an operator, which begins a sign-in again. A stranger can have a link mailed, so no other client is led to.
 */
async function finished(call: Call, context: Context, interaction: string | undefined): Promise<Reply> {
  const isHere =
    interaction !== undefined &&
    (await Interaction.find(context, interaction, browserOf(call, context))) !== undefined
  const application = await applicationOf(call, context, interaction)
  const known = application?.unverified === false ? application : undefined
  const signIn = {
    url: `${context.basePath}/login${isHere ? handleIn(interaction) : ''}`,
    label: say('reset.sign_in'),
  }
  const { url, label } = isHere ? signIn : (known?.way ?? signIn)
  const text =
    known && (isHere || known.way) ? say('reset.done_for', { client: known.name }) : say('reset.done')
  const title = say('reset.done_title')
  return page(200, document(title, end({ title, text, path: url, label })))
}
