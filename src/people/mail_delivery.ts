/** One turn of the outbox: what is due goes to the relay, a few at a time, and is settled by what came back. */
import { readFileSync } from 'node:fs'
import type { Config } from '../config.ts'
import type { Context } from '../contracts/context.ts'
import type { Job } from '../contracts/feature.ts'
import { doubling } from '../models/lease_queue.ts'
import { mailQueue, Outbox, type QueuedMail } from '../models/outbox.ts'
import { mailsLeave } from './mail.ts'
import { connections, NotTaken, openRelay, type Way } from './mail_relay.ts'
import { openScreen } from './shown_mails.ts'

/** What is wrong with the settings of mail beyond their form. */
export function mailProblems({ smtpCaPath }: Config): string[] {
  try {
    if (smtpCaPath !== undefined) readFileSync(smtpCaPath)
    return []
  } catch (error) {
    return [`SMTP_CA_PATH: expected a readable file (${(error as NodeJS.ErrnoException).code})`]
  }
}

/** Mails in one turn; when more are due, the next begins at once. */
const perTurn = 64
/** Milliseconds beyond the time of a mail that it is held. */
const leaseMarginMs = 10_000
/** Milliseconds. */
const delayAfter = doubling(10_000, 3_600_000)

/**
 * Delivers at least once: a mail leaves the outbox after the relay has taken it. When the relay itself is in trouble the
 * turn ends, and what it has not begun stays due. Resolves when nothing is under way; rejects when the store is away.
 */
export async function deliverDue(context: Context): Promise<void> {
  const due = await mailQueue.due(context, { limit: perTurn })
  if (due.length === 0) return
  const way = context.config.smtpUrl === undefined ? openScreen(context) : await openRelay(context)
  const lease = context.config.smtpTimeoutMs + leaseMarginMs
  let trouble = false
  try {
    await mailQueue.work(context, due, { atOnce: connections, lease }, async (mail) => {
      const problem = await attempt(mail, way, context)
      await settle(mail, problem, context)
      if (problem?.about !== 'relay') return
      trouble = true
      return 'stop'
    })
  } finally {
    way.close()
  }
  if (due.length === perTurn && !trouble) context.soon('mail')
}

async function attempt(mail: QueuedMail, way: Way, context: Context): Promise<NotTaken | undefined> {
  const letter = Outbox.open(context.secrets.mail, mail.member, mail)
  if (!letter) return new NotTaken('moment', 'sealed under another SECRET_KEY')
  try {
    await way.send(mail.member, letter, new Date(mail.created_at * 1000))
    return undefined
  } catch (error) {
    if (error instanceof NotTaken) return error
    throw error
  }
}

async function settle(mail: QueuedMail, problem: NotTaken | undefined, context: Context): Promise<void> {
  const { member: id, attempts, created_at } = mail
  const { log, metrics } = context
  const facts = { id, attempts, ...(problem && { problem: problem.message }) }
  const count = (result: string) => metrics.count('mails', 'result', result)
  if (!problem || problem.about === 'mail') {
    count(problem ? 'refused' : 'delivered')
    await mailQueue.finish(context, id)
    return problem ? log.error('mail_refused', facts) : log.info('mail_delivered', facts)
  }
  const delay = delayAfter(attempts)
  const until = (created_at + context.config.mailRetryFor) * 1000
  const result = await mailQueue.retry(context, mail, delay, until)
  count(result)
  if (result === 'given_up') return log.error('mail_given_up', facts)
  log[problem.about === 'relay' ? 'error' : 'warn']('mail_postponed', { ...facts, delay_ms: delay })
}

/** Where mails do not leave, what an earlier configuration queued stays in the outbox. */
export const mailJob: Job = {
  name: 'mail',
  every: 2,
  run: async (context) => (mailsLeave(context.config) ? deliverDue(context) : undefined),
}
