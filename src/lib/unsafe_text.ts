/** Characters that must not be shown or stored: they control the display, reorder the text around them, or are invisible. https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing */
import { lazy } from './lazy.ts'

/** Parts of a character class of a regular expression with the flag u. */
const classes = {
  /** C0 with line breaks and tabs, DEL, and C1, which terminals obey too. */
  control: '\\p{Cc}',
  /** Half of a surrogate pair, which is not a character. */
  surrogate: '\\p{Cs}',
  /** Some programs treat them as a line break. */
  lineSeparator: '\\u2028\\u2029',
  /** Marks, embeddings, overrides and isolates: they change the direction of the text around them (CVE-2021-42574). */
  bidi: '\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069',
  /** Zero width, fillers and tags: invisible, and no script needs them for spelling. */
  invisible:
    '\\u00ad\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b\\u2060-\\u2065\\u206a-\\u206f\\u3164\\ufeff\\uffa0\\u{e0000}-\\u{e0fff}',
  /** Invisible, but Persian, Indic scripts and emoji are spelled with them. */
  joiner: '\\u200c\\u200d',
  /** Invisible, but they choose a form of the character before them, such as that of an emoji. */
  variation: '\\u180b-\\u180d\\u180f\\ufe00-\\ufe0f',
  /** All other format characters, such as those for music and for Arabic numbers. */
  format: '\\p{Cf}',
  /** Private use: each font shows them differently. */
  private: '\\p{Co}',
  unassigned: '\\p{Cn}',
} as const

type CharacterClass = keyof typeof classes

const misleading = ['control', 'surrogate', 'lineSeparator', 'bidi', 'invisible'] as const

/** For each use of text, the classes that are refused, removed or escaped. */
const uses = {
  /** A line of a log, of a terminal or a subject of a mail: the text stays on one line and is shown as it is. */
  line: misleading,
  /** Text that a client or an End-User chose, on a page or in a claim. Joiners and variations stay: words need them. */
  shown: misleading,
  /** A username: no invisible characters at all, so that no two usernames look alike. */
  name: [...misleading, 'joiner', 'variation', 'format', 'private'],
  /** Removed before two names are compared. Control characters and line separators stay: with them a name is a different one. */
  compared: ['bidi', 'invisible', 'joiner', 'variation'],
  /** An email address, which must not change the structure of a mail header. */
  address: [...misleading, 'joiner', 'variation', 'format', 'private', 'unassigned'],
  /** A new password: characters that keyboards do not type reliably. Other invisible characters are kept as typed. */
  password: ['control', 'surrogate'],
} as const satisfies Record<string, readonly CharacterClass[]>

export type UnsafeUse = keyof typeof uses

const patterns = Object.fromEntries(
  Object.entries(uses).map(([use, names]) => [
    use,
    lazy(() => new RegExp(`[${names.map((name) => classes[name]).join('')}]`, 'gu')),
  ]),
) as Record<UnsafeUse, () => RegExp>

/** Most texts: no class has a character of it. */
const printableAscii = /^[ -~]*$/

export const hasUnsafe = (text: string, use: UnsafeUse): boolean =>
  !printableAscii.test(text) && text.search(patterns[use]()) >= 0

/** `text` with each character that is unsafe in this use replaced by `by`. Default: removed. */
export const replaceUnsafe = (
  text: string,
  use: UnsafeUse,
  by: string | ((character: string) => string) = '',
): string => {
  if (printableAscii.test(text)) return text
  return typeof by === 'string' ? text.replace(patterns[use](), () => by) : text.replace(patterns[use](), by)
}

/** Escapes a character as in JSON: `\u` and four digits for each UTF-16 unit. */
export const escapeCharacter = (character: string): string =>
  Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('')

/** A text of a request or a token for a page of the lab: characters that would mislead the reader are written as `\u200b`. */
export const written = (text: string): string => replaceUnsafe(text, 'shown', escapeCharacter)
