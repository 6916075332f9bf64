/** Calls of one name that come while one is in progress are one call. docs/decisions/0076-postgres.md */

interface Waiting<Ask, Answer> {
  ask: Ask
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/**
 * For what waits in the database for the call before it: the row of a counter or of an index is locked until its commit is on
 * the disk. `run` gets all that came in this time, and resolves to an answer for each, in their order. It makes one statement: when
 * it fails, all of them fail.
 */
export function gathered<Ask, Answer>(
  run: (asks: readonly Ask[]) => Promise<readonly Answer[]>,
): (name: string, ask: Ask) => Promise<Answer> {
  /** By name; an entry means that a call is in progress. */
  const waiting = new Map<string, Waiting<Ask, Answer>[]>()

  async function runAll(name: string): Promise<void> {
    for (let calls = waiting.get(name) ?? []; calls.length > 0; calls = waiting.get(name) ?? []) {
      waiting.set(name, [])
      try {
        const answers = await run(calls.map(({ ask }) => ask))
        calls.forEach(({ resolve }, i) => resolve(answers[i] as Answer))
      } catch (error) {
        for (const { reject } of calls) reject(error)
      }
    }
    waiting.delete(name)
  }

  return (name, ask) =>
    new Promise((resolve, reject) => {
      const call = { ask, resolve, reject }
      const calls = waiting.get(name)
      if (calls) return void calls.push(call)
      waiting.set(name, [call])
      void runAll(name)
    })
}

/** The count that each step would have had alone, where their sum has led to `count`. */
export function countsOf(count: number, steps: readonly number[]): number[] {
  let reached = count - steps.reduce((sum, by) => sum + by, 0)
  return steps.map((by) => (reached += by))
}
