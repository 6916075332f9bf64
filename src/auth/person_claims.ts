/** Valid names and values of claims about an End-User. https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims */

import { inAsciiDigits } from '../lib/typed_code.ts'
import { hasUnsafe, replaceUnsafe } from '../lib/unsafe_text.ts'

/** Claims about the token and the sign-in (RFC 7519 §4.1, Core §2), which no account may have. */
const providersOwn = new Set([
  ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'nonce', 'azp', 'acr', 'amr', 'auth_time', 'sid'],
  ...['at_hash', 'c_hash', 's_hash', 'cnf', 'act', 'may_act', 'client_id', 'scope', 'events', 'updated_at'],
  'token_use',
])

export const isProvidersOwn = (claim: string): boolean => providersOwn.has(claim)

export const isClaimName = (name: string): boolean => /^[a-z][\w.:/#-]{0,199}$/i.test(name)

export const isAttributeName = (name: string): boolean =>
  /^[a-z][\w.:/-]{0,99}$/i.test(name) && !['constructor', 'prototype'].includes(name)

export const isRole = (name: string): boolean => /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/.test(name)

/** Returns the value to store, or undefined when the text is not valid. */
type Read = (text: string) => string | undefined

const longest = 200
const longestUrl = 2000

/** One line of any script, without invisible characters and without controls of the writing direction. */
export const readLine: Read = (text) =>
  Array.from(text).length <= longest && !hasUnsafe(text, 'shown') ? text : undefined

export const readUrl: Read = (text) => {
  const url = text.length <= longestUrl && /^https?:\/\/\S+$/i.test(text) ? URL.parse(text) : null
  return url && !url.username && !url.password ? url.href : undefined
}

const daysOfMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)

const isYear = (year: number): boolean => year >= 1800 && year <= 2200

/** An existing day as YYYY-MM-DD, 0000-MM-DD without the year, or only YYYY. */
export const readBirthdate: Read = (text) => {
  const [, yearText, month, day] = /^(\d{4})(?:-(\d\d)-(\d\d))?$/.exec(text) ?? []
  const year = Number(yearText)
  if (month === undefined) return isYear(year) ? text : undefined
  const days = daysOfMonth[Number(month) - 1] ?? 0
  const isDay = Number(day) >= 1 && Number(day) <= days && (`${month}-${day}` !== '02-29' || isLeap(year)) // leap day also without a year
  return isDay && (year === 0 || isYear(year)) ? text : undefined
}

/** A name of the time zone database, for example Europe/Lisbon. */
export const readZone: Read = (text) => {
  if (!/^[A-Za-z][\w+-]*(?:\/[\w+-]+){0,2}$/.test(text)) return undefined
  try {
    new Intl.DateTimeFormat('en', { timeZone: text }) // throws for any other text
    return text
  } catch {
    return undefined
  }
}

/** A BCP 47 tag in canonical form; en_US is accepted too (Core §5.1). */
export const readLocale: Read = (text) => {
  try {
    return Intl.getCanonicalLocales(text.replaceAll('_', '-'))[0]
  } catch {
    return undefined
  }
}

/**
 * E.164. Spaces, dots, dashes, slashes and brackets are removed, `(0)` whole, because it is not dialled from abroad; a
 * leading 00 becomes the plus sign. Digits may be of any script.
 */
export const readPhone: Read = (text) => {
  if (text.length > longest) return undefined
  const plain = replaceUnsafe(inAsciiDigits(text), 'compared')
    .replace('(0)', '')
    .replace(/[\s()./\-\u2010-\u2015]/g, '')
    .replace(/^00/, '+')
  return /^\+[1-9]\d{6,14}$/.test(plain) ? plain : undefined
}
