/** Checks before going live that the settings alone decide. */
import { weakness } from '../../config/checks.ts'
import { readNamed } from '../../config/named_files.ts'
import { type Env, given } from '../../config/read.ts'
import { referenceIn } from '../../config/secret_reference.ts'
import { entries } from '../../config/variables.ts'
import { parseRedisUrl } from '../../lib/redis_url.ts'
import { isLoopbackHost } from '../../lib/address.ts'
import { featureEntries } from '../../table.ts'
import type { Row, Sight } from './row.ts'

const secretNames: readonly string[] = [...entries, ...Object.values(featureEntries).flat()]
  .filter((entry) => 'secret' in entry && entry.secret === true)
  .map(({ name }) => name)

/** Bits of a prefix that leaves a half or all of the addresses of a family. */
const widest = 1n
const bitsOf = { 4: 32n, 6: 128n } as const

/** Secrets that the operator chooses as one text. Others say by their form how strong they are, or are not chosen here. */
const tokens = ['METRICS_TOKEN', 'REGISTRATION_INITIAL_ACCESS_TOKEN', 'CIBA_NOTIFY_SECRET'] as const

/** Each value of a secret: a variable may have several. */
function valuesOf(env: Env, name: string): string[] {
  const path = given(env, `${name}_FILE`)
  const text = given(env, name) ?? (path === undefined ? '' : readNamed(`${name}_FILE`, path).trim())
  if (!text.startsWith('[')) return text.split(/\s+/).filter(Boolean)
  try {
    const values = JSON.parse(text) as unknown
    return Array.isArray(values) ? values.map(String) : [text]
  } catch {
    return [text]
  }
}

function sharedSecrets(env: Env): string[] {
  const set = secretNames.flatMap((name) => valuesOf(env, name).map((value) => ({ name, value })))
  const groups = Map.groupBy(set, ({ value }) => value)
  return [...groups.values()]
    .map((group) => [...new Set(group.map(({ name }) => name))])
    .filter((names) => names.length > 1)
    .map((names) => `${names.join(' and ')} have one value`)
}

const isSecure = ({ config }: Sight): boolean => config.issuer.startsWith('https:')
const isPublic = ({ config }: Sight): boolean => !isLoopbackHost(new URL(config.issuer).hostname)

/** Whether a Redis on another machine is used without a password. */
function isOpenRedis({ config: { store } }: Sight): boolean {
  if (store.kind !== 'redis') return false
  const { password, hosts } = parseRedisUrl(store.url)
  return password === undefined && !hosts.every(({ host }) => isLoopbackHost(host))
}

