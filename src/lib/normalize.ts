/** Unicode normalization in bounded time, for text of requests. https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format */

import { lazy } from './lazy.ts'

/** Marks, and the two voiced sound marks of half width, which are letters until NFKC and NFKD make marks of them. */
const mark = '[\\p{M}\\uff9e\\uff9f]'

/** No script has more than 30 marks on one letter. */
const excessMarks = lazy(() => new RegExp(`(${mark}{30})${mark}+`, 'gu'))

/** Such text has no marks, and is the same in every form. */
const ascii = /^[\0-\x7f]*$/

/**
 * `text` in a normalization form. Marks beyond the thirtieth in a row are dropped: normalization sorts them, in time that
 * grows with the square of their number, and 60 kB of two kinds in turn took fifteen seconds.
 */
export const normalize = (text: string, form: 'NFC' | 'NFKC' | 'NFKD'): string =>
  ascii.test(text) ? text : text.replace(excessMarks(), '$1').normalize(form)
