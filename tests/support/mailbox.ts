/** The mails that wait in a provider's outbox, as their readers would see them. */
import { type MailMessage, mailQueue, Outbox, outboxIndex } from '../../src/models/outbox.ts'
import type { Provider } from './provider.ts'

/** In the order they were written; those of one millisecond in any, so a test of their order turns the clock between them. */
export async function mailsOf({ context }: Pick<Provider, 'context'>): Promise<MailMessage[]> {
  const members = await context.store.range(outboxIndex)
  const found = await Promise.all(
    members.map(async ({ member: id }) => {
      const record = await mailQueue.find(context, id)
      return record && Outbox.open(context.secrets.mail, id, record)
    }),
  )
  return found.filter((message) => message !== undefined)
}

/** Empties the outbox. */
export async function forgetMails({ context }: Pick<Provider, 'context'>): Promise<void> {
  for (const { member } of await context.store.range(outboxIndex)) await mailQueue.finish(context, member)
}

/** The last mail to `to`; throws when there is none. */
export async function lastMailTo(op: Pick<Provider, 'context'>, to: string): Promise<MailMessage> {
  const message = (await mailsOf(op)).findLast((each) => each.to === to)
  if (!message) throw new Error(`no mail to ${to}`)
  return message
}

const linkOf = (message: MailMessage, path: string): string | undefined =>
  message.text.split('\n').find((line) => /^https?:/.test(line) && new URL(line).pathname.endsWith(path))

/** The address of a page that a mail leads to, by the end of its path; throws when there is none. */
export function linkIn(message: MailMessage, path: string): string {
  const url = linkOf(message, path)
  if (url === undefined) throw new Error(`no link to ${path} in:\n${message.text}`)
  return url
}

/** The same of the last mail to `to` that has one. */
export async function linkMailed(op: Pick<Provider, 'context'>, to: string, path: string): Promise<string> {
  const letters = (await mailsOf(op)).filter((each) => each.to === to)
  const url = letters.map((each) => linkOf(each, path)).findLast((each) => each !== undefined)
  if (url === undefined) throw new Error(`no mail to ${to} leads to ${path}`)
  return url
}
