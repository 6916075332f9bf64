/** One turn of the outbox: what is due goes to the relay, a few at a time, and is settled by what came back. */
import type { Context } from '../../contracts/context.ts'
import { Outbox, type Waiting } from '../../models/outbox.ts'
import { connections, NotTaken, openRelay, type Way } from './relay.ts'
import { settings } from './settings.ts'
import { openScreen } from './shown.ts'

/** Mails in one turn; when more are due, the next begins at once. */
const perTurn = 64
/** Milliseconds beyond the time of a mail that it is held. */
const leaseMargin = 10_000
/** Milliseconds. */
const firstDelay = 10_000
const longestDelay = 3_600_000

/**
 * Delivers at least once: a mail leaves the outbox after the relay has taken it. When the relay itself is in trouble the
 * turn ends, and what it has not begun stays due. Resolves when nothing is under way; rejects when the store is away.
 */
export async function deliverDue(context: Context): Promise<void> {
  const due = await Outbox.due(context, perTurn)
  if (due.length === 0) return
  const more = due.length === perTurn
  const way = settings(context).smtpUrl === undefined ? openScreen(context) : await openRelay(context)
  let trouble = false
  const work = async () => {
    for (let id = due.shift(); id !== undefined && !trouble; id = due.shift())
      if ((await deliver(id, way, context)) === 'relay') trouble = true
  }
  try {
    const workers = await Promise.allSettled(Array.from({ length: connections }, work))
    for (const each of workers) if (each.status === 'rejected') throw each.reason
  } finally {
    way.close()
  }
  if (more && !trouble) context.soon('mail')
}

async function deliver(id: string, way: Way, context: Context): Promise<NotTaken['about'] | undefined> {
  const lease = settings(context).smtpTimeoutMs + leaseMargin
  const waiting = await Outbox.claim(context, id, lease)
  if (!waiting) return undefined
  const problem = await attempt(waiting, way, context)
  await settle(waiting, problem, context)
  return problem?.about
}

async function attempt(waiting: Waiting, way: Way, context: Context): Promise<NotTaken | undefined> {
  const letter = Outbox.open(context.secrets.mail, waiting.id, waiting)
  if (!letter) return new NotTaken('moment', 'sealed under another SECRET_KEY')
  try {
    await way.send(waiting.id, letter, new Date(waiting.created_at * 1000))
    return undefined
  } catch (error) {
    if (error instanceof NotTaken) return error
    throw error
  }
}

/** Ever longer, by the number of attempts. */
const delayAfter = (attempts: number): number => Math.min(firstDelay * 2 ** (attempts - 1), longestDelay)

async function settle(waiting: Waiting, problem: NotTaken | undefined, context: Context): Promise<void> {
  const { id, attempts, created_at } = waiting
  const { clock, log, metrics } = context
  const delay = delayAfter(attempts)
  const isLast = clock.now() + delay > (created_at + settings(context).mailRetryFor) * 1000
  const facts = { id, attempts, ...(problem && { problem: problem.message }) }
  const finish = (result: string) => {
    metrics.count('mails', 'result', result)
    return Outbox.finish(context, id)
  }
  if (!problem) {
    await finish('delivered')
    return log.info('mail_delivered', facts)
  }
  if (problem.about === 'mail') {
    await finish('refused')
    return log.error('mail_refused', facts)
  }
  if (isLast) {
    await finish('given_up')
    return log.error('mail_given_up', facts)
  }
  metrics.count('mails', 'result', 'postponed')
  await Outbox.postpone(context, waiting, delay)
  log[problem.about === 'relay' ? 'error' : 'warn']('mail_postponed', { ...facts, delay_ms: delay })
}
