/** The other side of the pages: an origin that receives the browser, and clients registered for it. */
import { authorizationUrl, type TestClient } from '../support/client.ts'

export interface RelyingParty {
  origin: string
  callback: string
  stop(): void
}

/** Answers every path with a small page; `pages` says what else there is. */
export function relyingParty(pages: Record<string, () => Response> = {}): RelyingParty {
  const server = Bun.serve({
    port: 0,
    fetch: (request) =>
      pages[new URL(request.url).pathname]?.() ??
      new Response(
        '<!doctype html><title>Client</title><link rel="icon" href="data:,"><p id="arrived">Arrived</p>',
        {
          headers: { 'content-type': 'text/html' },
        },
      ),
  })
  const origin = `http://localhost:${server.port}`
  return { origin, callback: `${origin}/callback`, stop: () => void server.stop(true) }
}

/** Registers a client of one's own at the provider. */
export async function registerClient(issuer: string, metadata: Record<string, unknown>): Promise<TestClient> {
  const response = await fetch(`${issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Photo book',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      scope: 'openid profile email offline_access',
      ...metadata,
    }),
  })
  const body = (await response.json()) as { client_id: string; redirect_uris: string[] }
  if (response.status !== 201) throw new Error(`registration: ${JSON.stringify(body)}`)
  return { client_id: body.client_id, redirect_uri: body.redirect_uris[0]! }
}

/** Where an application sends the browser. */
export const ask = (issuer: string, client: TestClient, more: Record<string, string> = {}): string =>
  authorizationUrl(issuer, client, more).url
