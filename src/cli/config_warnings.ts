/** Settings that are allowed but often a mistake: `config check` warns of them. https://www.rfc-editor.org/rfc/rfc9700 */
import type { Config } from '../config.ts'
import { oldCiphers } from '../config/tls_ciphers.ts'
import { isLoopbackHost, isLoopbackNetwork } from '../lib/address.ts'
import { parsePostgresUrl, type SslMode, sslModeOf } from '../lib/postgres_url.ts'

interface Warning {
  name: string
  applies(config: Config, facts: Facts): boolean
  text: string
}

interface Facts {
  production: boolean
  /** ISSUER_URL is a loopback address. */
  loopbackIssuer: boolean
  loopbackHost: boolean
  /** A proxy terminates TLS. */
  behindProxy: boolean
}

/** Seconds. https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3.2.2 */
const fapi2CodeTtl = 60

const warnings = [
  {
    name: 'development_issuer',
    applies: (_, { production, loopbackIssuer }) => !production && !loopbackIssuer,
    text: 'ISSUER_URL is no loopback address while NODE_ENV is development: the demo users and clients, whose passwords are public, can sign in. Set NODE_ENV=production',
  },
  {
    name: 'development_host',
    applies: (_, { production, loopbackHost }) => !production && !loopbackHost,
    text: 'HOST lets other machines reach a development provider, whose demo passwords are public',
  },
  {
    name: 'loopback_issuer',
    applies: (_, { production, loopbackIssuer }) => production && loopbackIssuer,
    text: 'ISSUER_URL is a loopback address: no other machine can use this provider',
  },
  {
    name: 'no_trusted_proxies',
    applies: ({ trustedProxies }, { production, behindProxy }) =>
      production && behindProxy && trustedProxies.length === 0,
    text: 'ISSUER_URL is https, TLS_CERT_PATH is not set and TRUSTED_PROXIES is empty: behind a proxy all requests then seem to come from one address, and limits by address apply to all of them together',
  },
  {
    name: 'proxy_here_alone',
    applies: ({ trustedProxies, plainHttpFrom }, { production, behindProxy, loopbackHost }) =>
      plainHttpFrom === 'proxies' &&
      production &&
      behindProxy &&
      !loopbackHost &&
      trustedProxies.every(isLoopbackNetwork),
    text: 'HOST lets other machines connect, and every request of theirs is refused, because the proxy is on this machine: set HOST=127.0.0.1',
  },
  {
    name: 'plain_http',
    applies: ({ plainHttpFrom, tls }, { production, loopbackHost }) =>
      production && plainHttpFrom === 'anywhere' && tls === undefined && !loopbackHost,
    text: 'PLAIN_HTTP_FROM is anywhere: machines between a client and this server can read passwords, secrets and tokens, unless all connections come from a proxy',
  },
  {
    name: 'old_ciphers',
    applies: ({ tls, tlsCiphers }) =>
      tls !== undefined && tlsCiphers.some((cipher) => oldCiphers.some((old) => old === cipher)),
    text: 'TLS_CIPHERS has suites without forward secrecy or authenticated encryption, which FAPI forbids',
  },
  {
    name: 'http_issuer_with_tls',
    applies: ({ tls, issuer }) => tls !== undefined && issuer.startsWith('http:'),
    text: 'ISSUER_URL is http and TLS_CERT_PATH is set: the URLs of the metadata lead to a server that answers https alone. Set ISSUER_URL=https://…',
  },
  {
    name: 'rate_limiting',
    applies: ({ rateLimitingEnabled }, { production }) => production && !rateLimitingEnabled,
    text: 'RATE_LIMITING_ENABLED is false in production',
  },
  {
    name: 'open_registration',
    applies: ({ registration }, { production }) => production && registration === 'open',
    text: 'REGISTRATION is open in production: every caller can register a client, which End-Users are then asked to trust',
  },
  {
    name: 'unverified_redirect',
    applies: ({ unverifiedClientsRedirect, registration }, { production }) =>
      production && unverifiedClientsRedirect === 'at_once' && registration !== 'closed',
    text: 'UNVERIFIED_CLIENTS_REDIRECT is at_once: a client that registers itself makes a link to this provider lead anywhere (RFC 9700 §4.11.2)',
  },
  {
    name: 'unverified_logos',
    applies: ({ unverifiedClientLogos }, { production }) => production && unverifiedClientLogos,
    text: 'UNVERIFIED_CLIENT_LOGOS is true: a client that registered itself may show the logo of another on the sign-in page',
  },
  {
    name: 'redis_plain',
    applies: ({ store }) =>
      store.kind === 'redis' && !store.url.startsWith('rediss') && !isLoopbackRedis(store.url),
    text: 'the Redis connection is not encrypted (redis:// instead of rediss://) and leaves this machine: its password and all sessions are sent unencrypted',
  },
  {
    name: 'postgres_plain',
    applies: (config) => remotePostgres(config) === 'disable',
    text: 'the PostgreSQL connection is not encrypted and leaves this machine: its password and all sessions are sent unencrypted. Add sslmode=verify-full to STORE_URL',
  },
  {
    name: 'postgres_unverified',
    applies: (config) => remotePostgres(config) === 'require',
    text: 'sslmode=require of STORE_URL encrypts the connection to whatever server answers: with POSTGRES_CA_PATH, or with sslmode=verify-full for a public certificate, the server is checked',
  },
  {
    name: 'key_activation',
    applies: ({ keyActivationDelay }, { production }) => production && keyActivationDelay < 60,
    text: 'KEY_ACTIVATION_DELAY is under a minute: after a rotation, resource servers whose clocks or caches are behind refuse valid tokens',
  },
  {
    name: 'former_secrets',
    applies: ({ secretKey }) => secretKey.length > 1,
    text: 'SECRET_KEY has former values, which still open what they sealed: run latchkey secrets reseal, and remove them when it says so (docs/operations.md)',
  },
  {
    name: 'key_rotation',
    applies: ({ keyRotationInterval }, { production }) => production && keyRotationInterval === 0,
    text: 'KEY_ROTATION_INTERVAL is 0: a signing key is used until latchkey keys rotate replaces it',
  },
  {
    name: 'refresh_grace',
    applies: ({ refreshTokenGrace }) => refreshTokenGrace === 0,
    text: 'REFRESH_TOKEN_GRACE is 0: a client that does not receive one response, because of the network, loses its grant',
  },
  {
    name: 'fapi2_code_ttl',
    applies: ({ profile, authorizationCodeTtl }) =>
      profile === 'fapi2' && authorizationCodeTtl > fapi2CodeTtl,
    text: 'AUTHORIZATION_CODE_TTL is over 60 seconds, the maximum for PROFILE=fapi2 (FAPI 2.0 §5.3.2.2)',
  },
  {
    name: 'sign_in_attempts',
    applies: ({ signInAttemptsPerAccount }) => signInAttemptsPerAccount > 100,
    text: 'SIGN_IN_ATTEMPTS_PER_ACCOUNT is over 100: NIST SP 800-63B allows at most 100 failed attempts in a row',
  },
  {
    name: 'lab',
    applies: ({ lab }, { production }) => production && lab,
    text: 'LAB is on in production: from LAB_NETWORKS, its pages show the requests, sign-ins and tokens of all people, and its clock revives what has expired and ends waits after wrong passwords. Remove LAB=true unless this provider is for teaching',
  },
  {
    name: 'log_level',
    applies: ({ logLevel }, { production }) => production && (logLevel === 'debug' || logLevel === 'silent'),
    text: 'LOG_LEVEL is debug or silent in production',
  },
] as const satisfies readonly Warning[]

