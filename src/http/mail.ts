/** A mail from what it says: written in the language of its reader as text and as HTML, and put into the outbox. */
import mailSource from '../../views/mail.html' with { type: 'text' }
import type { Context } from '../context.ts'
import { type Language, type Said, say } from '../lib/say.ts'
import { type Letter, Outbox } from '../models/outbox.ts'
import type { User } from '../models/user.ts'
import { defineView, render, type Setting } from './view.ts'
import { firstSpoken, wordsOf } from './words.ts'

/** Links are built from the issuer alone (`config.issuer` and a path), never from a request. */
export interface Mail {
  to: string
  language: Language
  subject: Said
  /** Paragraphs before the code or the link. */
  lines: readonly Said[]
  code?: string
  link?: { url: string; label: Said }
  /** Paragraphs after it: how long it is good, what to do when it was somebody else. */
  after?: readonly Said[]
}

const view = defineView('mail', mailSource, [
  'lang',
  'dir',
  'subject',
  'brand',
  'lines',
  'code',
  'link',
  'after',
])
const paragraph = defineView('mail_paragraph', '<p>{{text}}</p>', ['text'])
const codeBlock = defineView(
  'mail_code',
  '<p style="font-size: 1.5em"><strong><code>{{code}}</code></strong></p>',
  ['code'],
)
const button = defineView(
  'mail_link',
  '<p><a href="{{url}}">{{label}}</a></p>\n<p><small>{{url}}</small></p>',
  ['url', 'label'],
)

/** Whether mails can leave at all: SMTP_URL is set, or this is development, where they are shown. */
export const canMail = (context: Context): boolean => context.table.features.includes('mail')

/** The language a person's mails are in. */
export const languageOfUser = (user: Pick<User, 'claims' | 'language'>, context: Context): Language =>
  firstSpoken([user.language ?? '', String(user.claims.locale ?? '')]) ?? context.config.defaultLanguage

/** Never waits for the relay; throws StoreUnavailable alone. The address is not checked here. */
export async function sendMail(context: Context, mail: Mail): Promise<void> {
  const id = await Outbox.add(context, context.random, context.secrets.mail, writeMail(context, mail))
  context.log.info('mail_queued', { id, subject: mail.subject.key })
  context.soon('mail')
}

export function writeMail(context: Context, mail: Mail): Letter {
  const setting: Setting = { words: wordsOf(mail.language), ...context.looks }
  const { words, brand } = setting
  const text = (said: Said) => words.text(said)
  const html = view({
    lang: words.tag,
    dir: words.dir,
    subject: mail.subject,
    brand: brand.name,
    lines: mail.lines.map((line) => paragraph({ text: line })),
    code: mail.code === undefined ? [] : codeBlock({ code: mail.code }),
    link: mail.link ? button({ url: mail.link.url, label: mail.link.label }) : [],
    after: (mail.after ?? []).map((line) => paragraph({ text: line })),
  })
  return {
    to: mail.to,
    subject: text(mail.subject),
    text: [
      ...mail.lines.map(text),
      ...(mail.code === undefined ? [] : [mail.code]),
      ...(mail.link ? [`${text(mail.link.label)}:\n${mail.link.url}`] : []),
      ...(mail.after ?? []).map(text),
      `-- \n${brand.name} · ${context.config.issuer}`,
    ].join('\n\n'),
    html: render(html, setting),
  }
}

/** The line under every mail of ours that a person did not ask for. */
export const notYou = (context: Context): Pick<Mail, 'link' | 'after'> => ({
  link: { url: `${context.config.issuer}/account`, label: say('mail.open_account') },
  after: [say('mail.not_you')],
})
