/** Names that people can type and tell apart. https://www.unicode.org/reports/tr39/#Restriction_Level_Detection */
import { hasUnsafe } from './unsafe_text.ts'

const longest = 200

/** Alphabets whose letters look alike: а is Cyrillic, a is Latin, α is Greek. */
const alphabets = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u]

/** One line of 1 to 200 characters, without invisible ones. */
export const isVisible = (name: string): boolean =>
  name.trim() !== '' && Array.from(name).length <= longest && !hasUnsafe(name, 'name')

/** Visible and of one alphabet, so that a name does not look like that of another End-User. */
export const isPlainName = (name: string): boolean =>
  isVisible(name) && alphabets.filter((alphabet) => alphabet.test(name)).length <= 1
