/** Ranges of entries, as `entries_dropped` names them: `4-9,12`. */

/** Both ends belong to it. */
export type Range = readonly [from: number, to: number]
export type Ranges = Range[]

/** Adds a number that is higher than all before. */
export const addTo = (ranges: Ranges, seq: number): void => addRange(ranges, seq, seq)

/** Adds numbers that are higher than all before. */
export function addRange(ranges: Ranges, from: number, to: number): void {
  const last = ranges.at(-1)
  if (last && last[1] === from - 1) ranges[ranges.length - 1] = [last[0], to]
  else ranges.push([from, to])
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

const byStart = (one: Range, other: Range): number => one[0] - other[0]

/** The numbers of `ranges` that are in none of `allowed`. Both are sorted once and walked together. */
export function outside(ranges: Ranges, allowed: Ranges): Ranges {
  const given = allowed.toSorted(byStart)
  const left: Ranges = []
  let at = 0
  /** All up to it, from where the walk is, are allowed. */
  let reach = 0
  for (const [from, to] of ranges.toSorted(byStart)) {
    let next = from
    while (next <= to) {
      while (at < given.length && given[at]![0] <= next) reach = Math.max(reach, given[at++]![1])
      if (reach >= next) next = reach + 1
      else {
        const end = Math.min(to, (given[at]?.[0] ?? Infinity) - 1)
        left.push([next, end])
        next = end + 1
      }
    }
  }
  return left
}
