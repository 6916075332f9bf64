/** Answers recovery requests by mail to the proven address. It runs after the HTTP response, which tells nothing of the result. */
import { note } from '../../models/audit/note.ts'
import { RefusedError } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import { countTry } from '../../people/rate_limit.ts'
import { mailLink } from '../../people/reset_link.ts'
import { typedEmail } from '../../lib/spelling.ts'
import { say } from '../../lib/say.ts'
import { Event } from '../../models/event.ts'
import { provenEmail, User } from '../../models/user.ts'
import { type RecoveryRequest, requests } from './requests.ts'

export const jobName = 'recovery'

/** Requests in one run of the job. */
const perTurn = 50
/** Mails in `window` seconds for one account, and to one address. */
const limits = {
  account: { most: 3, window: 3_600 },
  address: { most: 6, window: 86_400 },
}

export async function answerRequests(context: Context): Promise<void> {
  const { people } = context.secrets
  if (await requests.workOff(context, people, perTurn, (request) => answer(context, request)))
    context.soon(jobName)
}

async function answer(context: Context, { login, address, interaction }: RecoveryRequest): Promise<void> {
  const user = await User.findByLogin(context, login)
  const to = user && provenEmail(user)
  const skip = (why: string) => context.log.info('recovery_not_mailed', { why, sub: user?.sub, address })
  if (!user) return skip('no account')
  if (user.disabled) return skip('account is disabled')
  if (user.password_hash === undefined) return skip('account has no password')
  if (to === undefined) return skip('account has no proven address')
  if (!(await mayBeMailed(context, user, to))) return skip('limit of mails for this account or address')
  await Event.add(context, context.random, { sub: user.sub, kind: 'password_asked', address })
  await note(undefined, context, 'password_asked', { sub: user.sub, address })
  await mailLink(context, user, {
    to,
    why: say('recovery.mail_line', { address }),
    interaction,
    more: [say('recovery.not_you')],
  })
}

async function mayBeMailed(context: Context, { sub }: User, to: string): Promise<boolean> {
  try {
    const { account, address } = limits
    await countTry(context, 'recovery_account', sub, account.most, account.window, { sub })
    await countTry(context, 'recovery_address', typedEmail(to), address.most, address.window, { sub })
    return true
  } catch (error) {
    if (error instanceof RefusedError && error.code === 'too_many_requests') return false
    throw error
  }
}
