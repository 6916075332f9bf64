/** A good deployment for `config check --deploy`, with real servers, and what a fault changes in it. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deepProblems } from '../../src/cli/deep_check.ts'
import type { Finding, Machine } from '../../src/cli/deploy_check/row.ts'
import { findingsOf } from '../../src/cli/deploy_check/sight.ts'
import { rows } from '../../src/cli/deploy_check/table.ts'
import { encrypted, readConfig } from '../../src/cli/open.ts'
import { openBackend } from '../../src/cli/open_store.ts'
import { serviceTrials } from '../../src/cli/service_trials.ts'
import { trials } from '../../src/cli/trials.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'
import type { Store } from '../../src/store/store.ts'
import { issueCertificate, type IssuedCertificate } from './certificate.ts'
import { commandLine } from './command.ts'
import { freePort } from './free_port.ts'
import { type PostgresServer, startPostgres } from './postgres.ts'
import { type SpawnedProvider, spawnProvider } from './provider.ts'
import { type RedisServer, startRedis } from './redis.ts'
import { type Relay, smtpRelay } from './smtp_relay.ts'

export const folder = mkdtempSync(join(tmpdir(), 'latchkey-live-'))
chmodSync(folder, 0o755)
export const at = (name: string): string => join(folder, name)
export const host = 'id.example.test'
export const secret = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(36))).toString('base64')
export const secrets = { key: secret(), backup: secret(), audit: secret(), metrics: secret() }
const port = freePort()

let certificate: IssuedCertificate
let relay: Relay
export let redis: RedisServer
export let postgres: PostgresServer
export let unsafePostgres: PostgresServer
let server: SpawnedProvider
type Env = Record<string, string>
export let good: Env

export function fileOf(name: string, text: string, mode = 0o600): string {
  writeFileSync(at(name), text, { mode })
  chmodSync(at(name), mode)
  return at(name)
}

export async function startGood(): Promise<void> {
  certificate = issueCertificate(folder, { host })
  chmodSync(certificate.keyPath, 0o600)
  relay = await smtpRelay()
  ;[redis, postgres, unsafePostgres] = await Promise.all([
    startRedis(),
    startPostgres({ settings: { fsync: 'on' } }),
    startPostgres(),
  ])
  good = {
    NODE_ENV: 'production',
    ISSUER_URL: `https://${host}:${port}`,
    HOST: '127.0.0.1',
    PORT: `${port}`,
    TLS_CERT_PATH: certificate.certPath,
    TLS_KEY_PATH: certificate.keyPath,
    OUTBOUND_CA_PATH: certificate.caPath,
    SECRET_KEY_FILE: fileOf('secret_key', secrets.key),
    BACKUP_KEY_FILE: fileOf('backup_key', secrets.backup),
    AUDIT_SIGNING_KEY_FILE: fileOf('audit_key', secrets.audit),
    METRICS_TOKEN_FILE: fileOf('metrics_token', secrets.metrics),
    SMTP_URL_FILE: fileOf('smtp_url', `smtp://127.0.0.1:${relay.port}`),
    MAIL_FROM: 'accounts@example.test',
    STORE_URL_FILE: fileOf('store_url', `sqlite:${at('latchkey.db')}`),
    STORE_ENCRYPTION: 'true',
    LOG_FILE: at('latchkey.log'),
  }
  server = await spawnProvider(good)
  chmodSync(at('latchkey.log'), 0o600)
  const line = commandLine(good)
  mkdirSync(at('backups'), { mode: 0o700 })
  await line.json('backup', '--to', `${at('backups')}/`, '--json')
  line.remove()
}

export async function stopGood(): Promise<void> {
  await server?.stop()
  await Promise.all([relay.stop(), redis.stop(), postgres.stop(), unsafePostgres.stop()])
  rmSync(folder, { recursive: true, force: true })
}

const machine: Machine = {
  platform: 'linux',
  uid: 999,
  bunVersion: Bun.version,
  isCompiled: false,
  memoryLimit: 536_870_912,
}

export interface Fault {
  /** '' removes a variable. */
  env?: Env
  machine?: Partial<Machine>
  fromDotenv?: boolean
  /** Headers of a server in place of the provider, at the address of the issuer. */
  served?: () => Record<string, string | undefined>
  /** The issuer in the metadata of that server. */
  issuer?: string
  also?: readonly string[]
  after?: () => unknown
}

