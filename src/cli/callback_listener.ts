/** Waits at a redirect URI on this machine for the answer to one authorization request. https://www.rfc-editor.org/rfc/rfc8252#section-7.3 */
import { Refusal } from './failure.ts'

export interface Expected {
  state: string
  /** RFC 9207: an answer of any other issuer is refused. */
  issuer: string
  /** Seconds until the wait is given up. */
  timeout: number
}

export interface CallbackListener {
  redirectUri: string
  /** The parameters of the first answer that carries the expected state. Throws Refusal when none comes in time. */
  answer(expected: Expected): Promise<URLSearchParams>
  stop(): Promise<void>
}

const page = (status: number, text: string): Response =>
  new Response(`<!doctype html><html lang="en"><title>Test client</title><p>${text}</p></html>`, {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
  })

/** `port` 0 takes a free one. Throws when the port is taken. */
export function listenForCallback(port: number): CallbackListener {
  let hear: (url: URL) => Response = () => page(503, 'The client is not ready yet.')
  const server = Bun.serve({
    hostname: 'localhost',
    port,
    development: false,
    fetch(request) {
      const url = new URL(request.url)
      return url.pathname === '/callback' ? hear(url) : page(404, 'The answer is awaited at /callback.')
    },
  })
  return {
    redirectUri: `http://localhost:${server.port}/callback`,
    answer: ({ state, issuer, timeout }) =>
      new Promise((resolve, reject) => {
        const late = () => reject(new Refusal(`no answer came back within ${timeout} seconds`))
        const timer = setTimeout(late, timeout * 1000)
        hear = ({ searchParams }) => {
          // Somebody else's link must not end the wait for our own answer.
          if (searchParams.get('state') !== state)
            return page(400, 'This answer belongs to another request: its state differs.')
          if (searchParams.get('iss') !== issuer)
            return page(400, 'This answer comes from another issuer: iss differs.')
          clearTimeout(timer)
          resolve(searchParams)
          return page(200, 'Done. The rest is in the terminal; you may close this page.')
        }
      }),
    stop: () => server.stop(),
  }
}
