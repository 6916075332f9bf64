/** Checks of several variables together, and settings that production refuses. https://www.rfc-editor.org/rfc/rfc9700 */
import { isLoopbackHost, isLoopbackNetwork } from '../lib/address.ts'
import { targetOf } from '../lib/outbound_target.ts'
import { parsePostgresUrl, postgresUrlProblem, sslModeOf } from '../lib/postgres_url.ts'
import { redisUrlProblem } from '../lib/redis_url.ts'
import type { Report } from './read.ts'
import type { Entries, Environment, Values } from './entry.ts'
import type { StoreLocation } from './schemas.ts'
import { developmentSecretKey } from './server_variables.ts'
import type { entries } from './variables.ts'

/** Values that were read; undefined where a variable has a problem. */
export type Draft = Partial<Values<typeof entries>>

type IsSet = (name: string) => boolean

const demoWords =
  /change.?(me|it|this|in)|your.?(own.?)?secret|secret.?key|password|example|insecure|placeholder|generate/i

/** Why a secret is too weak, or undefined. Does not quote the secret. */
export function weakness(secret: string, least = 32): string | undefined {
  if (secret.length < least) return `at least ${least} characters, got ${secret.length}`
  if (secret === developmentSecretKey || demoWords.test(secret))
    return 'a random value, got a demo value or placeholder'
  const codes = Array.from(secret, (letter) => letter.codePointAt(0) ?? 0)
  const steps = codes.slice(1).filter((code, i) => Math.abs(code - (codes[i] ?? 0)) <= 1)
  const repeats = `${secret}${secret}`.indexOf(secret, 1) < secret.length
  const few = new Set(codes).size < 8
  return few || repeats || steps.length > codes.length / 2
    ? 'a random value, got too little variety'
    : undefined
}

/** REDIS_URL is an alternative to STORE_URL. */
export function storeOf({ STORE_URL, REDIS_URL }: Draft, environment: Environment): StoreLocation {
  if (STORE_URL) return STORE_URL
  if (REDIS_URL) return { kind: 'redis', url: REDIS_URL }
  return environment === 'production' ? { kind: 'sqlite', path: './latchkey.db' } : { kind: 'memory' }
}

/** Without TLS the server listens for a proxy alone: on this machine, unless the proxy is on another. */
export function hostOf(values: Draft, environment: Environment): string {
  const { HOST, TLS_CERT_PATH, TRUSTED_PROXIES = [], PLAIN_HTTP_FROM } = values
  if (HOST !== undefined) return HOST
  if (environment === 'development') return 'localhost'
  const forOthers = TLS_CERT_PATH !== undefined || PLAIN_HTTP_FROM === 'anywhere'
  return forOthers || !TRUSTED_PROXIES.every(isLoopbackNetwork) ? '0.0.0.0' : '127.0.0.1'
}

/** Plain HTTP that other machines can reach, and no proxy that could be meant. */
function checkPlainHttp(values: Draft, environment: Environment, report: Report): void {
  const { TLS_CERT_PATH: tls, TRUSTED_PROXIES: proxies, PLAIN_HTTP_FROM: from } = values
  const host = hostOf(values, environment)
  if (tls !== undefined || from !== 'proxies' || proxies?.length !== 0 || isLoopbackHost(host)) return
  report(
    'HOST',
    `expected a loopback address such as 127.0.0.1, because the server has no TLS, got ${JSON.stringify(host)}. Name the proxy in TRUSTED_PROXIES, set TLS_CERT_PATH and TLS_KEY_PATH, or let every address use plain HTTP: PLAIN_HTTP_FROM=anywhere`,
  )
}

function checkStore(values: Draft, environment: Environment, report: Report): void {
  const { STORE_URL: named, REDIS_URL: redis, REDIS_CA_PATH: ca, POSTGRES_CA_PATH: postgresCa } = values
  const { STORE_MOVE_TO: next } = values
  const store = storeOf(values, environment)
  const all = next ? [store, next] : [store]
  if (named && redis && !(named.kind === 'redis' && named.url === redis)) {
    report('STORE_URL', 'expected one store, got a REDIS_URL that names another')
  }
  const unusable = urlProblem(store)
  if (unusable) report(named ? 'STORE_URL' : 'REDIS_URL', unusable)
  const forgets = store.kind === 'memory' || (store.kind === 'sqlite' && store.path.startsWith(':memory:'))
  if (environment === 'production' && forgets) {
    report('STORE_URL', 'expected a store that outlives the process in production, got memory')
  }
  // An operator who sets a CA expects the connection to be encrypted.
  if (ca && !all.some((each) => each.kind === 'redis' && each.url.startsWith('rediss'))) {
    report('REDIS_CA_PATH', 'expected a Redis over TLS (rediss://…), got a store without TLS')
  }
  if (next) checkNext(store, next, report)
  if (postgresCa && !all.some((each) => urlProblem(each) !== undefined || isPostgresOverTls(each)))
    report(
      'POSTGRES_CA_PATH',
      'expected a PostgreSQL over TLS (postgres://… without sslmode=disable), got a store without TLS',
    )
}

