/** Measures the cost of work so that other processes on the machine do not change the result. */

/**
 * Milliseconds of processor time that this process, with its threads, spends until `work` is done. Unlike a
 * stopwatch it does not count what other processes take.
 */
export async function processorMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1]!

export interface Duel<Name extends string> {
  /** One try of each kind; resolves to the milliseconds that it took. */
  kinds: Record<Name, (i: number) => Promise<number>>
  /** Of each kind in a round. */
  samples: number
  /** Tries before the first round that count for nothing. */
  warm?: number
  /** Whether the medians show no difference that an attacker could use. */
  alike(medians: Record<Name, number>): boolean
}

/**
 * Compares times for an attacker who looks for a difference: the kinds take turns, in changing order, so that what
 * slows the machine slows all of them, and medians are compared. A round that shows a difference is repeated with
 * new samples, twice at most: a real difference is there each time, a disturbance is not. Returns the medians of the
 * last round.
 */
export async function compareTimes<Name extends string>(duel: Duel<Name>): Promise<Record<Name, number>> {
  const names = Object.keys(duel.kinds) as Name[]
  const round = async (samples: number) => {
    const times = new Map<Name, number[]>(names.map((name) => [name, []]))
    for (let i = 0; i < samples; i++)
      for (const name of i % 2 === 0 ? names : names.toReversed())
        times.get(name)!.push(await duel.kinds[name](i))
    return Object.fromEntries(names.map((name) => [name, median(times.get(name)!)])) as Record<Name, number>
  }
  if (duel.warm) await round(duel.warm)
  let medians = await round(duel.samples)
  for (let again = 0; again < 2 && !duel.alike(medians); again++) medians = await round(duel.samples)
  return medians
}
