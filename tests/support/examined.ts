/** A provider behind a server that may change its answers, and the eyes of `latchkey examine` on it. */
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'
import { connectTo } from '../../src/outbound/connect.ts'
import { createOutbound } from '../../src/outbound/outbound.ts'
import type { Reach } from '../../src/cli/examine/sight.ts'
import { freePort } from './free_port.ts'
import { provider, type Provider } from './provider.ts'

/** Changes what one request is answered with. */
export type Fault = (request: Request, answer: Response) => Response | Promise<Response>

export interface Examined {
  issuer: string
  op: Provider
  reach: Reach
  /** Of all answers, until the next call; none without one. */
  disturb(fault?: Fault): void
  stop(): Promise<void>
}

interface Tls {
  cert: string
  key: string
  caPath: string
  /** The newest that is accepted. */
  oldest?: 'TLSv1'
}

export function reachOf(issuer: string, caPath?: string): Reach {
  const { hostname, port } = new URL(issuer)
  const config = {
    outboundAllowHosts: [`${hostname}:${port}`],
    outboundTimeoutMs: 30_000,
    outboundCaPath: caPath,
  }
  const log = createLog('silent', 'json', () => {})
  return {
    fetch: createOutbound({ config, clock: systemClock, log }).fetch,
    handshake: (newest) => connectTo(issuer, config, newest && { newest }),
    now: systemClock.now,
    wait: async () => {},
  }
}

export async function examined(env: Record<string, string> = {}, tls?: Tls): Promise<Examined> {
  const port = freePort()
  const issuer = `http${tls ? 's' : ''}://localhost:${port}`
  const op = await provider({ env: { LOG_LEVEL: 'error', ISSUER_URL: issuer, ...env } })
  let fault: Fault | undefined
  const server = Bun.serve({
    port,
    hostname: '127.0.0.1',
    ...(tls && { tls: { cert: tls.cert, key: tls.key } }),
    async fetch(request) {
      const { pathname, search } = new URL(request.url)
      const { method, headers } = request
      const body = method === 'GET' ? null : await request.text()
      const answer = await op.fetch(`${pathname}${search}`, { method, headers, body })
      return fault ? fault(request, answer) : answer
    },
  })
  return {
    issuer,
    op,
    reach: reachOf(issuer, tls?.caPath),
    disturb: (next) => void (fault = next),
    stop: () => server.stop(true),
  }
}
