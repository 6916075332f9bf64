/** Invitations to create an account, by an operator or an administrator. */
import type { Context } from '../contracts/context.ts'
import { say } from '../lib/say.ts'
import { Invitation } from '../models/invitation.ts'
import { User } from '../models/user.ts'
import { type Author, noteChange } from './author.ts'
import { canMail, sendMail } from './mail.ts'

/** Seconds. */
export const longestInvitation = 365 * 86_400
export const usualInvitation = 7 * 86_400

export interface Invited {
  record: Invitation
  /** Opens the invitation: anyone with the link can create the account of the address. */
  link: string
  mailed: boolean
}

/** `closed`: ACCOUNT_REGISTRATION takes no invitation. `taken`: there is an account with the address. */
export async function invite(
  context: Context,
  author: Author,
  about: Pick<Invitation, 'email' | 'roles' | 'attributes'> & {
    /** Seconds. */
    lifetime: number
    /** Whether the link is mailed where mails are delivered. */
    byMail: boolean
  },
): Promise<Invited | 'closed' | 'taken'> {
  const { email, roles, attributes, lifetime, byMail } = about
  if (!context.table.features.includes('accounts')) return 'closed'
  if (await User.findByAddress(context, email)) return 'taken'
  const { record, token } = await Invitation.issue(
    context,
    context.random,
    { email, invited: true, roles, attributes },
    lifetime,
  )
  await noteChange(context, author, 'invited', { token: record.id, roles })
  const link = `${context.config.issuer}/create_account?token=${token}`
  const mailed = canMail(context) && byMail
  if (mailed)
    await sendMail(context, {
      to: email,
      language: context.config.defaultLanguage,
      subject: say('new_account.invited_subject'),
      lines: [say('new_account.invited', { email })],
      link: { url: link, label: say('new_account.mail_link') },
      after: [say('new_account.invited_until', { until: new Date(record.exp * 1000) })],
    })
  return { record, link, mailed }
}

/** False when there is none, or an account is being created with it. */
export async function revokeInvitation(context: Context, author: Author, id: string): Promise<boolean> {
  const revoked = await Invitation.revoke(context, id)
  if (revoked) await noteChange(context, author, 'invitation_revoked', { token: id })
  return revoked
}
