/** What the address of the issuer answers from outside: its certificate and its metadata. Sends two GET requests and no credential. */
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { isIP } from '../../lib/ip.ts'

/** Where nothing answers, `problem` says why and all else is undefined. */
export interface Served {
  readonly problem?: string
  /** Why the certificate is not trusted. Undefined for a trusted one, and without TLS. */
  readonly distrust?: string | undefined
  /** Milliseconds. */
  readonly validTo?: number | undefined
  /** Of `/.well-known/openid-configuration`. */
  readonly status?: number | undefined
  readonly issuer?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
}

export interface Look {
  issuer: string
  timeoutMs: number
  /** Authorities in PEM beside the public ones. */
  ca: readonly string[]
  /** The address to connect to; by default what the system resolves. */
  address?: string | undefined
}

const longestDocument = 1_048_576

export async function lookAtIssuer({ issuer, timeoutMs, ca, address }: Look): Promise<Served> {
  const url = new URL(`${issuer}/.well-known/openid-configuration`)
  const [{ request: plain }, { request: secure }, { rootCertificates }] = await Promise.all([
    import('node:http'),
    import('node:https'),
    import('node:tls'),
  ])
  const isSecure = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const { promise, resolve } = Promise.withResolvers<Served>()
  const fail = (problem: string) => resolve({ problem: `${url.host}: ${problem}` })
  const asked = (isSecure ? secure : plain)(
    {
      host: address ?? host,
      port: url.port || (isSecure ? 443 : 80),
      path: url.pathname,
      headers: { host: url.host, accept: 'application/json' },
      agent: false,
      ...(isSecure && {
        ...(isIP(host) === 0 && { servername: host }),
        ...(ca.length > 0 && { ca: [...rootCertificates, ...ca] }),
        rejectUnauthorized: false,
      }),
    },
    (answer) => void read(answer, isSecure).then(resolve, (error: Error) => fail(error.message)),
  )
  asked.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message))
  const timer = setTimeout(() => {
    fail(`no answer within ${timeoutMs} ms`)
    asked.destroy()
  }, timeoutMs)
  asked.end()
  return promise.finally(() => {
    clearTimeout(timer)
    asked.destroy()
  })
}

async function read(answer: IncomingMessage, isSecure: boolean): Promise<Served> {
  const certificate = isSecure ? certificateOf(answer.socket as TLSSocket) : {}
  let text = ''
  for await (const part of answer) {
    text += String(part)
    if (text.length > longestDocument) break
  }
  const headers = Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => [name, String(value)]),
  )
  return { ...certificate, status: answer.statusCode, issuer: issuerIn(text), headers }
}

function certificateOf(socket: TLSSocket): Pick<Served, 'distrust' | 'validTo'> {
  const { valid_to } = socket.getPeerCertificate()
  const reason = socket.authorized ? undefined : socket.authorizationError
  return {
    validTo: valid_to ? Date.parse(valid_to) : undefined,
    distrust: socket.authorized ? undefined : String(reason ?? 'it is not trusted'),
  }
}

function issuerIn(text: string): string | undefined {
  try {
    const { issuer } = JSON.parse(text) as { issuer?: unknown }
    return typeof issuer === 'string' ? issuer : undefined
  } catch {
    return undefined
  }
}
