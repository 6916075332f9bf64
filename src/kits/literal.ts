/** Writes a value of a client as a literal of the language of a file, so that no value can end the literal or begin code. */
import { shellWord } from '../lib/shell_word.ts'
import { escapeCharacter, hasUnsafe, replaceUnsafe } from '../lib/unsafe_text.ts'

/** A value that the language of the file has no literal for. */
export class Unwritable extends Error {
  override name = 'Unwritable'
}

/** The literals of one language. */
export interface Literals {
  text(value: string): string
  list(values: readonly string[]): string
}

const codePoint = (character: string): string => character.codePointAt(0)!.toString(16)

/** `\u{2028}` */
const braced = (character: string): string => `\\u{${codePoint(character)}}`
/** Four hexadecimal digits after `\u`, and eight after `\U` beyond the first plane. */
const padded = (character: string): string => {
  const digits = codePoint(character)
  return digits.length > 4 ? `\\U${digits.padStart(8, '0')}` : `\\u${digits.padStart(4, '0')}`
}

/** A literal in double quotes: `special` gets a backslash before it, and what controls a display is written as its number. */
const inQuotes =
  (
    special: RegExp,
    byNumber: (character: string) => string,
    more: (text: string) => string = (text) => text,
  ) =>
  (value: string): string =>
    `"${more(replaceUnsafe(value.replace(special, '\\$&'), 'line', byNumber))}"`

/** Without `<`, so that no text ends a script element. */
const json = inQuotes(/["\\]/g, escapeCharacter, (text) => text.replaceAll('<', '\\u003c'))
const c = inQuotes(/["\\]/g, padded)

/** Throws Unwritable for a value that has what `pattern` finds. */
function without(value: string, pattern: RegExp, where: string): string {
  const [found] = pattern.exec(value) ?? []
  if (found !== undefined || hasUnsafe(value, 'line'))
    throw new Unwritable(
      `${where} cannot hold ${found === undefined ? 'a control character' : JSON.stringify(found)}`,
    )
  return value
}

const listed =
  (text: (value: string) => string, open: string, close: string, between = ', ') =>
  (values: readonly string[]): string =>
    open + values.map(text).join(between) + close

const define = (
  text: (value: string) => string,
  [open, close, between]: readonly [open: string, close: string, between?: string] = ['[', ']'],
): Literals => ({ text, list: listed(text, open, close, between) })

const shell = (value: string): string => shellWord(without(value, /(?!)/, 'a shell script'))

/** PowerShell takes typographic quotes for quotes too. */
const powershell = (value: string): string =>
  `'${without(value, /(?!)/, 'a PowerShell script').replace(/['\u2018-\u201b]/g, '$&$&')}'`

const entities: Readonly<Record<string, string>> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
}

const xml = (value: string): string =>
  without(value, /(?!)/, 'an XML file').replace(/[&<>"']/g, (each) => `&${entities[each]};`)

const markdown = (value: string): string =>
  without(value, /(?!)/, 'a Markdown file').replace(/[!-/:-@[-`{-~]/g, '\\$&')

/** By the language of the file. */
export const literals = {
  json: define(json),
  js: define(json),
  yaml: define(json),
  toml: define(c),
  python: define(c),
  go: define(c, ['[]string{', '}']),
  rust: define(inQuotes(/["\\]/g, braced), ['&[', ']']),
  php: define(inQuotes(/["\\$]/g, braced)),
  ruby: define(inQuotes(/["\\#]/g, braced)),
  dart: define(inQuotes(/["\\$]/g, braced)),
  shell: define(shell, ['', '', ' ']),
  powershell: define(powershell, ['@(', ')']),
  /** Read by shells and by libraries, which differ in what they make of a quote in a value. */
  env: define((value) => shell(without(value, /'/, 'a .env file'))),
  xml: define(xml),
  markdown: define(markdown),
  /** Directives of Apache: a value in quotes, in which a variable would be replaced. */
  apache: define((value) => `"${without(value, /["\\]|[$%]\{/, 'a file of Apache')}"`, ['', '', ' ']),
  /** Spring Boot replaces `${…}` in its YAML. */
  spring: define((value) => json(without(value, /[$#]\{/, 'a file of Spring Boot'))),
  /** Without quotes: a host, a port, a path, a scheme. */
  plain: define((value) => without(value, /[^\w.~:/-]/, 'a file without quotes'), ['', '', ' ']),
} as const satisfies Record<string, Literals>

export type Language = keyof typeof literals
