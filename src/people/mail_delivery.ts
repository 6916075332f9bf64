/** The delivery job: sends the due mails of the outbox to the relay and records the result of each. */
import type { Config } from '../config.ts'
import { readAuthorities } from '../config/named_files.ts'
import { faultOf } from '../config/setting_fault.ts'
import type { Context } from '../contracts/context.ts'
import type { HealthCheck, Job } from '../contracts/feature.ts'
import { doubling } from '../models/lease_queue.ts'
import { mailQueue, Outbox, outboxIndex, type QueuedMail } from '../models/outbox.ts'
import { mailsLeave } from './mail.ts'
import { connections, DeliveryFailure, type MailTransport, openRelay } from './mail_relay.ts'
import type { SpanStart } from '../lib/tracing.ts'
import type { counters } from '../lib/metric_table.ts'
import { StoreUnavailable } from '../store/store.ts'
import { developmentTransport } from './shown_mails.ts'

/** Problems of the mail settings that only reading the file system shows. */
export const mailProblems = ({ smtpCaPath }: Config): string[] =>
  smtpCaPath === undefined ? [] : faultOf(() => readAuthorities('SMTP_CA_PATH', smtpCaPath))

/** Mails in one run of the job. When more are due, the next run begins at once. */
const perRun = 64
/** Milliseconds that the lease of a mail lasts beyond the SMTP time limit. */
const leaseMarginMs = 10_000
/** Milliseconds for which a mail in transit is held. */
export const mailLease = ({ smtpTimeoutMs }: Config): number => smtpTimeoutMs + leaseMarginMs
/** Milliseconds until the next attempt: from 10 seconds, doubled each time, up to an hour. */
const delayAfter = doubling(10_000, 3_600_000)

/**
 * Delivers at least once: a mail is removed from the outbox after the relay has accepted it. When the relay itself fails,
 * the run ends and the remaining mails stay due. Resolves when no mail is in transit; rejects when the store fails.
 */
export async function deliverDue(context: Context): Promise<void> {
  const due = await mailQueue.due(context, { limit: perRun })
  if (due.length === 0) return
  const transport =
    context.config.smtpUrl === undefined ? developmentTransport(context) : await openRelay(context)
  const lease = mailLease(context.config)
  let relayFailed = false
  try {
    await mailQueue.work(context, due, { atOnce: connections, lease }, async (mail) => {
      const failure = await attempt(mail, transport, context)
      await recordResult(mail, failure, context)
      if (failure?.kind !== 'relay') return
      relayFailed = true
      return 'stop'
    })
  } finally {
    transport.close()
  }
  if (due.length === perRun && !relayFailed) context.soon('mail')
}

/** The relay alone is named: the mail is of a person. */
const relaySpan = ({ smtpUrl }: Config): SpanStart => ({
  name: 'SMTP send',
  kind: 'client',
  attributes: { 'server.address': smtpUrl === undefined ? 'development' : new URL(smtpUrl).hostname },
})

async function attempt(
  mail: QueuedMail,
  transport: MailTransport,
  context: Context,
): Promise<DeliveryFailure | undefined> {
  const message = Outbox.open(context.secrets.mail, mail.member, mail)
  if (!message) return new DeliveryFailure('temporary', 'sealed under another SECRET_KEY')
  try {
    const send = () => transport.send(mail.member, message, new Date(mail.created_at * 1000))
    await (context.tracing?.within(relaySpan(context.config), send) ?? send())
    return undefined
  } catch (error) {
    if (error instanceof DeliveryFailure) return error
    throw error
  }
}

type MailResult = (typeof counters.mails.values)[number]

async function recordResult(
  mail: QueuedMail,
  failure: DeliveryFailure | undefined,
  context: Context,
): Promise<void> {
  const { member: id, attempts, created_at } = mail
  const { log, metrics } = context
  const facts = { id, attempts, ...(failure && { problem: failure.message }) }
  const count = (result: MailResult) => metrics.count('mails', 'result', result)
  if (!failure || failure.kind === 'permanent') {
    count(failure ? 'refused' : 'delivered')
    await mailQueue.finish(context, id)
    return failure ? log.error('mail_refused', facts) : log.info('mail_delivered', facts)
  }
  const delay = delayAfter(attempts)
  const until = (created_at + context.config.mailRetryFor) * 1000
  const result = await mailQueue.retry(context, mail, delay, until)
  count(result)
  if (result === 'given_up') return log.error('mail_given_up', facts)
  log[failure.kind === 'relay' ? 'error' : 'warn']('mail_postponed', { ...facts, delay_ms: delay })
}

/** Does nothing when this configuration delivers no mails: mails that an earlier configuration queued stay in the outbox. */
export const mailJob: Job = {
  name: 'mail',
  every: 2,
  run: async (context) => (mailsLeave(context.config) ? deliverDue(context) : undefined),
}

/** Mails of which /health counts those that wait. */
const mostCounted = 1_000
/** Mails of which it reads how often they were tried. */
const mostRead = 20

/** Late: a mail was tried before and is still here. */
export const mailCheck: HealthCheck = {
  name: 'mail',
  trouble: 'late',
  async run(context) {
    if (!mailsLeave(context.config)) return undefined
    try {
      const waiting = await context.store.range(outboxIndex, { limit: mostCounted })
      const read = waiting.slice(-mostRead).map(({ member }) => mailQueue.find(context, member))
      const attempts = (await Promise.all(read)).map((mail) => mail?.attempts ?? 0)
      const most = Math.max(0, ...attempts)
      return { ok: most < 2, details: { waiting: waiting.length, most_attempts: most } }
    } catch (error) {
      if (error instanceof StoreUnavailable) return { ok: true, details: { problem: error.message } }
      throw error
    }
  },
}
