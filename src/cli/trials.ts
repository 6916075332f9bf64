/** What `config check --deep` tries on this machine and of the store: one row each, in the order in which `serve` uses them. docs/configuration.md */
import { createPrivateKey } from 'node:crypto'
import { keyRingSecret } from '../app.ts'
import type { Config } from '../config.ts'
import { readAuthorities, readNamed, validityProblem } from '../config/named_files.ts'
import { SettingFault } from '../config/setting_fault.ts'
import { systemClock } from '../lib/clock.ts'
import { isIP } from '../lib/ip.ts'
import { systemRandom } from '../lib/random.ts'
import { clockOffset, clockProblem } from '../models/clock_guard.ts'
import { keysAreLost, lostKeysWords, requireReadable } from '../models/readable_keys.ts'
import { WrongSecretError } from '../models/signing_keys.ts'
import { requirePlaces } from '../people/place.ts'
import { directoryStorage } from '../store/directory.ts'
import { type Store, StoreUnavailable } from '../store/store.ts'
import { portProblem, requireAddress } from './address_trials.ts'
import { keySourcesProblem } from './key_sources/trial.ts'
import { encrypted, refusedConcern, requireWhole } from './open.ts'
import { newStore, openBackend, openTarget } from './open_store.ts'
import { linesFileProblem } from './log_file.ts'
import { keyFolderProblem, newDatabaseProblem, ownKey, publicKeyProblem } from './own_files.ts'
import type { Run, Trial } from './trial.ts'
import { certificateChain, privateKey, requireFit, tlsOptions } from './tls_options.ts'

/** Milliseconds for which the record of the trial is kept, if it cannot be removed. */
const probeTtl = 60_000

async function writeAndRemove(store: Store): Promise<string | undefined> {
  const [key, value] = [`config_check:${systemRandom(16)}`, systemRandom(16)]
  await store.put(key, value, probeTtl)
  return (await store.take(key)) === value
    ? undefined
    : 'expected to read what was written, got something else'
}

/** A database that does not exist yet is not made here: the service would not own it. Of tables it is tried and undone. */
async function storeProblem(config: Config, { note }: Run): Promise<string | undefined> {
  const fresh = await newStore(config)
  if (fresh === undefined) return withStore(config, writeAndRemove)
  const problem = newDatabaseProblem(config)
  if (problem === undefined) note(`STORE_URL: ${fresh} does not exist yet; the first start makes it`)
  return problem
}

/** Of a move that may be under way. */
async function targetProblem(config: Config): Promise<string | undefined> {
  if (config.storeMoveTo === undefined) return undefined
  const target = await openTarget(config, systemClock)
  try {
    const { refused } = refusedConcern(config, (await target.concerns?.()) ?? [])
    return refused
  } finally {
    await target.close()
  }
}

async function secretProblem(config: Config): Promise<string | undefined> {
  const sealingKey = keyRingSecret(config.secretKey)
  if (config.store.kind === 'memory') {
    const folder = directoryStorage(config.keysPath)
    return readableProblem('KEYS_PATH', () => requireReadable(folder, folder, sealingKey))
  }
  if ((await newStore(config)) !== undefined) return undefined
  return withStore(config, async (plain) => {
    const store = await encrypted(plain, config)
    const problem = await readableProblem('STORE_URL', () => requireReadable(store, plain, sealingKey))
    if (problem !== undefined) return problem
    return config.environment === 'production' && (await keysAreLost(store)) ? lostKeysWords : undefined
  })
}

/** A record that is damaged, or cannot be read, is no fault of SECRET_KEY. */
async function readableProblem(place: string, read: () => Promise<void>): Promise<string | undefined> {
  try {
    await read()
    return undefined
  } catch (error) {
    if (error instanceof WrongSecretError) return error.message
    if (error instanceof StoreUnavailable && place === 'STORE_URL') throw error
    throw new SettingFault(place, error instanceof Error ? error.message : String(error))
  }
}

async function withStore<T>(config: Config, use: (plain: Store) => Promise<T>): Promise<T> {
  const plain = await openBackend(config, systemClock)
  await requireWhole(plain)
  try {
    return await use(plain)
  } finally {
    await plain.close()
  }
}

/** A store with settings and a clock of its own, once it has tables. */
const isServer = async (config: Config): Promise<boolean> =>
  ['redis', 'postgres'].includes(config.store.kind) && (await newStore(config)) === undefined

async function settingsProblem(config: Config, { warn }: Run): Promise<string | undefined> {
  if (!(await isServer(config))) return undefined
  const concerns = await withStore(config, async (store) => (await store.concerns?.()) ?? [])
  const { refused, accepted } = refusedConcern(config, concerns)
  for (const { text } of accepted) warn(text)
  return refused
}

const clockTrial = async (config: Config): Promise<string | undefined> =>
  (await isServer(config))
    ? withStore(config, async (store) =>
        clockProblem(await clockOffset(store, systemClock), config.clockTolerance),
      )
    : undefined

