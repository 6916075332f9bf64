/** The mails that wait for delivery, as administrators see them: what waits, one more attempt, and an end. */
import type { Context } from '../contracts/context.ts'
import { pageOf, type IndexPage, type PageOptions } from '../models/every_member.ts'
import { mailQueue, Outbox, outboxIndex } from '../models/outbox.ts'
import { type Author, noteChange } from './author.ts'
import { mailLease } from './mail_delivery.ts'

/** Times in milliseconds, but `created_at` and `exp` in seconds, as in the record. */
export interface WaitingMail {
  id: string
  created_at: number
  exp: number
  attempts: number
  due: number
  /** Undefined for a mail that was sealed under another SECRET_KEY. The body is never told: it has links that open accounts. */
  to: string | undefined
  subject: string | undefined
}

/** The mail that is due first at the front. */
export function waitingMails(context: Context, at: PageOptions): Promise<IndexPage<WaitingMail>> {
  return pageOf(context.store, outboxIndex, at, async ({ member: id, score }) => {
    const mail = await mailQueue.find(context, id)
    if (!mail) return undefined
    const { created_at, exp, attempts, held_until } = mail
    const { to, subject } = Outbox.open(context.secrets.mail, id, mail) ?? {}
    return { id, created_at, exp, attempts, due: Math.max(score, held_until), to, subject }
  })
}

/**
 * Makes a mail due now. `soon`: it is in transit, or due within the time that a mail in transit is held, which its record
 * does not tell apart. A mail in transit would otherwise be sent twice.
 */
export async function retryMail(
  context: Context,
  author: Author,
  id: string,
): Promise<'due' | 'soon' | 'absent'> {
  const now = context.clock.now()
  const due = await mailQueue.update(context, id, (current) => {
    const wait = current.held_until - now
    return wait > 0 && wait <= mailLease(context.config) ? undefined : { ...current, held_until: now }
  })
  if (!due) return (await mailQueue.find(context, id)) ? 'soon' : 'absent'
  await context.store.link(outboxIndex, id, now)
  await noteChange(context, author, 'mail_retried', { mail: id })
  context.soon('mail')
  return 'due'
}

/** Resolves to false when the mail is not there any more. One in transit may still arrive. */
export async function dropMail(context: Context, author: Author, id: string): Promise<boolean> {
  const dropped = await mailQueue.drop(context, id)
  if (dropped) await noteChange(context, author, 'mail_dropped', { mail: id })
  return dropped
}
