/** A whole provider for a test: in this process with a clock to turn, or as a process of its own. No mocks. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type App, createApp } from '../../src/app.ts'
import { algsInUse } from '../../src/cli/open.ts'
import { effectiveSettings } from '../../src/cli/effective_settings.ts'
import { withRecorder } from '../../src/cli/observed.ts'
import { createRealms, type RealmServer } from '../../src/cli/realms/realms.ts'
import { seedDemo } from '../../src/cli/seed_demo.ts'
import { loadConfig } from '../../src/config.ts'
import { createLabClock } from '../../src/lib/lab_clock.ts'
import type { Context, Table } from '../../src/contracts/context.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { deepFreeze } from '../../src/lib/freeze.ts'
import { openAudit } from '../../src/models/audit/audit.ts'
import type { Birth } from '../../src/models/birth.ts'
import { createParsedRecords, type ParsedRecords } from '../../src/models/define_record.ts'
import { deriveKey } from '../../src/lib/hash.ts'
import { type AdjustableLog, createLog, type Log } from '../../src/lib/log.ts'
import { createJobRuns } from '../../src/lib/job_runs.ts'
import { createLevels } from '../../src/lib/log_levels.ts'
import { type Random, systemRandom } from '../../src/lib/random.ts'
import { type KeyRing, loadKeyRing } from '../../src/models/key_ring.ts'
import { recordedKeys } from '../../src/models/recorded_keys.ts'
import type { KeyStorage } from '../../src/models/key_ring_options.ts'
import type { RemoteKeys } from '../../src/models/remote_keys.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { featureEntries } from '../../src/table.ts'
import { withRules } from './every_refusal.ts'
import { freePort } from './free_port.ts'
import { latchkeyCommand } from './latchkey_command.ts'

export interface TurnableClock extends Clock {
  /** Milliseconds forward. */
  advance(ms: number): void
}

export function turnableClock(start = Date.now()): TurnableClock {
  let now = start
  return { now: () => now, advance: (ms) => void (now += ms) }
}

/** Records are shared between requests: code that changes one instead of making a new one throws here. */
function frozenRecords(): ParsedRecords {
  const records = createParsedRecords()
  return { ...records, set: (text, parsed, bytes) => records.set(text, deepFreeze(parsed), bytes) }
}

/** One set of signing keys for all providers of a test process: RSA keys take long to make. */
const sharedKeys = memoryStore({ now: () => 0 })

export interface Provider {
  issuer: string
  context: Context
  clock: TurnableClock
  /** Log lines so far. */
  lines: string[]
  /** With REALMS. */
  realms: RealmServer | undefined
  /** `path` is below the issuer, or a whole URL. Redirects are not followed. */
  fetch(path: string, init?: RequestInit, peer?: string): Promise<Response>
}

export interface ProviderOptions {
  env?: Record<string, string>
  store?: Store
  clock?: TurnableClock
  table?: Table
  /** Of its own for a test that rotates keys. */
  keyStorage?: KeyStorage
  /** Those of the store, for data that another provider wrote. */
  keyRing?: KeyRing
  /** The log as an observer has it. */
  observe?: (log: AdjustableLog) => AdjustableLog
  /** Services that keep signing keys; with `keyStorage`. */
  remote?: (parts: { clock: Clock; log: Log }) => RemoteKeys
  /** That of a store that may lose records. */
  birth?: Birth
  lastingRoot?: Uint8Array
  random?: Random
  /** How many realms are in memory. */
  mostRealms?: number
}

