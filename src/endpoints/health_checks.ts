/** What /health and /metrics look at in every configuration: the store, the clock, the signing keys, the memory and the disk of this instance. */
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Config } from '../config.ts'
import type { Context } from '../contracts/context.ts'
import type { HealthCheck } from '../contracts/protocol_sockets.ts'
import { seconds } from '../lib/clock.ts'
import { StoreUnavailable } from '../store/store.ts'

const megabyte = 1_048_576
/** Below so many free bytes a disk counts as almost full: SQLite then has room for a few thousand sign-ins. */
const fewFreeBytes = 100 * megabyte
/** The part of the allowed memory beyond which it counts as almost used up. */
const highUse = 0.9

const store: HealthCheck = {
  name: 'store',
  trouble: 'unreachable',
  essential: true,
  async run({ store: backend, config, log }) {
    const begun = performance.now()
    const details = { kind: config.store.kind }
    try {
      await backend.ping()
      return { ok: true, details: { ...details, latency_ms: Math.round(performance.now() - begun) } }
    } catch (error) {
      const problem = (error as Error).message
      log.warn('health_store', { problem })
      const isReadOnly = error instanceof StoreUnavailable && error.refusesWrites
      return { ok: false, ...(isReadOnly && { trouble: 'read_only' }), details: { ...details, problem } }
    }
  },
}

const clock: HealthCheck = {
  name: 'clock',
  trouble: 'off',
  essential: true,
  async run({ clockGuard }) {
    await clockGuard.check().catch(() => {}) // when the store does not answer, its own check says so
    const problem = clockGuard.problem()
    const offset = clockGuard.offset()
    return {
      ok: problem === undefined,
      details: {
        ...(offset !== undefined && { offset_ms: Math.round(offset) }),
        ...(problem && { problem }),
      },
    }
  },
}

const keys: HealthCheck = {
  name: 'keys',
  trouble: 'missing',
  essential: true,
  run({ keys: ring, clock: now }) {
    const found = ring.list()
    const signing = found.filter(({ state }) => state === 'current')
    const missing = [...new Set(found.map(({ alg }) => alg))].filter(
      (alg) => !signing.some((key) => key.alg === alg),
    )
    const facts = ({
      kid,
      alg,
      state,
      created_at,
      activates_at,
      rotates_at,
      source,
      version,
    }: (typeof found)[number]) => ({
      kid,
      alg,
      state,
      age_seconds: seconds(now) - created_at,
      ...(state === 'next' && { signs_in_seconds: activates_at - seconds(now) }),
      ...(rotates_at !== undefined && { rotates_in_seconds: rotates_at - seconds(now) }),
      ...(source !== undefined && { source, version }),
    })
    const published = found.filter(({ state }) => state !== 'previous').map(facts)
    return {
      ok: signing.length > 0 && missing.length === 0,
      details: { published, ...(missing.length > 0 && { missing }) },
    }
  },
}

/** Not essential: tokens are still verified, and another instance has the same services. */
const signingServices: HealthCheck = {
  name: 'signing_services',
  trouble: 'unreachable',
  run({ keys: ring }) {
    const services = ring.services()
    if (services.length === 0) return undefined
    const details = services.map(({ alg, source, problem, waiting }) => [
      alg,
      { source, waiting, ...(problem !== undefined && { problem }) },
    ])
    return {
      ok: services.every(({ problem }) => problem === undefined),
      details: Object.fromEntries(details),
    }
  },
}

const memory: HealthCheck = {
  name: 'memory',
  trouble: 'almost_used_up',
  run() {
    const resident = process.memoryUsage.rss()
    // Without a limit the runtime answers 0, or more than any machine has.
    const allowed = process.constrainedMemory()
    const limit = allowed > 0 && allowed < Number.MAX_SAFE_INTEGER ? allowed : undefined
    return {
      ok: limit === undefined || resident < limit * highUse,
      details: { resident_bytes: resident, ...(limit !== undefined && { limit_bytes: limit }) },
    }
  },
}

/** The folder that this configuration writes to; undefined when it writes to no disk of this machine. */
function folderOf({ store: { kind, ...place }, keysPath }: Config): string | undefined {
  if (kind === 'sqlite' && 'path' in place) return dirname(place.path)
  return kind === 'memory' ? keysPath : undefined
}

const disk: HealthCheck = {
  name: 'disk',
  trouble: 'almost_full',
  async run({ config }) {
    const folder = folderOf(config)
    if (folder === undefined) return undefined
    try {
      const { bavail, bsize } = await statfs(folder)
      const free = bavail * bsize
      return { ok: free >= fewFreeBytes, details: { folder, free_bytes: free } }
    } catch (error) {
      // Keys in memory alone have no folder, and a file system may not tell.
      return { ok: true, details: { folder, problem: (error as NodeJS.ErrnoException).code } }
    }
  },
}

const secrets: HealthCheck = {
  name: 'secrets',
  trouble: 'unread',
  run({ unreadSecrets }) {
    if (!unreadSecrets) return undefined
    const unread = unreadSecrets()
    return {
      ok: unread.length === 0,
      details: Object.fromEntries(unread.map(({ name, problem }) => [name, problem])),
    }
  },
}

/** A collector that takes no spans delays no request. */
const traces: HealthCheck = {
  name: 'traces',
  trouble: 'not_sent',
  run({ tracing }) {
    if (!tracing) return undefined
    const problem = tracing.problem()
    return { ok: problem === undefined, details: { ...(problem !== undefined && { problem }) } }
  },
}

/** As with traces, nothing waits for Sentry. */
const errorReports: HealthCheck = {
  name: 'error_reports',
  trouble: 'not_sent',
  run({ errorReports: reports }) {
    if (!reports) return undefined
    const problem = reports.problem()
    return { ok: problem === undefined, details: { ...(problem !== undefined && { problem }) } }
  },
}

export const instanceChecks: readonly HealthCheck[] = [
  store,
  clock,
  keys,
  signingServices,
  memory,
  disk,
  secrets,
  traces,
  errorReports,
]

/** What the checks found, and how long each took; those that had nothing to check are left out. */
export async function findings(checks: readonly HealthCheck[], context: Context) {
  const found = await Promise.all(
    checks.map(async (check) => {
      const begun = performance.now()
      const finding = await check.run(context)
      return finding ? [{ check, ...finding, seconds: (performance.now() - begun) / 1000 }] : []
    }),
  )
  return found.flat()
}
