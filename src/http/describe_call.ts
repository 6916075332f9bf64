/** Describes an HTTP request as endpoints see it: its path below that of the issuer, and the address of the client. */
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import { inNetworks, plainAddress } from '../lib/address.ts'
import type { Client } from '../models/client.ts'

/**
 * The addresses are read when they are first asked for, because the runtime takes two microseconds to tell the peer. It
 * tells none once the connection is closed, so ask before anything is awaited.
 */
class DescribedCall implements Call {
  readonly request: Request
  readonly method: string
  readonly path: string
  readonly search: string
  readonly requestId: string
  base: string | undefined = undefined
  uiLocales: string | undefined = undefined
  clientId: string | undefined = undefined
  client: Client | undefined = undefined
  body: Promise<string> | undefined = undefined
  counted = false
  private readonly context: Context
  private readonly readPeer: () => string
  private knownPeer: string | undefined = undefined
  private knownAddress: string | undefined = undefined

  constructor(request: Request, readPeer: () => string, requestId: string, context: Context) {
    const { url } = request
    // Bun leaves the origin out when the Host header is missing or invalid.
    const from = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('://') + 3)
    const mark = url.indexOf('?', from)
    this.request = request
    this.method = request.method
    this.path = withinBase(mark < 0 ? url.slice(from) : url.slice(from, mark), context.basePath)
    this.search = mark < 0 ? '' : url.slice(mark + 1)
    this.requestId = requestId
    this.context = context
    this.readPeer = readPeer
  }

  get peer(): string {
    return (this.knownPeer ??= this.readPeer())
  }

  get address(): string {
    return (this.knownAddress ??= addressOf(this.request, this.peer, this.context))
  }
}

export const describeCall = (
  request: Request,
  readPeer: () => string,
  requestId: string,
  context: Context,
): Call => new DescribedCall(request, readPeer, requestId, context)

/** RFC 8414 §3.1 puts `/.well-known/…` before the issuer's path, OpenID Connect after it: `path` is the same for both. */
function withinBase(path: string, base: string): string {
  if (base === '') return path
  if (path === base) return '/'
  if (path.startsWith(`${base}/`)) return path.slice(base.length)
  const [, wellKnown, rest] = /^(\/\.well-known\/[^/]+)(\/.*)$/.exec(path) ?? []
  if (wellKnown === undefined || rest === undefined) return ''
  return rest === base || rest.startsWith(`${base}/`) ? wellKnown + rest.slice(base.length) : ''
}

/** Some proxies add the port to the address. With it, each connection would count as another address. */
export const withoutPort = (hop: string): string =>
  /^\[([^\]]*)\](?::\d+)?$|^([\d.]+):\d+$/.exec(hop)?.slice(1).find(Boolean) ?? hop

/** Logged once: behind a proxy that is not in TRUSTED_PROXIES, all clients share its address and its rate limits. */
const warnOfProxy = (peer: string, { once, log }: Context) =>
  once('untrusted proxy', () => {
    log.warn('untrusted_proxy', {
      peer,
      hint: 'X-Forwarded-For is ignored; add the proxy to TRUSTED_PROXIES if it is yours',
    })
    return peer
  })

/**
 * The last address in X-Forwarded-For that is not a trusted proxy, if the connection comes from a trusted proxy. The list
 * is read from its end. A hop that is no IP address ends it, since any client may have written that hop and those before
 * it. Then, and when every hop is a trusted proxy, the result is the last trusted proxy that was read.
 */
function addressOf(request: Request, peer: string, context: Context): string {
  const { trustedProxies } = context.config
  const forwarded = request.headers.get('x-forwarded-for')
  if (trustedProxies.length === 0 || !inNetworks(peer, trustedProxies)) {
    if (forwarded !== null) warnOfProxy(peer, context)
    return peer
  }
  let nearest = peer
  for (const text of forwarded?.split(',').reverse() ?? []) {
    const hop = plainAddress(withoutPort(text.trim()))
    if (hop === undefined) return nearest
    if (!inNetworks(hop, trustedProxies)) return hop
    nearest = hop
  }
  return nearest
}