function certificateProblem(config: Config): string | undefined {
  if (!config.tls) return undefined
  const chain = certificateChain(config, readNamed('TLS_CERT_PATH', config.tls.certPath))
  const [own] = chain
  for (const each of chain) {
    const problem = validityProblem([each], systemClock.now())
    if (problem !== undefined) return `${problem} (${each.subject.replaceAll('\n', ', ')})`
  }
  const { hostname } = new URL(config.issuer)
  const address = hostname.replace(/^\[|\]$/g, '')
  const fits = isIP(address) === 0 ? own!.checkHost(hostname) : own!.checkIP(address)
  if (fits !== undefined) return undefined
  return `expected a certificate for ${hostname} (ISSUER_URL), got one for ${own!.subjectAltName ?? own!.subject}`
}

const authorities = {
  REDIS_CA_PATH: 'redisCaPath',
  POSTGRES_CA_PATH: 'postgresCaPath',
  OUTBOUND_CA_PATH: 'outboundCaPath',
  SMTP_CA_PATH: 'smtpCaPath',
  VAULT_CACERT: 'vaultCacert',
  AUDIT_SYSLOG_CERT_PATH: 'auditSyslogCertPath',
  AUDIT_SYSLOG_CA_PATH: 'auditSyslogCaPath',
} as const satisfies Record<string, keyof Config>

/** A file of authorities may have some that have expired, if one is left. */
const authorityTrials = (...names: (keyof typeof authorities)[]): Trial[] =>
  names.map((name) => ({
    name,
    run({ [authorities[name]]: path }) {
      return path === undefined
        ? undefined
        : validityProblem(readAuthorities(name, path).certificates, systemClock.now())
    },
  }))

function syslogKeyProblem({
  auditSyslogCertPath: cert,
  auditSyslogKeyPath: key,
}: Config): string | undefined {
  if (cert === undefined || key === undefined) return undefined
  const text = readNamed('AUDIT_SYSLOG_KEY_PATH', key)
  try {
    const [own] = readAuthorities('AUDIT_SYSLOG_CERT_PATH', cert).certificates
    if (own!.checkPrivateKey(createPrivateKey(text))) return undefined
    return `expected the private key of the certificate in AUDIT_SYSLOG_CERT_PATH, got that of another one in ${key}`
  } catch {
    return `expected a private key in PEM, got ${key}, which has none that can be read`
  }
}

export const trials: readonly Trial[] = [
  { name: 'HOST', run: requireAddress },
  { name: 'PORT', needs: ['HOST'], run: portProblem },
  {
    name: 'TLS_KEY_PATH',
    run: (config) => {
      if (config.tls) privateKey(config, readNamed('TLS_KEY_PATH', config.tls.keyPath))
      return undefined
    },
  },
  { name: 'TLS_CERT_PATH', run: certificateProblem },
  {
    name: 'TLS_CERT_PATH',
    needs: ['TLS_KEY_PATH', 'TLS_CERT_PATH'],
    run: (config) => {
      const tls = tlsOptions(config)
      if (tls) requireFit(config, tls)
      return undefined
    },
  },
  ...authorityTrials('REDIS_CA_PATH', 'POSTGRES_CA_PATH'),
  // REDIS_URL is another name of it.
  { name: 'STORE_URL', needs: ['REDIS_CA_PATH', 'POSTGRES_CA_PATH'], run: storeProblem },
  { name: 'CLOCK_TOLERANCE', needs: ['STORE_URL'], run: clockTrial },
  { name: 'STORE_URL', needs: ['STORE_URL'], run: settingsProblem },
  { name: 'STORE_MOVE_TO', needs: ['REDIS_CA_PATH', 'POSTGRES_CA_PATH'], run: targetProblem },
  { name: 'KEYS_PATH', run: keyFolderProblem },
  { name: 'SECRET_KEY', needs: ['STORE_URL', 'KEYS_PATH'], run: secretProblem },
  {
    name: 'PRIVATE_KEY_PATH',
    needs: ['KEYS_PATH'],
    run: async (config) => {
      await ownKey(config)
      return undefined
    },
  },
  { name: 'SIGNING_KEY_SOURCES', needs: ['VAULT_CACERT'], run: keySourcesProblem },
  { name: 'PUBLIC_KEY_PATH', needs: ['PRIVATE_KEY_PATH', 'KEYS_PATH'], run: publicKeyProblem },
  {
    name: 'GEOIP_DATABASE_PATH',
    run: async ({ geoipDatabasePath }) => {
      if (geoipDatabasePath !== undefined) await requirePlaces(geoipDatabasePath)
      return undefined
    },
  },
  { name: 'LOG_FILE', run: ({ logFile }) => linesFileProblem(logFile) },
  { name: 'AUDIT_FILE', run: ({ auditFile }) => linesFileProblem(auditFile) },
  ...authorityTrials('OUTBOUND_CA_PATH', 'SMTP_CA_PATH', 'VAULT_CACERT'),
  ...authorityTrials('AUDIT_SYSLOG_CA_PATH', 'AUDIT_SYSLOG_CERT_PATH'),
  {
    name: 'AUDIT_SYSLOG_KEY_PATH',
    needs: ['AUDIT_SYSLOG_CERT_PATH'],
    run: syslogKeyProblem,
  },
]
