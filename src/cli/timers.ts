/** What a server does beside requests: it looks at its keys and its clock, and runs the jobs of the table. */
import type { App } from '../app.ts'
import { keyRefreshSeconds } from '../config/checks.ts'
import { record } from '../models/audit/note.ts'
import type { KeyRing } from '../models/key_ring.ts'
import { KeyRingError } from '../models/signing_keys.ts'

export interface Timers {
  /** Runs this job now, or again as soon as its current run has ended. */
  soon(job: string): void
  stop(): void
}

/** Runs of one job never overlap. A failed run is logged and does not stop the next one. */
export function startTimers({ context }: App, keys: KeyRing): Timers {
  const starts = new Map<string, () => void>()
  const runs = context.server?.jobRuns
  let keysProblem: string | undefined
  /** One entry for each problem, however often the job meets it. */
  const keysAre = (problem: string | undefined) => {
    if (problem !== undefined && problem !== keysProblem && context.audit)
      void record(undefined, context.audit, 'keys_failed', { problem })
    keysProblem = problem
  }
  const traced = (name: string, run: () => Promise<void>) => context.tracing?.job(name, run) ?? run()
  const repeat = (name: string, every: number, run: () => Promise<void>) => {
    let busy = false
    let again = false
    const start = () => {
      busy = true
      again = false
      runs?.began(name, context.clock.now())
      traced(name, run)
        .then(
          () => {
            runs?.ended(name, context.clock.now())
            if (name === 'keys') keysAre(undefined)
          },
          (error: Error) => {
            runs?.ended(name, context.clock.now(), error.message)
            const isOfKeys = error instanceof KeyRingError
            const { message: problem } = error
            context.log.error(isOfKeys ? 'keys_unreadable' : 'job_failed', { job: name, problem })
            if (isOfKeys) keysAre(problem)
          },
        )
        .finally(() => {
          busy = false
          if (again) start()
        })
    }
    starts.set(name, () => (busy ? (again = true) : start()))
    return setInterval(() => busy || start(), every)
  }
  const { clockGuard } = context
  /** With a wrong clock a job would rotate or remove keys, or remove accounts or messages before their time. */
  const byGoodClock = async (run: () => Promise<void>) => {
    if (clockGuard.problem() === undefined) await run()
  }
  const lookAtStoredKeys = async () => {
    const [rotated] = await Promise.all([keys.rotateDue(), context.birth.beat()])
    const kids = rotated.map(({ kid }) => kid)
    if (context.audit && kids.length > 0) await record(undefined, context.audit, 'keys_rotated', { kids })
  }
  const lookAtKeys = () => clockGuard.check().then(() => byGoodClock(lookAtStoredKeys))
  const timers = [
    repeat('keys', keyRefreshSeconds * 1000, lookAtKeys),
    ...context.table.jobs.map((job) =>
      repeat(job.name, job.every * 1000, () => byGoodClock(async () => job.run(context))),
    ),
  ]
  starts.get('keys')?.()
  return {
    soon: (job) => starts.get(job)?.(),
    stop: () => timers.forEach((timer) => clearInterval(timer)),
  }
}
