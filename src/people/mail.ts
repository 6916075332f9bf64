/** Composes a mail as text and as HTML in the language of its recipient, and puts it into the outbox. */
import mailSource from '../../views/mail.html' with { type: 'text' }
import mailLinkSource from '../../views/mail_link.html' with { type: 'text' }
import type { Config } from '../config.ts'
import type { Context } from '../contracts/context.ts'
import { isSaid, type Language, type MessageValue, type Said, say } from '../lib/say.ts'
import { type MailMessage, Outbox } from '../models/outbox.ts'
import { canonicalEmail, provenEmail, type User } from '../models/user.ts'
import { accountPath } from '../html/account_parts.ts'
import { foreignText } from '../html/foreign_text.ts'
import { defineView, render, type Setting } from '../html/view.ts'
import { firstSupported } from '../html/words.ts'

/** Links are built from the issuer alone (`config.issuer` and a path), never from a request. */
export interface Mail {
  to: string
  language: Language
  subject: Said
  /** Paragraphs before the code or the link. */
  lines: readonly Said[]
  code?: string
  link?: { url: string; label: Said }
  /** Paragraphs after the code or the link: how long it is valid, what to do if the recipient did not ask for it. */
  after?: readonly Said[]
}

const view = defineView('mail', mailSource, [
  'lang',
  'dir',
  'subject',
  'brand',
  'issuer',
  'lines',
  'code',
  'link',
  'after',
])
const paragraph = defineView(
  'mail_paragraph',
  '<p class="text" style="margin: 16px 0 0; color: #1d1c1a">{{text}}</p>',
  ['text'],
)
const smallPrint = defineView(
  'mail_small_print',
  '<p class="muted" style="margin: 16px 0 0; font-size: 14px; color: #5d5a53">{{text}}</p>',
  ['text'],
)
const codeBlock = defineView(
  'mail_code',
  '<p class="code" style="margin: 24px 0 0; padding: 16px; border-radius: 10px; background: #f4f3ef; color: #1d1c1a; font-family: Menlo, Consolas, monospace; font-size: 28px; font-weight: 600; letter-spacing: 0.12em; text-align: center" dir="ltr">{{code}}</p>',
  ['code'],
)
const button = defineView('mail_link', mailLinkSource, ['url', 'label'])

/** Whether mails are delivered under this configuration: SMTP_URL is set, or this is development, where they are shown. */
export const mailsLeave = ({ smtpUrl, environment }: Config): boolean =>
  smtpUrl !== undefined || environment === 'development'

/** Whether mails are shown to the developer and not sent. */
export const mailsAreShown = ({ smtpUrl, environment }: Config): boolean =>
  smtpUrl === undefined && environment === 'development'

export const canMail = (context: Context): boolean => mailsLeave(context.config)

/** The language of the mails to an End-User. */
export const languageOfUser = (user: Pick<User, 'claims' | 'language'>, context: Context): Language =>
  firstSupported([user.language ?? '', String(user.claims.locale ?? '')]) ?? context.config.defaultLanguage

/** Queues the mail without waiting for the relay. Throws StoreUnavailable only. The address is not checked here. */
export async function sendMail(context: Context, mail: Mail): Promise<void> {
  const id = await Outbox.add(context, context.random, context.secrets.mail, writeMail(context, mail))
  context.log.info('mail_queued', { id, subject: mail.subject.key })
  context.soon('mail')
}

/** Removed from a sentence that is used as a subject. */
const fullStop = /[.。]$/u

/** The longest mail address that is accepted. */
const longestValue = 254

/**
 * Makes values that End-Users and clients chose safe inside a sentence: one line, no invisible characters, no URL. The
 * recipient may be another person, and a mail must not contain a link that the requester typed.
 */
function sanitized(said: Said): Said {
  const sanitize = (value: MessageValue): MessageValue => {
    if (isSaid(value)) return sanitized(value)
    return typeof value === 'string' ? foreignText(value, longestValue).replaceAll('://', ': //') : value
  }
  const values = Object.entries(said.values).map(([name, value]) => [name, sanitize(value)] as const)
  return say(said.key, Object.fromEntries(values))
}

/** Throws TypeError when the URL of the link is not below the issuer. */
export function writeMail(context: Context, mail: Mail): MailMessage {
  const setting: Setting = { ...context.looks, words: context.looks.wordsOf(mail.language) }
  const { words, brand } = setting
  const { issuer } = context.config
  if (mail.link && !mail.link.url.startsWith(`${issuer}/`))
    throw new TypeError('a mail links to the issuer alone')
  const subject = sanitized(mail.subject)
  const lines = mail.lines.map(sanitized)
  const after = (mail.after ?? []).map(sanitized)
  const code = mail.code === undefined ? undefined : foreignText(mail.code)
  const link = mail.link && { url: mail.link.url, label: sanitized(mail.link.label) }
  const html = view({
    lang: words.tag,
    dir: words.dir,
    subject,
    brand: brand.name,
    issuer,
    lines: lines.map((text) => paragraph({ text })),
    code: code === undefined ? [] : codeBlock({ code }),
    link: link ? button(link) : [],
    after: after.map((text) => smallPrint({ text })),
  })
  return {
    to: mail.to,
    subject: words.text(subject).replace(fullStop, ''),
    text: [
      ...lines.map(words.text),
      ...(code === undefined ? [] : [code]),
      ...(link ? [`${words.text(link.label)}:\n${link.url}`] : []),
      ...after.map(words.text),
      `-- \n${words.text(say('mail.footer', { brand: brand.name, issuer }))}`,
    ].join('\n\n'),
    html: render(html, setting),
  }
}

/**
 * The first line. A username is text that its owner chose, such as a sentence with a link, so that only an address which
 * the account has proven is mailed it: any other may be that of a stranger.
 */
export const greeting = (user: Pick<User, 'username' | 'claims'>, to: string): Said =>
  isProvenBy(user, to) ? say('mail.hello', { username: user.username }) : say('mail.hello_unknown')

export function isProvenBy(user: Pick<User, 'claims'>, to: string): boolean {
  const own = provenEmail(user)
  return own !== undefined && canonicalEmail(own) === canonicalEmail(to)
}

/** The last lines of a mail that the End-User did not ask for: what to do if the change was not theirs. */
export const notYou = (context: Context): Pick<Mail, 'link' | 'after'> => ({
  link: { url: `${context.config.issuer}${accountPath}`, label: say('mail.open_account') },
  after: [say('mail.not_you')],
})
