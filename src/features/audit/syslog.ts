/** Sends entries to a syslog collector: RFC 5424 messages in the frames of RFC 5425, over TLS. https://www.rfc-editor.org/rfc/rfc5425 */
import type { Socket } from 'node:net'
import type { Config } from '../../config.ts'
import { readAuthorities, readNamed } from '../../config/named_files.ts'
import { isIP } from '../../lib/ip.ts'
import { kinds } from '../../models/audit/kinds.ts'
import type { Kind } from '../../models/audit/kind.ts'
import { formats, type Origin, type Write } from '../../models/audit/formats/format.ts'
import { longestAttempt, type Outgoing, type Sink, SinkFailure } from '../../models/audit/stream/stream.ts'
import { version } from '../../version.ts'

/** Log audit, RFC 5424 §6.2.1. */
const facility = 13
const severities: Readonly<Record<Kind['level'], number>> = { error: 3, warn: 4, info: 6 }
/** A collector sends nothing; what one sends is read and thrown away, up to here. */
const mostReceived = 65_536

/** Printable ASCII without spaces, as the names of a header must be (§6). */
const headerName = (text: string, most: number): string =>
  text.replaceAll(/[^\x21-\x7e]/g, '-').slice(0, most) || '-'

/** JSON has no line break; as ASCII alone it also has no character that a collector could read as one. */
const asAscii = (json: string): string =>
  json.replaceAll(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** RFC 5424 §6. It is ASCII, so that its characters are its octets. */
export function syslogMessage({ entry, line }: Outgoing, write: Write, origin: Origin): string {
  const priority = facility * 8 + severities[(kinds[entry.kind] as Kind).level]
  const host = headerName(new URL(origin.issuer).hostname, 255)
  const process = headerName(entry.chain, 128)
  const content = asAscii(write({ entry, line }, origin))
  return `<${priority}>1 ${entry.time} ${host} latchkey ${process} ${headerName(entry.kind, 32)} - ${content}`
}

/** RFC 5425 §4.3: the number of octets, a space, the message. No content can end a frame. */
export const frame = (message: string): string => `${Buffer.byteLength(message)} ${message}`

export function syslogSink(config: Config, within = longestAttempt): Sink {
  const write = formats[config.auditSyslogFormat]
  const origin = { issuer: config.issuer, version }
  return {
    name: 'syslog',
    limits: { entries: 1_000, bytes: 1_000_000 },
    async send(batch) {
      const text = batch.map((each) => frame(syslogMessage(each, write, origin))).join('')
      await exchange(config, text, within)
    },
  }
}

/** Connects as for a batch, and sends none. */
export const trySyslog = (config: Config): Promise<void> => exchange(config, '', config.outboundTimeoutMs)

/**
 * One connection for each batch. The protocol has no acknowledgement, but a collector must read all before it answers the
 * end of the connection (§4.4): its answer says that the batch has arrived. Rejects with SinkFailure.
 */
async function exchange(config: Config, text: string, within: number): Promise<void> {
  const socket = await connect(config)
  const { host } = config.auditSyslogUrl!
  let received = 0
  let isEnded = false
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string) => reject(new SinkFailure(`${host} ${why}`))
      const timer = setTimeout(
        () => fail(`did not take the batch, and close the connection after it, in ${within} ms`),
        within,
      )
      timer.unref?.()
      socket.on('data', (chunk: Buffer) => {
        received += chunk.length
        if (received > mostReceived) fail(`sent more than ${mostReceived} bytes`)
      })
      socket.on('error', (error: NodeJS.ErrnoException) => fail(reasonOf(error)))
      socket.on('end', () => {
        if (!isEnded) fail('closed the connection before it had all')
      })
      socket.on('close', (hadError: boolean) => {
        clearTimeout(timer)
        if (hadError || !isEnded) fail('closed the connection before it had all')
        else resolve()
      })
      const begin = () => {
        socket.on('finish', () => void (isEnded = true))
        socket.end(text)
      }
      socket.once(config.auditSyslogUrl!.secure ? 'secureConnect' : 'connect', begin)
    })
  } finally {
    socket.destroy()
  }
}

/** Not before TLS 1.2, with the name in the certificate; nothing in the environment turns the check off. */
async function connect(config: Config): Promise<Socket> {
  const { auditSyslogUrl, auditSyslogCaPath: ca, auditSyslogCertPath: cert, auditSyslogKeyPath: key } = config
  const { secure, host, port } = auditSyslogUrl!
  if (!secure) return (await import('node:net')).connect({ host, port, allowHalfOpen: true })
  return (await import('node:tls')).connect({
    host,
    port,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca: readAuthorities('AUDIT_SYSLOG_CA_PATH', ca).pem }),
    ...(cert !== undefined &&
      key !== undefined && {
        cert: readNamed('AUDIT_SYSLOG_CERT_PATH', cert),
        key: readNamed('AUDIT_SYSLOG_KEY_PATH', key),
      }),
  })
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (/CERT|SIGNATURE|SELF_SIGNED|ALTNAME/i.test(code ?? ''))
    return `has a certificate that is not trusted (${code}): name its authority in AUDIT_SYSLOG_CA_PATH`
  return `cannot be reached or closed the connection: ${code ?? message}`
}
