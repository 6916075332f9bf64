/** `latchkey config check --deep`: tries what the variables name, as `serve` would use it, and changes nothing that stays. docs/configuration.md */
import { X509Certificate } from 'node:crypto'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { dirname } from 'node:path'
import { keyRingSecret } from '../app.ts'
import type { Config } from '../config.ts'
import { type Env, given } from '../config/read.ts'
import { systemClock } from '../lib/clock.ts'
import { systemRandom } from '../lib/random.ts'
import { clockOffset, clockProblem } from '../models/clock_guard.ts'
import { keysAreLost, lostKeysWords, requireReadable } from '../models/readable_keys.ts'
import { directoryStorage } from '../store/directory.ts'
import type { Store } from '../store/store.ts'
import { encrypted, openBackend, ownKey } from './open.ts'
import { certificateOf, keyOf, keyText, tlsOptions } from './tls_options.ts'

interface Trial {
  /** The variable to mend. */
  name: string
  /** Tried only if what this variable names works. */
  needs?: string
  /** Resolves to what is wrong; undefined when it works. An error says it too. */
  run(config: Config, run: Run): Promise<string | undefined> | string | undefined
}

interface Run {
  /** For what works and may be a mistake. */
  warn(text: string): void
}

/** Milliseconds for which the record of the trial is kept, if it cannot be removed. */
const probeTtl = 60_000

async function writeAndRemove(store: Store): Promise<string | undefined> {
  const [key, value] = [`config_check:${systemRandom(16)}`, systemRandom(16)]
  await store.put(key, value, probeTtl)
  return (await store.take(key)) === value
    ? undefined
    : 'expected to read what was written, got something else'
}

/** A file that does not exist yet is not made here: the service would not own it. */
const isNewFile = ({ store }: Config): boolean => store.kind === 'sqlite' && !existsSync(store.path)

/** Of a new file, only its directory is tried. */
async function storeProblem(config: Config): Promise<string | undefined> {
  if (!isNewFile(config)) return withStore(config, writeAndRemove)
  if (config.store.kind === 'sqlite') accessSync(dirname(config.store.path), constants.W_OK)
  return undefined
}

async function secretProblem(config: Config): Promise<string | undefined> {
  const sealingKey = keyRingSecret(config.secretKey)
  if (config.store.kind === 'memory') {
    const folder = directoryStorage(config.keysPath)
    await requireReadable(folder, folder, sealingKey)
    return undefined
  }
  if (isNewFile(config)) return undefined
  return withStore(config, async (plain) => {
    const store = await encrypted(plain, config)
    await requireReadable(store, plain, sealingKey)
    return config.environment === 'production' && (await keysAreLost(store)) ? lostKeysWords : undefined
  })
}

async function withStore<T>(config: Config, use: (plain: Store) => Promise<T>): Promise<T> {
  const plain = await openBackend(config, systemClock)
  try {
    return await use(plain)
  } finally {
    await plain.close()
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Any free port: that of the configuration may be in use by the provider that runs. */
function listenOn({ host }: Config): undefined {
  try {
    Bun.listen({ hostname: host, port: 0, socket: { data() {} } }).stop(true)
  } catch (error) {
    throw new Error(`${wordsOf(error)}; expected an address of this machine, such as 127.0.0.1`)
  }
}

function tlsProblem(config: Config): string | undefined {
  const { issuer } = config
  const tls = tlsOptions(config)
  if (!tls) return undefined
  const certificate = certificateOf(tls)
  const now = systemClock.now()
  if (now > Date.parse(certificate.validTo))
    return `expected a valid certificate, got one until ${certificate.validTo}`
  if (now < Date.parse(certificate.validFrom))
    return `expected a valid certificate, got one from ${certificate.validFrom} on`
  const { hostname } = new URL(issuer)
  const address = hostname.replace(/^\[|\]$/g, '')
  const fits = isIP(address) === 0 ? certificate.checkHost(hostname) : certificate.checkIP(address)
  if (fits !== undefined) return undefined
  return `expected a certificate for ${hostname} (ISSUER_URL), got one for ${certificate.subjectAltName ?? certificate.subject}`
}

async function settingsProblem(config: Config, { warn }: Run): Promise<string | undefined> {
  if (config.store.kind !== 'redis') return undefined
  const concerns = await withStore(config, async (store) => (await store.concerns?.()) ?? [])
  const refused =
    config.redisEviction === 'refuse' ? concerns.find(({ name }) => name === 'evicts') : undefined
  for (const concern of concerns) if (concern !== refused) warn(concern.text)
  return refused && `${refused.text}, or accept it with REDIS_EVICTION=allow`
}

const clockTrial = async (config: Config): Promise<string | undefined> =>
  config.store.kind === 'redis'
    ? withStore(config, async (store) =>
        clockProblem(await clockOffset(store, systemClock), config.clockTolerance),
      )
    : undefined

/** In the order in which `serve` uses them. */
const trials: readonly Trial[] = [
  { name: 'HOST', run: listenOn },
  {
    name: 'TLS_KEY_PATH',
    run: ({ tls }) => {
      if (tls) keyOf(keyText(tls))
      return undefined
    },
  },
  { name: 'TLS_CERT_PATH', needs: 'TLS_KEY_PATH', run: tlsProblem },
  { name: 'CLOCK_TOLERANCE', run: clockTrial },
  {
    name: 'REDIS_CA_PATH',
    run: ({ redisCaPath }) => {
      if (redisCaPath !== undefined) new X509Certificate(readFileSync(redisCaPath))
      return undefined
    },
  },
  { name: 'STORE_URL', run: storeProblem },
  { name: 'STORE_URL', run: settingsProblem },
  { name: 'SECRET_KEY', run: secretProblem },
  {
    name: 'PRIVATE_KEY_PATH',
    run: async (config) => {
      await ownKey(config)
      return undefined
    },
  },
]

const nameFor = (name: string, env: Env): string =>
  name === 'STORE_URL' && given(env, 'STORE_URL') === undefined && given(env, 'REDIS_URL') !== undefined
    ? 'REDIS_URL'
    : name

/** One line for each variable whose value does not work. */
export async function deepProblems(config: Config, env: Env, warn: Run['warn']): Promise<string[]> {
  const problems: string[] = []
  const failed = new Set<string>()
  for (const { name, needs, run } of trials) {
    if (needs !== undefined && failed.has(needs)) continue
    const problem = await attempt(() => run(config, { warn }))
    if (problem !== undefined) {
      failed.add(name)
      problems.push(`${nameFor(name, env)}: ${problem}`)
    }
    // The keys are in the store.
    if (problem !== undefined && name === 'STORE_URL') break
  }
  return problems
}

async function attempt(
  run: () => Promise<string | undefined> | string | undefined,
): Promise<string | undefined> {
  try {
    return await run()
  } catch (error) {
    return wordsOf(error)
  }
}
