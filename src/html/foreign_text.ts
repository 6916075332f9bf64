/**
 * Text that a stranger chose and a person will read as a name: a client registers any `client_name` and URLs
 * it likes. Escaping keeps it from being markup; this keeps it from lying.
 * https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
 */

import { replaceUnsafe } from '../lib/unsafe_text.ts'

const combiningPile = /(\p{M}{3})\p{M}+/gu

/** `text` on one line without bidi controls, invisible characters and piled accents; at most `length` characters. */
export function foreignText(text: string, length = 100): string {
  const line = text.replace(/\s+/g, ' ')
  const seen = replaceUnsafe(line, 'shown').replace(combiningPile, '$1').trim()
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