/** Development settings with the demo people and clients and without the lab, unless `env` says otherwise. */
export async function provider(options: ProviderOptions = {}): Promise<Provider> {
  const turned = options.clock ?? turnableClock()
  const env = { LOG_LEVEL: 'debug', LAB: 'false', ...options.env }
  const config = loadConfig(env, { featureEntries })
  const clock = config.lab ? { ...createLabClock(turned), advance: turned.advance } : turned
  const lines: string[] = []
  const plainLog = createLog(config.logLevel, config.logFormat, (line) => lines.push(line))
  const log = withRules(options.observe?.(plainLog) ?? plainLog)
  const store = options.store ?? memoryStore(clock)
  const keys =
    options.keyRing ??
    (await loadKeyRing({
      storage: options.keyStorage ?? sharedKeys,
      sealingKey: deriveKey('tests', 'signing keys'),
      clock: turned,
      log,
      algs: algsInUse(config),
      rsaBits: Number(config.rsaKeySize),
      activationDelay: 600,
      retention: 3600,
      hints: config.sessionTtl,
      remote: options.remote?.({ clock: turned, log }),
    }))
  const { auditSigningKey: signingKeys, auditChain: chain = 'test', issuer, secretKey } = config
  const audit =
    signingKeys &&
    (await openAudit(
      { store, clock, log },
      {
        issuer,
        secretKey,
        people: deriveKey(secretKey[0], 'audit people'),
        signingKeys,
        chain,
        operator: 'tester',
      },
      true,
    ))
  const { opened, recorder } = await withRecorder({ config, store, clock, log })
  const realms = config.realms
    ? createRealms({
        opened: { config, store, clock, log },
        root: () => ({ config, env }),
        app: () => app,
        ...(options.mostRealms !== undefined && { most: options.mostRealms }),
      })
    : undefined
  const app: App = createApp({
    ...opened,
    realms: realms?.realms,
    audit,
    parsed: frozenRecords(),
    keys: recorder ? recordedKeys(keys, recorder) : keys,
    random: options.random ?? systemRandom,
    recorder,
    ...(options.table && { table: options.table }),
    ...(options.birth && { birth: options.birth }),
    lastingRoot: options.lastingRoot,
    server: {
      settings: () => effectiveSettings(config, { env, written: env, fromDotenv: () => false }),
      logLevels: createLevels(log, { level: config.logLevel, levels: config.logLevels ?? {} }),
      jobRuns: createJobRuns(),
    },
  })
  if (config.environment === 'development') await seedDemo({ config, store, clock, log })
  return {
    issuer: config.issuer,
    context: app.context,
    clock,
    lines,
    realms,
    fetch: async (path, init, peer = '127.0.0.1') =>
      (realms?.handle ?? app.handle)(
        new Request(new URL(path, `${config.issuer}/`), { redirect: 'manual', ...init }),
        () => peer,
      ),
  }
}

export interface SpawnedProvider {
  issuer: string
  pid: number
  /** Everything it wrote so far. */
  output(): string
  signal(signal: NodeJS.Signals): void
  exited: Promise<number>
  /** SIGTERM, then SIGKILL after half a minute; removes its folder. */
  stop(): Promise<void>
}

/** `latchkey serve` (or `command`) on a free port in an empty folder. Resolves once /health answers. */
export async function spawnProvider(
  env: Record<string, string> = {},
  command = [...latchkeyCommand, 'serve'],
): Promise<SpawnedProvider> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-test-'))
  const port = env.PORT && env.PORT !== '0' ? env.PORT : `${freePort()}` // the test must know it
  const issuer = env.ISSUER_URL ?? `http://localhost:${port}`
  const child = Bun.spawn(command, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, LOG_LEVEL: 'info', ...env, PORT: port },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  let text = ''
  const drain = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream) text += Buffer.from(chunk).toString()
  }
  void drain(child.stdout)
  void drain(child.stderr)
  const stop = async () => {
    child.kill('SIGTERM')
    const killer = setTimeout(() => child.kill('SIGKILL'), 30_000)
    await child.exited
    clearTimeout(killer)
    rmSync(folder, { recursive: true, force: true })
  }
  const until = Date.now() + 60_000
  const address = `${env.TLS_CERT_PATH ? 'https' : 'http'}://127.0.0.1:${port}${new URL(issuer).pathname.replace(/\/$/, '')}/health`
  for (;;) {
    const answer = await fetch(address, { tls: { rejectUnauthorized: false } }).catch(() => undefined)
    if (answer?.ok) break
    if (child.exitCode !== null || Date.now() > until) {
      await stop()
      throw new Error(`the provider did not start:\n${text}`)
    }
    await Bun.sleep(25)
  }
  return {
    issuer,
    pid: child.pid,
    output: () => text,
    signal: (signal) => child.kill(signal),
    exited: child.exited,
    stop,
  }
}
