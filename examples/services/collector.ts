/** Takes the spans of the provider and keeps none: with a collector the log of the provider names its traces. In production it is Jaeger, Tempo or another one. */
export function startCollector(): { endpoint: string; stop(): void } {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => {
      await request.arrayBuffer()
      return Response.json({})
    },
  })
  return { endpoint: `http://127.0.0.1:${server.port}`, stop: () => void server.stop(true) }
}
