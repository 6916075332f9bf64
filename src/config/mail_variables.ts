/** Variables of mail: the relay, the sender, how long delivery is tried. docs/configuration.md */
import * as v from 'valibot'
import type { Sections } from './entry.ts'
import * as is from './schemas.ts'
import { readMailAddress } from '../lib/mail_address.ts'
import { hasUnsafe } from '../lib/unsafe_text.ts'

export interface Mailbox {
  name: string
  address: string
}

/** `Name <user@host>` or `user@host`; the name has only characters that need no quotes in a mail header. */
function readMailbox(text: string): Mailbox | undefined {
  const [, name = '', inner] = /^([^<>"\\]*?)\s*<([^<>]+)>$/.exec(text.trim()) ?? []
  const address = readMailAddress(inner ?? text)
  return address === undefined || hasUnsafe(name, 'address') ? undefined : { name, address }
}

/** Host and credentials alone: a query could contain options that turn the verification of certificates off. */
function readSmtpUrl(text: string): URL | undefined {
  const url = /^smtps?:\/\/[^\s\\]+$/i.test(text) ? URL.parse(text) : null
  const isBare = url && url.hostname !== '' && /^\/?$/.test(url.pathname) && !url.search && !url.hash
  return isBare ? url : undefined
}

const smtpUrlText = 'smtp://user:password@host:port, or smtps:// for TLS from the first byte'
const mailboxText = 'an address such as Accounts <accounts@example.com>'

export const mailSections = {
  Mail: [
    {
      name: 'SMTP_URL',
      realm: 'server',
      schema: v.pipe(
        v.string(),
        v.check((text) => readSmtpUrl(text) !== undefined, `expected ${smtpUrlText}`),
        v.description(smtpUrlText),
      ),
      secret: true,
      needs: 'MAIL_FROM',
      help: 'The relay that sends mails; user and password percent-encoded. Unset: in development each mail is shown at /dev/mail and in the terminal, in production features that need mail are off.',
    },
    {
      name: 'MAIL_FROM',
      realm: 'own_or_server',
      schema: is.described(mailboxText, readMailbox),
      default: { development: 'Latchkey <latchkey@localhost.localdomain>' },
      help: 'Sender of mails, as the relay allows it.',
    },
    {
      name: 'SMTP_CA_PATH',
      realm: 'server',
      schema: is.path,
      needs: 'SMTP_URL',
      help: "Certificate authorities (PEM) to verify the relay's certificate with, instead of the public ones.",
    },
    {
      name: 'SMTP_ALLOW_PLAINTEXT',
      realm: 'server',
      schema: is.boolean,
      default: 'false',
      help: 'Allows a relay off loopback that offers no TLS. Mails contain links that give access to accounts, so use it only on a network that you control.',
    },
    {
      name: 'SMTP_TIMEOUT_MS',
      realm: 'server',
      schema: is.integer(1_000, 120_000),
      default: '30000',
      help: 'Milliseconds that the relay may take for one mail, in total.',
    },
    {
      name: 'MAIL_RETRY_FOR',
      realm: 'server',
      schema: is.seconds(0, 518_400),
      default: '259200',
      help: 'How long a mail is tried again, at growing intervals, while the relay does not accept it.',
    },
  ],
} as const satisfies Sections
