/** What SIGHUP reloads: the configuration, with all files that it names, and the certificate. docs/decisions/0059 */
import { type Config, ConfigError } from '../config.ts'
import type { Env } from '../config/read.ts'
import { algsInUse } from './open.ts'

/** What the process was started with: its socket, its store and its keys. The variable, by the field. */
export const fixed = {
  environment: 'NODE_ENV',
  profile: 'PROFILE',
  issuer: 'ISSUER_URL',
  host: 'HOST',
  port: 'PORT',
  maxBodyBytes: 'MAX_BODY_BYTES',
  secretKey: 'SECRET_KEY',
  store: 'STORE_URL',
  storeMoveTo: 'STORE_MOVE_TO',
  redisCaPath: 'REDIS_CA_PATH',
  redisEviction: 'REDIS_EVICTION',
  postgresCaPath: 'POSTGRES_CA_PATH',
  postgresPoolSize: 'POSTGRES_POOL_SIZE',
  storeEncryption: 'STORE_ENCRYPTION',
  usageClients: 'USAGE_CLIENTS',
  storeTimeoutMs: 'STORE_TIMEOUT_MS',
  keysPath: 'KEYS_PATH',
  privateKeyPath: 'PRIVATE_KEY_PATH',
  publicKeyPath: 'PUBLIC_KEY_PATH',
  rsaKeySize: 'RSA_KEY_SIZE',
  signingAlgs: 'SIGNING_ALGS',
  keyActivationDelay: 'KEY_ACTIVATION_DELAY',
  keyRotationInterval: 'KEY_ROTATION_INTERVAL',
  signingKeySources: 'SIGNING_KEY_SOURCES',
  pkcs11Pin: 'PKCS11_PIN',
  accessTokenTtl: 'ACCESS_TOKEN_TTL', // keys are kept as long as the tokens that they signed
  idTokenTtl: 'ID_TOKEN_TTL',
  sessionTtl: 'SESSION_TTL',
  clockTolerance: 'CLOCK_TOLERANCE',
  realms: 'REALMS',
  lab: 'LAB', // the clock, the store and the log are those of the lab
  labShowSecrets: 'LAB_SHOW_SECRETS',
  labSeed: 'LAB_SEED',
  auditSigningKey: 'AUDIT_SIGNING_KEY',
  auditChain: 'AUDIT_CHAIN',
  logFormat: 'LOG_FORMAT',
  logFile: 'LOG_FILE',
  logFileSize: 'LOG_FILE_SIZE',
  logFileAge: 'LOG_FILE_AGE',
  logFileKeep: 'LOG_FILE_KEEP',
  otelExporterOtlpEndpoint: 'OTEL_EXPORTER_OTLP_ENDPOINT',
  otelExporterOtlpHeaders: 'OTEL_EXPORTER_OTLP_HEADERS',
  otelExporterOtlpTimeout: 'OTEL_EXPORTER_OTLP_TIMEOUT',
  otelServiceName: 'OTEL_SERVICE_NAME',
  otelTracesSampler: 'OTEL_TRACES_SAMPLER',
  otelTracesSamplerArg: 'OTEL_TRACES_SAMPLER_ARG',
  sentryDsn: 'SENTRY_DSN',
  sentryEnvironment: 'SENTRY_ENVIRONMENT',
} as const satisfies Partial<Record<keyof Config, string>>

/** Of Vault, while it keeps signing keys: its sign-in belongs to the keys. Without such keys these are reloaded. */
const ofVault = {
  vaultAddr: 'VAULT_ADDR',
  vaultToken: 'VAULT_TOKEN',
  vaultRoleId: 'VAULT_ROLE_ID',
  vaultSecretId: 'VAULT_SECRET_ID',
  vaultKubernetesRole: 'VAULT_KUBERNETES_ROLE',
  vaultKubernetesTokenPath: 'VAULT_KUBERNETES_TOKEN_PATH',
  vaultAuthMount: 'VAULT_AUTH_MOUNT',
  vaultNamespace: 'VAULT_NAMESPACE',
  vaultCacert: 'VAULT_CACERT',
} as const satisfies Partial<Record<keyof Config, string>>

const keysAreInVault = ({ signingKeySources }: Config): boolean =>
  Object.values(signingKeySources).some((name) => name.startsWith('vault-transit:'))

const differ = (one: unknown, other: unknown): boolean => JSON.stringify(one) !== JSON.stringify(other)

/** Throws ConfigError when `next` differs from `config` in what needs a restart. */
export function requireReloadable(config: Config, next: Config): void {
  const bound: Readonly<Partial<Record<keyof Config, string>>> = {
    ...fixed,
    ...(keysAreInVault(config) && ofVault),
  }
  const names: string[] = (Object.keys(bound) as (keyof Config)[])
    .filter((field) => differ(config[field], next[field]))
    .flatMap((field) => bound[field] ?? [])
  if (!config.tls !== !next.tls) names.push('TLS_CERT_PATH')
  if (names.length === 0 && differ(algsInUse(config), algsInUse(next)))
    names.push('a feature that signs or decrypts with another algorithm')
  if (names.length > 0) throw new ConfigError(names.map((name) => `${name}: needs a restart`))
}

/** Names of variables whose value in the environment or in `.env` differs. */
export const changedNames = (env: Env, next: Env): string[] =>
  [...new Set([...Object.keys(env), ...Object.keys(next)])]
    .filter((name) => env[name] !== next[name])
    .toSorted()

/** What is wrong, for the log: no value of a secret is in it. */
export const problemsOf = (error: unknown): readonly string[] =>
  error instanceof ConfigError ? error.problems : [error instanceof Error ? error.message : String(error)]
