/** Two texts one above the other, with the first difference marked. */

export interface Comparison {
  /** What the texts are: `redirect_uri`. */
  label: string
  wanted: Marked
  came: Marked
  /** Where they first differ, in words. */
  difference: string
}

/** A text in three parts: equal at the beginning, different, equal at the end. */
export interface Marked {
  before: string
  marked: string
  after: string
}

const named: Readonly<Record<string, string>> = {
  ' ': 'a space',
  '\n': 'a line break',
  '\r': 'a carriage return',
  '\t': 'a tab',
}
const nameOf = (character: string | undefined): string =>
  character === undefined ? 'the end' : (named[character] ?? `'${character}'`)

const commonStart = (a: string, b: string): number => {
  const end = Math.min(a.length, b.length)
  let at = 0
  while (at < end && a[at] === b[at]) at++
  return at
}

function commonEnd(a: string, b: string, from: number): number {
  const end = Math.min(a.length, b.length) - from
  let count = 0
  while (count < end && a.at(-1 - count) === b.at(-1 - count)) count++
  return count
}

/** How much of two texts is equal, from both ends. */
function likeness(a: string, b: string): number {
  const start = commonStart(a, b)
  return start + commonEnd(a, b, start)
}

/** The text of `among` that is most like `text`. */
export const mostLike = (text: string, among: readonly string[]): string | undefined =>
  among.toSorted((a, b) => likeness(b, text) - likeness(a, text))[0]

export function compare(label: string, wanted: string, came: string): Comparison {
  const start = commonStart(wanted, came)
  const end = commonEnd(wanted, came, start)
  const parts = (text: string): Marked => ({
    before: text.slice(0, start),
    marked: text.slice(start, text.length - end),
    after: text.slice(text.length - end),
  })
  const difference =
    wanted === came
      ? 'The two are equal.'
      : `First difference at character ${start + 1}: expected ${nameOf(wanted[start])}, got ${nameOf(came[start])}.`
  return { label, wanted: parts(wanted), came: parts(came), difference }
}
