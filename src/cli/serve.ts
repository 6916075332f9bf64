/** `latchkey serve`: the server with its socket, timers and signal handlers. */
import { type App, createApp } from '../app.ts'
import type { Config } from '../config.ts'
import { finishApply } from '../clients/apply_steps.ts'
import { keyRefreshSeconds } from '../config/checks.ts'
import { compileViews } from '../html/view.ts'
import { type Env, given } from '../config/read.ts'
import type { Context } from '../contracts/context.ts'
import { createJobRuns } from '../lib/job_runs.ts'
import type { Log } from '../lib/log.ts'
import { createLevels, type LogSetting } from '../lib/log_levels.ts'
import { neverLost, openBirth } from '../models/birth.ts'
import type { Audit } from '../models/audit/audit.ts'
import type { Facts } from '../models/audit/kinds.ts'
import { record } from '../models/audit/note.ts'
import { recordedKeys } from '../models/recorded_keys.ts'
import { tracedKeys } from '../models/traced_keys.ts'
import { commit, isCompiled, version } from '../version.ts'
import { appliedSettings } from './applied_settings.ts'
import { writeUsage } from '../people/usage.ts'
import { closeTrail, openTrail, settingsFor } from './audit_trail.ts'
import { effectiveSettings } from './effective_settings.ts'
import { lookAtStore, prepareDevelopment } from './before_serving.ts'
import { readEnvironment } from './environment.ts'
import { databasePath } from './own_files.ts'
import type { HangUps } from './hang_ups.ts'
import { handleTheUncaught } from './last_resort.ts'
import { type Listener, openListener } from './listener.ts'
import { logFileOf } from './log_file.ts'
import { observed } from './observed.ts'
import { open, openKeys, openRoot, readConfig, readSettings } from './open.ts'
import { arrive } from './present.ts'
import { createSecrets } from './secrets.ts'
import { randomOf } from './random_of.ts'
import type { RealmParts, RealmServer } from './realms/realms.ts'
import { changedNames, problemsOf, requireReloadable } from './reload.ts'
import { startTimers, type Timers } from './timers.ts'
import { warnOfFaults } from './start_warnings.ts'
import { welcome } from './welcome.ts'

/** A program that read our output, such as `head`, may end before we do. Sign-ins go on without it. */
function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
}

const levelsOf = ({ logLevel, logLevels = {} }: Config): LogSetting => ({
  level: logLevel,
  levels: logLevels,
})

/** Libraries warn on the console. In the log their lines have the form of all others. */
function logConsole(log: Log): void {
  const line = (...parts: unknown[]) =>
    log.warn('library_warning', { problem: process.getBuiltinModule('node:util').format(...parts) })
  Object.assign(console, { warn: line, error: line })
}

/** Loaded with REALMS alone. */
const openRealms = async (parts: RealmParts): Promise<RealmServer> =>
  (await import('./realms/realms.ts')).createRealms(parts)

/** Says that the server is there; requests are answered. */
export type Started = (context: Context, port: number) => Promise<void> | void

const showWelcome: Started = ({ config }, port) => void process.stdout.write(welcome(config, port))

