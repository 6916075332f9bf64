/** Moments on the command line: a date, a time of ISO 8601, or how long ago. */
import { UsageError } from './failure.ts'
import { printable } from './output.ts'
import { readTime } from './time_option.ts'

const iso = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/
const century = 3_155_760_000

/** Milliseconds. A date without a time begins at midnight UTC; `12h` is twelve hours before `now`. */
export function readMoment(option: string, text: string, now: number): number {
  if (/^\d{1,9}[smhd]$/.test(text)) return now - readTime(option, text, century) * 1000
  const at = iso.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at))
    throw new UsageError(
      `--${option}: expected a date such as 2026-01-31, a time such as 2026-01-31T12:00:00Z, or how long ago such as 12h, got ${printable(text)}`,
    )
  return at
}

/** Milliseconds after `now`: `12h` is in twelve hours. */
export function readFuture(option: string, text: string, now: number): number {
  const at = /^\d{1,9}[smhd]$/.test(text)
    ? now + readTime(option, text, century) * 1000
    : iso.test(text)
      ? Date.parse(text)
      : Number.NaN
  if (at > now) return at
  const came = Number.isNaN(at) ? printable(text) : `${printable(text)}, which is over`
  throw new UsageError(
    `--${option}: expected a time to come: 90m, 12h or 30d from now, or such as 2027-01-31T12:00:00Z, got ${came}`,
  )
}
