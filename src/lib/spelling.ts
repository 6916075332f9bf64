/** One spelling for names and for addresses, and what a name looks like. https://www.unicode.org/reports/tr39/#Confusable_Detection */
import { asciiDomain } from './ascii_domain.ts'
import { lazy } from './lazy.ts'
import { normalize } from './normalize.ts'
import { replaceUnsafe } from './unsafe_text.ts'

/** Without invisible characters and spaces around it. The removal may join what the form composes, so it is applied again. */
const visible = (text: string, form: 'NFC' | 'NFKC'): string =>
  normalize(replaceUnsafe(normalize(text, form), 'compared').trim(), form)

/** One spelling for names that differ in nothing but case and width: NFKC, no invisible characters, trimmed, lower case. */
export const canonicalUsername = (name: string): string =>
  normalize(replaceUnsafe(normalize(name, 'NFKC'), 'compared').trim().toLowerCase(), 'NFKC')

/** `text` with its domain, after the last @, in ASCII. */
function withAsciiDomain(text: string): string {
  const at = text.lastIndexOf('@')
  const domain = asciiDomain(text.slice(at + 1))
  return at < 0 || domain === '' ? text : `${text.slice(0, at)}@${domain}`
}

/** Lower case, except of letters such as İ, whose lower case is not theirs alone. */
const lowerCase = (text: string): string =>
  text.replace(/\p{Lu}/gu, (letter) => {
    const lower = letter.toLowerCase()
    return lower.toUpperCase() === letter ? lower : letter
  })

/**
 * One spelling for an address: NFC, lower case, the domain in ASCII. NFKC is for domains alone: a mail server delivers
 * `ﬁ@example.com` and `fi@example.com` to two mailboxes, and `＠` is no @.
 */
export const canonicalEmail = (address: string): string => withAsciiDomain(lowerCase(visible(address, 'NFC')))

/** The spelling of an address as its owner may type it at sign-in, in full width for example. Two mailboxes may have the same. */
export const typedEmail = (address: string): string => withAsciiDomain(canonicalUsername(address))

/** For each ASCII letter, the letters that look like it in the case in which they are written. Capital I looks like l. */
const alike: Readonly<Record<string, string>> = {
  a: 'ɑᴀаАαΑ',
  b: 'ʙƅВΒ',
  c: 'ᴄсСϲϹ',
  d: 'ᴅԁ',
  e: 'ᴇеЕΕ',
  f: 'ꜰ',
  g: 'ɡɢցԌ',
  h: 'ʜһНΗհ',
  i: 'ıİɩɪіι',
  j: 'ȷᴊјЈյϳ',
  k: 'ᴋкКκΚ',
  l: 'IʟǀƖІΙӀӏԼ',
  m: 'ᴍМΜ',
  n: 'ɴΝոռη',
  o: 'ᴏоОοΟօՕσ',
  p: 'ᴘрРρΡ',
  q: 'ɋԛզ',
  r: 'ʀɾг',
  s: 'ꜱѕЅՏ',
  t: 'ᴛТΤτ',
  u: 'ᴜսՍυʊ',
  v: 'ᴠѵѴν',
  w: 'ᴡԝԜωѡա',
  x: 'хХχΧ',
  y: 'ʏуУγΥүҮ',
  z: 'ᴢΖ',
}
const asciiOf = lazy(
  () =>
    new Map(
      Object.entries(alike).flatMap(([letter, others]) =>
        Array.from(others, (other) => [other, letter] as const),
      ),
    ),
)
const asAscii = (text: string): string =>
  Array.from(text, (letter) => asciiOf().get(letter) ?? letter).join('')

/** Case folding: `ß` and `SS` are one, as are the two small sigmas. Not locale-dependent. */
const foldCase = (text: string): string => text.toLowerCase().toUpperCase().toLowerCase()

/**
 * What a name looks like: two names with the same answer are hard to tell apart. Digits stay, and so do accents, which
 * are seen; the dot of an i is not an accent.
 */
export function lookOf(name: string): string {
  const folded = foldCase(asAscii(visible(name, 'NFKC')))
  return normalize(normalize(asAscii(folded), 'NFKD').replaceAll(/(?<=[ij])\u0307/gu, ''), 'NFKC')
}
