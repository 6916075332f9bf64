/** When outcomes become alerts: so many in a row begin one, and the first good one ends it. */
import type { Outcome } from './checks.ts'

export type Level = 'INFO' | 'WARNING' | 'CRITICAL' | 'RESOLVED'

export interface Notice {
  level: Level
  /** Undefined for a notice of the monitor itself. */
  check?: string
  message: string
  /** Milliseconds since the epoch. */
  at: number
  /** When the first outcome of this alert was; for CRITICAL, WARNING and RESOLVED. */
  since?: number
}

export interface Thresholds {
  /** Outcomes in a row that begin an alert. */
  inARow: number
  /** Milliseconds: a right answer that took longer is slow. */
  slowMs: number
}

type State = 'good' | 'slow' | 'failed'

interface Watched {
  state: State
  /** Outcomes of this state without another between them. */
  count: number
  since: number
  /** The alert that was told and has not ended. */
  alert: { level: 'WARNING' | 'CRITICAL'; since: number } | undefined
}

const levelOf = { slow: 'WARNING', failed: 'CRITICAL' } as const

const duration = (ms: number): string => {
  const minutes = Math.round(ms / 60_000)
  return minutes < 1 ? `${Math.round(ms / 1000)} seconds` : minutes === 1 ? 'a minute' : `${minutes} minutes`
}

/** Keeps the state of each check. `see` returns what must be told after an outcome; most outcomes tell nothing. */
export function createWatch({ inARow, slowMs }: Thresholds): { see(outcome: Outcome): Notice | undefined } {
  const watched = new Map<string, Watched>()

  function see({ check, at, ms, problem }: Outcome): Notice | undefined {
    const state: State = problem !== undefined ? 'failed' : ms > slowMs ? 'slow' : 'good'
    const before = watched.get(check)
    const isSame = before?.state === state
    const now: Watched = {
      state,
      count: isSame ? before.count + 1 : 1,
      since: isSame ? before.since : at,
      alert: before?.alert,
    }
    watched.set(check, now)
    if (state === 'good') {
      if (!now.alert) return undefined
      const { since } = now.alert
      now.alert = undefined
      return { level: 'RESOLVED', check, at, since, message: `good again after ${duration(at - since)}` }
    }
    const level = levelOf[state]
    const isTold = now.alert?.level === level || now.alert?.level === 'CRITICAL'
    if (now.count < inARow || isTold) return undefined
    const since = now.alert?.since ?? now.since
    now.alert = { level, since }
    const what = problem ?? `answers take ${ms} ms, more than ${slowMs}`
    return { level, check, at, since, message: `${now.count} times in a row: ${what}` }
  }
  return { see }
}
