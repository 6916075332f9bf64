/** Where the audit trail is sent: one row for each stream, which makes its job and its health check. docs/audit.md, "Streams" */
import type { Context } from '../../contracts/context.ts'
import type { HealthCheck, Job } from '../../contracts/protocol_sockets.ts'
import { lazy } from '../../lib/lazy.ts'
import type { Sink } from '../../models/audit/stream/stream.ts'
import { settings } from './settings.ts'

interface Stream {
  readonly name: 'syslog' | 'webhook' | 'file' | 'alerts' | 'alert_mail' | 'alert_webhook'
  /** What it has not sent is kept beyond the retention. */
  readonly holds?: true
  isOn(context: Pick<Context, 'config'>): boolean
  open(context: Context): Promise<Sink>
}

const streams: readonly Stream[] = [
  {
    name: 'syslog',
    holds: true,
    isOn: ({ config }) => config.auditSyslogUrl !== undefined,
    open: async ({ config }) => (await import('./syslog.ts')).syslogSink(config),
  },
  {
    name: 'webhook',
    holds: true,
    isOn: ({ config }) => config.auditWebhookUrl !== undefined,
    open: async (context) => (await import('./webhook.ts')).webhookSink(context),
  },
  {
    name: 'file',
    holds: true,
    isOn: ({ config }) => config.auditFile !== undefined,
    open: async ({ config, clock }) => (await import('./file.ts')).fileSink(config, clock),
  },
  {
    name: 'alerts',
    isOn: (context) => rulesIn(context).length > 0,
    open: async (context) => (await import('./alerts.ts')).judgeOf(context, rulesIn(context)),
  },
  {
    name: 'alert_mail',
    isOn: (context) => rulesIn(context).length > 0 && settings(context).auditAlertMail !== undefined,
    open: async (context) => (await import('./alert_mail.ts')).alertMailSink(context),
  },
  {
    name: 'alert_webhook',
    isOn: (context) => rulesIn(context).length > 0 && settings(context).auditAlertWebhookUrl !== undefined,
    open: async (context) =>
      (await import('./webhook.ts')).webhookSink(context, settings(context).auditAlertWebhookUrl),
  },
]

const rulesIn = (context: Pick<Context, 'config'>) => settings(context).auditAlerts

/** Names of the streams of this configuration that hold entries beyond their retention. */
export const holdingStreams = (context: Pick<Context, 'config'>): string[] =>
  streams.filter(({ holds, isOn }) => holds && isOn(context)).map(({ name }) => name)

/** Seconds between looks at whether there is something to send. */
const every = 1
/** Milliseconds for which a stream may fail before /health says so: a restart of a collector is no trouble. */
const quietly = 30_000

const loaded = lazy(() => import('../../models/audit/stream/stream.ts'))

export const streamJobs: readonly Job[] = streams.map(({ name, isOn, open }) => ({
  name: `audit_${name}`,
  every,
  async run(context) {
    const { audit, metrics } = context
    if (!audit || !isOn(context) || context.closing()) return
    const { runStream } = await loaded()
    const sent = (entries: number) => {
      for (let i = 0; i < entries; i += 1) metrics.count('audit_entries_sent', 'stream', name)
    }
    if (await runStream({ ...context, audit, sent }, await open(context))) context.soon(`audit_${name}`)
  },
}))

export const streamChecks: readonly HealthCheck[] = streams.map(({ name, isOn }) => ({
  name: `audit_${name}`,
  trouble: 'not_sent',
  async run({ audit, config, store, clock }) {
    if (!audit || !isOn({ config })) return undefined
    const { stateOf } = await loaded()
    const { lag, problem, failingSince = 0 } = await stateOf(store, name, audit.keys)
    return {
      ok: problem === undefined || clock.now() - failingSince < quietly,
      details: {
        lag_entries: lag,
        ...(problem !== undefined && { problem, since: new Date(failingSince).toISOString() }),
      },
      samples: [{ name: 'latchkey_audit_stream_lag_entries', value: lag, labels: { stream: name } }],
    }
  },
}))
