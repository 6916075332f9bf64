/** Tells notices: on the console, to a webhook, by mail. One that could not be told is tried again at the next round. */
import type { Config } from '../../config.ts'
import { printable, print } from '../output.ts'
import type { Notice } from './watch.ts'

/** Resolves when the notice was taken. Rejects otherwise. */
export type Channel = (notice: Notice, id: string) => Promise<void>

/** Notices that wait for one channel. The oldest is given up beyond it, and the console has it. */
const mostWaiting = 100

const timestamp = (ms: number): string => new Date(ms).toISOString()

const noticeFacts = (notice: Notice, issuer: string): Record<string, unknown> => ({
  level: notice.level,
  issuer,
  check: notice.check,
  message: notice.message,
  at: timestamp(notice.at),
  since: notice.since === undefined ? undefined : timestamp(notice.since),
})

export function tellConsole(notice: Notice, issuer: string, asJson: boolean): void {
  const facts = noticeFacts(notice, issuer)
  if (asJson) return print(printable(facts))
  const { level, check = 'monitor', message, at } = notice
  print(`${timestamp(at)} ${level.padEnd(8)} ${printable(check)}: ${printable(message)}`)
}

/** The answer must be 2xx. */
export const webhook =
  (url: string, issuer: string, timeoutMs: number): Channel =>
  async (notice, id) => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': id },
      body: JSON.stringify(noticeFacts(notice, issuer)),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    await answer.body?.cancel()
    if (!answer.ok) throw new Error(`it answered ${answer.status}`)
  }

/** Through the relay of SMTP_URL. */
export const mail =
  (to: string, issuer: string, config: Config): Channel =>
  async (notice, id) => {
    const { openRelay } = await import('../../people/mail_relay.ts')
    const relay = await openRelay({ config })
    try {
      const { level, check = 'monitor', message, at } = notice
      const text = `${issuer}\n\n${check}: ${message}\n\n${timestamp(at)}\n`
      const subject = `${level}: ${check} of ${new URL(issuer).host}`
      await relay.send(id, { to, subject, text, html: `<pre>${Bun.escapeHTML(text)}</pre>` }, new Date(at))
    } finally {
      relay.close()
    }
  }

export interface Teller {
  /** Adds the notice and tries all that wait. Never rejects. */
  tell(notice: Notice): Promise<void>
  /** Tries those that wait. */
  retry(): Promise<void>
}

/** Each channel has a line of its own, so that one that is down delays no other. */
export function createTeller(
  channels: Readonly<Record<string, Channel>>,
  complain: (channel: string, problem: string) => void,
): Teller {
  const lines = Object.entries(channels).map(([name, send]) => ({
    name,
    send,
    waiting: [] as { notice: Notice; id: string }[],
    busy: Promise.resolve(),
  }))

  async function work({ name, send, waiting }: (typeof lines)[number]): Promise<void> {
    for (let next = waiting[0]; next; next = waiting[0]) {
      try {
        await send(next.notice, next.id)
        waiting.shift()
      } catch (error) {
        return complain(name, (error as Error).message)
      }
    }
  }

  const retry = async () => {
    await Promise.all(lines.map((line) => (line.busy = line.busy.then(() => work(line)))))
  }
  return {
    retry,
    async tell(notice) {
      const id = crypto.randomUUID()
      for (const { waiting } of lines) {
        waiting.push({ notice, id })
        if (waiting.length > mostWaiting) waiting.shift()
      }
      await retry()
    },
  }
}