/** A store in the memory ends with its process, so nothing can be moved from it or to it. */
function checkNext(store: StoreLocation, next: StoreLocation, report: Report): void {
  const unusable = urlProblem(next)
  if (unusable) report('STORE_MOVE_TO', unusable)
  else if (store.kind === 'memory' || next.kind === 'memory')
    report('STORE_MOVE_TO', 'expected a move between two stores that outlive the process, got memory')
  else if (JSON.stringify(store) === JSON.stringify(next))
    report('STORE_MOVE_TO', 'expected another store than STORE_URL')
}

function urlProblem(store: StoreLocation): string | undefined {
  if (store.kind === 'redis') return redisUrlProblem(store.url)
  return store.kind === 'postgres' ? postgresUrlProblem(store.url) : undefined
}

/** With a certificate authority. */
const isPostgresOverTls = (store: StoreLocation): boolean =>
  store.kind === 'postgres' && sslModeOf(parsePostgresUrl(store.url), true) !== 'disable'

function checkProduction(
  { ISSUER_URL, SECRET_KEY, CORS_ALLOWED_ORIGINS, TLS_CERT_PATH }: Draft,
  report: Report,
): void {
  const issuer = ISSUER_URL ? new URL(ISSUER_URL) : undefined
  if (issuer?.protocol === 'http:' && !isLoopbackHost(issuer.hostname)) {
    report('ISSUER_URL', `expected https off loopback in production, got ${JSON.stringify(ISSUER_URL)}`)
  }
  // Its metadata would name URLs at which a server of TLS answers nothing.
  else if (issuer?.protocol === 'http:' && TLS_CERT_PATH !== undefined)
    report('ISSUER_URL', `expected https where TLS_CERT_PATH is set, got ${JSON.stringify(ISSUER_URL)}`)
  const weak = SECRET_KEY?.map((value) => weakness(value)).find((each) => each !== undefined)
  if (weak) report('SECRET_KEY', `expected ${weak}; make one: openssl rand -base64 48`)
  if (CORS_ALLOWED_ORIGINS?.includes('*')) {
    report('CORS_ALLOWED_ORIGINS', 'expected exact origins in production, got "*"')
  }
}

function checkRegistration(values: Draft, environment: Environment, isSet: IsSet, report: Report): void {
  const name = 'REGISTRATION_INITIAL_ACCESS_TOKEN'
  const { REGISTRATION: who } = values
  // `latchkey client token add` can create other tokens, except in the memory store.
  const reachable = storeOf(values, environment).kind !== 'memory'
  if (who === 'token' && !isSet(name) && !reachable) report(name, 'required with REGISTRATION=token')
  // With open or closed registration the token has no effect, although it looks like protection.
  if (who && who !== 'token' && isSet(name))
    report('REGISTRATION', `expected "token" where ${name} is set, got "${who}"`)
}

function checkBackupKey({ BACKUP_KEY: key, SECRET_KEY }: Draft, report: Report): void {
  if (key === undefined) return
  const weak = weakness(key)
  if (weak) report('BACKUP_KEY', `expected ${weak}; make one: openssl rand -base64 48`)
  // The one opens what was copied away, the other what runs: a leak of either is not one of both.
  else if (SECRET_KEY?.includes(key)) report('BACKUP_KEY', 'expected another value than SECRET_KEY')
}

function checkTls({ TLS_CIPHERS: ciphers }: Draft, isSet: IsSet, report: Report): void {
  const missing = ['TLS_CERT_PATH', 'TLS_KEY_PATH'].filter((name) => !isSet(name))
  if (missing.length === 1) report(`${missing[0]}`, 'required: TLS takes both TLS_CERT_PATH and TLS_KEY_PATH')
  if (ciphers?.length === 0) report('TLS_CIPHERS', 'expected at least one cipher suite')
}

/** Seconds between two looks of an instance at the record of keys: the longest time for which it publishes an old JWKS. */
export const keyRefreshSeconds = 5

/** The first of a pair, and as many seconds more, may not exceed the second. */
const orders = [
  // Otherwise a cached JWKS of an instance that has not seen the new key could lack a key that already signs.
  ['JWKS_MAX_AGE', 'KEY_ACTIVATION_DELAY', keyRefreshSeconds],
  // Otherwise the idle limit would have no effect.
  ['SESSION_IDLE_TTL', 'SESSION_TTL', 0],
] as const

/** Two rotations within the time for which a key is announced and cached could leave a client without the key that signs. */
function checkRotation(
  { KEY_ROTATION_INTERVAL: interval, KEY_ACTIVATION_DELAY: delay = 0, JWKS_MAX_AGE: age = 0 }: Draft,
  report: Report,
): void {
  if (interval === undefined || interval === 0 || interval > delay + age) return
  report(
    'KEY_ROTATION_INTERVAL',
    `expected more than KEY_ACTIVATION_DELAY (${delay}) and JWKS_MAX_AGE (${age}) together, or 0 to rotate by command alone, got ${interval}`,
  )
}

