/** The ASCII form of a domain, in bounded time. https://www.unicode.org/reports/tr46/ */
import { domainToASCII } from 'node:url'

/** In ASCII a domain has at most 253 characters. Other spellings may be longer, but not by this much. */
const longest = 1_000

/**
 * Empty for text that is no domain. The conversion drops characters such as U+1BCA0 and then sorts the marks around them,
 * in time that grows with the square of the length, so text that is too long is not converted.
 */
export const asciiDomain = (text: string): string => (text.length > longest ? '' : domainToASCII(text))
