/** A value of JSON with each of its texts changed. */

/** Levels of arrays and objects that are kept: indented text grows with the square of the depth, and a walk needs the stack. */
const mostLevels = 50

/** What stands in place of the levels below. */
const tooDeep = `[deeper than ${mostLevels} levels]`

/** `change` gets a text with the name of the member that has it; what it makes of a name is the name. Below `mostLevels` nothing is kept. */
export function mapText(
  value: unknown,
  { text, name = (given) => given }: TextChange,
  member = '',
  level = 0,
): unknown {
  if (typeof value === 'string') return text(value, member)
  if (typeof value !== 'object' || value === null) return value
  if (level >= mostLevels) return tooDeep
  const below = (each: unknown, of: string) => mapText(each, { text, name }, of, level + 1)
  if (Array.isArray(value)) return value.map((each) => below(each, member))
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [name(key), below(each, key)]))
}

export interface TextChange {
  text(value: string, member: string): string
  /** Of a member. */
  name?(given: string): string
}