export type WarningName = (typeof warnings)[number]['name']

function isLoopbackRedis(url: string): boolean {
  const authority = url.replace(/^[^:]*:\/\//, '').split(/[/?#]/, 1)[0] ?? ''
  const hosts = authority.slice(authority.lastIndexOf('@') + 1).split(',')
  return hosts.every((each) => isLoopbackHost(each.replace(/:\d+$/, '')))
}

/** How the connection to a PostgreSQL on another machine is protected. */
function remotePostgres({ store, postgresCaPath }: Config): SslMode | undefined {
  if (store.kind !== 'postgres') return undefined
  const target = parsePostgresUrl(store.url)
  const isHere = target.hosts.every(({ host }) => host.startsWith('/') || isLoopbackHost(host))
  return isHere ? undefined : sslModeOf(target, postgresCaPath !== undefined)
}

/** What applies, by name. */
export function warningsIn(config: Config): ReadonlyMap<WarningName, string> {
  const issuer = new URL(config.issuer)
  const facts: Facts = {
    production: config.environment === 'production',
    loopbackIssuer: isLoopbackHost(issuer.hostname),
    loopbackHost: isLoopbackHost(config.host),
    behindProxy: issuer.protocol === 'https:' && config.tls === undefined,
  }
  return new Map(
    warnings.filter(({ applies }) => applies(config, facts)).map(({ name, text }) => [name, text]),
  )
}

/** One text for each warning. */
export const warningsAbout = (config: Config): string[] => [...warningsIn(config).values()]
