/** The ASCII form of a domain, in bounded time. https://www.unicode.org/reports/tr46/ */
import { lazy } from './lazy.ts'

/** In ASCII a domain has at most 253 characters. Other spellings may be longer, but not by this much. */
const longest = 1_000

/** Lower case letters, digits and hyphens, each label with a letter first: such a domain is its own ASCII form. */
const isPlain = /^(?:(?!xn--)[a-z][a-z\d-]*(?:\.|$))+$/

/** Loaded at the first other domain: it takes a millisecond. */
const url = lazy(() => process.getBuiltinModule('node:url'))

/**
 * Empty for text that is no domain. The conversion drops characters such as U+1BCA0 and then sorts the marks around them,
 * in time that grows with the square of the length, so text that is too long is not converted.
 */
export function asciiDomain(text: string): string {
  if (text.length > longest) return ''
  return isPlain.test(text) ? text : url().domainToASCII(text)
}

/** What `asciiDomain` made, in the characters that people write. */
export const unicodeDomain = (ascii: string): string => url().domainToUnicode(ascii)
