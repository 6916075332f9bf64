/** The names that a mistyped one may stand for. https://en.wikipedia.org/wiki/Levenshtein_distance */

/**
 * Whether `a` becomes `b` by adding, removing or changing at most `limit` letters (Levenshtein). Returns as soon as that is
 * impossible.
 */
export function differsByAtMost(a: string, b: string, limit: number): boolean {
  if (Math.abs(a.length - b.length) > limit) return false
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    let least = i
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const cost = Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1)
      next.push(cost)
      least = Math.min(least, cost)
    }
    if (least > limit) return false
    row = next
  }
  return (row[b.length] ?? 0) <= limit
}

/** Shorter names are parts of too many others. */
const shortestPart = 3

/**
 * The known names that differ from `name` in the fewest letters, at most a third of them; otherwise those that it is a
 * part of or that are a part of it. Empty when none is near.
 */
export function nearest(name: string, known: readonly string[]): string[] {
  const most = Math.max(1, Math.floor(name.length / 3))
  for (let limit = 0; limit <= most; limit++) {
    const found = known.filter((each) => differsByAtMost(name, each, limit))
    if (found.length > 0) return found
  }
  const isPart = (part: string, whole: string) => part.length >= shortestPart && whole.includes(part)
  return known.filter((each) => isPart(name, each) || isPart(each, name))
}
