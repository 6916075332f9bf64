/** Handlers of last resort: what no code has caught is one line in the log, and not the end of all sessions in progress. OWASP ASVS 5.0 16.5.4 */
import type { Log } from '../lib/log.ts'

const fieldsOf = (thrown: unknown) => {
  const { message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown))
  return { problem: message, stack }
}

/**
 * A promise that was rejected belongs to one request or one turn of a job, so the server goes on. After an exception
 * outside of every request the state of the process is unknown: `end` lets the requests in progress finish.
 */
export function handleTheUncaught(log: Log, end: () => void): void {
  process.on('unhandledRejection', (reason) => log.error('unhandled_rejection', fieldsOf(reason)))
  process.on('uncaughtException', (error) => {
    log.error('uncaught_exception', fieldsOf(error))
    end()
  })
}
