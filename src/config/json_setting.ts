/** Variables whose value is JSON, or the path of a file with it, and texts of the operator for pages. */
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { languages } from '../lib/say.ts'

/** Adds an issue to `add` and returns undefined when the JSON, or the file, cannot be read or does not fit `schema`. */
export function readJsonSetting<T>(
  text: string,
  schema: v.GenericSchema<unknown, T>,
  expected: string,
  add: (issue: { message: string }) => void,
): T | undefined {
  try {
    const read = v.safeParse(
      schema,
      JSON.parse(text.trimStart().startsWith('{') ? text : readFileSync(text, 'utf8')),
    )
    if (read.success) return read.output
    const [issue] = read.issues
    add({ message: `${v.getDotPath(issue) ?? 'expected an object'}: ${issue.message}` })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    add({ message: `expected ${expected}${code === undefined ? '' : ` (${code})`}` })
  }
  return undefined
}

const noWords = 'expected a description for the consent page'
const Words = v.pipe(v.string(), v.nonEmpty(noWords))

/** One text, or one by language. */
export const OwnText = v.union(
  [
    Words,
    v.pipe(
      v.record(v.picklist(languages), Words),
      v.check((words) => Object.keys(words).length > 0, noWords),
    ),
  ],
  `expected one text, or one by language: ${languages.join(', ')}`,
)
