/** Posts entries in batches, signed as Standard Webhooks says. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
import { createHmac } from 'node:crypto'
import type { Context } from '../../contracts/context.ts'
import { type Clock, seconds } from '../../lib/clock.ts'
import { sha256 } from '../../lib/hash.ts'
import { alertKinds } from '../../models/audit/alerts/rule.ts'
import { formats } from '../../models/audit/formats/format.ts'
import { type Sink, SinkFailure } from '../../models/audit/stream/stream.ts'
import { OutboundError } from '../../outbound/outbound.ts'
import { version } from '../../version.ts'

/** A value that begins with `whsec_` is base64, as the tools of the specification make it. */
const secretBytes = (value: string): Buffer =>
  value.startsWith('whsec_') ? Buffer.from(value.slice(6), 'base64') : Buffer.from(value)

/** The headers of one attempt. The id is that of the content, so that a receiver recognises a batch that comes again. */
export function signedHeaders(
  body: string,
  secrets: readonly string[],
  clock: Clock,
): Readonly<Record<string, string>> {
  const id = `audit_${sha256(body).slice(0, 32)}`
  const timestamp = `${seconds(clock)}`
  const sign = (value: string) =>
    `v1,${createHmac('sha256', secretBytes(value)).update(`${id}.${timestamp}.${body}`).digest('base64')}`
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': secrets.map(sign).join(' '),
  }
}

type Parts = Pick<Context, 'config' | 'clock' | 'outbound'>

/** `alerts`: another URL, which gets alerts alone, as they are in the trail. */
export function webhookSink({ config, clock, outbound }: Parts, alerts?: string): Sink {
  const format = alerts === undefined ? config.auditWebhookFormat : 'json'
  const origin = { issuer: config.issuer, version }
  return {
    name: alerts === undefined ? 'webhook' : 'alert_webhook',
    ...(alerts !== undefined && {
      takes: alertKinds,
      begins: 'now' as const,
    }),
    limits: { entries: 500, bytes: 500_000 },
    async send(batch) {
      const entries = batch.map((each) => formats[format](each, origin))
      const head = JSON.stringify({ issuer: config.issuer, format }).slice(0, -1)
      await post(
        { config, clock, outbound },
        alerts ?? config.auditWebhookUrl!,
        `${head},"entries":[${entries.join(',')}]}`,
      )
    },
  }
}

/** The fetcher refuses private addresses that OUTBOUND_ALLOW_HOSTS does not name, redirects, and long answers. */
async function post({ config, clock, outbound }: Parts, url: string, body: string): Promise<void> {
  const secrets = config.auditWebhookSecret ?? []
  const { host } = new URL(url)
  const answer = await outbound
    .fetch(url, {
      purpose: 'audit',
      method: 'POST',
      headers: signedHeaders(body, secrets, clock),
      body,
    })
    .catch((error: unknown) => {
      if (!(error instanceof OutboundError)) throw error
      throw new SinkFailure(
        `${host} ${error.message}${error.detail === undefined ? '' : ` (${error.detail})`}`,
      )
    })
  if (answer.status >= 200 && answer.status < 300) return
  throw new SinkFailure(
    `${host} answered with status ${answer.status}`,
    patience(answer.headers['retry-after']),
  )
}

/** Milliseconds of a Retry-After header in seconds. A date is not read. */
const patience = (header: string | undefined): number | undefined =>
  /^\d{1,6}$/.test(header ?? '') ? Number(header) * 1000 : undefined
