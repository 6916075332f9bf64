/** Development without a relay: mails are stored for the page /dev/mail and written to the terminal. */
import * as v from 'valibot'
import type { Context } from '../contracts/context.ts'
import { seconds } from '../lib/clock.ts'
import { seal, unseal } from '../lib/seal.ts'
import { replaceUnsafe } from '../lib/unsafe_text.ts'
import { defineRecord } from '../models/define_record.ts'
import type { MailMessage } from '../models/outbox.ts'
import type { MailTransport } from './mail_relay.ts'

export const devMailPath = '/dev/mail'

const records = defineRecord(
  'shown_mail',
  v.object({
    sealed: v.string(),
    /** Seconds. */
    exp: v.number(),
  }),
)
const index = 'shown_mails'

/** Seconds. */
const keptSeconds = 86_400
const mostListed = 100

const purpose = (id: string) => `shown ${id}`

async function keep(context: Context, id: string, message: MailMessage): Promise<void> {
  const now = context.clock.now()
  const sealed = seal(context.secrets.mail, JSON.stringify(message), purpose(id))
  await records.put(context, id, { sealed, exp: seconds(context.clock) + keptSeconds })
  await context.store.link(index, id, now, keptSeconds * 1000)
  await context.store.trim(index, now - keptSeconds * 1000)
}

export async function findShown(context: Context, id: string): Promise<MailMessage | undefined> {
  const record = await records.find(context, id)
  const text = record && unseal(context.secrets.mail, record.sealed, purpose(id))
  return text === undefined ? undefined : (JSON.parse(text) as MailMessage)
}

export interface ShownMail {
  id: string
  at: Date
  message: MailMessage
}

/** The newest first. */
export async function listShown(context: Context): Promise<ShownMail[]> {
  const members = await context.store.range(index, { limit: 10_000 })
  const newest = members.slice(-mostListed).reverse()
  const found = await Promise.all(
    newest.map(async ({ member, score }) => {
      const message = await findShown(context, member)
      return message && { id: member, at: new Date(score), message }
    }),
  )
  return found.filter((each) => each !== undefined)
}

/** The mail for the terminal. */
function asText(message: MailMessage, url: string): string {
  const lines = [
    `Mail to ${message.to}`,
    ...message.subject.split('\n'),
    '',
    ...message.text.split('\n'),
    '',
    `As HTML: ${url}`,
  ]
  return `\n${lines.map((line) => replaceUnsafe(`  │ ${line}`.trimEnd(), 'line')).join('\n')}\n\n`
}

export const developmentTransport = (context: Context): MailTransport => ({
  async send(id, message) {
    await keep(context, id, message)
    process.stdout.write(asText(message, `${context.config.issuer}${devMailPath}?id=${id}`))
  },
  close() {},
})
