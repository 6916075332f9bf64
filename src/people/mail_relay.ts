/** The relay: one turn's connections to it, over TLS unless the wire is this machine's own. https://www.rfc-editor.org/rfc/rfc8314 */
import { readFileSync } from 'node:fs'
import type { Context } from '../contracts/context.ts'
import { isLoopbackHost } from '../lib/address.ts'
import { readMailAddress } from '../lib/mail_address.ts'
import { replaceUnsafe } from '../lib/unsafe_text.ts'
import type { Letter } from '../models/outbox.ts'

/** Why a mail was not taken. `mail`: the fault of this one, which trying again does not mend. */
export class NotTaken extends Error {
  override readonly name = 'NotTaken'
  readonly about: 'mail' | 'relay' | 'moment'

  constructor(about: NotTaken['about'], message: string) {
    super(message)
    this.about = about
  }
}

/** A way for mails to go; `send` throws NotTaken. */
export interface Way {
  send(id: string, letter: Letter, writtenAt: Date): Promise<void>
  close(): void
}

/** Connections at once. */
export const connections = 4

/** Mails over one connection: relays end those that never stop. */
const mailsEach = 50

/**
 * TLS as the transport wants it. On loopback nobody listens in between, so whatever the relay offers will do; elsewhere
 * STARTTLS is demanded and the certificate checked, for an attacker on the wire would simply not offer it.
 */
function encryption(url: URL, allowPlaintext: boolean, caPath: string | undefined) {
  const local = isLoopbackHost(url.hostname) && caPath === undefined
  return {
    secure: url.protocol === 'smtps:',
    requireTLS: url.protocol === 'smtp:' && !local && !allowPlaintext,
    tls: {
      minVersion: 'TLSv1.2' as const,
      rejectUnauthorized: !local,
      ...(caPath !== undefined && { ca: readFileSync(caPath, 'utf8') }),
    },
  }
}

/** Ports by RFC 8314 §3.3 and RFC 6409. */
const portOf = ({ port, protocol }: URL): number => Number(port) || (protocol === 'smtps:' ? 465 : 587)

export async function openRelay(context: Context): Promise<Way> {
  const { smtpUrl, mailFrom, smtpCaPath, smtpAllowPlaintext, smtpTimeoutMs } = context.config
  const url = new URL(smtpUrl!)
  const us = new URL(context.config.issuer).hostname
  const [{ createTransport }, { default: MailComposer }] = await Promise.all([
    import('nodemailer'), // 70 ms that only whoever sends pays
    import('nodemailer/lib/mail-composer'),
  ])
  const transport = createTransport({
    pool: true,
    maxConnections: connections,
    maxMessages: mailsEach,
    maxRequeues: 0, // trying again is the outbox's affair
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: portOf(url),
    name: us,
    ...(url.username !== '' && {
      auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
    }),
    ...encryption(url, smtpAllowPlaintext, smtpCaPath),
    dnsTimeout: smtpTimeoutMs,
    connectionTimeout: smtpTimeoutMs,
    greetingTimeout: smtpTimeoutMs,
    socketTimeout: smtpTimeoutMs,
  })
  transport.on('error', () => {}) // each mail hears of it by itself

  return {
    async send(id, letter, date) {
      const to = readMailAddress(letter.to)
      if (to === undefined || mailFrom === undefined) throw new NotTaken('mail', 'the address is none')
      // Written out beforehand: what goes wrong in writing is the fault of this mail, and must not meet a connection.
      const raw = await new MailComposer({
        from: { ...mailFrom },
        to: { name: '', address: to },
        // The same at each attempt: a relay, or a mailbox, can tell that it has this one already.
        messageId: `<${id}@${us}>`,
        date,
        subject: replaceUnsafe(letter.subject, 'line', ' '),
        text: letter.text,
        html: letter.html,
        headers: { 'Auto-Submitted': 'auto-generated' }, // RFC 3834: no holiday notices in return
        // No attachment of ours comes from a path or a URL, so none ever may.
        disableFileAccess: true,
        disableUrlAccess: true,
      })
        .compile()
        .build()
        .catch((error: Error) => {
          throw new NotTaken('mail', error.message)
        })
      const sending = transport.sendMail({ envelope: { from: mailFrom.address, to }, raw })
      await inTime(sending, smtpTimeoutMs).catch((error: SmtpError) => {
        throw reasonOf(error)
      })
    },
    close: () => transport.close(),
  }
}

/** The transport's own limits are of silence; one that drips would hold a connection for ever. */
function inTime(sending: Promise<unknown>, ms: number): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout>
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  return Promise.race([sending, late]).finally(() => clearTimeout(timer))
}

interface SmtpError extends Error {
  code?: string
  responseCode?: number
  command?: string
}

/** What is said of one recipient or one message; anything earlier (greeting, TLS, sign-in, sender) is about the relay. */
const aboutMail = new Set(['RCPT TO', 'DATA'])
/** What the transport refuses before it asks. */
const unsendable = new Set(['EMESSAGE', 'EENVELOPE'])
const permanent = 500

function reasonOf({ code = '', responseCode, command = '', message }: SmtpError): NotTaken {
  if (aboutMail.has(command) && responseCode !== undefined)
    return new NotTaken(responseCode >= permanent ? 'mail' : 'moment', message)
  return new NotTaken(unsendable.has(code) && responseCode === undefined ? 'mail' : 'relay', message)
}
