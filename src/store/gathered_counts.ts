/** Counts that are added to one counter at the same time are one statement. docs/decisions/0076-postgres.md */
import type { Counted, Ttl } from './store.ts'

type Increment = (key: string, ttl: Ttl, by: number) => Promise<Counted>

interface Step {
  by: number
  resolve(counted: Counted): void
  reject(error: unknown): void
}

/**
 * The row of a counter is locked until its commit is on the disk, so that many requests of one client would wait for one
 * another. While a statement for a key is in progress, the steps that come are collected; the next statement adds their sum,
 * and each caller gets the count that it would have had alone.
 */
export function gatheredCounts(increment: Increment): Increment {
  /** The steps that wait, by key and window; an entry means that a statement is in progress. */
  const waiting = new Map<string, Step[]>()

  async function run(name: string, key: string, ttl: Ttl): Promise<void> {
    for (let steps = waiting.get(name) ?? []; steps.length > 0; steps = waiting.get(name) ?? []) {
      waiting.set(name, [])
      try {
        const sum = steps.reduce((total, { by }) => total + by, 0)
        const counted = await increment(key, ttl, sum)
        let count = counted.count - sum
        for (const { by, resolve } of steps) resolve({ ...counted, count: (count += by) })
      } catch (error) {
        for (const { reject } of steps) reject(error)
      }
    }
    waiting.delete(name)
  }

  return (key, ttl, by) =>
    new Promise((resolve, reject) => {
      const name = `${ttl} ${key}`
      const steps = waiting.get(name)
      const step = { by, resolve, reject }
      if (steps) return void steps.push(step)
      waiting.set(name, [step])
      void run(name, key, ttl)
    })
}
