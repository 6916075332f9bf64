/** CPU time during a measurement: of the server, and of other processes, which make the number worthless. proc(5) */
import { readFileSync } from 'node:fs'

/** Seconds of CPU since boot or start. */
export interface CpuUse {
  /** Of each watched process, in the order asked for. */
  own: number[]
  /** Of all processes on all cores, stolen time included. */
  all: number
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
  return { own: pids.map(processSeconds), all: (user! + nice! + system! + steal!) / ticksPerSecond }
}

/** Cores used between two readings: by the first watched process (`server`), and by processes not watched (`foreign`). */
export function cpuBetween(
  before: CpuUse,
  after: CpuUse,
  seconds: number,
): { server: number; foreign: number } {
  const own = after.own.map((used, i) => used - before.own[i]!)
  const sum = own.reduce((a, b) => a + b, 0)
  return {
    server: own[0]! / seconds,
    foreign: Math.max(0, (after.all - before.all - sum) / seconds),
  }
}
