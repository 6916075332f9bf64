/** One HTTP/1.1 request to one IP address, within limits. It uses node:https because Bun's fetch does not accept an address to connect to. */
import type { IncomingMessage, RequestOptions } from 'node:http'
import { isIP } from '../lib/ip.ts'
import { OutboundError, unreachable } from './error.ts'
import type { Purpose } from './purpose.ts'
import type { Target } from './target.ts'

export interface OutboundOptions {
  purpose: Purpose
  /** GET when left out. */
  method?: string
  headers?: Readonly<Record<string, string>>
  body?: string
  /** The Accept header. */
  accept?: string
  /** Largest body, in bytes; 65536 when left out. */
  maxBytes?: number
  /** Milliseconds for the whole request: queue, DNS, connection and response. Default OUTBOUND_TIMEOUT_MS. */
  timeoutMs?: number
  /** A 3xx is answered as it came. It is never followed. */
  withRedirects?: boolean
}

export interface OutboundResponse {
  status: number
  /** Names in lower case; repeated headers are joined by commas. */
  headers: Readonly<Record<string, string>>
  body: string
  /** The body as bytes, for binary content. */
  bytes: Uint8Array<ArrayBuffer>
}

/** The largest head of a response, in bytes. */
const maxHeaderBytes = 16_384
const defaultMaxBytes = 65_536

const head = (target: Target, options: Omit<OutboundOptions, 'purpose'>): Record<string, string> => ({
  'user-agent': 'Latchkey',
  accept: options.accept ?? '*/*',
  ...options.headers,
  host: target.port === (target.secure ? 443 : 80) ? target.hostPort.replace(/:\d+$/, '') : target.hostPort,
  'accept-encoding': 'identity', // a few kilobytes of gzip can expand to gigabytes
  connection: 'close',
  ...(options.body !== undefined && { 'content-length': `${Buffer.byteLength(options.body)}` }),
})

/**
 * Connects only to `address`. TLS verifies the name in the URL, so a server at the address without the name is refused.
 * Proxies from the environment are not used. Rejects with OutboundError, or with the reason of `signal`, after it has
 * closed the connection.
 */
export async function request(
  target: Target,
  address: string,
  options: Omit<OutboundOptions, 'purpose'>,
  ca: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<OutboundResponse> {
  const { request: start } = target.secure ? await import('node:https') : await import('node:http')
  return new Promise((resolve, reject) => {
    const settings: RequestOptions & { servername?: string; ca?: string[]; rejectUnauthorized: boolean } = {
      host: address,
      port: target.port,
      path: target.path,
      method: options.method ?? 'GET',
      headers: head(target, options),
      agent: false, // a new connection each time: one that was verified for another name must not be reused
      maxHeaderSize: maxHeaderBytes,
      rejectUnauthorized: true, // overrides NODE_TLS_REJECT_UNAUTHORIZED
      ...(isIP(target.host) === 0 && { servername: target.host }),
      ...(ca && { ca: [...ca] }),
    }
    const fail = (error: Error) => {
      signal.removeEventListener('abort', expire)
      exchange.destroy()
      reject(error)
    }
    const expire = () => fail(signal.reason as Error)
    const exchange = start(settings, (incoming) => {
      if (isRedirect(incoming) && !options.withRedirects)
        return fail(new OutboundError('redirect', 'must not redirect'))
      read(incoming, options.maxBytes ?? defaultMaxBytes, fail, (response) => {
        signal.removeEventListener('abort', expire)
        exchange.destroy()
        resolve(response)
      })
    })
    exchange.on('error', (error: NodeJS.ErrnoException) => fail(asOutboundError(error)))
    if (signal.aborted) return expire()
    signal.addEventListener('abort', expire, { once: true })
    exchange.end(options.body)
  })
}

const isRedirect = ({ statusCode: status = 0 }: IncomingMessage): boolean => status >= 300 && status < 400

const unconnected = new Set(['ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'ENETDOWN'])

/** Whether no connection was made, so that nothing was sent and the next address may be tried. */
export const neverConnected = (error: unknown): boolean =>
  error instanceof OutboundError && unconnected.has(error.detail?.split(' ', 1)[0] ?? '')

function asOutboundError(error: NodeJS.ErrnoException): OutboundError {
  const detail = `${error.code ?? 'error'} ${error.message}`
  if (error.code === 'HPE_HEADER_OVERFLOW') return tooLarge(`${maxHeaderBytes} bytes of headers`)
  if (error.code?.startsWith('HPE_')) return new OutboundError('malformed', 'answered no HTTP', detail)
  return unreachable(detail)
}

const tooLarge = (limit: string) => new OutboundError('too_large', `answered with more than ${limit}`)

function read(
  incoming: IncomingMessage,
  maxBytes: number,
  fail: (error: Error) => void,
  done: (response: OutboundResponse) => void,
): void {
  const { statusCode: status = 0, headers } = incoming
  if (status < 200) return fail(new OutboundError('malformed', 'answered no HTTP')) // Bun passes 101 on
  if (!/^(identity)?$/i.test(headers['content-encoding'] ?? ''))
    return fail(new OutboundError('malformed', 'answered with compression, which was not requested'))
  if (Number(headers['content-length'] ?? 0) > maxBytes) return fail(tooLarge(`${maxBytes} bytes`))
  const chunks: Buffer[] = []
  let size = 0
  incoming.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > maxBytes) fail(tooLarge(`${maxBytes} bytes`))
    else chunks.push(chunk)
  })
  incoming.on('error', (error: NodeJS.ErrnoException) => fail(asOutboundError(error)))
  incoming.on('close', () => fail(new OutboundError('malformed', 'stopped before its end')))
  incoming.on('end', () => {
    if (!incoming.complete) return fail(new OutboundError('malformed', 'stopped before its end'))
    const bytes = Buffer.concat(chunks)
    done({ status, headers: joined(headers), body: bytes.toString('utf8'), bytes })
  })
}

const joined = (headers: IncomingMessage['headers']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  )
