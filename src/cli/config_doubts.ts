/** What a configuration may be and seldom should: `config check` warns of it. https://www.rfc-editor.org/rfc/rfc9700 */
import type { Config } from '../config.ts'
import { isLoopbackHost, isLoopbackNetwork } from '../lib/address.ts'

interface Doubt {
  applies(config: Config, facts: Facts): boolean
  says: string
}

interface Facts {
  production: boolean
  /** Whom others see is this machine alone. */
  loopbackIssuer: boolean
  loopbackHost: boolean
  /** Somebody else ends TLS for us. */
  behindProxy: boolean
}

/** Seconds. https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3.2.2 */
const fapi2CodeTtl = 60

const doubts: readonly Doubt[] = [
  {
    applies: (_, { production, loopbackIssuer }) => !production && !loopbackIssuer,
    says: 'ISSUER_URL is no loopback address while NODE_ENV is development: the demo users and clients, whose passwords everyone knows, can sign in. Set NODE_ENV=production',
  },
  {
    applies: (_, { production, loopbackHost }) => !production && !loopbackHost,
    says: 'HOST lets other machines reach a development provider, whose demo passwords everyone knows',
  },
  {
    applies: (_, { production, loopbackIssuer }) => production && loopbackIssuer,
    says: 'ISSUER_URL is a loopback address: no other machine can use this provider',
  },
  {
    applies: ({ trustedProxies }, { production, behindProxy }) =>
      production && behindProxy && trustedProxies.length === 0,
    says: 'ISSUER_URL is https, TLS_CERT_PATH is not set and TRUSTED_PROXIES is empty: behind a proxy all requests then seem to come from one address, and limits by address hit everyone at once',
  },
  {
    applies: ({ trustedProxies }, { production, behindProxy, loopbackHost }) =>
      production &&
      behindProxy &&
      !loopbackHost &&
      trustedProxies.length > 0 &&
      trustedProxies.every(isLoopbackNetwork),
    says: 'HOST lets other machines past the proxy on this one, to plain HTTP: HOST=127.0.0.1 leaves it to the proxy',
  },
  {
    applies: ({ rateLimitingEnabled }, { production }) => production && !rateLimitingEnabled,
    says: 'RATE_LIMITING_ENABLED is false in production',
  },
  {
    applies: ({ registration }, { production }) => production && registration === 'open',
    says: 'REGISTRATION is open in production: anyone may register a client that people are then asked to trust',
  },
  {
    applies: ({ store }) =>
      store.kind === 'redis' && !store.url.startsWith('rediss') && !isLoopbackRedis(store.url),
    says: 'the Redis connection is not encrypted (redis:// instead of rediss://) and leaves this machine: its password and all sessions pass in the clear',
  },
  {
    applies: ({ keyActivationDelay }, { production }) => production && keyActivationDelay < 60,
    says: 'KEY_ACTIVATION_DELAY is under a minute: after a rotation, APIs whose clocks or caches are behind will refuse good tokens',
  },
  {
    applies: ({ refreshTokenGrace }) => refreshTokenGrace === 0,
    says: 'REFRESH_TOKEN_GRACE is 0: a client that loses one answer to the network loses its grant',
  },
  {
    applies: ({ profile, authorizationCodeTtl }) =>
      profile === 'fapi2' && authorizationCodeTtl > fapi2CodeTtl,
    says: 'AUTHORIZATION_CODE_TTL is over 60 seconds, which PROFILE=fapi2 is not (FAPI 2.0 §5.3.2.2)',
  },
  {
    applies: ({ signInAttemptsPerAccount }) => signInAttemptsPerAccount > 100,
    says: 'SIGN_IN_ATTEMPTS_PER_ACCOUNT is over 100: NIST SP 800-63B allows no more failed tries in a row',
  },
  {
    applies: ({ logLevel }, { production }) => production && (logLevel === 'debug' || logLevel === 'silent'),
    says: 'LOG_LEVEL is debug or silent in production',
  },
]

function isLoopbackRedis(url: string): boolean {
  const authority = url.replace(/^[^:]*:\/\//, '').split(/[/?#]/, 1)[0] ?? ''
  const hosts = authority.slice(authority.lastIndexOf('@') + 1).split(',')
  return hosts.every((each) => isLoopbackHost(each.replace(/:\d+$/, '')))
}

/** One sentence each; empty when all is well. */
export function doubtsAbout(config: Config): string[] {
  const issuer = new URL(config.issuer)
  const facts: Facts = {
    production: config.environment === 'production',
    loopbackIssuer: isLoopbackHost(issuer.hostname),
    loopbackHost: isLoopbackHost(config.host),
    behindProxy: issuer.protocol === 'https:' && config.tls === undefined,
  }
  return doubts.filter(({ applies }) => applies(config, facts)).map(({ says }) => says)
}
