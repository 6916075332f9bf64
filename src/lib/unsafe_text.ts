/** Characters that must not be shown or stored: they control what displays them, reorder the text around them, or are not seen. https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing */

/** Parts of a character class of a regular expression with the flag u. */
const classes = {
  /** C0 with line breaks and tabs, DEL, and C1, which terminals obey too. */
  control: '\\p{Cc}',
  /** Half of a pair: no character. */
  surrogate: '\\p{Cs}',
  /** A line of its own to some readers, though not to ours. */
  lineSeparator: '\\u2028\\u2029',
  /** Marks, embeddings, overrides and isolates: they change the direction of the text around them (CVE-2021-42574). */
  bidi: '\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069',
  /** Zero width, fillers and tags: not seen, and no script needs them for spelling. */
  invisible:
    '\\u00ad\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b\\u2060-\\u2065\\u206a-\\u206f\\u3164\\ufeff\\uffa0\\u{e0000}-\\u{e0fff}',
  /** Not seen, but Persian, Indic scripts and emoji are spelled with them. */
  joiner: '\\u200c\\u200d',
  /** Not seen, but they choose a form of the character before them, as of an emoji. */
  variation: '\\u180b-\\u180d\\u180f\\ufe00-\\ufe0f',
  /** All other format characters, such as those for music and for Arabic numbers. */
  format: '\\p{Cf}',
  /** Private use: every font shows something else. */
  private: '\\p{Co}',
  unassigned: '\\p{Cn}',
} as const

type CharacterClass = keyof typeof classes

const misleading = ['control', 'surrogate', 'lineSeparator', 'bidi', 'invisible'] as const

/** Each use of text has one row: the classes that it refuses, removes or escapes. */
const uses = {
  /** A line of a log, a terminal, a subject of a mail: what was said stays one line and looks as it is. */
  line: misleading,
  /** Text that a client or an End-User chose, on a page or in a claim. Joiners and variations stay: words need them. */
  shown: misleading,
  /** A name by which an account is known: nothing unseen at all, so that no two look alike. */
  name: [...misleading, 'joiner', 'variation', 'format', 'private'],
  /** What is removed before two names are compared. Controls and line separators stay: they make a name another one. */
  compared: ['bidi', 'invisible', 'joiner', 'variation'],
  /** An address of mail, which must not leave its place in a header. */
  address: [...misleading, 'joiner', 'variation', 'format', 'private', 'unassigned'],
  /** A new password: what no keyboard types the same way twice. Other unseen characters are part of it as typed. */
  password: ['control', 'surrogate'],
} as const satisfies Record<string, readonly CharacterClass[]>

export type UnsafeUse = keyof typeof uses

const patterns = Object.fromEntries(
  Object.entries(uses).map(([use, names]) => [
    use,
    new RegExp(`[${names.map((name) => classes[name]).join('')}]`, 'gu'),
  ]),
) as Record<UnsafeUse, RegExp>

export const hasUnsafe = (text: string, use: UnsafeUse): boolean => text.search(patterns[use]) >= 0

/** `text` with `by` in the place of each character that is unsafe in this use: nothing, unless it says otherwise. */
export const replaceUnsafe = (
  text: string,
  use: UnsafeUse,
  by: string | ((character: string) => string) = '',
): string =>
  typeof by === 'string' ? text.replace(patterns[use], () => by) : text.replace(patterns[use], by)

/** As a string of JSON has it: `\u` and four digits for each UTF-16 unit. */
export const escapeCharacter = (character: string): string =>
  Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('')
