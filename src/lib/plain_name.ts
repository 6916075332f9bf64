/** Names that people can type and tell apart. https://www.unicode.org/reports/tr39/#Restriction_Level_Detection */
import { hasUnsafe } from './unsafe_text.ts'

const longest = 200

/** Alphabets whose letters look alike: а is Cyrillic, a is Latin, α is Greek, օ is Armenian. */
const alphabets = [
  /\p{Script=Latin}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Armenian}/u,
  /\p{Script=Cherokee}/u,
  /\p{Script=Coptic}/u,
  /\p{Script=Lisu}/u,
]

/** One line of 1 to 200 characters, without invisible ones. */
export const isVisible = (name: string): boolean =>
  name.trim() !== '' && Array.from(name).length <= longest && !hasUnsafe(name, 'name')

/** Visible and of one alphabet, so that a name does not look like that of another End-User. */
export const isPlainName = (name: string): boolean =>
  isVisible(name) && alphabets.filter((alphabet) => alphabet.test(name)).length <= 1

const longestUsername = 64

/** A plain name of one word, without the signs that make a sentence or a link of it. */
export const isUsername = (name: string): boolean =>
  isPlainName(name) &&
  Array.from(name).length <= longestUsername &&
  /^[\p{L}\p{M}\p{N}._’'·・+-]+$/u.test(name) &&
  /[\p{L}\p{N}]/u.test(name)
