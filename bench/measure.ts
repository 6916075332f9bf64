/** Closed-loop load: each lane sends its next step when the last one was answered and checked. */
import { cpuBetween, cpuUse } from './cpu.ts'
import type { Result } from './target.ts'

/** One unit of work on one lane; throws on any wrong answer, which ends the run. */
export type Step = () => Promise<void>

/** The value below which `share` of the sorted numbers lie. */
export const percentile = (sorted: Float64Array, share: number): number =>
  sorted.length === 0
    ? Number.NaN
    : (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN)

export const median = (values: number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/** Run every lane while `wanted()`; latencies in milliseconds. */
export async function drive(steps: Step[], wanted: () => boolean): Promise<Float64Array> {
  const latencies: number[] = []
  const lane = async (step: Step) => {
    for (let began = performance.now(); wanted();) {
      await step()
      const ended = performance.now()
      latencies.push(ended - began)
      began = ended
    }
  }
  await Promise.all(steps.map(lane))
  return Float64Array.from(latencies).sort()
}

const lasting = (seconds: number): (() => boolean) => {
  const end = performance.now() + seconds * 1000
  return () => performance.now() < end
}

/** Above this many cores used by other processes a measurement is taken again, and in the end left out of the report. */
export const tolerable = 0.1
const attempts = 4

export interface Load {
  seconds: number
  warmup: number
  pids: number[]
  /** Keep the first measurement, however much other processes disturbed it. */
  noisy?: boolean
}

/** Warm up, then measure for `seconds`; when other processes used the machine, again, and the quietest counts. */
export async function measure(
  row: string,
  steps: Step[],
  { seconds, warmup, pids, noisy }: Load,
): Promise<Result> {
  await drive(steps, lasting(warmup))
  let quietest: Result | undefined
  for (let attempt = 0; attempt < attempts; attempt++) {
    const result = await once(row, steps, seconds, pids)
    if (!quietest || result.foreign < quietest.foreign) quietest = result
    if (noisy || quietest.foreign <= tolerable) break
  }
  return quietest!
}

async function once(row: string, steps: Step[], seconds: number, pids: number[]): Promise<Result> {
  const watched = [...pids, process.pid]
  const before = cpuUse(watched)
  const began = performance.now()
  const latencies = await drive(steps, lasting(seconds))
  const took = (performance.now() - began) / 1000
  const after = cpuUse(watched)
  return {
    row,
    rate: latencies.length / took,
    count: latencies.length,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    driver: (after.own.at(-1)! - before.own.at(-1)!) / took,
    ...cpuBetween(before, after, took),
  }
}
