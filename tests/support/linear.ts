/** Whether work grows with its input as it should: judged between sizes in one process, so that a busy machine fails nothing. */
import { dlopen, FFIType, ptr } from 'bun:ffi'
import { lazy } from '../../src/lib/lazy.ts'

/** Input this many times as large takes about so many times as long; quadratic work takes 64 times as long. */
const factor = 8
/** Three times what linear work needs. */
const allowed = 3 * factor
/** Milliseconds that the clock and one call may cost, whatever the input. */
const noise = 0.05
const repetitions = 5
const attempts = 6

/** CLOCK_THREAD_CPUTIME_ID of Linux. */
const ofThread = 3

/**
 * Milliseconds of processor time of this thread. A stopwatch also counts the time in which other processes have the
 * processor: on a busy machine a long piece of work is interrupted more often than a short one.
 */
const threadMs = lazy(() => {
  if (process.platform !== 'linux') return () => performance.now()
  const { symbols } = dlopen('libc.so.6', {
    clock_gettime: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
  })
  const time = new BigInt64Array(2) // seconds and nanoseconds
  const address = ptr(time)
  return () => {
    if (symbols.clock_gettime(ofThread, address) !== 0) throw new Error('no clock of this thread')
    return Number(time[0]) * 1000 + Number(time[1]) / 1_000_000
  }
})

/** What `work` throws counts as its end: how long a refusal took is what matters. */
async function timed(work: () => unknown): Promise<number> {
  const begun = threadMs()()
  try {
    const result = work()
    // Work that is done at once is not made to wait for a turn, which would be measured as well.
    if (result instanceof Promise) await result
  } catch {
    // refused
  }
  return threadMs()() - begun
}

/** Milliseconds of the quickest of some runs: compilation and garbage only add. */
async function quickest(work: () => unknown): Promise<number> {
  let best = Infinity
  for (let i = 0; i < repetitions; i++) best = Math.min(best, await timed(work))
  return best
}

/**
 * Rejects when `work` on `make(8 n)` takes more than 24 times what it takes on `make(n)`, at each of six attempts.
 */
export async function expectLinear<T>(
  make: (size: number) => T,
  work: (input: T) => unknown,
  size = 4_000,
): Promise<void> {
  const [small, large] = [make(size), make(size * factor)]
  const seen: string[] = []
  for (let attempt = 0; attempt < attempts; attempt++) {
    const one = await quickest(() => work(small))
    const many = await quickest(() => work(large))
    if (many < allowed * (one + noise)) return
    seen.push(`${one.toFixed(3)} ms and ${many.toFixed(3)} ms`)
  }
  throw new Error(`input ${factor} times as large took too long each time: ${seen.join('; ')}`)
}
