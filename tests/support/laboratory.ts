/** Servers of strangers on loopback: certificates from an authority of our own, answers as hostile as a test wants. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, isIP, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import type { JsonOptions } from '../../src/outbound/get_json.ts'
import { createOutbound, type Outbound, type OutboundOptions } from '../../src/outbound/outbound.ts'
import { createLog } from '../../src/lib/log.ts'
import { type TurnableClock, turnableClock } from './provider.ts'

export interface Stranger {
  port: number
  /** Connections so far, and those still open. */
  connections(): number
  open(): number
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

export interface Laboratory {
  /** What OUTBOUND_CA_PATH names. */
  caPath: string
  /** A web server with a certificate for `name`, on `address`. Port 0 takes a free one. */
  https(name: string, handler: Handler, port?: number, address?: string): Promise<Stranger>
  http(handler: Handler): Promise<Stranger>
  /** `speak` is called with the connection once something came over it. */
  tls(name: string, speak: (socket: Socket) => void): Promise<Stranger>
  /** Ends every server and removes every file. */
  close(): void
}

const openssl = (cwd: string, ...args: string[]) => execFileSync('openssl', args, { cwd, stdio: 'pipe' })
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

export function laboratory(): Laboratory {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-laboratory-'))
  const stops: (() => void)[] = []
  const ca = ['-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=laboratory', '-days', '2']
  openssl(folder, 'req', '-x509', ...newKey, ...ca, '-addext', 'basicConstraints=critical,CA:TRUE')

  const certificate = (name: string) => {
    const file = name.replaceAll(/[^a-z0-9.]/g, '_')
    const san = `subjectAltName=${isIP(name) ? 'IP' : 'DNS'}:${name}`
    const request = ['-keyout', `${file}.key`, '-out', `${file}.csr`, '-subj', `/CN=${name}`, '-addext', san]
    openssl(folder, 'req', ...newKey, ...request)
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-copy_extensions', 'copy']
    openssl(folder, 'x509', '-req', '-in', `${file}.csr`, '-out', `${file}.pem`, '-days', '2', ...signing)
    const read = (ending: string) => readFileSync(join(folder, `${file}.${ending}`))
    return { key: read('key'), cert: read('pem') }
  }

  const listen = async (server: Server, port: number, address: string): Promise<Stranger> => {
    const sockets = new Set<Socket>()
    let count = 0
    server.on('connection', (socket: Socket) => {
      count++
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    })
    server.on('tlsClientError', () => {})
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject)
      server.listen(port, address, () => resolve())
    })
    stops.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    return {
      port: (server.address() as AddressInfo).port,
      connections: () => count,
      open: () => sockets.size,
    }
  }

  return {
    caPath: join(folder, 'ca.pem'),
    https: (name, handler, port = 0, address = '127.0.0.1') =>
      listen(createSecureServer(certificate(name), handler), port, address),
    http: (handler) => listen(createServer(handler), 0, '127.0.0.1'),
    tls: (name, speak) =>
      listen(
        createTlsServer(certificate(name), (socket) => {
          socket.on('error', () => {})
          socket.once('data', () => speak(socket))
        }),
        0,
        '127.0.0.1',
      ),
    close() {
      for (const stop of stops) stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Writes `piece` for as long as the other side takes it; counts bytes. */
export function flood(socket: Socket, piece: string): { sent(): number } {
  let sent = 0
  const pump = () => {
    if (socket.destroyed) return
    sent += piece.length
    if (socket.write(piece)) setTimeout(pump, 1)
    else socket.once('drain', pump)
  }
  pump()
  return { sent: () => sent }
}

/** The fetcher, for the purpose `keys` unless the test names another. */
export interface Guarded {
  fetch(url: string, options?: Partial<OutboundOptions>): ReturnType<Outbound['fetch']>
  getJson(url: string, options?: Partial<JsonOptions>): ReturnType<Outbound['getJson']>
  clock: TurnableClock
  lines: string[]
  /** Names the resolver was asked for. */
  asked: string[]
}

/** The fetcher under a resolver of the test's choosing; every name is 127.0.0.1 when left out. */
export function guarded(
  options: {
    allow?: readonly string[]
    caPath?: string
    timeoutMs?: number
    resolve?: (host: string) => Promise<readonly string[]>
  } = {},
): Guarded {
  const { allow = [], caPath, timeoutMs = 2_000, resolve = async () => ['127.0.0.1'] } = options
  const clock = turnableClock()
  const lines: string[] = []
  const asked: string[] = []
  const outbound = createOutbound({
    config: { outboundAllowHosts: allow, outboundTimeoutMs: timeoutMs, outboundCaPath: caPath },
    clock,
    log: createLog('debug', 'text', (line) => lines.push(line)),
    resolve: (host) => (asked.push(host), resolve(host)),
  })
  return {
    fetch: (url, options) => outbound.fetch(url, { purpose: 'keys', ...options }),
    getJson: (url, options) => outbound.getJson(url, { purpose: 'keys', ...options }),
    clock,
    lines,
    asked,
  }
}
