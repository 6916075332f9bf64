/** A real SMTP server on loopback: keeps what it takes, and behaves as the test says. */
import { readFileSync } from 'node:fs'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { Certificate } from './certificate.ts'
import { freePort } from './free_port.ts'

export interface Taken {
  from: string
  to: string[]
  /** The message as it went over the wire. */
  raw: string
  secure: boolean
  user: unknown
}

export interface Relay {
  port: number
  taken: Taken[]
  /** Recipients it was asked to take, refused ones too. */
  asked: string[]
  /** Those of mails for which SMTPUTF8 was asked. */
  utf8: string[]
  /** Connections so far. */
  connections: () => number
  /** What comes after a recipient from now on: a reply code, nothing at all, or 0 to take it. */
  answerRecipients(code: number | 'hang'): void
  /** The same after the message. */
  answerMessages(code: number | 'hang'): void
  stop(): Promise<void>
}

export interface RelayOptions {
  port?: number
  certificate?: Certificate
  /** TLS from the first byte. */
  secure?: boolean
  /** Demanded before any mail. */
  login?: { user: string; pass: string }
  /** No STARTTLS is offered. */
  plain?: boolean
  /** No SMTPUTF8 is offered. */
  asciiOnly?: boolean
}

const refusal = (code: number) => Object.assign(new Error('as the test says'), { responseCode: code })

export async function smtpRelay(options: RelayOptions = {}): Promise<Relay> {
  const { certificate, login, secure = false, plain = false, asciiOnly = false } = options
  const taken: Taken[] = []
  const asked: string[] = []
  const utf8: string[] = []
  let connections = 0
  let recipients: number | 'hang' = 0
  let messages: number | 'hang' = 0
  const answer = (code: number | 'hang', callback: (error?: Error) => void) => {
    if (code !== 'hang') callback(code === 0 ? undefined : refusal(code))
  }
  const settings: SMTPServerOptions = {
    secure,
    ...(certificate && {
      cert: readFileSync(certificate.certPath),
      key: readFileSync(certificate.keyPath),
    }),
    disabledCommands: [...(plain ? ['STARTTLS'] : []), ...(login ? [] : ['AUTH'])],
    hideSMTPUTF8: asciiOnly,
    authOptional: login === undefined,
    disableReverseLookup: true,
    closeTimeout: 50,
    onConnect(_session, callback) {
      connections++
      callback()
    },
    onAuth({ username, password }, _session, callback) {
      if (username === login?.user && password === login?.pass) callback(null, { user: username })
      else callback(refusal(535))
    },
    onRcptTo({ address }, { envelope }, callback) {
      asked.push(address)
      if (envelope.smtpUtf8) utf8.push(address)
      answer(recipients, callback)
    },
    onData(stream, { envelope, secure, user }, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        if (messages === 0)
          taken.push({
            from: envelope.mailFrom === false ? '' : envelope.mailFrom.address,
            to: envelope.rcptTo.map(({ address }) => address),
            raw: Buffer.concat(chunks).toString(),
            secure,
            user,
          })
        answer(messages, callback)
      })
    },
  }
  const server = new SMTPServer(settings)
  server.on('error', () => {}) // a connection that broke; what matters is what arrived
  const port = options.port ?? freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    port,
    taken,
    asked,
    utf8,
    connections: () => connections,
    answerRecipients: (code) => void (recipients = code),
    answerMessages: (code) => void (messages = code),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
