/** Refusals alike: the first of a minute are entries of their own, the rest are counted, so that a stranger cannot fill the store. */
import type { Clock } from '../../lib/clock.ts'

const windowMs = 60_000
const mostAlone = 10
/** With ten entries each, a botnet writes ten thousand entries a minute and no more. */
const mostKeys = 1_000

interface Window<T> {
  since: number
  count: number
  like: T
}

export interface Fold<T> {
  /** Whether this one is an entry of its own. */
  admits(key: string, like: T): boolean
  /** What was counted in windows that have ended. */
  take(): { like: T; count: number }[]
}

export function createFold<T>(clock: Clock): Fold<T> {
  const windows = new Map<string, Window<T>>()
  const hasEnded = ({ since }: Window<T>) => Math.abs(clock.now() - since) >= windowMs
  /** Ended windows with a count, until `take`. */
  let counted: { like: T; count: number }[] = []

  const end = (key: string, window: Window<T>) => {
    windows.delete(key)
    if (window.count > mostAlone) counted.push({ like: window.like, count: window.count - mostAlone })
  }

  return {
    admits(given, like) {
      // With very many addresses at once, those that are new are counted together.
      const key = windows.has(given) || windows.size < mostKeys ? given : ''
      const found = windows.get(key)
      if (found && hasEnded(found)) end(key, found)
      const window = windows.get(key)
      if (!window) {
        windows.set(key, { since: clock.now(), count: 1, like })
        return true
      }
      window.count += 1
      return window.count <= mostAlone
    },
    take() {
      for (const [key, window] of windows) if (hasEnded(window)) end(key, window)
      const taken = counted
      counted = []
      return taken
    },
  }
}