/** As the command does it, on a machine that the test describes. */
export async function check(fault: Fault = {}): Promise<Finding[]> {
  const { machine: other = {}, fromDotenv = false } = fault
  const proxy = fault.served || fault.issuer !== undefined ? proxyOf(fault) : undefined
  const all = withoutEmpty({ ...good, ...fault.env, ...proxy?.env })
  const config = readConfig(all)
  const both = [...trials, ...serviceTrials(config)]
  const problems = await deepProblems(both, config, all, { warn: () => {}, note: () => {} })
  const environment = { env: all, written: all, fromDotenv: () => fromDotenv }
  const looking = { config, environment, problems, address: '127.0.0.1' }
  return findingsOf(rows, { ...looking, machine: { ...machine, ...other } }).finally(() => proxy?.stop())
}

function withoutEmpty(env: Env): Env {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
}

async function openStore(env: Env): Promise<Store> {
  const config = readConfig(withoutEmpty({ ...good, ...env }))
  return encrypted(await openBackend(config, systemClock), config)
}

/** A store without encryption that has keys, and a change of it. */
export async function storeWith(name: string, change: (store: Store) => Promise<unknown>): Promise<Env> {
  const env = { STORE_URL_FILE: fileOf(name, `sqlite:${at(`${name}.db`)}`), STORE_ENCRYPTION: '' }
  const line = commandLine(withoutEmpty({ ...good, ...env }))
  await line.json('keys', 'generate', '--json')
  line.remove()
  const store = await openStore(env)
  await change(store)
  await store.close()
  return env
}

/** The store makes its tables when it is opened. */
export async function withTables(url: string): Promise<Env> {
  const env = postgresUrl(url)
  await (await openStore(env)).close()
  return env
}

export const memoryOf = (store: Store) => ({
  store,
  clock: systemClock,
  log: createLog('silent', 'json', () => {}),
})
export const keysOf = async (store: Store): Promise<object[]> =>
  (JSON.parse((await store.get('key_ring'))!) as { keys: object[] }).keys
export const daysAgo = (days: number): number => Math.floor(Date.now() / 1000) - days * 86_400

export const headers = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'",
  'cache-control': 'max-age=60',
  'strict-transport-security': 'max-age=31536000',
}

/** A server in place of the provider, at the address of the issuer. */
function proxyOf({ served = () => headers, issuer }: Fault): { env: Env; stop(): Promise<void> } {
  const at = freePort()
  const own = `https://${host}:${at}`
  const given = JSON.parse(JSON.stringify(served())) as Env
  const proxy = Bun.serve({
    ...{ port: at, hostname: '127.0.0.1' },
    tls: { cert: Bun.file(certificate.certPath), key: Bun.file(certificate.keyPath) },
    fetch: () => Response.json({ issuer: issuer ?? own }, { headers: given }),
  })
  return { env: { ...behindProxy, ISSUER_URL: own }, stop: () => proxy.stop(true) }
}

/** The provider is not asked, because it is not the one of these settings. */
export const behindProxy = { TLS_CERT_PATH: '', TLS_KEY_PATH: '', TRUSTED_PROXIES: '10.0.0.2', PORT: '0' }
export const development = { NODE_ENV: 'development', HOST: '' }
export const redisUrl = (url: string): Env => ({
  STORE_URL_FILE: '',
  REDIS_URL_FILE: fileOf(crypto.randomUUID(), url),
})
export const postgresUrl = (url: string): Env => ({
  STORE_URL_FILE: fileOf(crypto.randomUUID(), url),
  STORE_TIMEOUT_MS: '30000',
})
/** Nothing answers there, which is `settings_work`. */
export const elsewhere = `10.255.255.1:${freePort()}`
export const unreachable = { STORE_TIMEOUT_MS: '10' }
export const weak = 'abababababababababababababababababab'
export const issue = (options: Parameters<typeof issueCertificate>[1]): Env => {
  const files = issueCertificate(folder, options)
  chmodSync(files.keyPath, 0o600)
  return { TLS_CERT_PATH: files.certPath, TLS_KEY_PATH: files.keyPath, OUTBOUND_CA_PATH: files.caPath }
}
export const quiet = ['issuer_answers']
export const ofAnotherServer = ['served_certificate']
