/** Ranges of entries, as `entries_dropped` names them: `4-9,12`. */

/** Both ends belong to it. */
export type Range = readonly [from: number, to: number]
export type Ranges = Range[]

/** Adds a number that is higher than all before. */
export function addTo(ranges: Ranges, seq: number): void {
  const last = ranges.at(-1)
  if (last && last[1] === seq - 1) ranges[ranges.length - 1] = [last[0], seq]
  else ranges.push([seq, seq])
}

export const rangesText = (ranges: Ranges): string =>
  ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',')

/** Empty for a text that is no list of ranges. */
export function readRanges(text: string): Ranges {
  const ranges: Ranges = []
  for (const each of text.split(',')) {
    const [, from, to = from] = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(each) ?? []
    if (from === undefined) return []
    ranges.push([Number(from), Number(to)])
  }
  return ranges
}

/** The numbers of `range` that are in none of `ranges`. */
export function outside([from, to]: Range, ranges: Ranges): Ranges {
  const left: Ranges = []
  let next = from
  for (const [start, end] of ranges.toSorted((one, other) => one[0] - other[0])) {
    if (start > to) break
    if (start > next) left.push([next, start - 1])
    next = Math.max(next, end + 1)
  }
  if (next <= to) left.push([next, to])
  return left
}
