/** The outcomes of the last 24 hours, as JSON Lines in one file that a report reads. */
import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import * as v from 'valibot'
import { Refusal } from '../failure.ts'
import type { Outcome } from './checks.ts'

/** Milliseconds. */
export const keptFor = 86_400_000
/** Lines are dropped from the file when so many are too old. */
const staleLines = 5_000

const Line = v.object({
  check: v.string(),
  at: v.number(),
  ms: v.number(),
  problem: v.exactOptional(v.string()),
})

/** A line that a crash cut off, or that another program wrote, is left out. */
function parse(line: string): Outcome[] {
  try {
    const found = v.safeParse(Line, JSON.parse(line))
    return found.success ? [found.output] : []
  } catch {
    return []
  }
}

/** Empty without a file. Throws Refusal for one that cannot be read. */
export function readHistory(path: string, now: number): Outcome[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .flatMap(parse)
      .filter(({ at }) => at > now - keptFor)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return []
    throw new Refusal(`--history: ${path} cannot be read (${String(code)})`)
  }
}

export interface History {
  add(outcomes: readonly Outcome[]): void
}

/** Throws Refusal for a path that cannot be written. */
export function openHistory(path: string, now: () => number): History {
  let stale = 0
  let oldest: number[] = []

  const write = (work: () => void) => {
    try {
      work()
    } catch (error) {
      throw new Refusal(
        `--history: ${path} cannot be written (${String((error as NodeJS.ErrnoException).code)})`,
      )
    }
  }
  const lines = (outcomes: readonly Outcome[]) =>
    outcomes.map((outcome) => `${JSON.stringify(outcome)}\n`).join('')

  /** Another file takes its place, so that a report never reads half of one. */
  function compact(): void {
    const kept = readHistory(path, now())
    const next = `${path}.new`
    rmSync(next, { force: true })
    writeFileSync(next, lines(kept), { flag: 'wx' }) // it follows no link that another account put there
    renameSync(next, path)
    oldest = kept.map(({ at }) => at)
    stale = 0
  }

  write(compact)
  return {
    add(outcomes) {
      write(() => {
        appendFileSync(path, lines(outcomes))
        oldest.push(...outcomes.map(({ at }) => at))
        const end = now() - keptFor
        const firstKept = oldest.findIndex((at) => at > end)
        stale += firstKept < 0 ? oldest.length : firstKept
        oldest = firstKept < 0 ? [] : oldest.slice(firstKept)
        if (stale > staleLines) compact()
      })
    },
  }
}
