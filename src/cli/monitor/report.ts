/** What the history says: availability and latency of each check, and when it was not well. */
import type { Outcome } from './checks.ts'

export interface Incident {
  check: string
  /** Milliseconds since the epoch: the first and the last failure. */
  from: number
  to: number
  failures: number
  problem: string
}

export interface CheckReport {
  check: string
  requests: number
  /** 0 to 1. */
  availability: number
  /** Milliseconds, of right answers; undefined without one. */
  p50: number | undefined
  p95: number | undefined
  p99: number | undefined
}

export interface Report {
  /** Milliseconds since the epoch; undefined without outcomes. */
  from: number | undefined
  to: number | undefined
  checks: CheckReport[]
  incidents: Incident[]
}

/** The smallest value that so large a part of all is not above. */
export function percentile(sorted: readonly number[], part: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)]
}

export function byCheck(outcomes: readonly Outcome[]): Map<string, Outcome[]> {
  const found = new Map<string, Outcome[]>()
  for (const outcome of outcomes) {
    const own = found.get(outcome.check)
    if (own) own.push(outcome)
    else found.set(outcome.check, [outcome])
  }
  return found
}

function reportOf(check: string, outcomes: readonly Outcome[]): CheckReport {
  const times = outcomes
    .filter(({ problem }) => problem === undefined)
    .map(({ ms }) => ms)
    .toSorted((a, b) => a - b)
  return {
    check,
    requests: outcomes.length,
    availability: times.length / outcomes.length,
    p50: percentile(times, 0.5),
    p95: percentile(times, 0.95),
    p99: percentile(times, 0.99),
  }
}

/** Failures of one check with no right answer between them. */
function incidentsOf(check: string, outcomes: readonly Outcome[]): Incident[] {
  const found: Incident[] = []
  let open: Incident | undefined
  for (const { at, problem } of outcomes) {
    if (problem === undefined) open = undefined
    else if (open) Object.assign(open, { to: at, failures: open.failures + 1 })
    else found.push((open = { check, from: at, to: at, failures: 1, problem }))
  }
  return found
}

export function makeReport(outcomes: readonly Outcome[]): Report {
  const groups = [...byCheck(outcomes.toSorted((a, b) => a.at - b.at))]
  return {
    from: outcomes.reduce<number | undefined>((least, { at }) => Math.min(least ?? at, at), undefined),
    to: outcomes.reduce<number | undefined>((most, { at }) => Math.max(most ?? at, at), undefined),
    checks: groups.map(([check, own]) => reportOf(check, own)),
    incidents: groups.flatMap(([check, own]) => incidentsOf(check, own)).toSorted((a, b) => b.from - a.from),
  }
}

export const percent = (part: number): string =>
  // Rounded down, so that one failure among many is never shown as 100 %.
  `${(Math.floor(part * 10_000) / 100).toFixed(2)} %`
