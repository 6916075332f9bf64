/** When the jobs of this process ran, and how their last runs ended. */
export interface JobRun {
  /** Runs that ended. */
  runs: number
  /** Milliseconds, of the last run. */
  began: number
  /** Undefined while the first run goes on. */
  ended?: number
  failure?: { at: number; problem: string }
}

export interface JobRuns {
  of(job: string): JobRun | undefined
  began(job: string, at: number): void
  ended(job: string, at: number, problem?: string): void
}

export function createJobRuns(): JobRuns {
  const kept = new Map<string, JobRun>()
  return {
    of: (job) => kept.get(job),
    began: (job, at) => void kept.set(job, { runs: 0, ...kept.get(job), began: at }),
    ended(job, at, problem) {
      const run = kept.get(job)
      if (!run) return
      kept.set(job, {
        ...run,
        runs: run.runs + 1,
        ended: at,
        ...(problem !== undefined && { failure: { at, problem } }),
      })
    },
  }
}
