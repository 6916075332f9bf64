/** Whether the administration exists for a request: on ADMIN_HOST alone, for ADMIN_NETWORKS alone. docs/administration.md */
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import { isFromNetworks } from '../../http/from_networks.ts'
import { settingsOf } from './settings.ts'

/**
 * The Host header decides. X-Forwarded-Host never adds a host name, because many proxies pass on what a client wrote there;
 * where there is one, it must name ADMIN_HOST as well. The text is compared and not read as a URL, because a proxy that
 * chose this server by `login.example@admin.example` or `%61dmin.example` did not take it for ADMIN_HOST.
 */
function isAtHost(
  { request }: Call,
  { hostname, port }: { hostname: string; port: string | undefined },
): boolean {
  const isNamed = (host: string) => {
    const named = portOf(host)
    const name = named === undefined ? host : host.slice(0, -named.length - 1)
    return name.toLowerCase() === hostname && (port === undefined || named === port)
  }
  const forwarded = request.headers.get('x-forwarded-host')?.split(',') ?? []
  return [request.headers.get('host') ?? hostOf(request.url), ...forwarded].every((each) =>
    isNamed(each.trim()),
  )
}

const portOf = (host: string): string | undefined => /:(\d+)$/.exec(host)?.[1]

/** A request without the header was made in this process. */
const hostOf = (url: string): string => URL.parse(url)?.host ?? ''

/** For `exists` of every endpoint of the administration, its pages included. */
export function administrationExists(call: Call, { config }: Context): boolean {
  const { adminHost, adminNetworks } = settingsOf(config)
  return (
    (adminHost === undefined || isAtHost(call, adminHost)) &&
    (adminNetworks.length === 0 || isFromNetworks(call, adminNetworks, config))
  )
}
