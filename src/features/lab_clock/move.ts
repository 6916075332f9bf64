/** Reads how a clock is to be moved: by a duration, or to a time. https://www.rfc-editor.org/rfc/rfc3339 */

const unitMs: Readonly<Record<string, number>> = {
  '': 1_000,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/

export const moveWords =
  'a duration such as +3600, +90m, -12h or +30d, or a time such as 2030-01-31T12:00:00Z'

/** Milliseconds since the epoch; undefined for a text of another form. */
export function readMove(text: string, now: number): number | undefined {
  const [, sign, count, unit = ''] = /^([+-])(\d{1,10})([smhd]?)$/.exec(text) ?? []
  if (count !== undefined) return now + (sign === '-' ? -1 : 1) * Number(count) * unitMs[unit]!
  const moment = time.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(moment) ? undefined : moment
}
