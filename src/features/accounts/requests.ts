/**
 * Who asked for an account: written down, and answered by a job. So the page costs the same whoever has an account, and
 * whether somebody has one is told to the owner of the address alone.
 */
import { RefusedError } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import { sendMail } from '../../people/mail.ts'
import { countTry } from '../../people/rate_limit.ts'
import { type Language, say } from '../../lib/say.ts'
import { Invitation } from '../../models/invitation.ts'
import { canonicalEmail, User } from '../../models/user.ts'
import { defineWaitList } from '../../models/wait_list.ts'

export const createAccountPath = '/create_account'
export const jobName = 'account_registrations'

export interface AccountRequest {
  email: string
  language: Language
  interaction?: string
  /** The network address it came from. */
  address: string
}

export const requests = defineWaitList<AccountRequest>('account_request', 900)

/** Seconds a link is good. */
const linkLifetimeSeconds = 86_400
/** Mails to one address in so many seconds, whoever asks for them. */
const limit = { most: 3, window: 3_600 }
/** Requests in one turn. */
const perTurn = 50

export async function answerRequests(context: Context): Promise<void> {
  const { people } = context.secrets
  if (await requests.workOff(context, people, perTurn, (request) => answer(context, request)))
    context.soon(jobName)
}

async function answer(context: Context, request: AccountRequest): Promise<void> {
  const { email, language, interaction, address } = request
  if (!(await mayBeMailed(context, email)))
    return context.log.info('registration_passed_over', { why: 'was mailed often enough', address })
  const user = await User.findByAddress(context, email)
  const about = { to: email, language, after: [say('new_account.mail_not_you')] }
  if (user)
    return sendMail(context, {
      ...about,
      subject: say('new_account.mail_exists_subject'),
      lines: [
        say('new_account.mail_asked', { email }),
        say('new_account.mail_exists', { username: user.username }),
      ],
      link: { url: `${context.config.issuer}/login`, label: say('login.title') },
    })
  const { token } = await Invitation.issue(
    context,
    context.random,
    { email, invited: false, ...(interaction !== undefined && { interaction }) },
    linkLifetimeSeconds,
  )
  await sendMail(context, {
    ...about,
    subject: say('new_account.mail_subject'),
    lines: [
      say('new_account.mail_asked', { email }),
      say('new_account.mail_go_on', { n: linkLifetimeSeconds / 3_600 }),
    ],
    link: {
      url: `${context.config.issuer}${createAccountPath}?token=${token}`,
      label: say('new_account.mail_link'),
    },
  })
}

async function mayBeMailed(context: Context, email: string): Promise<boolean> {
  try {
    await countTry(context, 'registration_mail', canonicalEmail(email), limit.most, limit.window)
    return true
  } catch (error) {
    if (error instanceof RefusedError) return false
    throw error
  }
}
