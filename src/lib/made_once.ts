/** Values that are made at their first use and kept. */

/** The value that a function makes from the source: one for each function. */
export type MadeOnce<Source> = <T>(make: (source: Source) => T, source: Source) => T

export function createMadeOnce<Source>(): MadeOnce<Source> {
  const made = new Map<(source: Source) => unknown, unknown>()
  return <T>(make: (source: Source) => T, source: Source): T => {
    if (!made.has(make)) made.set(make, make(source))
    return made.get(make) as T
  }
}

/** One text for each name. */
export function createTexts(): (name: string, make: () => string) => string {
  const texts = new Map<string, string>()
  return (name, make) => {
    let text = texts.get(name)
    if (text === undefined) texts.set(name, (text = make()))
    return text
  }
}
