/** Waiting for the lock of another process without blocking the event loop. https://www.sqlite.org/rescode.html#busy */
import { code, unavailable } from './sqlite_reason.ts'

/** How long a verb waits for writes of other processes. */
const patienceMs = 1000

/** Runs at once, and again at short intervals while another process holds the lock. Errors become StoreUnavailable. */
export async function retryWhileBusy<T>(run: () => T): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return run()
    } catch (error) {
      if (code(error) !== 'SQLITE_BUSY' || performance.now() > deadline) throw unavailable(error)
    }
    await Bun.sleep(1 + Math.random() * 4) // random, so that waiting processes do not collide again
  }
}