/** The algorithm of access tokens, and one for the key of the operator, must be allowed ones. */
function checkAlgs(
  { ACCESS_TOKEN_ALG: alg, SIGNING_ALGS: allowed, PRIVATE_KEY_PATH: own }: Draft,
  report: Report,
): void {
  if (own !== undefined && allowed && !allowed.some((each) => each === 'RS256' || each === 'PS256'))
    report(
      'SIGNING_ALGS',
      `expected RS256 or PS256 for the RSA key of PRIVATE_KEY_PATH, got "${allowed.join(' ')}"`,
    )
  if (alg && allowed && !allowed.includes(alg))
    report('ACCESS_TOKEN_ALG', `expected one of SIGNING_ALGS (${allowed.join(' ')}), got "${alg}"`)
}

/** Each algorithm has one source of keys. */
function checkKeySources(
  { SIGNING_KEY_SOURCES: sources = {}, SIGNING_ALGS: algs, PRIVATE_KEY_PATH: own, VAULT_ADDR: vault }: Draft,
  report: Report,
): void {
  const name = 'SIGNING_KEY_SOURCES'
  const named = Object.keys(sources)
  const unused = named.filter((alg) => algs && !algs.some((each) => each === alg))
  if (unused.length > 0)
    report(name, `expected algorithms of SIGNING_ALGS (${algs?.join(' ')}), got "${unused.join(' ')}"`)
  const ownAlg = algs?.includes('RS256') ? 'RS256' : 'PS256'
  if (own !== undefined && sources[ownAlg] !== undefined)
    report('PRIVATE_KEY_PATH', `expected none, because ${name} has the keys for ${ownAlg}`)
  if (vault === undefined && Object.values(sources).some((each) => each.startsWith('vault-transit:')))
    report('VAULT_ADDR', 'required with vault-transit:')
}

/** A seed makes every secret predictable, and the header of a clock revives what has expired. */
function checkLab(
  { LAB, LAB_SEED, LAB_CLOCK_HEADER, LAB_SHOW_SECRETS, ISSUER_URL, HOST }: Draft,
  environment: Environment,
  report: Report,
): void {
  if (LAB_CLOCK_HEADER && environment === 'production')
    report('LAB_CLOCK_HEADER', 'expected false in production: by the header, what has expired is accepted')
  if (LAB_SHOW_SECRETS && environment === 'production')
    report(
      'LAB_SHOW_SECRETS',
      'expected false in production: pages of the lab would show passwords and tokens',
    )
  if (LAB_SEED === undefined) return
  const issuer = ISSUER_URL ? new URL(ISSUER_URL) : undefined
  const name = 'LAB_SEED'
  if (environment === 'production')
    report(name, 'expected none in production: it makes every secret predictable')
  else if (LAB === false) report(name, 'expected none without LAB')
  else if (issuer && !isLoopbackHost(issuer.hostname))
    report(name, `expected an issuer on this machine, because every secret is predictable, got ${ISSUER_URL}`)
  else if (HOST !== undefined && !isLoopbackHost(HOST))
    report(name, `expected HOST to be this machine, because every secret is predictable, got ${HOST}`)
}

/** `draft` lacks values that were already reported, so that none is reported twice. */
export function checkTogether(draft: Draft, environment: Environment, isSet: IsSet, report: Report): void {
  checkStore(draft, environment, report)
  checkRegistration(draft, environment, isSet, report)
  checkTls(draft, isSet, report)
  checkBackupKey(draft, report)
  checkPlainHttp(draft, environment, report)
  checkAlgs(draft, report)
  checkKeySources(draft, report)
  checkRotation(draft, report)
  checkLab(draft, environment, report)
  if (environment === 'production') checkProduction(draft, report)
  for (const [smaller, larger, more] of orders) {
    const [value, limit] = [draft[smaller], draft[larger]]
    if (value !== undefined && limit !== undefined && value + more > limit) {
      const expected = more === 0 ? `${larger} (${limit})` : `${larger} (${limit}) less ${more} seconds`
      report(smaller, `expected at most ${expected}, got ${value}`)
    }
  }
}

/**
 * URLs that would be refused at each request: the check of passwords would be skipped, or a notice never sent, without
 * more than a line in the log. A value may be secret, so only the host is named.
 */
export function checkOutbound(
  list: Entries,
  values: Readonly<Record<string, unknown>>,
  allowed: readonly string[],
  report: Report,
): void {
  const exemptions = new Set(allowed)
  for (const { name, outbound } of list) {
    if (!outbound || values[name] === undefined) continue
    for (const url of outbound(values[name])) {
      const target = targetOf(url, exemptions)
      if (!('problem' in target)) continue
      const { hostname, port, protocol } = URL.parse(url) ?? {}
      const hostPort = `${hostname}:${port || (protocol === 'http:' ? '80' : '443')}`
      report(
        name,
        `a URL that is requested ${target.problem}; if ${hostPort} is yours, exempt it: OUTBOUND_ALLOW_HOSTS=${hostPort}`,
      )
    }
  }
}
