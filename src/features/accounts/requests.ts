/**
 * Requests for an account, queued and answered by a job. So the page takes the same time for every address, and only
 * the owner of the address learns (by mail) whether it has an account.
 */
import { RefusedError } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import { sendMail } from '../../people/mail.ts'
import { countTry } from '../../people/rate_limit.ts'
import { typedEmail } from '../../lib/spelling.ts'
import { type Language, say } from '../../lib/say.ts'
import { Invitation } from '../../models/invitation.ts'
import { User } from '../../models/user.ts'
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

/** How long a link is valid. */
const linkLifetimeSeconds = 86_400
/** Mails to one address in `window` seconds. */
const limit = { most: 3, window: 3_600 }
/** Requests in one run of the job. */
const perTurn = 50

export async function answerRequests(context: Context): Promise<void> {
  const { people } = context.secrets
  if (await requests.workOff(context, people, perTurn, (request) => answer(context, request)))
    context.soon(jobName)
}

async function answer(context: Context, request: AccountRequest): Promise<void> {
  const { email, language, interaction, address } = request
  if (!(await mayBeMailed(context, email)))
    return context.log.info('registration_not_mailed', { why: 'limit of mails to this address', address })
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
    await countTry(context, 'registration_mail', typedEmail(email), limit.most, limit.window)
    return true
  } catch (error) {
    if (error instanceof RefusedError) return false
    throw error
  }
}
