/** Durations on the command line, such as `90m`, `12h` or `30d`. */
import { UsageError } from './failure.ts'
import { printable } from './output.ts'

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Seconds; throws UsageError that names the option. `longest` in seconds. */
export function readTime(option: string, text: string, longest: number): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  const time = Number(count) * (unitSeconds[unit] ?? NaN)
  if (!(time >= 1 && time <= longest))
    throw new UsageError(
      `--${option}: expected a duration such as 90m, 12h or 30d, at most ${longest / 86_400}d, got ${printable(text)}`,
    )
  return time
}
