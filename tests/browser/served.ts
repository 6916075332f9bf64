/** A provider of this process behind a port: a browser sees its pages, and the test its store. */
import { freePort } from '../support/free_port.ts'
import { type Provider, provider } from '../support/provider.ts'

export interface ServedProvider extends Provider {
  stop(): Promise<void>
}

export async function serveProvider(
  env: Record<string, string> = {},
  port = freePort(),
): Promise<ServedProvider> {
  const op = await provider({ env: { ...env, ISSUER_URL: `http://localhost:${port}` } })
  const server = Bun.serve({
    port,
    hostname: 'localhost',
    fetch: async ({ url, method, headers, body }) =>
      op.fetch(url, { method, headers, ...(body && { body: await new Response(body).arrayBuffer() }) }),
  })
  return { ...op, stop: () => server.stop(true) }
}
