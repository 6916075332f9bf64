/** A limit of time for all that one request causes: tries, waits, and the requests behind it. */
import { AsyncLocalStorage } from 'node:async_hooks'

const end = new AsyncLocalStorage<number>()

export const within = <T>(ms: number, act: () => T): T =>
  end.run(Math.min(Date.now() + ms, end.getStore() ?? Infinity), act)

/** Milliseconds; `Infinity` where no limit was set. */
export const timeLeft = (): number => Math.max((end.getStore() ?? Infinity) - Date.now(), 0)
