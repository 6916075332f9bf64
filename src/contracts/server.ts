/** What only a process that serves tells and changes of itself, for the administration. */
import type { EffectiveSetting } from '../config/effective_setting.ts'
import type { JobRuns } from '../lib/job_runs.ts'
import type { Levels } from '../lib/log_levels.ts'

export interface ServerControls {
  /** As they are in force now: SIGHUP may have changed them. */
  settings(): readonly EffectiveSetting[]
  logLevels: Levels
  jobRuns: JobRuns
}
