/** A server of the lab: on 127.0.0.1 alone, and under its own name alone. */
import { portOf } from './addresses.ts'
import type { Running } from './lab.ts'

type Handler = (request: Bun.BunRequest) => Response | Promise<Response>
export type Routes = Record<string, Handler | Partial<Record<'GET' | 'POST', Handler>>>

/** `others` are addresses that lead to the same port. */
export function serve(address: string, routes: Routes, others: readonly string[] = []): Running {
  const hosts = [address, ...others].map((each) => new URL(each).host)
  /** A name that another site gave to this machine (DNS rebinding) is not ours. */
  const guarded =
    (handler: Handler): Handler =>
    (request) =>
      hosts.includes(request.headers.get('host') ?? '')
        ? handler(request)
        : new Response('not here', { status: 421 })
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: portOf(address),
    routes: Object.fromEntries(
      Object.entries(routes).map(([path, route]) => [
        path,
        typeof route === 'function'
          ? guarded(route)
          : Object.fromEntries(Object.entries(route).map(([method, handler]) => [method, guarded(handler)])),
      ]),
    ),
    fetch: () => new Response('There is nothing here\n', { status: 404 }),
    error: (error) => new Response(`The lab has a fault: ${error.message}\n`, { status: 500 }),
  })
  return { stop: () => server.stop(true) }
}
