/** A page that was opened at another name of this machine than that of the issuer, such as 127.0.0.1 for localhost. */
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import type { Endpoint } from '../contracts/endpoint.ts'
import { isLoopbackHost } from '../lib/address.ts'
import { redirectToIssuer } from './reply.ts'
import type { Reply } from '../contracts/reply.ts'

const portOf = ({ port, protocol }: URL): string => port || (protocol === 'https:' ? '443' : '80')

/**
 * The redirect to the same page at the issuer, which alone has the cookies and the passkeys of the End-User; undefined for
 * a page that is there or may be. Only two names of loopback with one port are surely one server: another Host may be one
 * that a proxy has written, and the redirect would come back without end. The Host is compared and never in the answer.
 */
export function atIssuer(
  { request, path, search, base }: Call,
  endpoint: Endpoint,
  context: Context,
): Reply | undefined {
  if (!endpoint.page || base !== undefined || !opensPage(request)) return undefined
  const issuer = new URL(context.config.issuer)
  if (request.url.startsWith(`${issuer.origin}/`) || !isLoopbackHost(issuer.hostname)) return undefined
  const opened = URL.parse(request.url)
  const isOtherName =
    opened !== null &&
    opened.hostname !== issuer.hostname &&
    isLoopbackHost(opened.hostname) &&
    portOf(opened) === portOf(issuer)
  return isOtherName ? redirectToIssuer(context.config, path, search) : undefined
}

/** Not a frame, an image or a fetch. A client that is no browser says nothing of that. */
function opensPage({ method, headers }: Request): boolean {
  const dest = headers.get('sec-fetch-dest')
  return method === 'GET' && (dest === null || dest === 'document')
}