export async function serve(hangUps: HangUps, started: Started = showWelcome): Promise<void> {
  outliveReaders()
  let closing = false
  if (!isCompiled) compileViews() // scripts/build.ts does it for a binary
  const secrets = createSecrets()
  let { config, environment: origins } = await readSettings(secrets)
  let { env } = origins
  const file = logFileOf(config)
  const {
    opened: plain,
    unrecorded,
    tracing,
    recorder,
    errorReports,
  } = await observed(await open(config, file, logConsole))
  const { log } = plain
  await lookAtStore(plain)
  const applied = appliedSettings(plain)
  env = await applied.over(env)
  if (applied.names().length > 0) config = readConfig(env)
  const opened = { ...plain, config }
  const present = await arrive(opened)
  const ring = await openKeys(opened)
  const kept = recorder ? recordedKeys(ring, recorder) : ring
  const keys = tracing ? tracedKeys(kept, tracing) : kept
  const keysSince = Math.min(...keys.list().map((each) => each.created_at))
  const lastingRoot = await openRoot(opened)
  const birth = config.store.kind === 'memory' ? neverLost : await openBirth(opened, keysSince)
  const trail = await openTrail(opened, 'server')
  const audit = trail && tracing ? { ...trail, traceId: tracing.traceId } : trail
  if (audit && ring.added.length > 0) await record(undefined, audit, 'keys_added', { kids: [...ring.added] })
  await finishApply({ ...opened, audit })
  if (config.environment === 'development') await prepareDevelopment(config, opened, keys)
  let app: App
  const ofRealms = config.realms
    ? await openRealms({
        opened: unrecorded,
        observers: { tracing, errorReports },
        root: () => ({ config, env }),
        app: () => app,
      })
    : undefined
  // From here to `createApp` nothing waits, so that no request arrives before there is an answer.
  let listener: Listener
  try {
    listener = openListener(
      config,
      ofRealms?.handle ?? ((request, readPeer) => app.handle(request, readPeer)),
    )
  } catch (error) {
    await present?.leave()
    throw await (await import('./listen_fault.ts')).listenFault(error, config)
  }
  const { port } = listener
  if (config.port === 0) config = readConfig({ ...env, PORT: `${port}` })
  let timers: Timers | undefined
  const logLevels = createLevels(log, levelsOf(config))
  const settings = () => effectiveSettings(config, { ...origins, env }, applied.names())
  const server = { settings, logLevels, jobRuns: createJobRuns() }
  const random = randomOf(config, log)
  const makeApp = (previous?: Context): App =>
    createApp({
      ...opened,
      config,
      keys,
      birth,
      audit,
      tracing,
      recorder,
      errorReports,
      server,
      realms: ofRealms?.realms,
      lastingRoot,
      random,
      closing: () => closing,
      soon: (job) => timers?.soon(job),
      unreadSecrets: secrets.names().length > 0 ? secrets.unread : undefined,
      previous,
    })
  app = makeApp()
  timers = startTimers(app, keys)
  ofRealms?.scheduler.start()
  await started(app.context, port)
  timers.soon('first_owner')
  const { host: address, issuer, store } = config
  void warnOfFaults(config, env, log)
  const database = databasePath(config)
  log.info('started', { version, commit, issuer, address, port, store: store.kind, database })
  if (config.lab && config.environment === 'production')
    log.warn('lab_is_on', {
      problem: 'LAB=true: the pages of the lab show sign-ins and tokens of all people',
    })
  if (audit) await record(undefined, audit, 'started', { version, settings: settingsFor(audit, env) })

  const notWritten = (error: Error) => log.error('audit_not_written', { problem: error.message })
  const audited = async <K extends 'reloaded' | 'stopped'>(kind: K, trail: Audit, facts: Facts<K>) =>
    record(undefined, trail, kind, facts)?.catch(notWritten)

  /** The old configuration and the old application stay in use unless all of the new one works. */
  function adopt(next: Env): string[] {
    const nextConfig = readConfig({ ...next, ...(Number(given(next, 'PORT')) === 0 && { PORT: `${port}` }) })
    requireReloadable(config, nextConfig)
    const old = config
    const takeBack = logLevels.adopt(levelsOf(nextConfig))
    try {
      config = nextConfig
      app = makeApp(app.context)
      ofRealms?.adopt()
    } catch (error) {
      config = old
      takeBack()
      throw error
    }
    const changed = changedNames(env, next)
    env = next
    if (audit) void audited('reloaded', audit, { settings: settingsFor(audit, env) })
    timers?.stop()
    timers = startTimers(app, keys)
    return changed
  }

  const attempt = async <T>(part: () => T | Promise<T>, problems: string[]): Promise<T | undefined> => {
    try {
      return await part()
    } catch (error) {
      problems.push(...problemsOf(error))
      return undefined
    }
  }

  let latest = origins
  const readAnew = (): Promise<Env> => tracing?.job('secrets', readAllSecrets) ?? readAllSecrets()
  const readAllSecrets = async (): Promise<Env> => {
    latest = readEnvironment()
    const next = await applied.over(await secrets.resolve(latest.env, tracing))
    for (const facts of secrets.unread()) log.error('secret_unread', { ...facts, kept: 'the last value' })
    return next
  }

  async function reload(): Promise<void> {
    file?.reopen()
    const problems: string[] = []
    const changed = await attempt(async () => adopt(await readAnew()), problems)
    if (changed) origins = latest
    const certificate = await attempt(() => listener.renew(config), problems)
    if (problems.length > 0) log.error('reload_refused', { problems })
    if (problems.length === 0 || changed?.length || certificate)
      log.info('reloaded', { changed, certificate })
  }

  /** All of them, or else each that can be: SECRET_KEY, which needs a restart, does not hold back a password that was changed. */
  async function adoptSome(names: readonly string[], next: Env, problems: string[]): Promise<string[]> {
    const take = (some: readonly string[], said: string[]) =>
      attempt(() => adopt({ ...env, ...Object.fromEntries(some.map((name) => [name, next[name]])) }), said)
    const together = names.length > 0 ? await take(names, names.length > 1 ? [] : problems) : []
    if (together || names.length < 2) return together ?? []
    const changed: string[] = []
    for (const name of names) changed.push(...((await take([name], problems)) ?? []))
    return changed
  }

  /** The settings of a file were checked together, so none of them is in use without the others. */
  const adoptAll = async (names: readonly string[], next: Env, problems: string[]): Promise<string[]> => {
    const values = Object.fromEntries(names.map((name) => [name, next[name]]))
    return (names.length > 0 && (await attempt(() => adopt({ ...env, ...values }), problems))) || []
  }

  /** Adopts what is new of these variables alone: other settings wait for SIGHUP. */
  async function refresh(variables: () => readonly string[], adoptThem: typeof adoptSome): Promise<void> {
    const problems: string[] = []
    const next = await attempt(readAnew, problems)
    const names = next ? variables().filter((name) => next[name] !== env[name]) : []
    const changed = await adoptThem(names, next ?? env, problems)
    if (problems.length > 0) log.error('reload_refused', { problems })
    if (changed.length > 0) log.info('reloaded', { changed })
  }

  /** One reading at a time. A SIGHUP that waits reads what a later one would, so the later one does nothing. */
  let turn = Promise.resolve()
  let isHangUpWaiting = false
  let refreshing: Timer | undefined
  const take = (run: () => Promise<void>) => {
    turn = turn.then(() => (closing ? undefined : run())).then(refreshLater)
  }
  const refreshLater = () => {
    clearTimeout(refreshing)
    if (closing || secrets.names().length === 0 || config.secretsRefresh === 0) return
    refreshing = setTimeout(() => take(() => refresh(secrets.names, adoptSome)), config.secretsRefresh * 1000)
  }
  refreshLater()
  const watching = setInterval(() => {
    // A store that does not answer is told by the job that looks at the keys.
    const moved = applied.hasMoved().catch(() => false)
    void moved.then((has) => has && take(() => refresh(applied.names, adoptAll)))
  }, keyRefreshSeconds * 1000)
  hangUps.each(() => {
    if (isHangUpWaiting) return
    isHangUpWaiting = true
    take(() => {
      isHangUpWaiting = false
      return reload()
    })
  })

  const stop = async (signal: string, code = 0) => {
    if (closing) process.exit(1) // a second signal ends the process at once
    closing = true
    log.info('stopping', { signal })
    await Bun.sleep(config.shutdownDelay * 1000) // /health answers 503 in this time, so that load balancers use other instances
    await Promise.race([listener.stop(), Bun.sleep(config.shutdownTimeout * 1000)])
    await listener.stop(true)
    recorder?.close()
    timers?.stop()
    clearTimeout(refreshing)
    clearInterval(watching)
    await Promise.all([writeUsage(app.context), ofRealms?.close()])
    if (audit) {
      await audited('stopped', audit, { signal })
      await closeTrail(audit).catch(notWritten)
    }
    await Promise.all([tracing?.close(), errorReports?.close()])
    await present?.leave()
    await opened.store.close()
    process.exit(code)
  }
  await present?.watch((problem) => {
    log.error('store_marked', { problem })
    void stop('store_marked', 1)
  })
  handleTheUncaught(log, () => void stop('uncaughtException', 1))
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal))
}
