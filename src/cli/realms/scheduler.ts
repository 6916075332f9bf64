/** Runs the jobs of all realms: of those that were used lately when they are due, of all others in slow turns. docs/decisions/0100-realms.md */
import { createLimiter } from '../../lib/limiter.ts'
import type { Log } from '../../lib/log.ts'
import type { Apps } from './apps.ts'
import { elapsedNow } from './job_runs.ts'
import type { Known } from './known.ts'

/** Milliseconds. */
const minute = 60_000
const tickEvery = 1_000
/** How often a job of a realm runs at most: while it is used, and in the time after. */
const whileUsed = 5_000
const afterUse = 30_000
const usedFor = 10 * minute
/** In which each realm that is not in use has one turn, unless that is more than one turn in two seconds. */
const roundOf = 60 * minute
const leastTurn = 2_000
const removalEvery = 15_000

/** Bytes of the flows of all realms together. */
const mostRecorded = 268_435_456

/** Jobs that begin in one step: a thousand realms in use take no more of the process than some. */
const mostInStep = 200

const atOnce = { atOnce: 4, waiting: 100_000, refusal: () => new Error('too many jobs of realms wait') }

interface Parts {
  known: Known
  apps: Apps
  log: Log
  /** Removes what has ended. */
  remove(): Promise<void>
}

export interface Scheduler {
  /** One step; a timer takes one each second. */
  tick(now: number): Promise<void>
  start(): void
  stop(): void
}

export function createScheduler({ known, apps, log, remove }: Parts): Scheduler {
  const limiter = createLimiter(atOnce)
  let timer: Timer | undefined
  let turn: Promise<void> | undefined
  let turnAt = elapsedNow()
  let next = 0
  let isRunning = false
  let from = 0
  let removing = false
  let removedAt = elapsedNow()

  /** A step goes on where the one before ended, so that each realm has its share. */
  function dueOf(now: number): (() => Promise<void>)[] {
    const all = apps.list()
    const due: (() => Promise<void>)[] = []
    const first = from
    for (let i = 0; i < all.length && due.length < mostInStep; i++) {
      from = (first + i + 1) % all.length
      const { open, lastUsed } = all[(first + i) % all.length]!
      const idle = now - lastUsed
      if (idle <= usedFor) due.push(...open.runs.due(now, idle > minute ? afterUse : whileUsed))
    }
    return due
  }

  /** Not while jobs of the step before wait: they would come twice. */
  async function runDue(now: number): Promise<void> {
    if (isRunning) return
    isRunning = true
    const due = dueOf(now)
    await Promise.all(due.map((run) => limiter.run(run))).finally(() => (isRunning = false))
  }

  /** A realm that is in memory for its turn alone does not stay there. */
  async function takeTurn(names: readonly string[]): Promise<void> {
    const name = names[next++ % names.length]!
    const open = await apps.get(name)
    for (const run of open?.runs.inTurn() ?? []) await run()
    apps.retire(name)
  }

  async function inTurn(now: number): Promise<void> {
    const names = known.names()
    if (turn || names.length === 0 || now - turnAt < Math.max(leastTurn, roundOf / names.length)) return
    turnAt = now
    turn = takeTurn(names).finally(() => (turn = undefined))
    await turn
  }

  async function removeEnded(now: number): Promise<void> {
    if (removing || now - removedAt < removalEvery) return
    removedAt = now
    removing = true
    await Promise.all([known.look(), remove()]).finally(() => (removing = false))
  }

  /** The flows of the realms that were not used the longest go first. */
  function boundFlows(): void {
    const recorded = apps
      .list()
      .flatMap(({ open, lastUsed }) => {
        const flows = open.lasting.recorder?.flows
        return flows ? [{ flows, lastUsed }] : []
      })
      .toSorted((a, b) => b.lastUsed - a.lastUsed)
    let total = 0
    for (const { flows } of recorded) {
      total += flows.bytes()
      if (total > mostRecorded) flows.clear()
    }
  }

  const failed = (error: unknown) => log.warn('realms_not_looked_at', { problem: String(error) })

  async function tick(now: number): Promise<void> {
    apps.prune(known.has)
    boundFlows()
    await Promise.all([runDue(now).catch(failed), inTurn(now).catch(failed), removeEnded(now).catch(failed)])
  }

  return {
    tick,
    start: () => void (timer ??= setInterval(() => void tick(elapsedNow()), tickEvery)),
    stop: () => clearInterval(timer),
  }
}
