/** The randomness of a server: that of the system, or of LAB_SEED. docs/lab.md, "Chance" */
import type { Config } from '../config.ts'
import type { Log } from '../lib/log.ts'
import { type Random, systemRandom } from '../lib/random.ts'
import { seededRandom } from '../lib/seeded_random.ts'

/** Called once, also over reloads: from its beginning a seed would give the same values again. */
export function randomOf({ labSeed }: Config, log: Log): Random {
  if (labSeed === undefined) return systemRandom
  log.warn('lab_seed_is_set', { problem: 'LAB_SEED: every code, token and session can be predicted' })
  return seededRandom(labSeed)
}
