/** The SMTP relay: the connections of one run of the delivery job, over TLS except on loopback. https://www.rfc-editor.org/rfc/rfc8314 */
import type { Config } from '../config.ts'
import { readAuthorities } from '../config/named_files.ts'
import type { Context } from '../contracts/context.ts'
import { isLoopbackHost } from '../lib/address.ts'
import { readMailAddress } from '../lib/mail_address.ts'
import { replaceUnsafe } from '../lib/unsafe_text.ts'
import type { MailMessage } from '../models/outbox.ts'
import { hasAsciiLocalPart, offersUtf8 } from './mail_utf8.ts'

/**
 * Why a mail was not delivered. `permanent`: this mail is refused, and another attempt would not help. `temporary`: this
 * mail may be accepted later. `relay`: the relay itself fails, so other mails would fail too.
 */
export class DeliveryFailure extends Error {
  override readonly name = 'DeliveryFailure'
  readonly kind: 'permanent' | 'temporary' | 'relay'

  constructor(kind: DeliveryFailure['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}

/** Delivers mails; `send` throws DeliveryFailure. */
export interface MailTransport {
  send(id: string, message: MailMessage, writtenAt: Date): Promise<void>
  close(): void
}

/** Connections at once. */
export const connections = 4

/** Mails over one connection: relays close a connection after a number of mails. */
const mailsEach = 50

/**
 * The TLS options of the transport. Except on loopback, STARTTLS is required and the certificate is checked: an attacker
 * on the network could otherwise remove the offer of STARTTLS. Loopback traffic does not leave the machine.
 */
function encryption(url: URL, allowPlaintext: boolean, caPath: string | undefined) {
  const local = isLoopbackHost(url.hostname) && caPath === undefined
  return {
    secure: url.protocol === 'smtps:',
    requireTLS: url.protocol === 'smtp:' && !local && !allowPlaintext,
    tls: {
      minVersion: 'TLSv1.2' as const,
      rejectUnauthorized: !local,
      ...(caPath !== undefined && { ca: readAuthorities('SMTP_CA_PATH', caPath).pem }),
    },
  }
}

/** Ports by RFC 8314 §3.3 and RFC 6409. */
const portOf = ({ port, protocol }: URL): number => Number(port) || (protocol === 'smtps:' ? 465 : 587)

/** Options of one connection. */
function relayOf({ smtpUrl, smtpCaPath, smtpAllowPlaintext, smtpTimeoutMs, issuer }: Config) {
  const url = new URL(smtpUrl!)
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: portOf(url),
    name: new URL(issuer).hostname,
    ...(url.username !== '' && {
      auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
    }),
    ...encryption(url, smtpAllowPlaintext, smtpCaPath),
    dnsTimeout: smtpTimeoutMs,
    connectionTimeout: smtpTimeoutMs,
    greetingTimeout: smtpTimeoutMs,
    socketTimeout: smtpTimeoutMs,
  }
}

/** Connects and signs in, as for a mail, and sends none. Rejects with the error of the transport. */
export async function tryRelay(config: Config): Promise<void> {
  const { createTransport } = await import('nodemailer')
  const transport = createTransport(relayOf(config))
  await inTime(transport.verify(), config.smtpTimeoutMs).finally(() => transport.close())
}

export async function openRelay(context: Pick<Context, 'config'>): Promise<MailTransport> {
  const { mailFrom, smtpTimeoutMs } = context.config
  const relay = relayOf(context.config)
  const [{ createTransport }, { default: MailComposer }] = await Promise.all([
    import('nodemailer'), // takes 70 ms, so it is loaded only when there is a mail to send
    import('nodemailer/lib/mail-composer'),
  ])
  const transport = createTransport({
    ...relay,
    pool: true,
    maxConnections: connections,
    maxMessages: mailsEach,
    maxRequeues: 0, // the outbox retries
  })
  transport.on('error', () => {}) // `sendMail` rejects for each mail as well

  let asked: Promise<boolean> | undefined
  /** Asked once; again after a failure, which says nothing about the relay of the next mail. */
  const takesUtf8 = (): Promise<boolean> =>
    (asked ??= inTime(offersUtf8(relay), smtpTimeoutMs).catch((error: SmtpError) => {
      asked = undefined
      throw failureOf(error)
    }))

  return {
    async send(id, message, date) {
      const to = readMailAddress(message.to)
      if (to === undefined || mailFrom === undefined)
        throw new DeliveryFailure('permanent', 'the mail address is not valid')
      // Composed before the connection is used: an error while composing belongs to this mail and not to the relay.
      const raw = await new MailComposer({
        from: { ...mailFrom },
        to: { name: '', address: to },
        // The same at each attempt, so that a relay or a mailbox can recognise a duplicate.
        messageId: `<${id}@${relay.name}>`,
        date,
        subject: replaceUnsafe(message.subject, 'line', ' '),
        text: message.text,
        html: message.html,
        headers: { 'Auto-Submitted': 'auto-generated' }, // RFC 3834: no automatic replies
        // Our mails have no attachments from paths or URLs, so reading them is switched off.
        disableFileAccess: true,
        disableUrlAccess: true,
      })
        .compile()
        .build()
        .catch((error: Error) => {
          throw new DeliveryFailure('permanent', error.message)
        })
      if (![to, mailFrom.address].every(hasAsciiLocalPart) && !(await takesUtf8()))
        throw new DeliveryFailure(
          hasAsciiLocalPart(mailFrom.address) ? 'permanent' : 'relay',
          'the relay offers no SMTPUTF8 (RFC 6531), which a local part beyond ASCII needs',
        )
      const sending = transport.sendMail({ envelope: { from: mailFrom.address, to }, raw })
      await inTime(sending, smtpTimeoutMs).catch(throwFailure)
    },
    close: () => transport.close(),
  }
}

/** Limits the whole delivery. The time limits of the transport count inactivity, which a relay that answers byte by byte avoids. */
function inTime<T>(sending: Promise<T>, ms: number): Promise<T> {
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

/** The SMTP commands whose refusal concerns one mail. An earlier one (greeting, TLS, authentication, sender) concerns the relay. */
const mailCommands = new Set(['RCPT TO', 'DATA'])
/** Errors of the transport before it sends anything to the relay. */
const unsendable = new Set(['EMESSAGE', 'EENVELOPE'])
const permanent = 500

function throwFailure(error: SmtpError): never {
  throw failureOf(error)
}

function failureOf({ code = '', responseCode, command = '', message }: SmtpError): DeliveryFailure {
  if (mailCommands.has(command) && responseCode !== undefined)
    return new DeliveryFailure(responseCode >= permanent ? 'permanent' : 'temporary', message)
  return new DeliveryFailure(
    unsendable.has(code) && responseCode === undefined ? 'permanent' : 'relay',
    message,
  )
}
