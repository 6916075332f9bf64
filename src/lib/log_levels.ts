/** The levels of the log of a process, which an administrator may change until it ends. docs/administration.md */
import type { AdjustableLog, LogLevel, LogLevels } from './log.ts'

export interface LogSetting {
  level: LogLevel
  /** Of some events, by the words that their names begin with. */
  levels: LogLevels
}

export interface Levels {
  current(): LogSetting & { isConfigured: boolean }
  set(next: LogSetting): void
  /**
   * Takes the levels of a new configuration. Levels that were set since the start stay in force unless the levels of the configuration differ. Returns
   * what takes it back.
   */
  adopt(next: LogSetting): () => void
}

export function createLevels(log: Pick<AdjustableLog, 'setLevel'>, first: LogSetting): Levels {
  let configured = first
  let now = first
  const set = (next: LogSetting) => {
    log.setLevel(next.level, next.levels)
    now = next
  }
  return {
    current: () => ({ ...now, isConfigured: Bun.deepEquals(now, configured) }),
    set,
    adopt(next) {
      const before = { configured, now }
      if (!Bun.deepEquals(next, configured)) set(next)
      configured = next
      return () => {
        configured = before.configured
        set(before.now)
      }
    },
  }
}
