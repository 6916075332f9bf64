/** Mails alerts to AUDIT_ALERT_MAIL: those that came together are one mail, and an hour has few mails. */
import type { Context } from '../../contracts/context.ts'
import { hint } from '../../http/hints.ts'
import { replaceUnsafe } from '../../lib/unsafe_text.ts'
import { alertKinds } from '../../models/audit/alerts/rule.ts'
import type { Entry } from '../../models/audit/entry.ts'
import { type Outgoing, type Sink, SinkFailure } from '../../models/audit/stream/stream.ts'
import { Outbox } from '../../models/outbox.ts'
import { settings } from './settings.ts'

const hourMs = 3_600_000
/** Alerts that one mail names. */
const mostNamed = 50
const longestValue = 200

/** On one line, as it is: a client chose the name of a client, and anyone an address. */
const plain = (value: unknown): string =>
  replaceUnsafe(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''), 'line', '?').slice(
    0,
    longestValue,
  )

function lineOf({ kind, time, details = {} }: Entry): string {
  const { rule, level, of, count, about, since } = details
  const whom = of === '' ? '' : ` of ${plain(of)}`
  if (kind === 'alert_over') return `${time}  OVER      ${plain(rule)}${whom}: it began at ${plain(since)}`
  const words = `${plain(rule)}${whom}: ${plain(count)} since ${plain(since)}, first entry ${plain(about)}`
  return `${time}  ${level === 'critical' ? 'CRITICAL' : 'WARNING '}  ${words}`
}

export function mailOf(
  entries: readonly Entry[],
  issuer: string,
  context: Pick<Context, 'realm'>,
): { subject: string; text: string; html: string } {
  const raised = entries.filter(({ kind }) => kind === 'alert_raised')
  const isCritical = raised.some(({ details }) => details?.level === 'critical')
  const level = raised.length === 0 ? 'OVER' : isCritical ? 'CRITICAL' : 'WARNING'
  const first = plain((raised[0] ?? entries[0])?.details?.rule)
  const more = entries.length > 1 ? ` and ${entries.length - 1} more` : ''
  const lines = entries.slice(0, mostNamed).map(lineOf)
  const rest = entries.length > mostNamed ? [`and ${entries.length - mostNamed} more`] : []
  const next = hint(
    context,
    'latchkey audit list --kind alert_raised shows them all, and what is before and after.',
  )
  const text = [issuer, '', ...lines, ...rest, '', next, ''].join('\n')
  return {
    subject: `${level}: ${first}${more} (${new URL(issuer).host})`,
    text,
    html: `<pre>${Bun.escapeHTML(text)}</pre>`,
  }
}

export function alertMailSink(context: Context): Sink {
  const { auditAlertMail: to = [], auditAlertMailsPerHour: most } = settings(context)
  return {
    name: 'alert_mail',
    limits: { entries: 500, bytes: 1_000_000 },
    takes: alertKinds,
    begins: 'now',
    async send(batch: readonly Outgoing[]) {
      const { store, random, secrets, config, soon } = context
      const { count, ttl } = await store.increment('audit_alert_mails', hourMs)
      if (count > most)
        throw new SinkFailure(`AUDIT_ALERT_MAILS_PER_HOUR: there were ${most} mails in this hour`, ttl)
      const mail = mailOf(
        batch.map(({ entry }) => entry),
        config.issuer,
        context,
      )
      for (const address of to) await Outbox.add(context, random, secrets.mail, { to: address, ...mail })
      soon('mail')
    },
  }
}
