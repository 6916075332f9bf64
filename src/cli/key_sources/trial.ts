/** The trial of SIGNING_KEY_SOURCES for `config check --deep`: each key is read and signs once, and nothing is made or announced. */
import type { KeyAlg } from '../../auth/jwk.ts'
import type { Config } from '../../config.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { readEnvironment } from '../environment.ts'
import { openRemoteKeys } from './open_sources.ts'

/** What is wrong with each key, one after the other; undefined when all work. */
export async function keySourcesProblem(config: Config): Promise<string | undefined> {
  const log = createLog('silent', 'json', () => {})
  const remote = openRemoteKeys({ config, clock: systemClock, log }, readEnvironment().env)
  try {
    const problems = await Promise.all(
      (Object.keys(config.signingKeySources) as KeyAlg[]).map(async (alg) => {
        try {
          await remote.tryOut(alg, await remote.newest(alg))
          return []
        } catch (error) {
          return [`${alg}: ${error instanceof Error ? error.message : String(error)}`]
        }
      }),
    )
    return problems.flat().join('; ') || undefined
  } finally {
    remote.close()
  }
}
