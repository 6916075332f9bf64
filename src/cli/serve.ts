/** `latchkey serve`: the server with its socket, timers and signal handlers. */
import { format } from 'node:util'
import { type App, createApp } from '../app.ts'
import type { Config } from '../config.ts'
import { compileViews } from '../html/view.ts'
import { keyRefreshSeconds } from '../config/checks.ts'
import type { Log } from '../lib/log.ts'
import { systemRandom } from '../lib/random.ts'
import { type KeyRing } from '../models/key_ring.ts'
import { writePemFiles } from '../models/pem_files.ts'
import { commit, isCompiled, version } from '../version.ts'
import { readEnvironment } from './environment.ts'
import { Refusal } from './failure.ts'
import { handleTheUncaught } from './last_resort.ts'
import { open, openKeys, type Opened, readConfig } from './open.ts'
import { seedDemo } from './seed_demo.ts'
import { tlsOptions } from './tls_options.ts'
import { welcome } from './welcome.ts'

function listen({ host, port, tls }: Config, options: Bun.Serve.Options<undefined>) {
  try {
    return Bun.serve(options)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    throw new Refusal(
      error.code === 'EADDRINUSE'
        ? `port ${port} of ${host} is in use: stop what listens there, or choose another, such as PORT=${port + 1}`
        : `cannot listen with HOST=${host}, PORT=${port}${tls ? `, TLS_CERT_PATH=${tls.certPath}, TLS_KEY_PATH=${tls.keyPath}` : ''} (${error.message}). \`latchkey config check --deep\` tries the address and the certificate`,
    )
  }
}

/** A program that read our output, such as `head`, may end before we do. Sign-ins go on without it. */
function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
}

/** Libraries warn on the console. In the log their lines have the form of all others. */
function logConsole(log: Log): void {
  const line = (...parts: unknown[]) => log.warn('library_warning', { problem: format(...parts) })
  Object.assign(console, { warn: line, error: line })
}

export async function serve(): Promise<void> {
  outliveReaders()
  let closing = false
  if (!isCompiled) compileViews() // scripts/build.ts does it for a binary
  const { env } = readEnvironment()
  let config = readConfig(env)
  const opened = await open(config)
  logConsole(opened.log)
  await lookAtStore(opened)
  const keys = await openKeys(opened)
  if (config.environment === 'development') await prepareDevelopment(config, opened, keys)
  // From here to `createApp` nothing waits, so that no request arrives before there is an answer.
  let app: App
  const server = listen(config, {
    hostname: config.host,
    port: config.port,
    ...tlsOptions(config),
    maxRequestBodySize: config.maxBodyBytes * 2, // Bun closes the connection beyond it; up to it the answer is 413
    idleTimeout: 30,
    development: false,
    reusePort: false, // otherwise a second server could start on this port and receive some of the requests
    fetch: (request, self) => app.handle(request, () => self.requestIP(request)?.address ?? ''),
  })
  if (config.port === 0) config = readConfig({ ...env, PORT: `${server.port}` })
  let timers: Timers | undefined
  app = createApp({
    ...opened,
    config,
    keys,
    random: systemRandom,
    closing: () => closing,
    soon: (job) => timers?.soon(job),
  })
  timers = startTimers(app, keys)
  process.stdout.write(welcome(config))
  opened.log.info('started', { version, commit, issuer: config.issuer, store: config.store.kind })

  const stop = async (signal: string, code = 0) => {
    if (closing) process.exit(1) // a second signal ends the process at once
    closing = true
    opened.log.info('stopping', { signal })
    await Bun.sleep(config.shutdownDelay * 1000) // /health answers 503 in this time, so that load balancers use other instances
    await Promise.race([server.stop(), Bun.sleep(config.shutdownTimeout * 1000)])
    await server.stop(true)
    timers?.stop()
    await opened.store.close()
    process.exit(code)
  }
  handleTheUncaught(opened.log, () => void stop('uncaughtException', 1))
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal))
}

/** Production refuses a store that evicts records before they expire, unless the operator allows it. */
async function lookAtStore({ config, store, log }: Opened): Promise<void> {
  for (const { name, text } of (await store.concerns?.()) ?? []) {
    if (name === 'evicts' && config.environment === 'production' && config.redisEviction === 'refuse')
      throw new Refusal(`the store is not used: ${text}, or accept it with REDIS_EVICTION=allow`)
    log.warn('store_may_lose_records', { concern: name, problem: text })
  }
}

async function prepareDevelopment(
  { privateKeyPath, publicKeyPath }: Config,
  opened: Opened,
  keys: KeyRing,
): Promise<void> {
  await seedDemo(opened)
  if (privateKeyPath !== undefined && publicKeyPath !== undefined)
    await writePemFiles(keys, { private: privateKeyPath, public: publicKeyPath })
}

interface Timers {
  /** Runs this job now, or again as soon as its current run has ended. */
  soon(job: string): void
  stop(): void
}

/** Runs of one job never overlap. A failed run is logged and does not stop the next one. */
function startTimers({ context }: App, keys: KeyRing): Timers {
  const starts = new Map<string, () => void>()
  const repeat = (name: string, every: number, run: () => Promise<void>) => {
    let busy = false
    let again = false
    const start = () => {
      busy = true
      again = false
      run()
        .catch((error: Error) => context.log.error('job_failed', { job: name, problem: error.message }))
        .finally(() => {
          busy = false
          if (again) start()
        })
    }
    starts.set(name, () => (busy ? (again = true) : start()))
    return setInterval(() => busy || start(), every)
  }
  const timers = [
    repeat('keys', keyRefreshSeconds * 1000, () => keys.refresh()),
    ...context.table.jobs.map((job) => repeat(job.name, job.every * 1000, () => job.run(context))),
  ]
  return {
    soon: (job) => starts.get(job)?.(),
    stop: () => timers.forEach((timer) => clearInterval(timer)),
  }
}
