/** Words by which records are found: one spelling, without case, width and accents. https://www.unicode.org/reports/tr10/#Searching */
import { normalize } from './normalize.ts'
import { replaceUnsafe } from './unsafe_text.ts'

/** Longer text is cut: a search has few words. */
const longestText = 200
const longestWord = 60
const mostWords = 16
/** Terms of a query. */
const mostTerms = 5

/** Text in the one spelling. Accents are left out, so that "muller" finds Müller. */
export const searchSpelling = (text: string): string =>
  normalize(
    normalize(replaceUnsafe(text.slice(0, longestText), 'compared'), 'NFKD')
      .replaceAll(/[\p{M}\p{Cc}\p{Cs}]/gu, '')
      .toLowerCase(),
    'NFKC',
  ).trim()

/** What separates words within a name, an address or a client_id. */
const separators = /[^\p{L}\p{N}]+/u

const cut = (word: string): string => Array.from(word).slice(0, longestWord).join('')

/** Each text as a whole, then its words; without repetition, at most 16. */
export function searchWords(texts: readonly unknown[]): string[] {
  const spelled = texts.filter((text) => typeof text === 'string').map(searchSpelling)
  const words = [
    ...spelled.flatMap((text) => (/\s/u.test(text) ? [] : [text])),
    ...spelled.flatMap((text) => text.split(separators)),
  ]
  return [...new Set(words.map(cut))].filter((word) => word !== '').slice(0, mostWords)
}

/** The terms of a query, the longest first; each must begin a word. */
export const searchTerms = (query: string): string[] =>
  [...new Set(searchSpelling(query).split(/\s+/u).map(cut))]
    .filter((term) => term !== '')
    .toSorted((a, b) => b.length - a.length)
    .slice(0, mostTerms)

export const matchesTerms = (words: readonly string[], terms: readonly string[]): boolean =>
  terms.every((term) => words.some((word) => word.startsWith(term)))
