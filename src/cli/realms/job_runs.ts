/** The jobs of one realm: run when they are due or asked for, each one at a time. No timer is kept for a realm. */
import type { Context } from '../../contracts/context.ts'
import { record } from '../../models/audit/note.ts'
import type { KeyRing } from '../../models/key_ring.ts'

export interface Runs {
  /** Runs this job now, or again as soon as its current run has ended. Resolves after the last of these runs; never rejects: what fails is logged. */
  run(job: string): Promise<void>
  /** The jobs that have not run for as long as they say, or for `least` milliseconds if that is longer. */
  due(now: number, least: number): (() => Promise<void>)[]
  /** Those of a turn, which comes about once an hour; what is for a start of a server or once a day is not among them. */
  inTurn(): (() => Promise<void>)[]
  /** Milliseconds, by the clock of `due`: when a look at the keys has ended last. */
  keysSeen(): number
}

/** Seconds. */
const hour = 3_600
/** Seconds between two looks at the record of keys. */
const keysEvery = 5

/** Milliseconds of the monotonic clock. */
export const elapsedNow = (): number => performance.now()

interface Job {
  /** Seconds. */
  every: number
  run(): Promise<void>
  /** Milliseconds: when it began last, or the realm was opened. */
  ran: number
}

export function createRuns(context: Context, keys: KeyRing): Runs {
  const { clockGuard, table, log, tracing } = context
  const jobs = new Map<string, Job>()
  const running = new Map<string, Promise<void>>()
  const again = new Set<string>()

  async function lookAtKeys(): Promise<void> {
    const [rotated] = await Promise.all([keys.rotateDue(), context.birth.beat()])
    const kids = rotated.map(({ kid }) => kid)
    if (context.audit && kids.length > 0) await record(undefined, context.audit, 'keys_rotated', { kids })
  }
  const opened = elapsedNow()
  let keysSeen = opened
  jobs.set('keys', { every: keysEvery, run: lookAtKeys, ran: opened })
  for (const { name, every, run } of table.jobs)
    jobs.set(name, { every, run: async () => run(context), ran: opened })

  /** With a wrong clock a job would remove accounts or keys before their time. */
  async function once(name: string, job: Job): Promise<void> {
    job.ran = elapsedNow()
    const byGoodClock = async () => {
      if (clockGuard.problem() === undefined) await job.run()
    }
    try {
      await (tracing?.job(name, byGoodClock) ?? byGoodClock())
    } catch (error) {
      log.error('job_failed', { job: name, problem: error instanceof Error ? error.message : String(error) })
    }
    if (name === 'keys') keysSeen = elapsedNow()
  }

  async function runAll(name: string, job: Job): Promise<void> {
    do {
      again.delete(name)
      await once(name, job)
    } while (again.has(name))
    running.delete(name)
  }

  function start(name: string): Promise<void> {
    const job = jobs.get(name)
    if (!job) return Promise.resolve()
    const current = running.get(name)
    if (current) {
      again.add(name)
      return current
    }
    // It begins a moment later, so that a job that asks for itself finds its own run.
    const run = Promise.resolve().then(() => runAll(name, job))
    running.set(name, run)
    return run
  }

  const chosen = (isDue: (job: Job) => boolean) =>
    [...jobs]
      .filter(([name, job]) => !running.has(name) && isDue(job))
      .map(
        ([name]) =>
          () =>
            start(name),
      )

  return {
    run: start,
    due: (now, least) => chosen(({ every, ran }) => now - ran >= Math.max(every * 1000, least)),
    inTurn: () => chosen(({ every }) => every <= hour),
    keysSeen: () => keysSeen,
  }
}
