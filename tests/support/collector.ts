/** A collector on loopback that takes OTLP over HTTP as JSON. https://opentelemetry.io/docs/specs/otlp/#otlphttp-request */

export interface CollectedSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  attributes: Record<string, unknown>
  links: { traceId: string; spanId: string }[]
  /** 2 is an error. */
  status: number
}

export interface Collector {
  endpoint: string
  /** All that arrived, as text. */
  text(): string
  spans(): CollectedSpan[]
  /** Attributes of the resource of the first batch. */
  resource(): Record<string, unknown>
  headers: Headers[]
  /** From now on: a status, or no answer at all. */
  answerWith(answer: number | 'hang'): void
  stop(): void
}

interface Pair {
  key: string
  value: Record<string, unknown>
}
interface Batch {
  resourceSpans: {
    resource: { attributes: Pair[] }
    scopeSpans: {
      spans: (Omit<CollectedSpan, 'attributes' | 'status'> & {
        attributes: Pair[]
        status: { code: number }
      })[]
    }[]
  }[]
}

const record = (pairs: Pair[]): Record<string, unknown> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]))

export function collector(): Collector {
  const texts: string[] = []
  const headers: Headers[] = []
  let answer: number | 'hang' = 200
  const server = Bun.serve({
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      if (answer === 'hang') return new Promise<Response>(() => {})
      const text = await request.text()
      const { pathname } = new URL(request.url)
      if (answer !== 200 || pathname !== '/v1/traces')
        return new Response(null, { status: answer === 200 ? 404 : answer })
      texts.push(text)
      headers.push(request.headers)
      return Response.json({})
    },
  })
  const batches = () => texts.map((text) => JSON.parse(text) as Batch)
  return {
    endpoint: `http://localhost:${server.port}`,
    text: () => texts.join('\n'),
    spans: () =>
      batches().flatMap(({ resourceSpans }) =>
        resourceSpans.flatMap(({ scopeSpans }) =>
          scopeSpans.flatMap(({ spans }) =>
            spans.map(({ attributes, status, ...span }) => ({
              ...span,
              attributes: record(attributes),
              status: status.code,
            })),
          ),
        ),
      ),
    resource: () => record(batches()[0]?.resourceSpans[0]?.resource.attributes ?? []),
    headers,
    answerWith: (next) => void (answer = next),
    stop: () => void server.stop(true),
  }
}
