/** A server that takes envelopes as Sentry does. https://develop.sentry.dev/sdk/data-model/envelopes/ */

export interface SentryEvent {
  tags: Record<string, string>
  exception: { values: { type: string; value: string; stacktrace?: { frames: Record<string, unknown>[] } }[] }
  [member: string]: unknown
}

export interface Sentry {
  dsn: string
  /** All that arrived: paths, headers and bodies. */
  text(): string
  events(): SentryEvent[]
  /** From now on: a status with these headers, or no answer at all. */
  answerWith(answer: number | 'hang', headers?: Record<string, string>): void
  asked(): number
  stop(): void
}

export function startSentry(): Sentry {
  const key = '0123456789abcdef0123456789abcdef'
  const texts: string[] = []
  const events: SentryEvent[] = []
  let answer: number | 'hang' = 200
  let more: Record<string, string> = {}
  let asked = 0
  const server = Bun.serve({
    ...{ hostname: '127.0.0.1', port: 0, idleTimeout: 0 },
    async fetch(request) {
      asked++
      const text = await request.text()
      if (answer === 'hang') return new Promise<Response>(() => {})
      if (answer !== 200) return new Response(null, { status: answer, headers: more })
      const { pathname, searchParams } = new URL(request.url)
      const auth = `${request.headers.get('x-sentry-auth') ?? ''} ${searchParams.get('sentry_key') ?? ''}`
      if (pathname !== '/api/42/envelope/' || !auth.includes(key)) return new Response(null, { status: 401 })
      texts.push(request.url, JSON.stringify(Object.fromEntries(request.headers)), text)
      const [, ...items] = text.split('\n').filter(Boolean)
      for (let at = 0; at < items.length; at += 2)
        if ((JSON.parse(items[at]!) as { type: string }).type === 'event')
          events.push(JSON.parse(items[at + 1]!) as SentryEvent)
      return Response.json({ id: 'taken' })
    },
  })
  return {
    dsn: `http://${key}@127.0.0.1:${server.port}/42`,
    text: () => texts.join('\n'),
    events: () => events,
    answerWith(next, headers = {}) {
      answer = next
      more = headers
    },
    asked: () => asked,
    stop: () => void server.stop(true),
  }
}
