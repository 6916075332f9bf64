/** A collector of syslog over TLS on loopback: it reads the frames of RFC 5425 by their octets, and nothing else ends one. */
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { readFileSync } from 'node:fs'
import type { Certificate } from './certificate.ts'

export type Manner =
  /** Reads all and answers the end. */
  | 'well'
  /** Takes the connection and reads nothing. */
  | 'reads_nothing'
  /** Reads all and never answers the end. */
  | 'never_ends'
  /** Ends the connection after the first bytes. */
  | 'cuts'
  /** Sends without end. */
  | 'floods'

export interface SyslogServer {
  port: number
  url: string
  /** Messages in the order in which they came. */
  messages: string[]
  connections(): number
  /** What was no frame. */
  problems: string[]
  behave(manner: Manner): void
  stop(): Promise<void>
}

/** Frames in `bytes`, and what is left over. */
function framesIn(bytes: Buffer, problems: string[]): { messages: string[]; rest: Buffer } {
  const messages: string[] = []
  let rest = bytes
  for (;;) {
    const space = rest.indexOf(0x20)
    if (space < 0) break
    const length = rest.subarray(0, space).toString('latin1')
    if (!/^[1-9]\d{0,6}$/.test(length)) {
      problems.push(`expected MSG-LEN, got ${JSON.stringify(length.slice(0, 50))}`)
      return { messages, rest: Buffer.alloc(0) }
    }
    const end = space + 1 + Number(length)
    if (rest.length < end) break
    messages.push(rest.subarray(space + 1, end).toString('utf8'))
    rest = rest.subarray(end)
  }
  return { messages, rest }
}

export async function startSyslog(
  { certPath, keyPath }: Pick<Certificate, 'certPath' | 'keyPath'>,
  options: TlsOptions & { port?: number } = {},
): Promise<SyslogServer> {
  const messages: string[] = []
  const problems: string[] = []
  const open = new Set<TLSSocket>()
  let manner: Manner = 'well'
  let connections = 0
  const take = (socket: TLSSocket) => {
    connections += 1
    open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    let rest: Buffer = Buffer.alloc(0)
    const own = manner
    if (own === 'reads_nothing') return void socket.pause()
    if (own === 'floods') {
      const flood = () => void (socket.writable && socket.write('x'.repeat(65_536), flood))
      flood()
    }
    socket.on('data', (chunk: Buffer) => {
      if (own === 'cuts') return void socket.destroy()
      const read = framesIn(Buffer.concat([rest, chunk]), problems)
      messages.push(...read.messages)
      rest = read.rest
    })
    socket.on('end', () => {
      if (rest.length > 0) problems.push(`${rest.length} octets are no frame`)
      if (own === 'well') socket.end()
    })
  }
  const server = createServer(
    {
      cert: readFileSync(certPath),
      key: readFileSync(keyPath),
      allowHalfOpen: true,
      ...options,
    } as TlsOptions,
    take,
  )
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', () => resolve()))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `tls://localhost:${port}`,
    messages,
    problems,
    connections: () => connections,
    behave(next) {
      manner = next
    },
    async stop() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export interface ReadMessage {
  priority: number
  time: string
  host: string
  app: string
  process: string
  id: string
  content: Record<string, unknown>
}

/** RFC 5424 §6: HEADER SP STRUCTURED-DATA SP MSG. Throws for what is none. */
export function readMessage(message: string): ReadMessage {
  const found =
    /^<(\d{1,3})>1 (\S{1,40}) ([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) ([\x21-\x7e]{1,128}) ([\x21-\x7e]{1,32}) - ([^]*)$/.exec(
      message,
    )
  if (!found) throw new Error(`no RFC 5424 message: ${message.slice(0, 200)}`)
  const [, priority, time, host, app, process, id, content] = found
  return {
    priority: Number(priority),
    time: time!,
    host: host!,
    app: app!,
    process: process!,
    id: id!,
    content: JSON.parse(content!) as Record<string, unknown>,
  }
}
