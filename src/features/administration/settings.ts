/** The variables of the administration API and its pages. docs/administration.md */
import { type Config, defineEntries, featureConfig } from '../../config.ts'
import { described } from '../../config/schemas.ts'
import * as is from '../../config/schemas.ts'
import { parseHost } from '../../lib/host_port.ts'

export const featureName = 'administration'

/** A name, with a port where only that port is meant. */
const hostAndPort = described('a host name such as admin.example.com, with or without a port', (text) => {
  const named = text.toLowerCase()
  const url = URL.parse(`http://${named}/`)
  const { hostname } = url ?? {}
  const isPlain = url !== null && url.pathname === '/' && url.search === '' && url.username === ''
  const found = isPlain && hostname === named.replace(/:\d+$/, '') ? parseHost(named, 0) : undefined
  return found && { hostname: hostname!, port: found.port === 0 ? undefined : String(found.port) }
})

export const env = defineEntries([
  {
    name: 'ADMINISTRATION',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'true',
    help: 'The administration API (/admin/v1) and its pages (/admin). false: neither exists, and administrators use the commands of latchkey.',
  },
  {
    name: 'ADMIN_HOST',
    realm: 'server',
    schema: hostAndPort,
    help: 'The host name on which the administration API and its pages exist, such as admin.example.com. At any other they are 404. The sign-in stays at the issuer. A proxy must pass the Host header on. Default: every host name.',
  },
  {
    name: 'ADMIN_NETWORKS',
    realm: 'own_or_server',
    schema: is.networks,
    default: '',
    help: 'Networks from which the administration API and its pages exist. For other addresses they are 404. Default: every address.',
  },
  {
    name: 'ADMIN_SECOND_FACTOR',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'true',
    help: 'Whether an administrator needs a sign-in with two factors, or with a passkey that verified the user.',
  },
  {
    name: 'ADMIN_FRESH_SIGN_IN',
    realm: 'own_or_server',
    schema: is.seconds(0, 86_400),
    default: '900',
    help: 'Seconds since the sign-in of an administrator within which changes are accepted. 0: the sign-in may be of any age.',
  },
])

export const settingsOf = (config: Config) => featureConfig(config, featureName, env)

/**
 * The base URLs at ADMIN_HOST, the one that links lead to first: of the scheme and the path of the issuer, and without a
 * port in ADMIN_HOST of its port. Proofs of possession may name the default port, too.
 */
export function adminBases(config: Config): string[] {
  const { adminHost } = settingsOf(config)
  if (adminHost === undefined) return []
  const { protocol, port, pathname } = new URL(config.issuer)
  const path = pathname.replace(/\/$/, '')
  return [...new Set([adminHost.port ?? port, adminHost.port ?? ''])].map(
    (each) => new URL(`${protocol}//${adminHost.hostname}:${each}`).origin + path,
  )
}

/** The base URL of the pages, where ADMIN_HOST has another host name than the issuer. */
export function adminPageBase(config: Config): string | undefined {
  const [base] = adminBases(config)
  return base !== undefined && new URL(base).hostname !== new URL(config.issuer).hostname ? base : undefined
}
