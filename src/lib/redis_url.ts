/** Reads the URL of a Redis server, Sentinels or a cluster. https://www.iana.org/assignments/uri-schemes/prov/redis */
import { decodePart, type Host, parseHost } from './host_port.ts'

export interface RedisTarget {
  kind: 'single' | 'sentinel' | 'cluster'
  tls: boolean
  hosts: Host[]
  username?: string
  password?: string
  /** The password of the Sentinels: `?sentinel_password=`. */
  sentinelPassword?: string
  /** The name of the master; for Sentinels only. */
  master?: string
  db: number
}

const forms =
  'redis://[user:password@]host[:port][/database], redis+sentinel://[user:password@]host:port,…/master[/database] ' +
  'or redis+cluster://[user:password@]host:port,…; rediss for TLS'

const schemes = /^(rediss?)(\+sentinel|\+cluster)?:\/\/(?:([^@/]*)@)?([^@/?]+)(\/[^?]*)?(?:\?(.*))?$/

/**
 * Reads `redis://`, `redis+sentinel://` and `redis+cluster://` URLs and their `rediss` forms. `URL` does not accept a
 * list of hosts. Throws an Error that says what was expected and does not contain the URL, which may have a password.
 */
export function parseRedisUrl(url: string): RedisTarget {
  const [whole, scheme, variant, credentials, list, path = '', query] = schemes.exec(url) ?? []
  if (!whole || !list) throw refuse('it has another form')
  const kind = variant === '+sentinel' ? 'sentinel' : variant === '+cluster' ? 'cluster' : 'single'
  const hosts = list.split(',').map((item) => hostOf(item, kind === 'sentinel' ? 26379 : 6379))
  const parts = path.split('/').filter(Boolean).map(decode)
  const master = kind === 'sentinel' ? parts.shift() : undefined
  const {
    db: named,
    sentinel_password: sentinelPassword,
    ...others
  } = Object.fromEntries(new URLSearchParams(query))
  const inPath = parts.shift()
  if (inPath !== undefined && named !== undefined && inPath !== named) throw refuse('it names two databases')
  const db = inPath ?? named ?? '0'
  if (kind === 'single' && hosts.length > 1) throw refuse('several hosts need +sentinel or +cluster')
  if (kind === 'sentinel' && !master) throw refuse('the name of the master is missing')
  if (kind === 'cluster' && db !== '0') throw refuse('a cluster has database 0 only')
  if (parts.length || !/^\d{1,5}$/.test(db)) throw refuse('its database is not a number')
  if (Object.keys(others).length > 0)
    throw refuse('its query has a parameter other than db and sentinel_password')
  if (sentinelPassword !== undefined && kind !== 'sentinel') throw refuse('sentinel_password needs +sentinel')
  return {
    kind,
    tls: scheme === 'rediss',
    hosts,
    ...(master && { master }),
    db: Number(db),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...login(credentials),
  }
}

function login(credentials: string | undefined): { username?: string; password?: string } {
  if (!credentials) return {}
  const colon = credentials.indexOf(':')
  if (colon < 0) throw refuse('it has a user and no password')
  const username = decode(credentials.slice(0, colon))
  const password = decode(credentials.slice(colon + 1))
  return { ...(username && { username }), ...(password && { password }) }
}

function hostOf(item: string, defaultPort: number): Host {
  const host = parseHost(item, defaultPort)
  if (!host) throw refuse('a host is not host:port')
  return host
}

function decode(text: string): string {
  const decoded = decodePart(text)
  if (decoded === undefined) throw refuse('a % in it is not followed by two hexadecimal digits')
  return decoded
}

const refuse = (why: string): Error => new Error(`the Redis URL is not usable: ${why}; expected ${forms}`)

/** Why the URL cannot be used, without the URL; undefined when it can. */
export function redisUrlProblem(url: string): string | undefined {
  try {
    parseRedisUrl(url)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