export const settingRows: readonly Row[] = [
  {
    name: 'settings_work',
    level: 'error',
    expected: 'files, addresses, a store and servers that can be used',
    mend: 'change the variable with which the line begins',
    link: 'deployment.md#the-least-that-is-needed',
    source: 'ASVS 13.1.1',
    find: ({ problems }) => problems,
  },
  {
    name: 'production',
    level: 'error',
    expected: 'NODE_ENV=production: no demo account, no public secret, short errors',
    mend: 'set NODE_ENV=production',
    link: 'deployment.md#the-least-that-is-needed',
    source: 'ASVS 13.4.2; hardening plan, Settings & Secrets',
    find: ({ config }) => (config.environment === 'production' ? undefined : 'NODE_ENV is development'),
  },
  {
    name: 'https',
    level: 'error',
    expected: 'an https address',
    mend: 'set ISSUER_URL=https://…, with TLS_CERT_PATH or a proxy that terminates TLS',
    link: 'deployment.md#tls',
    source: 'hardening plan, Deployment & Network',
    find: (sight) => (isSecure(sight) || !isPublic(sight) ? undefined : 'ISSUER_URL is http'),
  },
  {
    name: 'lasting_store',
    level: 'error',
    expected: 'a store that outlives the process',
    mend: 'set STORE_URL=sqlite:/var/lib/latchkey/latchkey.db or postgres://…, or REDIS_URL',
    link: 'deployment.md#the-store',
    source: 'ASVS 13.1.3',
    find: ({ config }) => (config.store.kind === 'memory' ? 'the memory store' : undefined),
  },
  {
    name: 'secrets_differ',
    level: 'error',
    expected: 'a value of its own for each secret, so that a leak of one is not a leak of two',
    mend: 'make another one for each: openssl rand -base64 48',
    link: 'security.md#keys-and-secrets',
    source: 'ASVS 13.3.1',
    find: ({ env }) => sharedSecrets(env),
  },
  {
    name: 'audit_key_strength',
    level: 'error',
    expected: 'random values of at least 32 characters in AUDIT_SIGNING_KEY',
    mend: 'make one: openssl rand -base64 48; put it before the old one',
    link: 'audit.md#keys',
    source: 'hardening plan, Settings & Secrets',
    find: ({ config }) =>
      config.auditSigningKey?.some((each) => weakness(each) !== undefined)
        ? 'a value with too little variety'
        : undefined,
  },
  {
    name: 'token_strength',
    level: 'warning',
    expected: 'random values',
    mend: 'make one: openssl rand -hex 32',
    link: 'security.md#keys-and-secrets',
    source: 'ASVS 13.2.3',
    find: ({ env }) =>
      tokens
        .filter((name) => valuesOf(env, name).some((value) => weakness(value, 16) !== undefined))
        .map((name) => `${name} has too little variety`),
  },
  {
    name: 'secrets_apart',
    level: 'note',
    expected: 'secrets in files that only the service can read, or in a vault',
    mend: 'set NAME_FILE=/run/secrets/name, or NAME=vault:path#field',
    link: 'deployment.md#secrets-that-are-kept-elsewhere',
    source: 'ASVS 13.3.1; hardening plan, Settings & Secrets',
    find({ env, written, fromDotenv }) {
      const plain = secretNames.filter(
        (name) =>
          given(written, name) !== undefined &&
          given(env, `${name}_FILE`) === undefined &&
          referenceIn(given(written, name)) === undefined &&
          !fromDotenv(name),
      )
      return plain.length > 0 ? `in the environment of the process: ${plain.join(', ')}` : undefined
    },
  },
  {
    name: 'trusted_networks',
    level: 'error',
    expected: 'the addresses of proxies: every client of another address could name any address as its own',
    mend: 'name the proxies, or the private network that they are in',
    link: 'deployment.md#tls',
    source: 'hardening plan, Deployment & Network',
    find: ({ config }) =>
      config.trustedProxies.some(({ family, hostBits }) => bitsOf[family] - hostBits <= widest)
        ? 'TRUSTED_PROXIES has the whole internet'
        : undefined,
  },
  {
    name: 'redis_password',
    level: 'warning',
    expected: 'a user and a password for a Redis on another machine',
    mend: 'make a user with the rights that are needed, and put it into the URL',
    link: 'deployment.md#the-store',
    source: 'ASVS 13.2.1; hardening plan, Redis Security',
    find: (sight) => (isOpenRedis(sight) ? 'no password in the URL of Redis' : undefined),
  },
  {
    name: 'hsts',
    level: 'warning',
    expected: 'Strict-Transport-Security, so that browsers use https alone',
    mend: 'remove HSTS, or set it to host',
    link: 'configuration.md#server',
    source: 'hardening plan, Deployment & Network',
    // A proxy may add it.
    find: (sight) =>
      isSecure(sight) &&
      sight.config.hsts === 'off' &&
      sight.served.headers?.['strict-transport-security'] === undefined
        ? 'HSTS is off'
        : undefined,
  },
  {
    name: 'audit',
    level: 'warning',
    expected: 'an audit trail, which shows who did what and cannot be changed unseen',
    mend: 'set AUDIT_SIGNING_KEY: openssl rand -base64 48',
    link: 'audit.md#audit-trail',
    source: 'hardening plan, Observability & Compliance',
    find: ({ config }) => (config.auditSigningKey === undefined ? 'AUDIT_SIGNING_KEY is not set' : undefined),
  },
  {
    name: 'mail',
    level: 'warning',
    expected: 'a mail relay: End-Users are told of new devices and reset passwords by mail',
    mend: 'set SMTP_URL and MAIL_FROM',
    link: 'deployment.md#mail',
    source: 'hardening plan, Settings & Secrets',
    find: ({ config }) => (config.smtpUrl === undefined ? 'SMTP_URL is not set' : undefined),
  },
  {
    name: 'mail_encrypted',
    level: 'warning',
    expected: 'TLS to the mail relay: mails have links that give access to accounts',
    mend: 'remove SMTP_ALLOW_PLAINTEXT, and set SMTP_CA_PATH for a relay with an authority of its own',
    link: 'deployment.md#mail',
    source: 'hardening plan, Transport & Identity',
    find: ({ config }) => (config.smtpAllowPlaintext ? 'SMTP_ALLOW_PLAINTEXT is true' : undefined),
  },
  {
    name: 'backup_key',
    level: 'note',
    expected: 'backups by latchkey backup, or by the tools of the store',
    mend: 'set BACKUP_KEY, and let a timer run latchkey backup',
    link: 'operations.md#backup',
    source: 'hardening plan, Data Protection',
    find: ({ config }) => (config.backupKey === undefined ? 'BACKUP_KEY is not set' : undefined),
  },
  {
    name: 'store_encryption',
    level: 'note',
    expected: 'a disk that is encrypted, or STORE_ENCRYPTION=true',
    mend: 'set STORE_ENCRYPTION=true before the first start, or encrypt a store in use: latchkey secrets seal',
    link: 'configuration.md#store',
    source: 'hardening plan, Data Protection',
    find: ({ config }) =>
      config.storeEncryption === 'true' ? undefined : `STORE_ENCRYPTION is ${config.storeEncryption}`,
  },
  {
    name: 'metrics',
    level: 'note',
    expected:
      'METRICS_TOKEN, so that a monitor on another machine can read /metrics and the details of /health',
    mend: 'set METRICS_TOKEN: openssl rand -hex 32',
    link: 'operations.md#is-it-well',
    source: 'ASVS 13.4.5',
    find: ({ config }) => (config.metricsToken === undefined ? 'METRICS_TOKEN is not set' : undefined),
  },
  {
    name: 'outbound_exemptions',
    level: 'note',
    expected: 'no host that is exempt from the rules for outbound requests, or your own alone',
    mend: 'remove from OUTBOUND_ALLOW_HOSTS what is not needed',
    link: 'security.md#outbound-connections',
    source: 'ASVS 13.2.4, 13.2.5',
    find: ({ config }) =>
      config.outboundAllowHosts.length > 0 ? `exempt: ${config.outboundAllowHosts.join(', ')}` : undefined,
  },
]
