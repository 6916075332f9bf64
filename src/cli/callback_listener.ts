/** Waits at a redirect URI on this machine for one authorization response. https://www.rfc-editor.org/rfc/rfc8252#section-7.3 */
import { Refusal } from './failure.ts'

export interface Expected {
  state: string
  /** RFC 9207: a response of any other issuer is refused. */
  issuer: string
  /** Seconds to wait. */
  timeout: number
}

export interface CallbackListener {
  redirectUri: string
  /** The parameters of the first response with the expected state and issuer. Throws Refusal when none comes in time. */
  answer(expected: Expected): Promise<URLSearchParams>
  stop(): Promise<void>
}

const page = (status: number, text: string): Response =>
  new Response(`<!doctype html><html lang="en"><title>Test client</title><p>${text}</p></html>`, {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
  })

/** `port` 0 takes a free port. Throws when the port is in use. */
export function listenForCallback(port: number): CallbackListener {
  let respond: (url: URL) => Response = () => page(503, 'The client is not ready yet.')
  const server = Bun.serve({
    hostname: 'localhost',
    port,
    development: false,
    fetch(request) {
      const url = new URL(request.url)
      return url.pathname === '/callback'
        ? respond(url)
        : page(404, 'The redirect URI of this client is /callback.')
    },
  })
  return {
    redirectUri: `http://localhost:${server.port}/callback`,
    answer: ({ state, issuer, timeout }) =>
      new Promise((resolve, reject) => {
        const late = () => reject(new Refusal(`no answer came back within ${timeout} seconds`))
        const timer = setTimeout(late, timeout * 1000)
        respond = ({ searchParams }) => {
          // A forged response, such as one from another site's link, must not end the wait.
          if (searchParams.get('state') !== state)
            return page(400, 'This answer belongs to another request: its state differs.')
          if (searchParams.get('iss') !== issuer)
            return page(400, 'This answer comes from another issuer: iss differs.')
          clearTimeout(timer)
          resolve(searchParams)
          return page(200, 'Done. Continue in the terminal; you may close this page.')
        }
      }),
    stop: () => server.stop(),
  }
}
