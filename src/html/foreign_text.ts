/**
 * Text that a stranger chose and a person will read as a name: a client registers any `client_name` and URLs
 * it likes. Escaping keeps it from being markup; this keeps it from lying.
 * https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
 */

// Controls, line breaks, bidi controls, and invisible characters that no script needs for spelling.
// The joiners U+200C and U+200D stay: Persian, Indic scripts and emoji are spelled with them.
const unseen =
  /[\p{Cc}\p{Cs}\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\u3164\uFEFF\uFFA0\u{E0000}-\u{E0FFF}]+/gu
const combiningPile = /(\p{M}{3})\p{M}+/gu

/** `text` on one line without bidi controls, invisible characters and piled accents; at most `length` characters. */
export function foreignText(text: string, length = 100): string {
  const seen = text.replace(/\s+/g, ' ').replace(unseen, '').replace(combiningPile, '$1').trim()
  const characters = Array.from(seen)
  return characters.length > length ? `${characters.slice(0, length - 1).join('')}…` : seen
}

/** The URL as the browser will read it when it is one of `schemes` without credentials; otherwise undefined. */
export function foreignUrl(
  url: string | undefined,
  schemes: readonly ('http:' | 'https:')[] = ['https:', 'http:'],
): string | undefined {
  const parsed = url === undefined ? null : URL.parse(url)
  if (!parsed || parsed.username || parsed.password) return undefined
  return (schemes as readonly string[]).includes(parsed.protocol) ? parsed.href : undefined
}
