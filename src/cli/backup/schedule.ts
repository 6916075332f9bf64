/** `latchkey backup --every`: a backup each time that one is due. Of several processes on one store one makes it. docs/operations.md, "Backup" */
import { LastBackup } from '../../models/last_backup.ts'
import type { Clock } from '../../lib/clock.ts'
import { type Answer } from '../command.ts'
import { encrypted, type OpenedPlain } from '../open.ts'
import { moment, print, printJson } from '../output.ts'
import type { Contents } from './kinds.ts'

/** Milliseconds. A process that is killed keeps others from the turn for so long. */
const turnMs = 120_000
const renewMs = 40_000
/** Milliseconds between two looks. */
const longestPause = 60_000

const key = 'backup_turn'

/** Runs `run` when a backup is due and no other process makes one. */
export type Due = <T>(opened: OpenedPlain, run: () => Promise<T>) => Promise<T | undefined>

export interface Interval {
  seconds: number
  contents: Contents
}

/** Seconds until a backup is due; 0 or less when it is. */
async function secondsLeft(opened: OpenedPlain, { seconds, contents }: Interval): Promise<number> {
  const { clock, config, log, plain } = opened
  const last = await LastBackup.find({ clock, log, store: await encrypted(plain, config) }, contents)
  return last ? last.made_at + seconds - clock.now() / 1000 : 0
}

export const whenDue =
  (interval: Interval): Due =>
  async (opened, run) => {
    if ((await secondsLeft(opened, interval)) > 0) return undefined
    const own = crypto.randomUUID()
    const { plain } = opened
    if (!(await plain.create(key, own, turnMs))) return undefined
    const renewing = setInterval(() => void plain.replace(key, own, own, turnMs).catch(() => {}), renewMs)
    try {
      // Another process may have made it between the look and the turn.
      return (await secondsLeft(opened, interval)) > 0 ? undefined : await run()
    } finally {
      clearInterval(renewing)
      if ((await plain.get(key)) === own) await plain.take(key)
    }
  }

interface Repeating<T> extends Interval {
  once: boolean
  json: boolean
  clock: Clock
  run(due: Due): Promise<T | undefined>
  answer(made: T): Answer
}

/** With `once` it resolves after one look; else it goes on until the process is ended, also after a failure. */
export async function repeat<T>({
  once,
  json,
  clock,
  run,
  answer,
  ...interval
}: Repeating<T>): Promise<Answer> {
  const due = whenDue(interval)
  if (once) {
    const made = await run(due)
    return made === undefined
      ? { facts: { made: false }, show: () => print('no backup is due, or another process makes it') }
      : answer(made)
  }
  for (;;) {
    try {
      const made = await run(due)
      const said = made && answer(made)
      if (said && json) printJson(said.facts)
      else said?.show?.()
    } catch (error) {
      const at = moment(Math.floor(clock.now() / 1000))
      process.stderr.write(`latchkey: ${at}: no backup: ${(error as Error).message}\n`)
    }
    await Bun.sleep(Math.min(longestPause, interval.seconds * 1000))
  }
}
