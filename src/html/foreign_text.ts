/**
 * Makes text and URLs safe to show that a client or an End-User chose, such as `client_name`. Escaping prevents markup;
 * this prevents visual spoofing.
 * https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
 */

import { replaceUnsafe } from '../lib/unsafe_text.ts'

const combiningPile = /(\p{M}{3})\p{M}+/gu

/** `text` on one line without bidi controls, invisible characters and stacked accents; at most `length` characters. */
export function foreignText(text: string, length = 100): string {
  const line = text.replace(/\s+/g, ' ')
  const visible = replaceUnsafe(line, 'shown').replace(combiningPile, '$1').trim()
  const characters = Array.from(visible)
  return characters.length > length ? `${characters.slice(0, length - 1).join('')}…` : visible
}

/** The URL as a browser normalises it; undefined when its scheme is not one of `schemes` or it has credentials. */
export function foreignUrl(
  url: string | undefined,
  schemes: readonly ('http:' | 'https:')[] = ['https:', 'http:'],
): string | undefined {
  const parsed = url === undefined ? null : URL.parse(url)
  if (!parsed || parsed.username || parsed.password) return undefined
  return (schemes as readonly string[]).includes(parsed.protocol) ? parsed.href : undefined
}
