/** Codes as End-Users type them: digits of any script and width, with any separators. https://www.unicode.org/reports/tr44/#General_Category_Values */
import { normalize } from './normalize.ts'

/** Longer than any code of ours with its separators. What is beyond is not read. */
const longest = 200

const decimal = /^\p{Nd}$/u

/** Decimal digits stand in runs of ten, or of several tens, from zero to nine. */
function digitOf(digit: string): string {
  const point = digit.codePointAt(0)!
  let before = 0
  while (decimal.test(String.fromCodePoint(point - before - 1))) before += 1
  return `${before % 10}`
}

/** The text in half width, with its digits in ASCII. */
export const inAsciiDigits = (text: string): string =>
  normalize(text.slice(0, longest), 'NFKC').replace(/[^\P{Nd}0-9]/gu, digitOf)

/** Spaces, dashes, dots and other marks, and invisible characters such as those that set the direction of Arabic. */
const separator = /[^\p{L}\p{Nd}]/gu

/** The letters and digits of a typed code. */
export const typedCode = (text: string): string => inAsciiDigits(text).replace(separator, '')

/** The letters alone, in upper case: of codes that have no digits. */
export const typedLetters = (text: string): string =>
  typedCode(text)
    .toUpperCase()
    .replace(/[^A-Z]/g, '')

/** A code in base32, which has no 0, 1 and 8: digits that look like letters are those letters. The capital of i is İ in Turkish. */
export const typedBase32 = (text: string): string =>
  typedCode(text)
    .toUpperCase()
    .replaceAll('İ', 'I')
    .replaceAll('0', 'O')
    .replaceAll('1', 'I')
    .replaceAll('8', 'B')
    .replace(/[^A-Z2-7]/g, '')
