/** Reads the URL of a PostgreSQL database. https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS */
import { decodePart, type Host, parseHost } from './host_port.ts'

/** `require` encrypts and does not look at the certificate. */
export type SslMode = 'disable' | 'require' | 'verify-full'

export interface PostgresTarget {
  /** In the order in which they are tried. A host that begins with `/` is the directory of a Unix socket. */
  hosts: Host[]
  username: string
  password?: string
  database: string
  /** As in the URL; undefined when it says nothing. */
  sslMode?: SslMode
  channelBinding?: 'disable' | 'prefer' | 'require'
}

const defaultPort = 5432

const forms =
  'postgres://user[:password]@host[:port][,host2[:port]]/database[?sslmode=disable|require|verify-full], ' +
  'or postgres://user@/database?host=/directory/of/the/socket'

const scheme = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^@/?]*)(?:\/([^/?#]*))?(?:\?([^#]*))?$/

const values = {
  sslmode: ['disable', 'require', 'verify-full'],
  channel_binding: ['disable', 'prefer', 'require'],
  // Only a server that accepts writes is used, whatever the URL says.
  target_session_attrs: ['read-write', 'primary'],
} as const satisfies Record<string, readonly string[]>

const parameters = [...Object.keys(values), 'host', 'port']

/**
 * `URL` does not accept a list of hosts. Throws an Error that says what was expected and does not contain the URL, which may
 * have a password.
 */
export function parsePostgresUrl(url: string): PostgresTarget {
  const [whole, credentials, list = '', path = '', query] = scheme.exec(url) ?? []
  if (!whole) throw refuse('it has another form')
  const given = Object.fromEntries(new URLSearchParams(query))
  const unknown = Object.keys(given).find((name) => !parameters.includes(name))
  if (unknown !== undefined) throw refuse(`its query has a parameter other than ${parameters.join(', ')}`)
  const database = decode(path)
  if (!database) throw refuse('the name of the database is missing')
  const sslMode = choice('sslmode', given)
  const channelBinding = choice('channel_binding', given)
  choice('target_session_attrs', given)
  return {
    hosts: hostsOf(list, given),
    ...login(credentials),
    database,
    ...(sslMode && { sslMode }),
    ...(channelBinding && { channelBinding }),
  }
}

function choice<Name extends keyof typeof values>(
  name: Name,
  given: Record<string, string>,
): (typeof values)[Name][number] | undefined {
  const value = given[name]
  if (value === undefined) return undefined
  const known = values[name].find((each) => each === value)
  if (known === undefined) throw refuse(`${name} is not one of ${values[name].join(', ')}`)
  return known
}

function hostsOf(list: string, { host: directory, port }: Record<string, string>): Host[] {
  if (list !== '' && (directory !== undefined || port !== undefined))
    throw refuse('it names a host twice, before the path and in the query')
  if (list === '' && directory === undefined) throw refuse('the host is missing')
  if (directory !== undefined && !directory.startsWith('/'))
    throw refuse('host= is the directory of a Unix socket, which begins with /')
  if (directory !== undefined) return [{ host: directory, port: portOf(port) }]
  return list.split(',').map((item) => {
    const host = parseHost(item, defaultPort)
    if (!host) throw refuse('a host is not host:port')
    return host
  })
}

function portOf(text = `${defaultPort}`): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) throw refuse('its port is not a number up to 65535')
  return Number(text)
}

function login(credentials = ''): { username: string; password?: string } {
  const colon = credentials.indexOf(':')
  const username = decode(colon < 0 ? credentials : credentials.slice(0, colon))
  const password = colon < 0 ? '' : decode(credentials.slice(colon + 1))
  if (!username) throw refuse('the user is missing')
  return { username, ...(password && { password }) }
}

function decode(text: string): string {
  const decoded = decodePart(text)
  if (decoded === undefined) throw refuse('a % in it is not followed by two hexadecimal digits')
  return decoded
}

const refuse = (why: string): Error =>
  new Error(`the PostgreSQL URL is not usable: ${why}; expected ${forms}`)

/** Why the URL cannot be used, without the URL; undefined when it can. */
export function postgresUrlProblem(url: string): string | undefined {
  try {
    parsePostgresUrl(url)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** A CA that is given is there to be checked. */
export const sslModeOf = ({ sslMode }: PostgresTarget, hasCa: boolean): SslMode => {
  if (hasCa && sslMode !== 'disable') return 'verify-full'
  return sslMode ?? 'disable'
}
