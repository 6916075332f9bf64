/** Cipher suites of TLS 1.2, best first; those of TLS 1.3 are all good and not chosen. https://www.rfc-editor.org/rfc/rfc9325#section-4.2 */

/** Forward secrecy and authenticated encryption. FAPI 1.0 Part 2 §8.5 and FAPI 2.0 §5.2.2 allow no other. */
export const goodCiphers = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
] as const

/** For old clients that support none of these. */
export const oldCiphers = [
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
] as const
