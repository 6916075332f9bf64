/** Reads `.env` of the working directory: NAME=value lines, whose values are taken as they are written. docs/configuration.md */
import { lstatSync, readFileSync } from 'node:fs'
import type { Env } from './read.ts'

export interface Dotenv {
  readonly values: Env
  /** Lines `NAME: problem`. They name a line by its number and never quote it: it may hold a secret. */
  readonly problems: readonly string[]
}

const none: Dotenv = { values: {}, problems: [] }

/** Name, equals sign and the rest of the line; `export` in front is what shells need. */
const assignment = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*=[ \t]*(.*)$/
const quotes = new Set(['"', "'", '`'])
const blankOrComment = /^[ \t]*(?:#.*)?$/

/**
 * No character of a value is replaced: `$`, `\` and `#` stay. Without quotes, a value ends at the end of its line or at
 * a blank followed by `#`; in quotes it may have several lines.
 */
export function parseDotenv(text: string): Dotenv {
  const lines = text.replace(/\r\n?/g, '\n').split('\n')
  const values: Record<string, string> = Object.create(null)
  const problems: string[] = []
  const report = (line: number, problem: string) => problems.push(`.env: line ${line}: ${problem}`)
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? ''
    if (blankOrComment.test(line)) continue
    const [, name, rest = ''] = assignment.exec(line) ?? []
    if (name === undefined || line.includes('\0')) {
      report(i + 1, 'expected NAME=value')
      continue
    }
    const quote = rest.charAt(0)
    if (!quotes.has(quote)) {
      values[name] = rest.replace(/(?:^|[ \t])#.*$/, '').trim()
      continue
    }
    const first = i
    const parts = [rest.slice(1)]
    while (!parts.at(-1)?.includes(quote) && i + 1 < lines.length) parts.push(lines[++i] ?? '')
    const last = parts.pop() ?? ''
    const end = last.indexOf(quote)
    if (end === -1) {
      report(first + 1, 'the quote is not closed')
      break
    }
    if (!blankOrComment.test(last.slice(end + 1))) report(i + 1, 'expected nothing after the closing quote')
    values[name] = [...parts, last.slice(0, end)].join('\n')
  }
  return { values, problems }
}

/** Whether something has that name, even a link that leads nowhere or a folder. Throws when the folder cannot be searched. */
function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

/** What to do about a file that cannot be read, by the code of the error. */
const remedies: Record<string, string> = {
  EACCES: 'let the user that runs Latchkey read it',
  EISDIR: 'it is a folder; rename or remove it',
  ENOENT: 'it is a link to a file that does not exist; mend or remove the link',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'save it as UTF-8',
}

/** An absent file has no values. One that exists and cannot be read is a problem, because its settings would be missing. */
export function readDotenv(path = '.env'): Dotenv {
  try {
    if (!exists(path)) return none
    return parseDotenv(new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    const remedy = remedies[code] ?? 'mend or remove it'
    return { values: {}, problems: [`.env: expected a readable text file in UTF-8 (${code}): ${remedy}`] }
  }
}
