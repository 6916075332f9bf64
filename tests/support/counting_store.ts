/** A real store that counts: how many verbs a request uses, and how many times it waits for the store. */
import type { Store } from '../../src/store/store.ts'

export interface Cost {
  verbs: number
  /** Verbs asked for together count as one round trip, as they do on one pipelined connection. */
  trips: number
}

/** Verbs are held for a moment, so that those asked for before the next answer arrive together. */
export function countingStore(store: Store): { store: Store; take(): Cost } {
  let cost: Cost = { verbs: 0, trips: 0 }
  let trip: Promise<void> | undefined
  const counted = new Proxy(store, {
    get(target, name) {
      const verb = Reflect.get(target, name) as ((...args: unknown[]) => Promise<unknown>) | undefined
      if (typeof verb !== 'function') return verb
      return async (...args: unknown[]) => {
        cost.verbs++
        if (!trip) {
          cost.trips++
          trip = Bun.sleep(2).then(() => void (trip = undefined))
        }
        await trip
        return verb.apply(target, args)
      }
    },
  })
  return {
    store: counted,
    take() {
      const taken = cost
      cost = { verbs: 0, trips: 0 }
      return taken
    },
  }
}
