/**
 * A page base: a base URL of this provider at another host name than the issuer, such as that of ADMIN_HOST. A browser sends
 * it no cookie of the issuer, so pages there have cookies of their own. docs/decisions/0103-administration-at-its-own-host.md
 */
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'

/** The base URL of the pages that the request belongs to. */
export const baseOf = ({ base }: Call, { config }: Pick<Context, 'config'>): string => base ?? config.issuer

/** Cookies are shared by all ports of a host, so the port does not decide. */
export const pageBaseOf = (call: Call, { pageBases }: Context): string | undefined =>
  pageBases.find((base) => isAtHost(call, { hostname: new URL(base).hostname, ports: undefined }))

/**
 * The Host header decides. X-Forwarded-Host never adds a host name, because many proxies pass on what a client wrote there;
 * where there is one, it must name this host as well. The text is compared and not read as a URL, because a proxy that
 * chose this server by `login.example@admin.example` or `%61dmin.example` did not take it for admin.example. One of
 * `ports` must be there, where undefined stands for a Host without a port; without `ports` any may be.
 */
export function isAtHost(
  { request }: Call,
  { hostname, ports }: { hostname: string; ports: readonly (string | undefined)[] | undefined },
): boolean {
  const isNamed = (host: string) => {
    const named = portOf(host)
    const name = named === undefined ? host : host.slice(0, -named.length - 1)
    return name.toLowerCase() === hostname && (ports === undefined || ports.includes(named))
  }
  const forwarded = request.headers.get('x-forwarded-host')?.split(',') ?? []
  return [request.headers.get('host') ?? hostOf(request.url), ...forwarded].every((each) =>
    isNamed(each.trim()),
  )
}

const portOf = (host: string): string | undefined => /:(\d+)$/.exec(host)?.[1]

/** A request without the header was made in this process. */
const hostOf = (url: string): string => URL.parse(url)?.host ?? ''
