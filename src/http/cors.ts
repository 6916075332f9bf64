/** CORS headers. Credentials are never allowed, and no endpoint with CORS reads a cookie. https://fetch.spec.whatwg.org/#http-cors-protocol */
import type { Context } from '../contracts/context.ts'
import type { Endpoint } from '../contracts/endpoint.ts'

type Headers = Record<string, string>

/** Headers of a response; undefined, or without `access-control-allow-origin`, when scripts of the Origin of the request may not read it. */
export function corsHeaders(
  endpoint: Endpoint,
  request: Request,
  { config, table }: Context,
): Headers | undefined {
  if (endpoint.cors === undefined) return undefined
  if (endpoint.cors === 'any') return { 'access-control-allow-origin': '*' }
  const origin = request.headers.get('origin')
  const anyOrigin = config.corsAllowedOrigins.includes('*')
  if (origin === null) return anyOrigin ? undefined : { vary: 'Origin' }
  if (!anyOrigin && !config.corsAllowedOrigins.includes(origin)) return { vary: 'Origin' }
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

/** Additional headers of the response to a preflight request. */
export const preflightHeaders = (methods: readonly string[], { table }: Context): Headers => ({
  'access-control-allow-methods': methods.join(', '),
  'access-control-allow-headers': [
    'Authorization',
    'Content-Type',
    ...table.headers.cors.flatMap((each) => each.allow),
  ].join(', '),
  'access-control-max-age': '600',
})
