/** The socket of the server: it listens, takes a renewed certificate, and stops. */
import type { Config } from '../config.ts'
import { requireFit, tlsOptions, type TlsOptions } from './tls_options.ts'

export type Handle = (request: Request, readPeer: () => string) => Promise<Response> | Response

export interface Listener {
  port: number
  /**
   * Uses the certificate, key and cipher suites of the configuration from the next connection on, if they differ: then
   * it is true. Requests in progress finish with the old ones. Throws, and changes nothing, when they do not fit.
   */
  renew(config: Config): boolean
  /** Accepts no new connections; resolves when requests in progress have ended, or with `force` at once. */
  stop(force?: boolean): Promise<unknown>
}

const retryMs = 200

function listen(config: Config, port: number, tls: TlsOptions, handle: Handle) {
  return Bun.serve({
    hostname: config.host,
    port,
    ...(tls && { tls }),
    maxRequestBodySize: config.maxBodyBytes * 2, // Bun closes the connection beyond it; up to it the answer is 413
    idleTimeout: 30,
    development: false,
    reusePort: false, // otherwise a second server could start on this port and receive some of the requests
    fetch: (request, self) => handle(request, () => self.requestIP(request)?.address ?? ''),
  })
}

/** Throws SettingFault for the certificate and the key; for the address what the runtime throws (listen_fault.ts). */
export function openListener(config: Config, handle: Handle): Listener {
  let tls = tlsOptions(config)
  if (tls) requireFit(config, tls)
  let server = listen(config, config.port, tls, handle)
  const port = server.port ?? config.port
  const stopping = new Set<typeof server>()
  let stopped = false

  /**
   * The runtime cannot change the TLS of a socket, so another takes its place on the same port. A connection that was not
   * accepted yet is reset. What the runtime refuses is found on another port, while the socket in use still listens.
   */
  function replaceBy(next: TlsOptions): void {
    void listen(config, 0, next, handle).stop(true)
    const former = server
    stopping.add(former)
    void former.stop().finally(() => stopping.delete(former))
    try {
      server = listen(config, port, next, handle)
      tls = next
    } catch (error) {
      listenAgain()
      throw error
    }
  }

  /** With what listened before, until it does: the port or a file descriptor may be taken for a moment. */
  function listenAgain(): void {
    if (stopped) return
    try {
      server = listen(config, port, tls, handle)
    } catch {
      setTimeout(listenAgain, retryMs)
    }
  }

  return {
    port,
    renew(changed) {
      const next = tlsOptions(changed)
      if (!next || !tls || JSON.stringify(next) === JSON.stringify(tls)) return false
      requireFit(changed, next)
      replaceBy(next)
      return true
    },
    stop(force) {
      stopped = true
      return Promise.all([server, ...stopping].map((each) => each.stop(force)))
    },
  }
}
