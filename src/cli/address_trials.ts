/** Tries to listen as `serve` would. A provider that already runs with this configuration is no fault. */
import type { Config } from '../config.ts'
import { listenFault } from './listen_fault.ts'
import type { Run } from './trial.ts'
import { withoutProxy } from './without_proxy.ts'

/** The error of the runtime; undefined when this address can be listened at. */
function listenError(host: string, port: number): unknown {
  try {
    Bun.listen({ hostname: host, port, exclusive: true, socket: { data() {} } }).stop(true)
    return undefined
  } catch (error) {
    return error
  }
}

/** At any free port. Throws SettingFault of HOST. */
export async function requireAddress({ host }: Config): Promise<undefined> {
  const error = listenError(host, 0)
  if (error !== undefined) throw await listenFault(error, { host, port: 0 })
}

/** Throws SettingFault of PORT. */
export async function portProblem(config: Config, { note }: Run): Promise<string | undefined> {
  const { host, port } = config
  if (port === 0) return undefined
  const error = listenError(host, port)
  if (error === undefined) return undefined
  const isUsed = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
  if (!isUsed || !(await isThisProvider(config))) throw await listenFault(error, config)
  note(
    `PORT: a provider with this ISSUER_URL listens at port ${port} of ${host}; stop it before another starts`,
  )
  return undefined
}

/** Milliseconds. */
const answerTime = 2000

/** Whether the metadata at this address name this issuer. */
async function isThisProvider({ host, port, issuer, tls }: Config): Promise<boolean> {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  const { host: name, pathname } = new URL(issuer)
  const at = reached.includes(':') ? `[${reached}]` : reached
  const path = `${pathname.replace(/\/$/, '')}/.well-known/openid-configuration`
  try {
    const answer = await fetch(`${tls ? 'https' : 'http'}://${at}:${port}${path}`, {
      headers: { host: name },
      redirect: 'manual',
      signal: AbortSignal.timeout(answerTime),
      tls: { rejectUnauthorized: false }, // its own certificate may be what is being renewed
      ...withoutProxy,
    })
    return ((await answer.json()) as { issuer?: unknown }).issuer === issuer
  } catch {
    return false
  }
}
