/** The pages that show mails in development: a list, and one mail as text and as HTML in a sandboxed frame. */
import devMailSource from '../../../views/dev_mail.html' with { type: 'text' }
import devMailsSource from '../../../views/dev_mails.html' with { type: 'text' }
import { HttpError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { page as document } from '../../html/document.ts'
import { page } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { defineView } from '../../html/view.ts'
import { isLoopbackHost } from '../../lib/address.ts'
import { ownOrigin } from '../../lib/policy_source.ts'
import { say } from '../../lib/say.ts'
import type { MailMessage } from '../../models/outbox.ts'
import { devMailPath, findShown, listShown } from '../../people/shown_mails.ts'

const framePath = `${devMailPath}/html`

const list = defineView('dev_mails', devMailsSource, ['mails'])
const none = defineView('dev_mail_none', '<li>{{t dev_mail.none}}</li>', [])
const item = defineView(
  'dev_mail_item',
  '<li><a href="{{path}}">{{subject}}</a><span><bdi>{{to}}</bdi> · {{at}}</span></li>',
  ['path', 'subject', 'to', 'at'],
)
const one = defineView('dev_mail', devMailSource, ['subject', 'to', 'links', 'text', 'frame', 'list'])
const link = defineView('dev_mail_link', '<li><a href="{{url}}">{{url}}</a></li>', ['url'])
const linkList = defineView('dev_mail_links', '<ul class="links">{{links}}</ul>', ['links'])

/**
 * Mails contain links that open accounts, so only this machine may read them, and only under a loopback name or the
 * issuer's, which prevents DNS rebinding.
 */
function requireThisMachine(call: Call, { config }: Context): void {
  const host = URL.parse(call.request.url)?.hostname ?? ''
  const named = isLoopbackHost(host) || host === new URL(config.issuer).hostname
  if (!isLoopbackHost(call.address) || !named)
    throw new HttpError('not_found', { expected: 'a request from the machine of this provider' })
}

async function requireMessage(call: Call, context: Context): Promise<MailMessage> {
  const message = await findShown(context, query(call, context).id ?? '')
  if (!message)
    throw new HttpError('not_found', {
      expected: 'the id of a mail of the last day',
      problem: 'there is no such mail, or it is more than a day old',
    })
  return message
}

async function showAll(context: Context): Promise<Reply> {
  const shown = await listShown(context)
  const mails = shown.map(({ id, at, message }) =>
    item({
      path: `${context.basePath}${devMailPath}?id=${id}`,
      subject: message.subject,
      to: message.to,
      at: say('dev_mail.at', { at }),
    }),
  )
  return page(200, document(say('dev_mail.title'), list({ mails: mails.length > 0 ? mails : none({}) })))
}

async function showOne(call: Call, context: Context, id: string): Promise<Reply> {
  const message = await requireMessage(call, context)
  const urls = message.text.split('\n').filter((line) => /^https?:\/\/\S+$/.test(line))
  const html = one({
    subject: message.subject,
    to: message.to,
    links: urls.length > 0 ? linkList({ links: urls.map((url) => link({ url })) }) : [],
    text: message.text,
    frame: `${context.basePath}${framePath}?id=${id}`,
    list: `${context.basePath}${devMailPath}`,
  })
  return {
    ...page(200, document(say('dev_mail.title'), html, { width: 'wide' })),
    frameSources: [ownOrigin],
  }
}

export const devMail = defineEndpoint({
  name: 'dev_mail',
  path: devMailPath,
  advertised: false,
  page: true,
  get(call, context) {
    requireThisMachine(call, context)
    const { id } = query(call, context)
    return id === undefined ? showAll(context) : showOne(call, context, id)
  },
})

/**
 * A mail has inline styles, which our pages forbid. Only this document allows them. The sandbox gives it no origin and no
 * scripts, and it may load nothing and send no form.
 */
const framePolicy = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'self'",
  'sandbox',
].join('; ')

export const devMailHtml = defineEndpoint({
  name: 'dev_mail_html',
  path: framePath,
  advertised: false,
  page: true,
  async get(call, context) {
    requireThisMachine(call, context)
    const { html } = await requireMessage(call, context)
    return {
      status: 200,
      body: html,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'x-frame-options': 'SAMEORIGIN',
        'cross-origin-opener-policy': 'unsafe-none', // a sandboxed document may have no other
        'content-security-policy': framePolicy,
      },
    }
  },
})
