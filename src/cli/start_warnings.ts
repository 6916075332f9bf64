/** Faults of settings that do not end a start, such as a certificate that has expired: `serve` logs them. */
import type { Config } from '../config.ts'
import type { Env } from '../config/read.ts'
import type { Log } from '../lib/log.ts'

/** Trials of files on this machine. Other servers are asked by `config check --deep` alone. */
const watched = ['TLS_CERT_PATH', 'GEOIP_DATABASE_PATH', 'OUTBOUND_CA_PATH', 'SMTP_CA_PATH']

const names = ({ tls, geoipDatabasePath, outboundCaPath, smtpCaPath }: Config): boolean =>
  [tls, geoipDatabasePath, outboundCaPath, smtpCaPath].some((each) => each !== undefined)

/** The trials are loaded only where a setting names such a file. Never rejects. */
export async function warnOfFaults(config: Config, env: Env, log: Log): Promise<void> {
  if (!names(config)) return
  const [{ deepProblems }, { trials }] = await Promise.all([import('./deep_check.ts'), import('./trials.ts')])
  const chosen = trials.filter(({ name }) => watched.includes(name))
  const warn = (problem: string) => log.warn('setting_fault', { problem })
  for (const problem of await deepProblems(chosen, config, env, { warn, note: () => {} })) warn(problem)
}
