/** The warnings of `config check` as checks before going live: what each weighs there, and why. */
import type { WarningName } from '../config_warnings.ts'
import type { Row } from './row.ts'

type Weight = Omit<Row, 'name' | 'find'>

const proxies = 'deployment.md#tls'
const limits = 'security.md#limits-and-lock-outs'
const keys = 'deployment.md#signing-keys'
const registration = 'configuration.md#scopes-and-registration'

const weights: Readonly<Record<WarningName, Weight>> = {
  development_issuer: {
    level: 'error',
    expected: 'NODE_ENV=production for an address that others can reach',
    mend: 'set NODE_ENV=production',
    link: 'deployment.md#the-least-that-is-needed',
    source: 'ASVS 13.2.3',
  },
  development_host: {
    level: 'error',
    expected: 'a development provider on this machine alone',
    mend: 'set NODE_ENV=production, or HOST=localhost',
    link: 'deployment.md#the-least-that-is-needed',
    source: 'ASVS 13.4.2',
  },
  loopback_issuer: {
    level: 'error',
    expected: 'the https address that browsers and clients use',
    mend: 'set ISSUER_URL to that address',
    link: 'deployment.md#the-least-that-is-needed',
    source: 'hardening plan, Transport & Identity',
  },
  no_trusted_proxies: {
    level: 'warning',
    expected: 'the addresses of the proxies',
    mend: 'set TRUSTED_PROXIES to the addresses of the proxies',
    link: proxies,
    source: 'hardening plan, Deployment & Network',
  },
  proxy_here_alone: {
    level: 'error',
    expected: 'requests that are answered',
    mend: 'set HOST=127.0.0.1, or name the proxy in TRUSTED_PROXIES',
    link: proxies,
    source: 'hardening plan, Deployment & Network',
  },
  plain_http: {
    level: 'warning',
    expected: 'plain HTTP between the proxy and this server alone',
    mend: 'remove PLAIN_HTTP_FROM and name the proxy in TRUSTED_PROXIES',
    link: proxies,
    source: 'ASVS 13.2.1; hardening plan, Deployment & Network',
  },
  old_ciphers: {
    level: 'warning',
    expected: 'cipher suites with forward secrecy and authenticated encryption',
    mend: 'remove TLS_CIPHERS',
    link: proxies,
    source: 'hardening plan, Transport & Identity',
  },
  http_issuer_with_tls: {
    level: 'error',
    expected: 'an https issuer where TLS_CERT_PATH is set',
    mend: 'set ISSUER_URL=https://…',
    link: proxies,
    source: 'hardening plan, Deployment & Network',
  },
  rate_limiting: {
    level: 'error',
    expected: 'limits of attempts',
    mend: 'remove RATE_LIMITING_ENABLED',
    link: limits,
    source: 'hardening plan, Throttling & Abuse',
  },
  open_registration: {
    level: 'warning',
    expected: 'clients that an operator knows',
    mend: 'set REGISTRATION=token, or closed',
    link: registration,
    source: 'ASVS 13.4.5',
  },
  unverified_redirect: {
    level: 'warning',
    expected: 'a page before a client that registered itself is redirected to',
    mend: 'remove UNVERIFIED_CLIENTS_REDIRECT',
    link: registration,
    source: 'ASVS 13.2.2',
  },
  unverified_logos: {
    level: 'warning',
    expected: 'no logo of a client that registered itself',
    mend: 'remove UNVERIFIED_CLIENT_LOGOS',
    link: registration,
    source: 'ASVS 13.2.2',
  },
  redis_plain: {
    level: 'error',
    expected: 'rediss:// for a Redis on another machine',
    mend: 'turn TLS on in Redis, and use rediss:// with REDIS_CA_PATH',
    link: 'deployment.md#the-store',
    source: 'ASVS 13.2.1; hardening plan, Redis Security',
  },
  postgres_plain: {
    level: 'error',
    expected: 'TLS to a PostgreSQL on another machine',
    mend: 'add sslmode=verify-full to STORE_URL',
    link: 'deployment.md#postgresql',
    source: 'ASVS 13.2.1; hardening plan, Database Security',
  },
  postgres_unverified: {
    level: 'warning',
    expected: 'a PostgreSQL whose certificate is checked',
    mend: 'set POSTGRES_CA_PATH, or sslmode=verify-full',
    link: 'deployment.md#postgresql',
    source: 'ASVS 13.2.1; hardening plan, Transport & Identity',
  },
  key_activation: {
    level: 'warning',
    expected: 'a new key that is announced a minute or more before it signs',
    mend: 'remove KEY_ACTIVATION_DELAY',
    link: keys,
    source: 'ASVS 13.3.4',
  },
  former_secrets: {
    level: 'warning',
    expected: 'one value of SECRET_KEY',
    mend: 'run latchkey secrets reseal, then remove the former values',
    link: 'operations.md#changing-secret_key',
    source: 'ASVS 13.3.4',
  },
  key_rotation: {
    level: 'warning',
    expected: 'signing keys that rotate by themselves',
    mend: 'remove KEY_ROTATION_INTERVAL, or run latchkey keys rotate on a schedule',
    link: keys,
    source: 'ASVS 13.3.4',
  },
  refresh_grace: {
    level: 'note',
    expected: 'a few seconds in which a lost answer may be repeated',
    mend: 'remove REFRESH_TOKEN_GRACE',
    link: 'configuration.md#tokens',
    source: 'hardening plan, Tokens & Sessions',
  },
  fapi2_code_ttl: {
    level: 'error',
    expected: 'codes of at most 60 seconds with PROFILE=fapi2',
    mend: 'remove AUTHORIZATION_CODE_TTL',
    link: 'configuration.md#tokens',
    source: 'hardening plan, Tokens & Sessions',
  },
  sign_in_attempts: {
    level: 'warning',
    expected: 'at most 100 failed attempts of one account',
    mend: 'lower SIGN_IN_ATTEMPTS_PER_ACCOUNT',
    link: limits,
    source: 'hardening plan, Throttling & Abuse',
  },
  lab: {
    level: 'error',
    expected: 'no teaching lab in production',
    mend: 'remove LAB',
    link: 'lab.md#the-teaching-lab',
    source: 'ASVS 13.4.2',
  },
  log_level: {
    level: 'warning',
    expected: 'LOG_LEVEL=info or warn',
    mend: 'remove LOG_LEVEL',
    link: 'operations.md#log',
    source: 'ASVS 13.4.2',
  },
}

export const warningRows: readonly Row[] = Object.entries(weights).map(([name, weight]) => ({
  name,
  ...weight,
  find: ({ warnings }) => warnings.get(name as WarningName),
}))
