/** A client's server on loopback: notes what arrives, and answers as the test says. */

export interface Heard {
  path: string
  method: string
  headers: Headers
  query: Record<string, string>
  form: Record<string, string>
}

export interface Listener {
  origin: string
  /** As OUTBOUND_ALLOW_HOSTS names it. */
  hostPort: string
  heard: Heard[]
  /** What comes back from now on; 'hang' never answers. */
  answerWith(answer: number | 'hang'): void
  stop(): void
}

export function listener(): Listener {
  const heard: Heard[] = []
  let answer: number | 'hang' = 200
  const server = Bun.serve({
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const url = new URL(request.url)
      heard.push({
        path: url.pathname,
        method: request.method,
        headers: request.headers,
        query: Object.fromEntries(url.searchParams),
        form: Object.fromEntries(new URLSearchParams(await request.text())),
      })
      return answer === 'hang' ? new Promise<Response>(() => {}) : new Response(null, { status: answer })
    },
  })
  const hostPort = `localhost:${server.port}`
  return {
    origin: `http://${hostPort}`,
    hostPort,
    heard,
    answerWith: (next) => void (answer = next),
    stop: () => void server.stop(true),
  }
}
