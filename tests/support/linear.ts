/** Whether work grows with its input as it should: judged between sizes in one process, so that a busy machine fails nothing. */

/** Input this many times as large takes about so many times as long; quadratic work takes 64 times as long. */
const factor = 8
/** Three times what linear work needs. */
const allowed = 3 * factor
/** Milliseconds that the clock and one call may cost, whatever the input. */
const noise = 0.05
const repetitions = 5
const attempts = 6

/** Milliseconds of the quickest of some runs: what else runs on the machine only adds. */
function quickest(work: () => void): number {
  let best = Infinity
  for (let i = 0; i < repetitions; i++) {
    const begun = performance.now()
    work()
    best = Math.min(best, performance.now() - begun)
  }
  return best
}

/**
 * Throws when `work` on `make(8 n)` takes more than 24 times what it takes on `make(n)`, at each of six attempts. What
 * `work` throws counts as its end.
 */
export function expectLinear<T>(make: (size: number) => T, work: (input: T) => unknown, size = 4_000): void {
  const run = (input: T) => () => {
    try {
      work(input)
    } catch {
      // refused: how long it took is what counts
    }
  }
  const [small, large] = [run(make(size)), run(make(size * factor))]
  const seen: string[] = []
  for (let attempt = 0; attempt < attempts; attempt++) {
    const [one, many] = [quickest(small), quickest(large)]
    if (many < allowed * (one + noise)) return
    seen.push(`${one.toFixed(3)} ms and ${many.toFixed(3)} ms`)
  }
  throw new Error(`input ${factor} times as large took too long each time: ${seen.join('; ')}`)
}
