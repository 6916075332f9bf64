/** Reports of faults as the provider sees them. cli/open_error_reports.ts sends them to Sentry; without SENTRY_DSN there are none. docs/decisions/0090-error-reports.md */
import type { AdjustableLog, Fields } from './log.ts'

export interface ErrorReports {
  /** Takes a line of level `error`. Never throws, and nothing waits for it. */
  take(event: string, fields: Fields): void
  /** Why the last report was not sent; undefined when it was, or when there was none. */
  problem(): string | undefined
  /** Sends what waits, for at most two seconds. */
  close(): Promise<void>
}

/** The same log, whose lines of level `error` are reported too. */
export function reportingLog(log: AdjustableLog, reports: Pick<ErrorReports, 'take'>): AdjustableLog {
  return {
    debug: (event, fields) => log.debug(event, fields),
    info: (event, fields) => log.info(event, fields),
    warn: (event, fields) => log.warn(event, fields),
    error(event, fields = {}) {
      log.error(event, fields)
      reports.take(event, fields)
    },
    setLevel: (level, levels) => log.setLevel(level, levels),
  }
}
