/** CORS headers. Credentials are never allowed, and no endpoint with CORS reads a cookie. https://fetch.spec.whatwg.org/#http-cors-protocol */
import { isRedirectOrigin } from '../auth/redirect_uri.ts'
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import type { Endpoint } from '../contracts/endpoint.ts'

type Headers = Record<string, string>

/**
 * Headers of a response with `status`; undefined, or without `access-control-allow-origin`, when scripts of the Origin of
 * the request may not read it.
 */
export function corsHeaders(
  call: Call,
  context: Context,
  endpoint: Endpoint,
  status: number,
): Headers | undefined {
  const { config, table } = context
  if (endpoint.cors === undefined) return undefined
  if (endpoint.cors === 'any') return { 'access-control-allow-origin': '*' }
  const origin = call.request.headers.get('origin')
  const anyOrigin = config.corsAllowedOrigins.includes('*')
  if (origin === null) return anyOrigin ? undefined : { vary: 'Origin' }
  const mayRead =
    anyOrigin ||
    config.corsAllowedOrigins.includes(origin) ||
    (isOpenToClients(endpoint, context) && isReadable(call, origin, status))
  if (!mayRead) return { vary: 'Origin' }
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': [
      'WWW-Authenticate',
      'Retry-After',
      ...table.headers.cors.flatMap((each) => each.expose),
    ].join(', '),
    vary: 'Origin',
  }
}

const isOpenToClients = ({ cors }: Endpoint, { config }: Context): boolean =>
  config.corsRedirectOrigins === 'registration' ||
  (config.corsRedirectOrigins === 'clients' && cors === 'client')

/**
 * What is answered to a client is for pages at its redirect URIs alone, refusals included. A preflight names no client, so
 * every origin may send the request. A refusal without a client says nothing about one (decision 54).
 */
function isReadable({ method, client }: Call, origin: string, status: number): boolean {
  if (!/^[a-z][a-z\d+.-]*:\/\//.test(origin)) return false // `null`: a file or a sandboxed frame of any site
  if (method === 'OPTIONS') return true
  return client ? isRedirectOrigin(client.redirect_uris, origin, client) : status >= 400
}

/** What libraries of a page add to each request: tracing (W3C Trace Context and Baggage, Sentry) and XMLHttpRequest. */
const ofEveryRequest = ['Traceparent', 'Tracestate', 'Baggage', 'Sentry-Trace', 'X-Requested-With']

/** Additional headers of the response to a preflight request. */
export const preflightHeaders = (methods: readonly string[], { table }: Context): Headers => ({
  'access-control-allow-methods': methods.join(', '),
  'access-control-allow-headers': [
    'Authorization',
    'Content-Type',
    'MCP-Protocol-Version', // clients of the Model Context Protocol send it to the metadata and to every endpoint
    ...ofEveryRequest,
    ...table.headers.cors.flatMap((each) => each.allow),
  ].join(', '),
  'access-control-max-age': '600',
})
