/** Who used the machine while a row was measured: the server, and strangers who spoil the number. proc(5) */
import { readFileSync } from 'node:fs'

/** Seconds of CPU since boot or start. */
export interface CpuUse {
  /** Of each watched process, in the order asked for. */
  own: number[]
  /** Of everyone on all cores, stolen time included. */
  everyone: number
}

/** The kernel counts in hundredths of a second, whatever the hardware does. */
const ticksPerSecond = 100

function processSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The name in brackets may hold spaces; utime and stime are fields 14 and 15, counted from 1.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

export function cpuUse(pids: number[]): CpuUse {
  const [, user, nice, system, , , , , steal] = readFileSync('/proc/stat', 'latin1')
    .split('\n', 1)[0]!
    .split(/\s+/)
    .map(Number)
  return { own: pids.map(processSeconds), everyone: (user! + nice! + system! + steal!) / ticksPerSecond }
}

/** Cores used between two looks: by the first watched process, and by nobody we watched. */
export function cpuBetween(
  before: CpuUse,
  after: CpuUse,
  seconds: number,
): { server: number; foreign: number } {
  const own = after.own.map((used, i) => used - before.own[i]!)
  const sum = own.reduce((a, b) => a + b, 0)
  return {
    server: own[0]! / seconds,
    foreign: Math.max(0, (after.everyone - before.everyone - sum) / seconds),
  }
}
