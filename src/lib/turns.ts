/** Turns: so many at once overall and for each key, a bounded number waiting, so that one slow key holds up no other. */

export interface TurnLimits {
  total: number
  /** At once for one key. */
  each: number
  /** Waiting for one key; 0 refuses at once. */
  waiting: number
}

export interface Turns {
  /**
   * Resolves to a function that gives the turn back; call it once. Undefined when too many wait for this key already.
   * Rejects with the reason of `signal` when that comes first.
   */
  take(key: string, signal: AbortSignal): Promise<() => void> | undefined
}

interface Waiter {
  key: string
  start(): void
}

/** At most this many keys' worth of waiters: a flood of keys must not become a flood of promises. */
const waitingKeys = 32

export function createTurns({ total, each, waiting }: TurnLimits): Turns {
  const running = new Map<string, number>()
  const waiters = new Set<Waiter>()
  let all = 0

  const free = (key: string) => all < total && (running.get(key) ?? 0) < each

  const begin = (key: string): (() => void) => {
    all++
    running.set(key, (running.get(key) ?? 0) + 1)
    return () => {
      all--
      const left = (running.get(key) ?? 1) - 1
      if (left > 0) running.set(key, left)
      else running.delete(key)
      for (const waiter of waiters)
        if (free(waiter.key)) {
          waiters.delete(waiter)
          return waiter.start()
        }
    }
  }

  const waitingFor = (key: string) => [...waiters].filter((waiter) => waiter.key === key).length

  return {
    take(key, signal) {
      if (signal.aborted) return Promise.reject(signal.reason as Error)
      if (free(key)) return Promise.resolve(begin(key))
      if (waiters.size >= waiting * waitingKeys || waitingFor(key) >= waiting) return undefined
      return new Promise((resolve, reject) => {
        const leave = () => {
          waiters.delete(waiter)
          reject(signal.reason as Error)
        }
        const waiter: Waiter = {
          key,
          start() {
            signal.removeEventListener('abort', leave)
            resolve(begin(key))
          },
        }
        waiters.add(waiter)
        signal.addEventListener('abort', leave, { once: true })
      })
    },
  }
}
